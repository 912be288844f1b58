/* SPDX-License-Identifier: Apache-2.0 */
/* kube.c - the clusters of the configuration, and the thread of each. */
#include "collector/kube/kube_int.h"
#include "common/log.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

enum { TURN_MS = 500, WAIT_STEP_MS = 20 };

struct kubes {
	size_t n;
	struct kube *v[KUBES_MAX];
};

#define AT(f) offsetof(struct kube, f)
static const struct opt opts[] = {
	{ "kubernetes.enabled", "false",
	    "Ask the API server of a cluster of Kubernetes for labels, namespaces, deployments and "
	    "services of pods. A list, if there are several clusters.",
	    OPT_BOOL, AT(enabled), 0, 0 },
	{ "kubernetes.cluster", "",
	    "The nodes that it is asked for, by their 'cluster'; empty: all.", OPT_STR, AT(cluster),
	    0, 0 },
	{ "kubernetes.kubeconfig", NULL,
	    "File with the server and the credentials; empty: those of the pod that the collector "
	    "runs in.",
	    OPT_STR, AT(kubeconfig), 0, 0 },
	{ "kubernetes.context", NULL, "The context in that file; empty: its current-context.",
	    OPT_STR, AT(context), 0, 0 },
	{ "kubernetes.insecure", "false", "Allow a server without TLS (http://).", OPT_BOOL,
	    AT(insecure), 0, 0 },
	{ "kubernetes.memory", "256MiB",
	    "Memory for what is known of the cluster; further objects are refused, and counted.",
	    OPT_SIZE, AT(memory), 1 << 20, 1ull << 40 },
	{ "kubernetes.wait", "5s",
	    "How long a start waits for the first lists, so that the first alerts have the labels "
	    "of "
	    "their pods.",
	    OPT_MSEC, AT(wait_ms), 0, 300000 },
};

void
kubes_help(FILE *f)
{
	opt_print(f, opts, ARRAY_SIZE(opts));
}

/* ---- configuration ---- */

