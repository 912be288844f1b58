/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.h - what the sensor may do, before and after it has loaded its programs.
 */
#ifndef MEWS_SENSOR_PRIVILEGE_H
#define MEWS_SENSOR_PRIVILEGE_H

#include "common/diag.h"
#include "common/macros.h"
#include <stdbool.h>

/* Are the capabilities, the kernel's BTF, the initial pid namespace and the host's /proc there?
 * -EPERM, -ENOENT, and *d: one sentence. */
int privilege_check(const char *host_root, struct diag *d) MUST_CHECK;

/* Give up all capabilities but those that capture and snapshots need; none of them where 'live' is
 * false. Children get none. Before the first other thread starts, since threads inherit. */
int privilege_drop(bool live, struct diag *d) MUST_CHECK;

#endif
