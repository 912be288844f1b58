/* SPDX-License-Identifier: Apache-2.0 */
/*
 * absence.c - /api/v1/coverage: can anything be said about an event that was not seen?
 *
 *	rule= or event=    a rule, or an event's name
 *	since=             realtime ns
 *	node= cluster=     only these nodes
 *
 *	{"now":N,"until":U,"watched":B,"why":S,"pruned":B,"nodes":N,"gaps":[...],"more":B,
 *	 "seen":[{"cluster":S,"node":S,"last":N}]}
 *
 *	watched   false: the rule is not in force or cannot match, or the event is not wanted: 'why'
 *	until     up to then there are alerts of everything that happened, if there are no gaps
 *	gaps      why not, of each node, and without a node of all: {"cluster":S,"node":S,"gap":S,
 *	          "text":S,"since":N,"until":N}; 0: unknown, -1: it lasts
 *	pruned    the outbox has deleted alerts
 *	seen      nodes that sent such an event in that time, and when the newest was
 *
 * An alert of that time that is not in the outbox when 'now' is read, is not in it later.
 */
#include "collector/api/api_int.h"
#include "collector/stream/gap.h"
#include "common/clock.h"
#include <errno.h>
#include <stdlib.h>

enum { ROWS_MAX = 1000 };

struct coverage_query {
	const char *rule, *event, *node, *cluster; /* NULL: any */
	uint64_t since, now;
	/* found out */
	struct rule_force force;
	uint8_t nums[EV_TYPE_MAX]; /* 1: an event asked for, by EV_* */
	const char *why;           /* not watched */
	bool partly;
	uint64_t until;
	size_t nodes, rows;
	struct buf gaps, seen;
};

/* ---- is it watched? ---- */

static void
find_rule(struct coverage_query *q, struct ruleset *set)
{
	const struct rule *r = ruleset_force(set, q->rule, &q->force);

	if (r == NULL)
		q->why = "no rule of this name is loaded";
	else if (!r->loaded)
		q->why =
		    "the rule is not in force: it is disabled, or below the priority that counts";
	else if (r->blind != NULL)
		q->why = "the rule can never match: it needs what is not captured";
	q->partly = r != NULL && r->partly != NULL;
}

/* All captured events of this name must be wanted; the newest of their times counts. */
static void
find_event(struct coverage_query *q, struct ruleset *set)
{
	bool known = false;

	q->why = "no event with a number of its own has this name, or none is captured";
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *ev = &schema_events[i];
		struct rule_force f;

		if (strcmp(ev->name, q->event) != 0 || ev->num == EV_SYSCALL ||
		    (ev->capture != CAP_EXIT && ev->capture != CAP_TRACE))
			continue;
		if (!ruleset_event_force(set, ev->num, &f)) {
			q->why =
			    "no rule wants all of these events: sensors do not send them, or not "
			    "all";
			return;
		}
		q->nums[ev->num] = 1;
		if (!known || f.since == 0 || f.since > q->force.since)
			q->force = f;
		known = true;
	}
	if (known)
		q->why = NULL;
}

/* ---- rows ---- */

static void
add_name(struct buf *out, const struct stream *st)
{
	buf_str(out, out->n > 0 ? ",{" : "{");
	if (st == NULL)
		return;
	buf_str(out, "\"cluster\":");
	buf_json(out, slice_str(st->id.cluster));
	buf_str(out, ",\"node\":");
	buf_json(out, slice_str(st->id.node));
	buf_char(out, ',');
}

static void
add_when(struct buf *out, const char *name, uint64_t at)
{
	if (at == UINT64_MAX)
		buf_printf(out, ",\"%s\":-1", name);
	else
		buf_printf(out, ",\"%s\":%lu", name, (unsigned long) at);
}

/* 'st' NULL: of all nodes. */
static void
add_gap(struct coverage_query *q, const struct stream *st, const struct coverage_gap *g)
{
	char causes[LOSS_NAMES];

	if (q->rows++ >= ROWS_MAX)
		return;
	add_name(&q->gaps, st);
	buf_printf(&q->gaps, "\"gap\":\"%s\",\"text\":\"%s\"", gap_name(g->gap), gap_text(g->gap));
	if (g->losses != 0)
		buf_printf(&q->gaps, ",\"causes\":\"%s\"", loss_names(g->losses, causes));
	add_when(&q->gaps, "since", g->since);
	add_when(&q->gaps, "until", g->until);
	buf_char(&q->gaps, '}');
}

