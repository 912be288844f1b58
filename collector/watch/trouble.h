/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trouble.h - log trouble with outbox, outputs and descriptors once when it begins and once when it
 * ends.
 *
 * These libraries do not log themselves; the main thread checks them every second.
 */
#ifndef MEWS_COLLECTOR_WATCH_TROUBLE_H
#define MEWS_COLLECTOR_WATCH_TROUBLE_H

#include "collector/outbox/outbox.h"
#include "collector/output/output.h"

struct trouble {
	bool outbox;      /* in trouble */
	uint64_t damaged; /* rows, as logged */
	bool descriptors; /* short of them */
	struct {
		char name[32];
		bool trouble;
		uint64_t refused; /* as logged */
	} outputs[OUTBOX_OUTPUTS];
};

/* Zeroed at first. Main thread only. */
void trouble_look(struct trouble *w, struct outbox *o, struct outputs *set);

#endif
