/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_kube.c - metrics of the API servers of Kubernetes that the collector follows. */
#include "collector/api/api_int.h"
#include <stddef.h>

static const char *const resources[KUBE_KINDS] = {
#define KUBE(ID, resource, path, whole) resource,
#include "collector/kube/kube.def"
};

/* By cluster. */
static const struct {
	const char *name, *type, *help;
	size_t offset;
} rows[] = {
#define ROW(name, type, member, help)                                 \
	{                                                             \
		name, type, help, offsetof(struct kube_stats, member) \
	}
	ROW("up", "gauge", up,
	    "Whether the API server is followed: 0 while a list or a watch fails."),
	ROW("synced", "gauge", synced, "Whether everything was listed once."),
	ROW("stale_seconds", "gauge", stale,
	    "How out of date what is known may be; 0: it is up to date."),
	ROW("bytes", "gauge", store.bytes, "Memory of the objects that are known."),
	ROW("refused_total", "counter", store.refused,
	    "Objects that were not kept, for lack of room (kubernetes.memory)."),
	ROW("unknown_pods_total", "counter", store.misses,
	    "Lookups, by rules and alerts, of a pod that the API server has not reported."),
	ROW("lists_total", "counter", lists, "Complete lists of a resource."),
	ROW("watches_total", "counter", watches, "Watches begun."),
	ROW("changes_total", "counter", changes, "Changes received."),
	ROW("errors_total", "counter", errors, "Requests that failed."),
	ROW("expired_total", "counter", expired,
	    "Resource versions that had expired (410), so that a new list was needed."),
};

static void
name(struct buf *out, const char *metric, const char *cluster)
{
	buf_printf(out, "mews_kubernetes_%s{cluster=\"", metric);
	metrics_label(out, cluster);
}

/* Whether resource i may be watched, or its objects. */
static void
by_resource(const struct api_view *v, bool denied, struct buf *out)
{
	const char *metric = denied ? "denied" : "objects";

	buf_printf(out, "# HELP mews_kubernetes_%s %s\n# TYPE mews_kubernetes_%s gauge\n", metric,
	    denied ? "Whether the API server denies listing and watching the resource."
		   : "Objects of the resource that are known, those just deleted included.",
	    metric);
	for (size_t c = 0; c < kubes_count(v->kubes); c++) {
		struct kube_stats st;

		kube_stats(v->kubes, c, &st);
		for (size_t i = 0; i < KUBE_KINDS; i++) {
			name(out, metric, st.cluster);
			buf_printf(out, "\",resource=\"%s\"} %llu\n", resources[i],
			    (unsigned long long) (denied ? st.denied[i] : st.store.objects[i]));
		}
	}
}

void
metrics_kube(const struct api_view *v, struct buf *out)
{
	if (kubes_count(v->kubes) == 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_printf(out, "# HELP mews_kubernetes_%s %s\n# TYPE mews_kubernetes_%s %s\n",
		    rows[i].name, rows[i].help, rows[i].name, rows[i].type);
		for (size_t c = 0; c < kubes_count(v->kubes); c++) {
			struct kube_stats st;
			uint64_t n;

			kube_stats(v->kubes, c, &st);
			(void) memcpy(&n, (const char *) &st + rows[i].offset, sizeof(n));
			name(out, rows[i].name, st.cluster);
			buf_printf(out, "\"} %llu\n", (unsigned long long) n);
		}
	}
	by_resource(v, false, out);
	by_resource(v, true, out);
}
