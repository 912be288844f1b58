/* SPDX-License-Identifier: Apache-2.0 */
/* rights.h - a process gives up what it does not use. */
#ifndef MEWS_COMMON_RIGHTS_H
#define MEWS_COMMON_RIGHTS_H

#include "common/macros.h"
#include <sys/capability.h>

/*
 * Of the capabilities only 'v' stays, as far as it is there: effective and permitted, in this
 * process alone. What it executes gets none, whatever it is (bounding set, no_new_privs). Nobody
 * without CAP_SYS_PTRACE may look into its memory, and no core of it is written: it holds keys.
 * Before the first other thread starts, since threads inherit. 0 or -errno.
 */
int rights_keep(const cap_value_t *v, int n) MUST_CHECK;

#endif
