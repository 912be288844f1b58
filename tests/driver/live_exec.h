/* SPDX-License-Identifier: Apache-2.0 */
/* live_exec.h - the cases of execve and execveat; rows in live_proc.c. */
#ifndef MEWS_TESTS_DRIVER_LIVE_EXEC_H
#define MEWS_TESTS_DRIVER_LIVE_EXEC_H

#include "tests/driver/live.h"

void d_exec(struct facts *f), d_memfd(struct facts *f), d_exec_overlay(struct facts *f);
void d_exec_fail(struct facts *f);
live_fn c_exec, m_exec, c_memfd, c_exec_overlay, c_exec_fail;

/* Read a file of /proc/PID, NUL-terminated; returns its size. */
size_t read_proc(pid_t pid, const char *name, char *to, size_t size);

/* Read the control groups of a process in a record's format, from /proc/PID/cgroup. */
size_t read_cgroups(pid_t pid, char *to, size_t size);

#endif
