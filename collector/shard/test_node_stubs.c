/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shard/test_node_stubs.h"
#include "tests/support/test.h"

#include "collector/shard/blind.h"
#include "collector/shard/shard_nodes_int.h"
#include "common/clock.h"
#include "tests/support/evbuild.h"
#include <errno.h>
#include <stdlib.h>

int states_alive, snapshots_wanted, interfaces_set;
struct load_stub load;
struct state *newest;

int
state_new(struct intern *pool, const struct state_limits *limits, struct state **ret)
{
	(void) pool;
	(void) limits;
	newest = calloc(1, sizeof(*newest));
	if (newest == NULL)
		return -ENOMEM;
	states_alive++;
	*ret = newest;
	return 0;
}

void
state_free(struct state *s)
{
	states_alive -= s != NULL;
	free(s);
}

bool
node_load_begin(struct nodes *n UNUSED, struct node *p UNUSED, struct slice data UNUSED)
{
	return load.pieces > 0;
}

int
node_load_more(struct nodes *n UNUSED, struct node *p UNUSED)
{
	if (--load.pieces > 0)
		return 0;
	return load.result < 0 ? load.result : 1;
}

void
node_load_drop(struct node *p UNUSED)
{
}

void
node_image_begin(struct nodes *n UNUSED, struct node *p UNUSED)
{
}

void
node_image_drop(struct nodes *n UNUSED, const struct node *p UNUSED)
{
}

int
state_set_interfaces(struct state *s UNUSED, Wire__Interface *const *v UNUSED, size_t n UNUSED)
{
	interfaces_set++;
	return 0;
}

void
state_begin_batch(struct state *s)
{
	(void) s;
}

void
state_apply(struct state *s, const struct batch *b UNUSED, const struct event *ev UNUSED,
    struct view *v UNUSED)
{
	s->applied++;
}

void
state_snapshot(struct state *s, const struct batch *b UNUSED, const struct event *ev UNUSED)
{
	s->snapshot++;
	s->applied_before = s->applied;
}

bool
state_snapshot_part(struct state *s, const Wire__Snapshot *part)
{
	s->broken = part->part != 0 && (s->broken || part->part != s->part);
	s->part = part->part + 1;
	return !s->broken;
}

bool
state_snapshot_end(struct state *s, const Wire__Snapshot *part)
{
	if (!part->last || s->broken)
		return false;
	s->done_at = part->began_ns;
	return true;
}

void
state_stats(const struct state *s, struct state_stats *ret)
{
	*ret = (struct state_stats){ .threads = (uint64_t) s->applied, .fds_refused = s->refused };
}

int
rule_run_new(struct ruleset *s, struct rule_run **ret)
{
	(void) s;
	*ret = NULL;
	return 0;
}

void
rule_run_free(struct rule_run *r)
{
	(void) r;
}

void
rule_run_event(struct rule_run *r, const struct view *v, rule_hit_fn *hit, void *arg)
{
	static const struct rule rule = { .name = "any" };

	(void) r;
	hit(arg, &rule, v);
}

int
fscratch_new(struct fscratch **ret)
{
	*ret = NULL;
	return 0;
}

void
fscratch_free(struct fscratch *fs)
{
	(void) fs;
}

void
fscratch_reset(struct fscratch *fs)
{
	(void) fs;
}

/* A letter for each loss window, in the order of loss.def. */
static const char letters[] = "DGUCFSKE";

/* The id is the cause. */
int
blind_loss(const struct stream *st UNUSED, enum loss_cause cause, uint64_t times UNUSED,
    uint64_t at UNUSED, const struct alert_json *shape UNUSED, struct alert **ret)
{
	struct alert *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return -ENOMEM;
	a->rule = BLIND_LOSS;
	a->id[0] = letters[cause];
	*ret = a;
	return 0;
}

/* The id is evt.num, and a letter for each loss window, in the order of loss.def. */
int
alert_render(const struct rule *rule, const struct view *v, const struct alert_origin *o,
    struct fscratch *fs, struct alert_scratch *scratch, struct alert **ret)
{
	struct alert *a = calloc(1, sizeof(*a));

	(void) fs;
	(void) scratch;
	if (a == NULL)
		return -ENOMEM;
	a->rule = rule->name;
	a->time = v->time;
	(void) snprintf(
	    a->id, sizeof(a->id), "%lu:%lu", (unsigned long) o->seq, (unsigned long) v->num);
	for (unsigned i = 0; i < LOSS_MAX; i++)
		if ((o->losses >> i & 1) != 0)
			a->id[strlen(a->id)] = letters[i];
	*ret = a;
	return 0;
}

void
rule_run_suppressed(struct rule_run *r, const struct rule *rule)
{
	(void) r;
	(void) rule;
}

/* Here every match is a separate alert. */
int
throttle_new(const struct throttle_limits *l, struct throttle **ret)
{
	(void) l;
	*ret = NULL;
	return 0;
}

void
throttle_free(struct throttle *t)
{
	(void) t;
}

bool
throttle_suppress(struct throttle *t, const struct rule *rule, const struct view *v,
    const struct alert_origin *o, struct fscratch *fs, struct buf *scratch)
{
	(void) t;
	(void) rule;
	(void) v;
	(void) o;
	(void) fs;
	(void) scratch;
	return false;
}

int
throttle_next_summary(struct throttle *t, const struct alert_origin *o, struct alert_scratch *s,
    struct alert **ret, uint64_t *nmatches)
{
	(void) t;
	(void) o;
	(void) s;
	(void) ret;
	(void) nmatches;
	return 0;
}

size_t
throttle_buckets(const struct throttle *t)
{
	(void) t;
	return 0;
}

void
alert_scratch_fini(struct alert_scratch *s)
{
	(void) s;
}

void
stream_note_seen(struct stream *st, const struct batch *b, uint64_t offset)
{
	(void) st;
	(void) b;
	(void) offset;
}

bool
stream_account(
    struct stream *st UNUSED, const Wire__Batch *batch UNUSED, struct account_row *sum UNUSED)
{
	return false;
}

uint64_t
stream_set_drops(struct stream *st, Wire__Drop *const *v, size_t n)
{
	st->drops = 0;
	for (size_t i = 0; i < n; i++)
		st->drops += v[i]->count;
	return st->drops;
}

struct stream *
stream_ref(struct stream *st)
{
	st->refs++;
	return st;
}

void
stream_unref(struct stream *st)
{
	st->refs--;
}

void
stream_want_snapshot(struct stream *st)
{
	if (st->snapshot_id != 0)
		st->snapshot_id++;
	snapshots_wanted++;
}
