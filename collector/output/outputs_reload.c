/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outputs_reload.c - other outputs while alerts flow.
 *
 * Each output remembers the text of its configuration, secrets included, and the state of the files
 * that it names. One whose text is the same goes on. The others are opened before any old one is
 * stopped, so that a configuration that cannot be opened changes nothing; then each continues at
 * its predecessor's place in the outbox.
 */
#include "collector/output/outputs_int.h"
#include "common/log.h"
#include <errno.h>

#define STOP_MS 2000 /* the rest of their alerts waits in the outbox */

struct plan {
	struct output *v[OUTBOX_OUTPUTS];
	bool kept[OUTBOX_OUTPUTS];
	size_t n;
};

static struct output *
named(struct output *const *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i]->name, name) == 0)
			return v[i];
	}
	return NULL;
}

/* Plan the present output of a walk: the one that runs, or a new one, which is opened. */
static int
plan_one(struct outputs *set, const struct output_walk *w, const struct output_choice *c,
    struct plan *p, struct diag *d)
{
	struct output *old = named(set->v, set->n, c->place.name);
	CLEANUP(buf_fini) struct buf spec = BUF_INIT;
	int r;

	if (p->n == OUTBOX_OUTPUTS)
		return -ENOSPC;
	r = output_spec(w, c, &spec, d);
	if (r < 0)
		return r;
	if (old != NULL && slice_eq(buf_get(&old->spec), buf_get(&spec))) {
		p->v[p->n] = old;
		p->kept[p->n++] = true;
		return 0;
	}
	r = output_make(set, w, c, &p->v[p->n], d);
	if (r == 0)
		p->n++;
	if (r == 0 && old == NULL)
		r = outbox_output_on(set->outbox, &c->place);
	return r;
}

static void
give_up(struct outputs *set, struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->kept[i])
			continue;
		if (named(set->v, set->n, p->v[i]->name) == NULL)
			outbox_output_off(set->outbox, p->v[i]->name);
		output_free(p->v[i]);
	}
}

static int
make_plan(struct outputs *set, struct cfg *fresh, struct plan *p, struct diag *d)
{
	struct output_walk w = { .cfg = fresh };
	int r = 0;

	while (r == 0 && output_walk_on(&w)) {
		struct output_choice c = { 0 };

		r = output_bind_choice(&w, &c, d);
		if (r == 0 && c.enabled)
			r = plan_one(set, &w, &c, p, d);
	}
	cfg_select(fresh, NULL, 0);
	if (r < 0)
		give_up(set, p);
	return r;
}

/* Go on where its predecessor, if any, stopped, and run. */
static void
take_over(struct output *o, struct output *old)
{
	struct diag d = { 0 };

	if (old != NULL) {
		const struct output_stats *s = &old->stats;

		pthread_mutex_lock(&o->lock);
		o->stats.delivered = s->delivered;
		o->stats.refused = s->refused;
		o->stats.retries = s->retries;
		o->stats.filtered = s->filtered;
		o->stats.silenced = s->silenced;
		pthread_mutex_unlock(&o->lock);
	}
	if (output_place(o) < 0)
		log_error("output %s has no place in the outbox: restart the collector", o->name);
	else if (output_run(o, &d) < 0)
		log_error("output %s: %s", o->name, d.msg);
	else if (old == NULL)
		output_tell_skipped(o);
}

/* Free the configurations that no output uses any more. */
static void
forget_configurations(struct outputs *set)
{
	size_t n = 0;

	for (size_t i = 0; i < set->ncfgs; i++) {
		bool used = false;

		for (size_t k = 0; k < set->n; k++)
			used = used || set->v[k]->cfg == set->cfgs[i];
		if (used)
			set->cfgs[n++] = set->cfgs[i];
		else
			cfg_free(set->cfgs[i]);
	}
	set->ncfgs = n;
}

int
outputs_reload(struct outputs *set, struct cfg *fresh, struct outputs_changes *ret, struct diag *d)
{
	struct output *old[OUTBOX_OUTPUTS];
	struct outputs_changes changes = { 0 };
	struct plan p = { 0 };
	size_t nold = 0;
	int r = make_plan(set, fresh, &p, d);

	if (r < 0)
		return r;
	set->cfgs[set->ncfgs++] = fresh;
	for (size_t i = 0; i < set->n; i++) {
		if (named(p.v, p.n, set->v[i]->name) != set->v[i])
			old[nold++] = set->v[i];
	}
	pthread_mutex_lock(&set->lock);
	memcpy(set->v, p.v, p.n * sizeof(p.v[0]));
	set->n = p.n;
	pthread_mutex_unlock(&set->lock);
	output_stop_all(set, old, nold, STOP_MS);
	for (size_t i = 0; i < p.n; i++) {
		struct output *before = named(old, nold, p.v[i]->name);

		if (p.kept[i])
			continue;
		take_over(p.v[i], before);
		changes.changed += before != NULL;
		changes.added += before == NULL;
	}
	for (size_t i = 0; i < nold; i++) {
		if (named(p.v, p.n, old[i]->name) == NULL) {
			outbox_output_off(set->outbox, old[i]->name);
			changes.removed++;
		}
		output_free(old[i]);
	}
	forget_configurations(set);
	*ret = changes;
	return 0;
}
