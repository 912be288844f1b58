/* SPDX-License-Identifier: Apache-2.0 */
#include "common/descriptors.h"
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

uint64_t
descriptors_max(void)
{
	struct rlimit l = { 0 };

	(void) getrlimit(RLIMIT_NOFILE, &l);
	return l.rlim_cur;
}

uint64_t
descriptors_raise(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void) setrlimit(RLIMIT_NOFILE, &l);
	}
	return descriptors_max();
}

uint64_t
descriptors_used(void)
{
	int fd = eventfd(0, EFD_CLOEXEC); /* the kernel returns the lowest free number */

	if (fd < 0)
		return descriptors_max();
	(void) close(fd);
	return (uint64_t) fd;
}
