/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket.h - a token bucket: a rate limit that allows bursts.
 *
 * A zeroed bucket with the two rates set is ready, and full. The caller passes times, in
 * nanoseconds of a monotonic clock. Not thread-safe.
 */
#ifndef MEWS_COMMON_BUCKET_H
#define MEWS_COMMON_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint64_t at;   /* time of the last take */
	uint64_t left; /* millionths */
	uint64_t per_s, burst;
};

/* Take a token. False: none is left. */
bool bucket_take(struct bucket *b, uint64_t now);

/* Is it full, as after a long pause? */
bool bucket_full(const struct bucket *b, uint64_t now);

#endif
