/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rights.h"
#include <errno.h>
#include <stdbool.h>
#include <sys/prctl.h>

/* The address sanitizer finds leaks with ptrace, which must be allowed then. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define LEAKS_SOUGHT 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(LEAKS_SOUGHT)
#define LEAKS_SOUGHT 1
#endif
#ifndef LEAKS_SOUGHT
#define LEAKS_SOUGHT 0
#endif

static int
keep_only(const cap_value_t *v, int n)
{
	cap_t caps = cap_init(), have = cap_get_proc();
	int r = caps == NULL || have == NULL ? -ENOMEM : 0;

	for (int i = 0; r == 0 && i < n; i++) {
		cap_flag_value_t f = CAP_CLEAR;

		(void) cap_get_flag(have, v[i], CAP_PERMITTED, &f);
		if (f == CAP_SET && (cap_set_flag(caps, CAP_PERMITTED, 1, &v[i], CAP_SET) < 0 ||
					cap_set_flag(caps, CAP_EFFECTIVE, 1, &v[i], CAP_SET) < 0))
			r = -errno;
	}
	(void) prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	for (cap_value_t c = 0; r == 0 && c <= CAP_LAST_CAP; c++)
		(void) cap_drop_bound(c); /* needs SETPCAP, which may be missing */
	if (r == 0 && cap_set_proc(caps) < 0)
		r = -errno;
	(void) cap_free(caps);
	(void) cap_free(have);
	return r;
}

int
rights_keep(const cap_value_t *v, int n)
{
	int r = keep_only(v, n);

	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (r == 0 && !LEAKS_SOUGHT && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		r = -errno;
	return r;
}
