/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.h - check and drop the sensor's privileges.
 */
#ifndef MEWS_SENSOR_PRIVILEGE_H
#define MEWS_SENSOR_PRIVILEGE_H

#include "common/diag.h"
#include "common/macros.h"

/* Check for the capabilities, the kernel's BTF, the initial pid namespace and the host's /proc.
 * -EPERM, -ENOENT, and *d: one sentence. */
int privilege_check(const char *host_root, struct diag *d) MUST_CHECK;

/* The capabilities to keep: none; those for capturing; those for reading other users' /proc. */
enum privilege { PRIVILEGE_NONE, PRIVILEGE_CAPTURE, PRIVILEGE_SCAN };

/* Drop all other capabilities; executed programs inherit none. Call it before the first other
 * thread starts: threads inherit capabilities. */
int privilege_drop(enum privilege keep, struct diag *d) MUST_CHECK;

#endif
