/* SPDX-License-Identifier: Apache-2.0 */
/* outputs.c - the configured outputs: open, start, stop. outputs_reload.c changes them. */
#include "collector/output/outputs_int.h"
#include "common/clock.h"
#include "common/cond.h"
#include "common/log.h"
#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

void
output_free(struct output *o)
{
	if (o->opened)
		o->ops->close(o->st);
	pthread_mutex_destroy(&o->lock);
	route_free(o->route);
	buf_fini(&o->spec);
	output_beats_free(o->beats);
	free(o->st);
	free(o);
}

static int
output_new(struct outputs *set, const struct output_ops *ops, const char *name, struct output **ret)
{
	struct output *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return -ENOMEM;
	o->st = calloc(1, ops->state_size);
	if (o->st == NULL) {
		free(o);
		return -ENOMEM;
	}
	o->ops = ops;
	o->set = set;
	(void) snprintf(o->name, sizeof(o->name), "%s", name);
	(void) snprintf(o->stats.name, sizeof(o->stats.name), "%s", name);
	o->stats.kind = ops->name;
	pthread_mutex_init(&o->lock, NULL);
	*ret = o;
	return 0;
}

void
output_tell_skipped(const struct output *o)
{
	if (o->stats.skipped > 0)
		log_warn(
		    "output %s is new or was disabled: alerts from before are not sent "
		    "there: %llu ('mewsctl alerts' shows them)",
		    o->name, (unsigned long long) o->stats.skipped);
}

/* An option that is yes, no or auto: do people read what the output sends? */
static bool
for_people(const struct output *o, const char *choice)
{
	if (strcmp(choice, "auto") != 0)
		return strcmp(choice, "yes") == 0;
	return o->ops->people != NULL && o->ops->people(o->st);
}

static int
add_spec(void *arg, const char *rest, const char *value, struct diag *d)
{
	struct buf *b = arg;
	struct stat sb;

	(void) d;
	buf_add(b, rest, strlen(rest) + 1);
	buf_add(b, value, strlen(value) + 1);
	/* A file that it reads, not one that it writes. */
	if (value[0] == '/' && strcmp(rest, "path") != 0 && stat(value, &sb) == 0)
		buf_printf(b, "%lu %ld.%ld %ld", (unsigned long) sb.st_ino,
		    (long) sb.st_mtim.tv_sec, (long) sb.st_mtim.tv_nsec, (long) sb.st_size);
	return buf_ok(b);
}

/* What an earlier output of outputs.first_match takes. */
static int
add_earlier(void *arg, const struct output_choice *c)
{
	const char *const v[] = { c->place.name, c->minimum,
		c->condition == NULL ? "" : c->condition };

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		buf_add(arg, v[i], strlen(v[i]) + 1);
	return buf_ok(arg);
}

int
output_spec(
    const struct output_walk *w, const struct output_choice *c, struct buf *ret, struct diag *d)
{
	int r = cfg_each(w->cfg, output_section(w), add_spec, ret, d);

	return r < 0 ? r : output_each_earlier(w, c->place.name, add_earlier, ret, d);
}

int
output_make(struct outputs *set, const struct output_walk *w, const struct output_choice *c,
    struct output **ret, struct diag *d)
{
	const struct output_ops *ops = output_kinds[w->kind];
	struct output *o = NULL;
	int r = output_new(set, ops, c->place.name, &o);

	if (r < 0)
		return r;
	o->cfg = w->cfg;
	r = output_spec(w, c, &o->spec, d);
	if (r == 0)
		r = output_bind_route(w, c, &o->route, d);
	if (r == 0)
		r = cfg_bind(w->cfg, ops->opts, ops->nopts, o->st, d);
	if (r == 0) {
		o->opened = true;
		r = ops->open(o->st, w->cfg, output_ended, o, d);
	}
	if (r < 0) {
		output_free(o);
		return r;
	}
	o->silenced = for_people(o, c->silences);
	*ret = o;
	return 0;
}

