/* SPDX-License-Identifier: Apache-2.0 */
/* rights.h - drop the privileges that a process does not need. */
#ifndef MEWS_COMMON_RIGHTS_H
#define MEWS_COMMON_RIGHTS_H

#include "common/macros.h"
#include <sys/capability.h>

/*
 * Keep only the capabilities 'v', as far as the process has them: effective and permitted, in this
 * process only. Executed programs inherit none (bounding set, no_new_privs). Processes without
 * CAP_SYS_PTRACE cannot read its memory, which holds keys, and it writes no core dump. Call it
 * before the first other thread starts: threads inherit capabilities. 0 or -errno.
 */
int rights_keep(const cap_value_t *v, int n) MUST_CHECK;

#endif
