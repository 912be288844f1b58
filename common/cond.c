/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cond.h"
#include "common/clock.h"
#include <errno.h>

void
cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}

uint64_t
cond_until(int timeout_ms)
{
	return timeout_ms < 0 ? UINT64_MAX : clock_mono() + (uint64_t) timeout_ms * NS_PER_MS;
}

bool
cond_wait(pthread_cond_t *c, pthread_mutex_t *m, uint64_t until)
{
	struct timespec at = { (time_t) (until / NS_PER_S), (long) (until % NS_PER_S) };

	if (until == UINT64_MAX)
		return pthread_cond_wait(c, m) == 0;
	/* pthread_cond_timedwait() unlocks and sleeps for a moment even then */
	if (clock_mono() >= until)
		return false;
	return pthread_cond_timedwait(c, m, &at) != ETIMEDOUT;
}
