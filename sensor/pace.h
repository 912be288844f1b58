/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - when a batch is closed.
 *
 * A batch costs much more than an event, so batches are paid for, each with an interval of time.
 * There are two accounts, and each batch pays into both. Batches with news (ev_hdr.news) have a
 * short interval: they must not wait. Those with nothing but repeats, or events that no rule looks
 * at, have a long one.
 *
 * A batch is closed at once while its account is at most PACE_BURST intervals ahead; otherwise when
 * that time is over, or when enough bytes are gathered. One full of news (PACE_MANY or more) costs
 * up to three intervals: news that is rare travels at once, and a machine on which everything is
 * new fills its batches. One without news is closed earlier in proportion to its bytes, at half of
 * them at the latest, since news that comes would wait for all of it to be evaluated. While nothing
 * can be sent (no connection, no credit) batches get denser: they are closed by size, or after
 * PACE_HELD_NS. So an idle node sends everything promptly, also short bursts, and a busy node sends
 * news promptly and dense batches of the rest.
 *
 * It has no clock and no batch: the caller passes time and sizes. Not thread-safe.
 */
#ifndef MEWS_SENSOR_PACE_H
#define MEWS_SENSOR_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_BURST   64
#define PACE_MANY    64 /* events with news that make a batch cost three intervals */
#define PACE_HELD_NS 250000000ULL
#define PACE_NEVER   UINT64_MAX

struct pace_account {
	uint64_t interval_ns; /* constant: between two batches of a busy node */
	uint64_t paid_ns;     /* end of the intervals paid so far */
};

struct pace {
	struct pace_account news, rest;
	size_t bytes;     /* constant: gathered bytes that close a batch early */
	uint64_t left_ns; /* when the last batch was closed; 0: none yet */
};

/* What is gathered for the next batch. */
struct pace_gathered {
	size_t events, bytes;
	size_t news; /* events with news among them */
};

/* When to close the batch: a time (now or earlier: at once), or PACE_NEVER without events. 'open':
 * a batch can be sent now. */
uint64_t pace_due(const struct pace *p, const struct pace_gathered *g, bool open);

/* No batch of this account is closed for its age before this time. */
uint64_t pace_rest(const struct pace_account *a);

/* Record that a batch with so many events with news was closed. */
void pace_left(struct pace *p, uint64_t now, size_t news);

#endif
