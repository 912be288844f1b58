/* SPDX-License-Identifier: Apache-2.0 */
/*
 * in_force.h - since when rules are in force, over restarts of a collector with a checkpoint.
 *
 * A file in the checkpoint's folder keeps these times, the versions of the interest that sensors
 * may have, and since when the outbox has all alerts. It is written when a ruleset has come into
 * force, and removed before another one does; what it does not say is not known. Main thread.
 */
#ifndef MEWS_COLLECTOR_WATCH_IN_FORCE_H
#define MEWS_COLLECTOR_WATCH_IN_FORCE_H

#include "collector/checkpoint/checkpoint_note.h"
#include "collector/ingest/ingest.h"
#include "collector/rule/rule.h"

struct in_force {
	struct checkpoint *to; /* NULL: nothing is kept */
	struct ingest_versions versions;
	unsigned next;     /* of 'versions' to replace */
	uint64_t outbox;   /* what tells the outbox's file from another one */
	uint64_t history;  /* realtime ns: later alerts are in the outbox, or were pruned */
	struct buf before; /* the times that an earlier collector kept, until the first set */
};

/* Read what an earlier collector has kept. 'outbox': its file; 'lost': alerts were lost from it. */
void in_force_begin(struct in_force *f, struct checkpoint *to, const char *outbox, bool lost);
void in_force_end(struct in_force *f);

/* Another set is about to come into force in some shards, ... */
void in_force_changing(struct in_force *f);
/* ... and 's' is now, in all, after 'before' (NULL: it is the first), with this version of the
 * interest. */
void in_force_set(struct in_force *f, struct ruleset *s, struct ruleset *before, uint32_t version);

#endif
