/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repeats.h - how often a deed was repeated: what a notification says that stands for several
 * alerts, or for one.
 *
 * An alert counts as one match of its rule, and the summary of a storm (collector/rule/throttle.h)
 * as all matches that it stands for. So the counts of all notifications add up to the matches,
 * although neither a storm nor its repeats are told one by one.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_REPEATS_H
#define MEWS_COLLECTOR_OUTPUT_REPEATS_H

#include "collector/alert/alert.h"
#include <jansson.h>

#define REPEATS_IDS 10 /* ids that are kept, besides the last one */

/* Zeroed: of no alert. */
struct repeats {
	uint64_t count;                       /* matches, exactly; 1: nothing was repeated */
	uint64_t alerts;                      /* exactly */
	uint64_t first, last;                 /* realtime ns: the times of their events */
	char ids[REPEATS_IDS][ALERT_ID_SIZE]; /* of the first alerts */
	char last_id[ALERT_ID_SIZE];
};

/* Add an alert; 'json': its JSON, or NULL if that is not JSON. */
void repeats_add(struct repeats *r, const struct alert *a, const json_t *json);

#endif
