/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.h - what the sensor may do, before and after it has loaded its programs.
 */
#ifndef MEWS_SENSOR_PRIVILEGE_H
#define MEWS_SENSOR_PRIVILEGE_H

#include "common/diag.h"
#include "common/macros.h"

/* Are the capabilities, the kernel's BTF, the initial pid namespace and the host's /proc there?
 * -EPERM, -ENOENT, and *d: one sentence. */
int privilege_check(const char *host_root, struct diag *d) MUST_CHECK;

/* What a process keeps: nothing; what capturing takes; what reading others' /proc takes. */
enum privilege { PRIVILEGE_NONE, PRIVILEGE_CAPTURE, PRIVILEGE_SCAN };

/* Give up all capabilities but those. What is executed gets none. Before the first other thread
 * starts, since threads inherit. */
int privilege_drop(enum privilege keep, struct diag *d) MUST_CHECK;

#endif
