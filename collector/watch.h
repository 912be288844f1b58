/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - trouble with outbox, outputs and descriptors: logged when it begins and when it ends,
 * each once.
 *
 * They do not log by themselves; the main thread looks at them every second.
 */
#ifndef MEWS_COLLECTOR_WATCH_H
#define MEWS_COLLECTOR_WATCH_H

#include "collector/outbox/outbox.h"
#include "collector/output/output.h"

struct watch {
	bool outbox;      /* in trouble */
	uint64_t damaged; /* rows, as told */
	bool descriptors; /* short of them */
	struct {
		bool trouble;
		uint64_t refused; /* as told */
	} outputs[OUTBOX_OUTPUTS];
};

/* Zeroed at first. Main thread only. */
void watch_look(struct watch *w, struct outbox *o, struct outputs *set);

#endif