int
output_place(struct output *o)
{
	int r = outbox_cursor(o->set->outbox, o->name, &o->cursor, &o->stats.skipped);

	o->next = o->cursor;
	return r;
}

static int
add(struct outputs *set, const struct output_walk *w, const struct output_choice *c, struct diag *d)
{
	int r = output_make(set, w, c, &set->v[set->n], d);

	if (r == 0)
		r = output_place(set->v[set->n++]);
	if (r == 0)
		output_tell_skipped(set->v[set->n - 1]);
	return r;
}

int
output_run(struct output *o, struct diag *d)
{
	sigset_t all, old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&o->thread, NULL, output_main, o);
	o->running = r == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r != 0)
		diag_set(d, 0, 0, "cannot start a thread for an output: %s", strerrordesc_np(r));
	return -r;
}

int
outputs_start(struct cfg *cfg, struct outbox *o, struct silences *silences, struct outputs **ret,
    struct diag *d)
{
	struct outputs *set = calloc(1, sizeof(*set));
	struct output_walk w = { .cfg = cfg };
	struct output_choice c = { 0 };
	int r = 0;

	if (set == NULL)
		return -ENOMEM;
	set->outbox = o;
	set->silences = silences;
	pthread_mutex_init(&set->lock, NULL);
	cond_init(&set->wake);
	while (r == 0 && output_walk_on(&w)) {
		r = output_bind_choice(&w, &c, d);
		if (r == 0 && c.enabled)
			r = add(set, &w, &c, d);
	}
	cfg_select(cfg, NULL, 0);
	for (size_t i = 0; r == 0 && i < set->n; i++)
		r = output_run(set->v[i], d);
	if (r < 0) {
		outputs_stop(set, 0);
		return r;
	}
	*ret = set;
	return 0;
}

void
output_stop_all(struct outputs *set, struct output *const *v, size_t n, int deadline_ms)
{
	uint64_t now = clock_mono(), until = now + (uint64_t) deadline_ms * NS_PER_MS;

	pthread_mutex_lock(&set->lock);
	for (size_t i = 0; i < n; i++) {
		v[i]->stop_at = until;
		v[i]->stopping = true;
	}
	pthread_cond_broadcast(&set->wake);
	pthread_mutex_unlock(&set->lock);
	for (size_t i = 0; i < n; i++) {
		if (v[i]->running && v[i]->ops->hurry != NULL)
			v[i]->ops->hurry(v[i]->st, until);
	}
	for (size_t i = 0; i < n; i++) {
		struct output *o = v[i];

		if (!o->running)
			continue;
		(void) pthread_join(o->thread, NULL);
		now = clock_mono();
		(void) o->ops->drain(o->st, now < until ? (int) ((until - now) / NS_PER_MS) : 0);
		output_advance(o);
		output_extra_stop(o);
	}
}

void
outputs_stop(struct outputs *set, int deadline_ms)
{
	if (set == NULL)
		return;
	output_stop_all(set, set->v, set->n, deadline_ms);
	for (size_t i = 0; i < set->n; i++)
		output_free(set->v[i]);
	for (size_t i = 0; i < set->ncfgs; i++)
		cfg_free(set->cfgs[i]);
	pthread_cond_destroy(&set->wake);
	pthread_mutex_destroy(&set->lock);
	free(set);
}

void
outputs_reopen(struct outputs *set)
{
	set->reopen++;
}

size_t
outputs_stats(struct outputs *set, struct output_stats *ret, size_t max)
{
	size_t n;

	pthread_mutex_lock(&set->lock);
	n = MIN(set->n, max);
	for (size_t i = 0; i < n; i++) {
		pthread_mutex_lock(&set->v[i]->lock);
		ret[i] = set->v[i]->stats;
		pthread_mutex_unlock(&set->v[i]->lock);
	}
	pthread_mutex_unlock(&set->lock);
	return n;
}
