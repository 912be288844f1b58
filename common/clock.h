/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the clocks that Mews uses, in nanoseconds.
 */
#ifndef MEWS_COMMON_CLOCK_H
#define MEWS_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

static inline uint64_t
clock_ns(clockid_t id)
{
	struct timespec ts;

	(void) clock_gettime(id, &ts);
	return (uint64_t) ts.tv_sec * NS_PER_S + (uint64_t) ts.tv_nsec;
}

/* Time since boot, suspend included: the clock of events. */
static inline uint64_t
clock_boot(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

static inline uint64_t
clock_real(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* For intervals within the process. */
static inline uint64_t
clock_mono(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/*
 * A moment that is kept in a file, for its age: by the boot clock, which nobody sets, within the
 * boot that noted it; after that by the wall clock.
 */
struct clock_stamp {
	uint64_t boot; /* clock_boot_tag() then */
	uint64_t boot_ns, real_ns;
};

/* This boot: a part of its id. 0: the kernel does not tell. Any thread. */
uint64_t clock_boot_tag(void);

/* When that was, by the boot clock of now. Before this boot it is negative or 0, whatever the wall
 * clock shows; it is never later than now. */
int64_t clock_since(const struct clock_stamp *then, const struct clock_stamp *now);

/* Now, with all three. */
struct clock_stamp clock_stamp(void);

/* Format a time in UTC: "2026-11-28T04:50:11Z". Returns 'out'. */
enum { CLOCK_TEXT = sizeof("2026-11-28T04:50:11Z") };
const char *clock_text(uint64_t real_ns, char out[CLOCK_TEXT]);

/* Read boot time and wall clock of one moment. A thread can be preempted between the two readings,
 * so this takes the closest pair of several. */
static inline void
clock_pair(uint64_t *boot, uint64_t *real)
{
	enum { TRIES = 5, NEAR_NS = 1000 };
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < TRIES && best > NEAR_NS; i++) {
		uint64_t before = clock_boot(), now = clock_real(), apart = clock_boot() - before;

		if (apart >= best)
			continue;
		best = apart;
		*boot = before + apart / 2;
		*real = now;
	}
}

#endif
