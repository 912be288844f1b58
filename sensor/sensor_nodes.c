/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_nodes.c - the nodes that this process plays: names, identities and callbacks. */
#include "common/clock.h"
#include "common/file.h"
#include "common/log_peer.h"
#include "proto/drop_log.h"
#include "sensor/sensor.h"
#include "sensor/sensor_int.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- callbacks of a node ---- */

static void
on_interest(void *arg, struct node *n, const Wire__Interest *in)
{
	struct app *a = arg;
	struct interest wanted = { .lean = { 0 } };

	for (size_t i = 0; i < in->n_events; i++) {
		if (in->events[i] < EV_TYPE_MAX)
			event_set_add(&wanted.events, in->events[i]);
	}
	for (size_t i = 0; i < in->n_lean; i++) {
		if (in->lean[i] < EV_TYPE_MAX)
			wanted.lean[in->lean[i] / 64] |= 1ULL << (in->lean[i] % 64);
	}
	for (size_t i = 0; i < in->n_quiet; i++) {
		if (in->quiet[i] < EV_TYPE_MAX)
			wanted.quiet[in->quiet[i] / 64] |= 1ULL << (in->quiet[i] % 64);
	}
	for (size_t i = 0; i < in->n_calls; i++) {
		unsigned call = syscall_of_id(in->calls[i]);

		if (call != SC_UNNAMED || in->calls[i] == SYSCALL_ID_UNNAMED)
			event_set_add_call(&wanted.events, call);
	}
	if (a->src != NULL && a->src->set_interest(a->st, &wanted) < 0)
		log_peer(LOG_ERROR, n->name, "cannot change what is captured");
	else
		log_peer(LOG_DEBUG, n->name,
		    "capturing %zu events and %zu calls by name, version %u", in->n_events,
		    in->n_calls, in->version);
	a->canary_at = 1; /* at once */
}

static void
on_snapshot(void *arg, struct node *n, uint64_t id)
{
	struct app *a = arg;

	if (a->replay == NULL && !a->stopping) /* else the recording has it */
		snapshot_begin(&a->snapshot, n, id, clock_mono());
}

static void
add_drop(void *arg, uint16_t type, uint16_t cause, uint64_t count)
{
	node_drop_add(arg, type, cause, count);
}

/* Read the kernel's counters at most every 20 ms, however many batches ask, or afresh. */
static void
on_drops(void *arg, struct node_drops *d, bool fresh)
{
	struct app *a = arg;
	struct source_stats ss = { 0 };
	uint64_t now = clock_mono();

	if (a->src == NULL)
		return;
	if (fresh || a->dropped_at == 0 || now - a->dropped_at > 20 * NS_PER_MS) {
		a->dropped.n = 0;
		a->src->drops(a->st, add_drop, &a->dropped);
		a->src->holes(a->st, a->dropped.hole);
		a->src->stats(a->st, &ss);
		node_drop_add(&a->dropped, 0, DROP_BAD_RECORD, ss.bad);
		a->dropped_at = now;
	}
	memcpy(d->hole, a->dropped.hole, sizeof(d->hole));
	for (size_t i = 0; i < a->dropped.n; i++)
		node_drop_add(
		    d, a->dropped.v[i].event, a->dropped.v[i].cause, a->dropped.v[i].count);
}

static bool
on_mark(void *arg, const struct source_mark *m)
{
	struct app *a = arg;

	return a->src != NULL && a->src->mark(a->st, m);
}

static const struct account_kept *
on_account(void *arg, unsigned *ncpu)
{
	struct app *a = arg;

	return a->src->account(a->st, ncpu);
}

static struct lost_kept *
on_losses(void *arg)
{
	struct app *a = arg;

	return a->src->losses(a->st);
}

static void
on_settle(void *arg, bool saved)
{
	struct app *a = arg;

	a->src->settle(a->st, saved);
}

static void
on_resume(void *arg, uint64_t seq, struct source_mark *ret)
{
	struct app *a = arg;

	a->src->resume(a->st, seq, ret);
}

static uint64_t
rss_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long size = 0, rss = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%llu %llu", &size, &rss) != 2) /* NOLINT(cert-err34-c): the kernel's */
		rss = 0;
	(void) fclose(f);
	return rss * (uint64_t) sysconf(_SC_PAGESIZE);
}

static uint64_t
cpu_ns(void)
{
	struct rusage u;

	(void) getrusage(RUSAGE_SELF, &u);
	return ((uint64_t) u.ru_utime.tv_sec + (uint64_t) u.ru_stime.tv_sec) * NS_PER_S +
	       ((uint64_t) u.ru_utime.tv_usec + (uint64_t) u.ru_stime.tv_usec) * 1000;
}