static void
kube_free(struct kube *k)
{
	for (size_t i = 0; i < KUBE_KINDS; i++)
		feed_fini(&k->feeds[i]);
	(void) curl_multi_cleanup(k->multi);
	kube_store_free(k->store);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

void
kubes_free(struct kubes *k)
{
	if (k == NULL)
		return;
	kubes_stop(k);
	for (size_t i = 0; i < k->n; i++)
		kube_free(k->v[i]);
	free(k);
}

static bool
is_taken(const struct kubes *k, const char *cluster)
{
	for (size_t i = 0; i < k->n; i++) {
		if (strcmp(k->v[i]->cluster, cluster) == 0)
			return true;
	}
	return false;
}

/* Add the cluster that is selected in the configuration, if it is enabled. */
static int
add(struct kubes *set, struct cfg *cfg, struct diag *d)
{
	struct kube *k = calloc(1, sizeof(*k));
	struct kube_server s = { .url = "" };
	int r;

	if (k == NULL)
		return -ENOMEM;
	pthread_mutex_init(&k->lock, NULL);
	for (size_t i = 0; i < KUBE_KINDS; i++)
		k->feeds[i] = (struct feed){ .kube = k, .kind = i, .page = PAGE_OBJECTS };
	r = cfg_bind(cfg, opts, ARRAY_SIZE(opts), k, d);
	if (r < 0 || !k->enabled) {
		kube_free(k);
		return r;
	}
	cfg_place(cfg, "kubernetes.cluster", d);
	if (is_taken(set, k->cluster))
		r = diag_fail(d, d->line, d->col,
		    "kubernetes.cluster: '%s' is named twice, each needs its own", k->cluster);
	if (r == 0)
		r = kube_server_read(k->kubeconfig, k->context, NULL, k->insecure, &s, d);
	kube_server_fini(&s);
	if (r == 0)
		r = kube_store_new(k->memory, &k->store);
	if (r < 0) {
		kube_free(k);
		return r;
	}
	set->v[set->n++] = k;
	return 0;
}

int
kubes_new(struct cfg *cfg, struct kubes **ret, struct diag *d)
{
	struct kubes *k = calloc(1, sizeof(*k));
	size_t n = cfg_elements(cfg, "kubernetes");
	int r = k == NULL ? -ENOMEM : 0;

	if (r == 0 && n > KUBES_MAX)
		r = diag_fail(d, 0, 0, "'kubernetes' names more than %d clusters", KUBES_MAX);
	for (size_t i = 0; r == 0 && i < MAX(n, 1); i++) {
		cfg_select(cfg, n == 0 ? NULL : "kubernetes", i);
		r = add(k, cfg, d);
	}
	cfg_select(cfg, NULL, 0);
	if (r < 0 || k->n == 0) {
		kubes_free(k);
		k = NULL;
	}
	if (r == 0)
		*ret = k;
	return r;
}

/* ---- the thread ---- */

/* The time from which on something is not up to date; 0: all is. */
static uint64_t
trouble_since(const struct kube *k, uint64_t began)
{
	uint64_t since = k->synced ? 0 : began;

	for (size_t i = 0; i < KUBE_KINDS; i++) {
		uint64_t at = k->feeds[i].failing;

		if (at != 0 && (since == 0 || at < since))
			since = at;
	}
	return since;
}

static void
judge(struct kube *k, uint64_t began, uint64_t now)
{
	const char *of = k->cluster[0] == '\0' ? "" : " of ";
	bool synced = true;

	for (size_t i = 0; i < KUBE_KINDS; i++)
		synced = synced && (k->feeds[i].listed || (k->feeds[i].denied && i != KUBE_POD));
	k->synced = k->synced || synced;
	k->since = trouble_since(k, began);
	if (k->since != 0 && k->told == 0 && now - k->since >= STALE_S * NS_PER_S) {
		k->told = k->since;
		pthread_mutex_lock(&k->lock);
		log_warn(
		    "kubernetes: the API server%s%s has told nothing new for %lu s, so what alerts "
		    "say of pods may be old or missing: %s",
		    of, k->cluster, (unsigned long) ((now - k->since) / NS_PER_S),
		    k->trouble[0] == '\0' ? "the first lists are not complete" : k->trouble);
		pthread_mutex_unlock(&k->lock);
	} else if (k->since == 0 && k->told != 0) {
		log_info("kubernetes: the API server%s%s is followed again, after %lu s", of,
		    k->cluster, (unsigned long) ((now - k->told) / NS_PER_S));
		k->told = 0;
	}
	if (k->since == 0) {
		pthread_mutex_lock(&k->lock);
		k->trouble[0] = '\0';
		pthread_mutex_unlock(&k->lock);
	}
}

static void
finish_all(struct kube *k)
{
	CURLMsg *m;
	int n = 0;

	while ((m = curl_multi_info_read(k->multi, &n)) != NULL) {
		struct feed *f = NULL;

		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &f) == CURLE_OK)
			feed_done(f, m->data.result, clock_mono());
	}
}

static int
until_due(const struct kube *k, uint64_t now)
{
	uint64_t least = TURN_MS;

	for (size_t i = 0; i < KUBE_KINDS; i++) {
		const struct feed *f = &k->feeds[i];

		if (f->step == FEED_REST)
			least = MIN(least, f->due <= now ? 0 : (f->due - now) / NS_PER_MS + 1);
	}
	return (int) least;
}

static void *
run(void *arg)
{
	struct kube *k = arg;
	uint64_t began = clock_mono();
	int n;

	while (!k->stopping) {
		for (size_t i = 0; i < KUBE_KINDS; i++)
			feed_start(&k->feeds[i], clock_mono());
		(void) curl_multi_perform(k->multi, &n);
		finish_all(k);
		kube_commit(k->store, clock_mono());
		for (size_t i = 0; i < KUBE_KINDS; i++)
			feed_tick(&k->feeds[i], clock_mono());
		judge(k, began, clock_mono());
		(void) curl_multi_poll(k->multi, NULL, 0, until_due(k, clock_mono()), NULL);
	}
	return NULL;
}

