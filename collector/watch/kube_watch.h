/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_watch.h - an alert "Mews cannot read Kubernetes" when the API server of a cluster cannot be
 * followed: rules on labels, namespaces and workloads of pods decide on what was known before.
 *
 * One alert for each cluster in BLIND_EVERY_NS, with the time since when. Main thread only.
 */
#ifndef MEWS_COLLECTOR_WATCH_KUBE_WATCH_H
#define MEWS_COLLECTOR_WATCH_KUBE_WATCH_H

#include "collector/kube/kube.h"
#include "collector/outbox/outbox.h"
#include "collector/rule/rule.h"

#define BLIND_KUBE "Mews cannot read Kubernetes"

struct kube_watch {
	struct kubes *kubes;
	struct outbox *outbox;
	const struct alert_json *json; /* of the alerts; borrowed */
	const char *cluster, *name;    /* of the collector */
	uint64_t alerted[KUBES_MAX];   /* monotonic ns; 0: not since the start */
	bool owed[KUBES_MAX];          /* trouble since then has had no alert */
};

/* The first four members are set. Call it every second; 'now': monotonic ns. */
void kube_watch_look(struct kube_watch *w, uint64_t now);

#endif