/* A path read after the call may be wrong: log the first such event, then at most once a minute. */
static void
tell_unstashed(struct app *a, uint64_t unstashed)
{
	uint64_t now = clock_mono();

	if (unstashed == a->unstashed || (a->unstashed != 0 && now < a->unstashed_next))
		return;
	log_warn("%llu " DROP_LOG_UNSTASHED, (unsigned long long) unstashed);
	a->unstashed = unstashed;
	a->unstashed_next = now + 60 * NS_PER_S;
}

static void
on_stats(void *arg, Wire__SensorStats *s)
{
	struct app *a = arg;
	struct source_stats ss = { 0 };
	struct containers_stats cs;

	if (a->src != NULL)
		a->src->stats(a->st, &ss);
	containers_stats(a->containers, &cs);
	s->containers = cs.reported;
	s->containers_late = cs.late;
	s->containers_refused = cs.refused;
	s->late = ss.late;
	s->excluded = ss.excluded;
	s->reread = ss.reread;
	s->unstashed = ss.unstashed;
	s->blind = a->blind;
	s->silences = ss.silences;
	tell_unstashed(a, ss.unstashed);
	s->cpu_ns = cpu_ns();
	s->rss_bytes = rss_bytes();
	s->redacted = redactor_count(a->redactor);
	s->snapshot_unreadable = a->snapshot.unreadable;
	s->harm = a->src != NULL ? guard_harm(&a->guard) : NULL;
}

static void
on_note(void *arg, struct node *n, enum log_level level, const char *text)
{
	struct app *a = arg;

	if (a->nnodes > 1)
		log_peer(level, n->name, "node %s: %s", n->name, text);
	else
		log_peer(level, n->name, "%s", text);
}

static const struct node_owner owner = {
	.interest = on_interest,
	.snapshot = on_snapshot,
	.mark = on_mark,
	.account = on_account,
	.losses = on_losses,
	.settle = on_settle,
	.resume = on_resume,
	.drops = on_drops,
	.stats = on_stats,
	.note = on_note,
};

/* ---- names and identities ---- */

/* The name of the i-th node: configured, recorded, or the host name; NAME-0001... for several
 * nodes. */
static void
name_of(const struct app *a, size_t i, char *out, size_t size)
{
	char host[256] = "";
	const char *base = a->opt.node;

	if (base == NULL || base[0] == '\0') {
		(void) gethostname(host, sizeof(host) - 1);
		base = a->replay != NULL ? replay_hello(a->replay)->node : host;
	}
	if (a->args.nodes > 1)
		(void) snprintf(out, size, "%s-%04zu", base, i + 1);
	else
		(void) snprintf(out, size, "%s", base);
}

static const char *
cluster_of(const struct app *a)
{
	if (a->replay != NULL && !cfg_has(a->cfg, "cluster"))
		return replay_hello(a->replay)->cluster;
	return a->opt.cluster == NULL ? "" : a->opt.cluster;
}

/* Give each of several nodes its own boot id: the last digits are its index. */
static void
boot_of(const struct app *a, size_t i, char *out, size_t size)
{
	const char *id =
	    a->replay != NULL ? replay_hello(a->replay)->boot_id : a->env.hello.boot_id;

	if (a->args.nodes > 1)
		(void) snprintf(out, size, "%.24s%012zx", id, i + 1);
	else
		(void) snprintf(out, size, "%s", id);
}

/* Run before anything slow, and while every file can still be read. */
int
app_start_identities(void *app)
{
	struct app *a = app;
	size_t n = MAX(a->args.nodes, 1);

	a->identity = calloc(n, sizeof(struct identity *));
	if (a->identity == NULL)
		return app_fail(a, EXIT_FAILED, &(struct diag){ 0 }, -ENOMEM);
	if (a->opt.tls_crl != NULL) /* before reading it: a change meanwhile is noticed later */
		a->crl_stamp = file_stamp(a->opt.tls_crl);
	for (size_t i = 0; a->record == NULL && i < n; i++) {
		char name[NODE_NAME_MAX - 8];
		struct diag d = { 0 };
		int r;

		name_of(a, i, name, sizeof(name));
		r = app_identity(a, name, &a->identity[i], &d);
		if (r < 0) {
			(void) app_fail(a, EXIT_CONFIG, &d, r);
			app_stop_identities(a);
			return r;
		}
		if (a->identity[i] != NULL && strcmp(a->identity[i]->subject, name) != 0)
			log_warn(
			    "the certificate is for '%s' and this node is '%s': the collector "
			    "will refuse it unless the certificate has that name too",
			    a->identity[i]->subject, name);
	}
	return 0;
}

