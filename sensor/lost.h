/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost.h - what was in batches that the sensor threw away: how many events of each type, from when
 * to when.
 *
 * A batch is decoded when it goes, so that one that is delivered costs nothing. One thread.
 */
#ifndef MEWS_SENSOR_LOST_H
#define MEWS_SENSOR_LOST_H

#include "common/slice.h"
#include "driver/abi.h"
#include <stdint.h>

/* All zero: nothing yet. */
struct lost {
	uint64_t *events;     /* by EV_*, since the start; NULL: none, or no memory */
	uint64_t known;       /* their sum */
	uint64_t seq;         /* of the newest batch */
	struct drv_hole hole; /* of batches one after another, or with less than a second between */
};

/* The same in memory that outlives the process. */
struct lost_kept {
	uint64_t events[EV_TYPE_MAX];
	struct drv_hole hole;
};

void lost_fini(struct lost *l);

/* The batch with this number goes; 'msg' is its request. One that does not decode, or for which
 * there is no memory, adds nothing. */
void lost_batch(struct lost *l, uint64_t seq, struct slice msg);

/* Write down all that was lost, or begin with what an earlier process of this stream wrote down. */
void lost_keep(const struct lost *l, struct lost_kept *to);
void lost_resume(struct lost *l, const struct lost_kept *from);

/* Add what 'from', of an earlier sensor's stream, has lost, and empty it. */
void lost_move(struct lost *l, struct lost *from);

#endif
