/* SPDX-License-Identifier: Apache-2.0 */
/* live_procfs.h - values from /proc of a process. */
#ifndef MEWS_TESTS_DRIVER_LIVE_PROCFS_H
#define MEWS_TESTS_DRIVER_LIVE_PROCFS_H

#include "common/macros.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Read a line "key: value" of /proc/PID/status, and field 'i' (from 1) of /proc/PID/stat. */
int64_t proc_status(pid_t pid, const char *key, unsigned column, int base);
int64_t proc_stat(pid_t pid, unsigned i);

/* Read a file of /proc/PID, NUL-terminated; returns its size. */
size_t read_proc(pid_t pid, const char *name, char *to, size_t size);

/* Read the control groups of a process in a record's format, from /proc/PID/cgroup. */
size_t read_cgroups(pid_t pid, char *to, size_t size);

#endif
