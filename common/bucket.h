/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bucket.h - so many at once, and so many a second.
 *
 * Zeroed but for the two rates it is ready, and full. Times are the caller's, in nanoseconds of a
 * clock that does not go back. Not thread-safe.
 */
#ifndef MEWS_COMMON_BUCKET_H
#define MEWS_COMMON_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint64_t at;   /* of the last take */
	uint64_t left; /* millionths */
	uint64_t per_s, burst;
};

/* False: none is left. */
bool bucket_take(struct bucket *b, uint64_t now);

/* As if nothing had been taken for a while? */
bool bucket_full(const struct bucket *b, uint64_t now);

#endif