static void
add_seen(struct coverage_query *q, struct stream *st)
{
	const struct type_seen *seen = st->type_seen;
	uint64_t last = 0;

	for (size_t i = 0; seen != NULL && i < EV_TYPE_MAX; i++) {
		if (q->nums[i] != 0)
			last = MAX(last, seen->at[i]);
	}
	if (q->event != NULL && seen == NULL && st->events > 0) /* there was no memory */
		add_gap(q, st, &(struct coverage_gap){ GAP_history, 0, UINT64_MAX, 0 });
	if (last < q->since || last == 0 || q->seen.n > ROWS_MAX * 256U)
		return;
	add_name(&q->seen, st);
	buf_printf(&q->seen, "\"last\":%lu}", (unsigned long) last);
}

static void
look_at_node(void *arg, struct stream *st)
{
	struct coverage_query *q = arg;
	struct coverage_gap gaps[GAP_MAX];
	uint64_t until;
	unsigned n;

	if ((q->node != NULL && strcmp(q->node, st->id.node) != 0) ||
	    (q->cluster != NULL && strcmp(q->cluster, st->id.cluster) != 0))
		return;
	q->nodes++;
	n = coverage_gaps(st, q->since, q->now, q->force.interest, gaps, &until);
	q->until = MIN(q->until, until);
	for (unsigned i = 0; i < n; i++)
		add_gap(q, st, &gaps[i]);
	add_seen(q, st);
}

/* What concerns all nodes. */
static void
look_at_all(const struct api_view *v, struct coverage_query *q)
{
	struct outbox_stats box;
	struct shard_stats sh;

	outbox_stats(v->outbox, &box);
	shards_counters(v->shards, &sh);
	if (q->why == NULL && (q->force.since == 0 || q->force.since > q->since))
		add_gap(q, NULL,
		    &(struct coverage_gap){ .gap = GAP_rule_changed,
			.until = q->force.since == 0 ? UINT64_MAX : q->force.since });
	if (q->partly)
		add_gap(q, NULL, &(struct coverage_gap){ GAP_partly_blind, 0, UINT64_MAX, 0 });
	if (q->rule != NULL && q->since < v->history)
		add_gap(q, NULL, &(struct coverage_gap){ GAP_history, .until = v->history });
	else if (box.damaged > 0 || box.corrupt || sh.alerts_lost_memory > 0)
		add_gap(q, NULL, &(struct coverage_gap){ GAP_history, 0, UINT64_MAX, 0 });
	if (q->nodes == 0)
		add_gap(q, NULL, &(struct coverage_gap){ GAP_no_node, 0, UINT64_MAX, 0 });
}

static void
print_coverage(const struct api_view *v, struct coverage_query *q, struct buf *out)
{
	struct outbox_stats box;

	outbox_stats(v->outbox, &box);
	buf_printf(out,
	    "{\"now\":%lu,\"until\":%lu,\"watched\":%s,\"why\":", (unsigned long) q->now,
	    (unsigned long) (q->nodes > 0 ? q->until : 0), q->why == NULL ? "true" : "false");
	if (q->why == NULL)
		buf_str(out, "null");
	else
		buf_json(out, slice_str(q->why));
	buf_printf(out, ",\"pruned\":%s,\"nodes\":%zu,\"more\":%s,\"gaps\":[",
	    box.rows < box.last_rowid ? "true" : "false", q->nodes,
	    q->rows > ROWS_MAX ? "true" : "false");
	buf_slice(out, buf_get(&q->gaps));
	buf_str(out, "],\"seen\":[");
	buf_slice(out, buf_get(&q->seen));
	buf_str(out, "]}\n");
}

int
api_coverage(const struct api_view *v, const char *rule, const char *event, const char *node,
    const char *cluster, uint64_t since, struct buf *out)
{
	struct coverage_query q = { .rule = rule,
		.event = event,
		.node = node,
		.cluster = cluster,
		.since = since,
		.now = clock_real(),
		.until = UINT64_MAX,
		.gaps = BUF_INIT,
		.seen = BUF_INIT };
	struct ruleset *set = api_ruleset(v);
	int r;

	if (rule != NULL)
		find_rule(&q, set);
	else
		find_event(&q, set);
	ruleset_unref(set);
	streams_each(v->streams, look_at_node, &q);
	look_at_all(v, &q);
	print_coverage(v, &q, out);
	r = buf_ok(&q.gaps) < 0 || buf_ok(&q.seen) < 0 ? -ENOMEM : buf_ok(out);
	buf_fini(&q.gaps);
	buf_fini(&q.seen);
	return r;
}