static int
start(struct kube *k)
{
	sigset_t all, old;
	int r;

	k->multi = curl_multi_init();
	for (size_t i = 0; i < KUBE_KINDS; i++) {
		k->feeds[i].easy = curl_easy_init();
		if (k->feeds[i].easy == NULL || k->multi == NULL)
			return -ENOMEM;
	}
	k->seed = clock_real();
	k->since = clock_mono();
	sigfillset(&all);
	(void) pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&k->thread, NULL, run, k);
	(void) pthread_sigmask(SIG_SETMASK, &old, NULL);
	k->running = r == 0;
	return r;
}

/* Wait for the first lists: not longer than this, and not for a server that does not answer. */
static void
wait_for(const struct kube *k)
{
	uint64_t until = clock_mono() + k->wait_ms * NS_PER_MS;
	const struct timespec step = { .tv_nsec = WAIT_STEP_MS * (long) NS_PER_MS };

	while (!k->synced && clock_mono() < until)
		(void) nanosleep(&step, NULL);
	if (!k->synced && k->wait_ms > 0)
		log_warn(
		    "kubernetes: the first lists are not complete after %lu ms; the start goes on",
		    (unsigned long) k->wait_ms);
}

int
kubes_start(struct kubes *k)
{
	int r = 0;

	if (k == NULL)
		return 0;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < k->n; i++)
		r = start(k->v[i]);
	for (size_t i = 0; r == 0 && i < k->n; i++)
		wait_for(k->v[i]);
	return r;
}

void
kubes_stop(struct kubes *k)
{
	for (size_t i = 0; k != NULL && i < k->n; i++) {
		k->v[i]->stopping = true;
		if (k->v[i]->running)
			(void) curl_multi_wakeup(k->v[i]->multi);
	}
	for (size_t i = 0; k != NULL && i < k->n; i++) {
		if (k->v[i]->running)
			pthread_join(k->v[i]->thread, NULL);
		k->v[i]->running = false;
	}
}

/* ---- any thread ---- */

struct kube *
kubes_of(struct kubes *k, const char *cluster)
{
	struct kube *any = NULL;

	for (size_t i = 0; k != NULL && i < k->n; i++) {
		if (strcmp(k->v[i]->cluster, cluster) == 0)
			return k->v[i];
		if (k->v[i]->cluster[0] == '\0')
			any = k->v[i];
	}
	return any;
}

struct kube_store *
kube_objects(struct kube *k)
{
	return k->store;
}

uint64_t
kube_stale(const struct kube *k)
{
	uint64_t since = k->since, s = since == 0 ? 0 : (clock_mono() - since) / NS_PER_S;

	return s < STALE_S ? 0 : s;
}

size_t
kubes_count(const struct kubes *k)
{
	return k == NULL ? 0 : k->n;
}

void
kube_stats(struct kubes *set, size_t i, struct kube_stats *ret)
{
	struct kube *k = set->v[i];

	*ret = (struct kube_stats){
		.cluster = k->cluster,
		.up = k->since == 0,
		.synced = k->synced,
		.stale = kube_stale(k),
		.lists = counter_get(&k->lists),
		.watches = counter_get(&k->watches),
		.changes = counter_get(&k->changes),
		.errors = counter_get(&k->errors),
		.expired = counter_get(&k->expired),
	};
	kube_store_stats(k->store, &ret->store);
	for (size_t n = 0; n < KUBE_KINDS; n++)
		ret->denied[n] = k->feeds[n].denied;
	pthread_mutex_lock(&k->lock);
	(void) snprintf(ret->trouble, sizeof(ret->trouble), "%s", k->trouble);
	pthread_mutex_unlock(&k->lock);
}
