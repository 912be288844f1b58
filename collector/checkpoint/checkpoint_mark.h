/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_mark.h - where a node was at an image. */
#ifndef MEWS_COLLECTOR_CHECKPOINT_CHECKPOINT_MARK_H
#define MEWS_COLLECTOR_CHECKPOINT_CHECKPOINT_MARK_H

#include "collector/alert/loss_past.h"
#include "collector/stream/balance.h"
#include "collector/stream/coverage_kept.h"
#include "proto/event.h"
#include <stdint.h>

/* What belongs to an image of a node's state: data on disk is this, then the image. */
struct checkpoint_mark {
	uint64_t seq;             /* the state after this batch */
	uint64_t events, offset;  /* of its shard's struct node */
	uint64_t boot_ns, seen;   /* of the newest batch: boot and realtime ns */
	uint64_t drops, silences; /* of the stream then */
	uint64_t until[LOSS_MAX]; /* loss windows, boot ns; LOSS_OPEN */
	struct loss_past past;
	struct account_told account;
	uint64_t counted;                /* of struct stream */
	uint64_t delivered[EV_TYPE_MAX]; /* of struct type_seen, as the next: 'n', 'at' */
	uint64_t seen_at[EV_TYPE_MAX];
	struct coverage_kept coverage;
};

#endif
