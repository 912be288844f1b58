/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch/kube_watch.h"
#include "collector/rule/alert_internal.h"
#include "collector/shard/blind.h"
#include "collector/watch/own_alert.h"
#include "common/clock.h"

static bool
raise_alert(const struct kube_watch *w, const struct kube_stats *st)
{
	uint64_t since = clock_real() - st->stale * NS_PER_S;
	const char *cluster = st->cluster[0] == '\0' ? w->cluster : st->cluster;
	char time[CLOCK_TEXT], output[600], identity[200];
	const struct alert_internal_field extra[] = {
		{ "mews.kubernetes_since", clock_text(since, time), 0 },
		{ "mews.kubernetes_trouble", st->trouble, 0 },
	};
	const struct alert_internal from = {
		.rule = BLIND_KUBE,
		.priority = PRIO_ERROR,
		.cluster = cluster,
		.node = w->name,
		.time = clock_real(),
		.output = output,
		.fields = extra,
		.nfields = ARRAY_SIZE(extra),
		.identity = identity,
	};
	struct alert *a = NULL;

	(void) snprintf(output, sizeof(output),
	    "The API server of Kubernetes has not been followed since %s, so what is known of pods "
	    "may be out of date: %s",
	    time, st->trouble[0] == '\0' ? "the first lists are not complete" : st->trouble);
	(void) snprintf(
	    identity, sizeof(identity), "kube %.128s %llu", cluster, (unsigned long long) since);
	return alert_internal(&from, w->json, &a) == 0 &&
	       own_alert_put(w->outbox, w->cluster, w->name, a);
}

void
kube_watch_look(struct kube_watch *w, uint64_t now)
{
	for (size_t i = 0; i < kubes_count(w->kubes); i++) {
		struct kube_stats st;

		kube_stats(w->kubes, i, &st);
		if (st.stale == 0) {
			w->owed[i] = true;
			continue;
		}
		if (!w->owed[i] && w->alerted[i] != 0)
			continue;
		if (w->alerted[i] != 0 && now - w->alerted[i] < BLIND_EVERY_NS)
			continue;
		if (!raise_alert(w, &st))
			continue;
		w->alerted[i] = now;
		w->owed[i] = false;
	}
}
