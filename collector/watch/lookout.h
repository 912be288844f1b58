/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookout.h - the watch over the nodes: report each node that is no longer seen.
 *
 * Once a node has not been heard of for stream_silent_ns() (it was killed, it hangs, it was
 * stopped, its network is cut), or does not come back after a restart of the collector, there is a
 * log line and an alert "Mews lost sight of a node"; when it is seen again, a log line. A node has
 * one alert in BLIND_EVERY_NS: a loss that lasts is raised after it, and one that is over by then
 * is counted in the alert about the next loss. What was done to a sensor (harm.def) is a log line
 * and an alert "Mews sensor harmed", one in BLIND_EVERY_NS for each node and kind; of those in
 * between, the last is raised after it. New nodes and nodes to be forgotten are passed to the
 * outbox here, which remembers them.
 *
 * Main thread only; a look costs a few loads per node.
 */
#ifndef MEWS_COLLECTOR_WATCH_LOOKOUT_H
#define MEWS_COLLECTOR_WATCH_LOOKOUT_H

#include "collector/rule/rule.h"
#include "collector/stream/stream.h"

#define LOOKOUT_MS 500 /* between two looks, about */

struct lookout_cfg {
	struct streams *streams;
	struct outbox *outbox;
	const struct alert_json *json; /* of the alerts; borrowed */
	uint64_t forget_ns;            /* nodes that are gone for longer are forgotten; 0: never */
};

struct lookout {
	struct lookout_cfg cfg;
	uint64_t looked;   /* monotonic ns: time of the last look, 0: none */
	unsigned known;    /* nodes that the outbox remembered */
	uint64_t patience; /* until then, nodes known from an earlier run may still connect */
};

/* Load the nodes that the outbox remembers into the registry. -errno, and *d. */
int lookout_start(struct lookout *w, const struct lookout_cfg *cfg, struct diag *d) MUST_CHECK;

/* Look at every node; call it every LOOKOUT_MS. 'now': monotonic ns. */
void lookout_run(struct lookout *w, uint64_t now);

#endif
