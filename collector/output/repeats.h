/* SPDX-License-Identifier: Apache-2.0 */
/* repeats.h - how often a deed was repeated: what a notification of several alerts says. */
#ifndef MEWS_COLLECTOR_OUTPUT_REPEATS_H
#define MEWS_COLLECTOR_OUTPUT_REPEATS_H

#include "collector/alert/alert.h"

#define REPEATS_IDS 10 /* ids that are told */

struct repeats {
	uint64_t count;                       /* alerts, exactly; 1: nothing was repeated */
	uint64_t first, last;                 /* realtime ns: the times of their events */
	char ids[REPEATS_IDS][ALERT_ID_SIZE]; /* of the first ones */
};

#endif
