/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fscratch.h - memory for texts made during an evaluation.
 *
 * Reset between events, never freed in between: a text lives until the reset. Belongs to one
 * thread.
 */
#ifndef MEWS_COLLECTOR_FIELD_FSCRATCH_H
#define MEWS_COLLECTOR_FIELD_FSCRATCH_H

#include "common/buf.h"
#include "common/macros.h"
#include "common/slice.h"
#include <stdbool.h>
#include <stdint.h>

struct fscratch;

int fscratch_new(struct fscratch **ret) MUST_CHECK; /* -ENOMEM */
void fscratch_free(struct fscratch *fs);            /* NULL is nothing */
void fscratch_reset(struct fscratch *fs);

void *fscratch_alloc(struct fscratch *fs, size_t n) MUST_CHECK; /* NULL: no memory */
/* An empty buffer for making a text; one at a time, until scratch_take(), which turns it into a
 * slice valid until the reset (p == NULL: no memory). */
struct buf *scratch_buf(struct fscratch *fs);
struct slice scratch_take(struct fscratch *fs, struct buf *b);
/* One more than the last time, starting at 1. */
uint64_t scratch_count(struct fscratch *fs);
/* The text without its NULs: each but the last becomes a blank. */
struct slice scratch_join(struct fscratch *fs, struct slice list);

/* Has an allocation failed since the reset? Then verdicts on texts may be wrong. */
bool fscratch_failed(const struct fscratch *fs);

#endif