void
app_stop_identities(void *app)
{
	struct app *a = app;

	for (size_t i = 0; i < MAX(a->args.nodes, 1); i++)
		identity_free(a->identity[i]);
	free(a->identity);
	a->identity = NULL;
}

static int
add_node(struct app *a, size_t i, uint64_t start, const struct source_past *past)
{
	char name[NODE_NAME_MAX - 8], boot[64];
	struct diag d = { 0 };
	struct node_cfg nc = {
		.opt = &a->opt,
		.name = name,
		.cluster = cluster_of(a),
		.boot_id = boot,
		.sensor_start = start,
		.env = &a->env,
		.hello = a->replay != NULL ? replay_hello(a->replay) : NULL,
		.owner = &owner,
		.arg = a,
		.xport = a->xport,
		.redactor = a->redactor,
		.disk = a->disk,
		.disk_failed = a->disk_failed,
		.past = past,
		.due = &a->due[i],
	};
	int64_t skew = (int64_t) (a->args.skew_ms * NS_PER_MS);
	int r;

	name_of(a, i, name, sizeof(name));
	boot_of(a, i, boot, sizeof(boot));
	if (skew > 0) /* spread evenly over -skew ... +skew */
		nc.skew_ns =
		    (int64_t) (i * 0x9e3779b97f4a7c15ULL % (uint64_t) (2 * skew + 1)) - skew;
	nc.identity = a->identity[i];
	r = node_new(&nc, &a->node[i]);
	if (r < 0)
		return app_fail(a, EXIT_FAILED, &d, r);
	a->identity[i] = NULL; /* owned by the node now */
	a->node[i]->cursor.fast = a->args.fast;
	a->nnodes = i + 1;
	return 0;
}

static int
add_info(void *arg, const struct ev_hdr *rec)
{
	struct app *a = arg;

	return node_info(a->node[0], rec);
}

static int
start_record(struct app *a)
{
	struct buf hello = BUF_INIT;
	struct diag d = { 0 };
	int r = node_hello(a->node[0], &hello);

	if (r == 0)
		r = record_hello(a->record, &hello);
	buf_fini(&hello);
	if (r < 0)
		return app_fail(a, EXIT_RECORDING, &d, r);
	snapshot_begin(&a->snapshot, a->node[0], 1, clock_mono());
	if (a->args.seconds > 0)
		a->ends_at = clock_mono() + a->args.seconds * NS_PER_S;
	return 0;
}

int
app_start_nodes(void *app)
{
	struct app *a = app;
	size_t n = a->args.nodes == 0 ? 1 : a->args.nodes;
	const struct source_past *past = &a->past;
	bool taken = a->src != NULL && a->src->past(a->st, &a->past);
	uint64_t start = clock_real();
	int r = 0;

	if (is_set(a->opt.spool_path) && a->replay == NULL && a->record == NULL)
		a->disk_failed = spool_disk_open(a->opt.spool_path, a->opt.spool_disk,
				     a->opt.spool_free, &a->disk) < 0;
	if (taken && past->whole && a->disk != NULL)
		start = past->stream;
	a->snapshot.src = a->src;
	a->snapshot.st = a->st;
	a->snapshot.scanner = a->scanner;
	a->node = calloc(n, sizeof(struct node *));
	a->due = calloc(n, sizeof(*a->due));
	if (a->node == NULL || a->due == NULL)
		r = -ENOMEM;
	if (r == 0 && a->scanner != NULL)
		r = containers_new(a->scanner, add_info, a, &a->containers);
	a->snapshot.containers = a->containers;
	for (size_t i = 0; i < NODE_DROPS_MAX; i++)
		a->dropped.p[i] = &a->dropped.v[i];
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_node(a, i, start, taken ? past : NULL);
	if (r == 0 && a->record != NULL)
		r = start_record(a);
	if (r < 0)
		app_stop_nodes(a);
	return r;
}

void
app_stop_nodes(void *app)
{
	struct app *a = app;

	snapshot_drop(&a->snapshot);
	containers_free(a->containers);
	a->containers = NULL;
	for (size_t i = 0; i < a->nnodes; i++)
		node_free(a->node[i]);
	free(a->node);
	a->node = NULL;
	a->nnodes = 0;
	free(a->due);
	a->due = NULL;
	spool_disk_close(a->disk);
	a->disk = NULL;
}
