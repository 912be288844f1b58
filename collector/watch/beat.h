/* SPDX-License-Identifier: Apache-2.0 */
/*
 * beat.h - the state of each node, for outputs that pass it on: what was seen, up to when.
 *
 * Those who read alerts elsewhere can tell silence from blindness by it: a node whose newest beat
 * is old, or whose watermark stands still, is not seen. Main thread only.
 */
#ifndef MEWS_COLLECTOR_WATCH_BEAT_H
#define MEWS_COLLECTOR_WATCH_BEAT_H

#include "collector/output/output.h"
#include "collector/rule/rule.h"
#include "collector/stream/stream.h"

#define BEAT_NS (10 * NS_PER_S)

struct beat_cfg {
	struct streams *streams;
	const struct ruleset *rules; /* in force */
	const char *name;            /* of the collector */
};

/* The beats of all nodes: an output_beats_fn, whose argument is a struct beat_cfg. */
struct output_beat *beats_make(void *arg);

/* The beat of one; NULL: no memory. 'rules': the hash of those in force. */
struct output_beat *beat_of(
    const struct stream *s, const char *collector, const uint64_t rules[2], uint64_t now);

#endif
