/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/kernel_floor.h"
#include <errno.h>
#include <stdio.h>

/* Convert "6.1..." to 0x60001; 0: not a version. */
static unsigned
number(const char *release)
{
	unsigned major, minor;

	/* NOLINTNEXTLINE(cert-err34-c): the kernel's format */
	if (sscanf(release, "%4u.%4u", &major, &minor) != 2)
		return 0;
	return major << 16 | minor;
}

int
kernel_check(const char *release, struct diag *d)
{
	unsigned n = number(release);

	if (n != 0 && n < number(KERNEL_LEAST)) {
		diag_set(d, 0, 0,
		    "kernel %s is too old: capture needs " KERNEL_LEAST
		    ", and is tested on " KERNEL_TESTED " and newer",
		    release);
		return -ENOSYS;
	}
	if (n < number(KERNEL_TESTED)) {
		diag_set(d, 0, 0,
		    "kernel %s is untested: capture is tested on " KERNEL_TESTED " and newer",
		    release);
		return 1;
	}
	return 0;
}

bool
kernel_uring_operands(const char *release)
{
	return number(release) >= number("6.0");
}

bool
kernel_uring_cqe(const char *release)
{
	return number(release) >= number("6.15");
}

bool
kernel_preempts(const char *release)
{
	return number(release) >= number("7.0");
}
