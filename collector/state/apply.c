/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Apply one event: finish the pending work of the previous event, find the thread, run the event's
 * parser, fill in the view. Parsers are indexed by event number; an event without one changes
 * nothing.
 */
#include "collector/state/state_int.h"
#include "common/clock.h"
#include <stdlib.h>

#define EPOCH_STEP_NS ((int64_t) NS_PER_MS)

/* Parsers of these events find or create the thread themselves. */
static parse_fn *const makers[EV_TYPE_MAX] = {
#define MAKER(ID, fn, PART, NEED) [EV_##ID] = fn,
#include "collector/state/parsers.def"
};

static parse_fn *const parsers[EV_TYPE_MAX] = {
#define PARSER(ID, fn, PART, NEED) [EV_##ID] = fn,
#include "collector/state/parsers.def"
};

static int
words_init(struct state *s)
{
	struct words *w = &s->words;
	const struct {
		uint32_t *id;
		struct slice text;
	} v[] = {
		{ &w->na, SLICE("<NA>") },
		{ &w->here, SLICE("./") },
		{ &w->root, SLICE("/") },
		{ &w->host, SLICE("host") },
		{ &w->unknown, SLICE("<unknown>") },
		{ &w->unknown_dir, SLICE("<UNKNOWN>") },
		{ &w->too_long, SLICE("/DIR_TOO_LONG/FILENAME_TOO_LONG") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		uint32_t id = intern_put(s->pool, v[i].text);

		if (id == INTERN_NULL)
			return -ENOMEM;
		hold(s->pool, v[i].id, id);
	}
	return 0;
}

int
state_new(struct intern *pool, const struct state_limits *limits, struct state **ret)
{
	struct state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	s->pool = pool;
	s->limits = *limits;
	s->snap = 1;
	s->fds = (struct fd_space){ .pool = pool, .max = limits->fds };
	s->version[0] = clock_mono(); /* later than any of an earlier state at this address */
	for (unsigned set = 1; set <= STATE_ALL; set++)
		s->version[set] = s->version[0];
	if (intern_account_open(pool, &s->account) < 0) {
		free(s);
		return -ENOMEM;
	}
	intern_charge(pool, s->account);
	if (words_init(s) < 0 || threads_init(s) < 0) {
		state_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void
state_free(struct state *s)
{
	const struct words *w;

	if (s == NULL)
		return;
	w = &s->words;
	threads_fini(s);
	path_fini(s);
	for (size_t i = 0; i < CGROUP_MEMO_SIZE; i++) {
		intern_unref(s->pool, s->containers[i].cgroups);
		intern_unref(s->pool, s->containers[i].id);
	}
	users_fini(s, &s->users);
	users_fini(s, &s->groups);
	boxes_fini(s);
	intern_unref(s->pool, w->na);
	intern_unref(s->pool, w->here);
	intern_unref(s->pool, w->root);
	intern_unref(s->pool, w->host);
	intern_unref(s->pool, w->unknown);
	intern_unref(s->pool, w->unknown_dir);
	intern_unref(s->pool, w->too_long);
	intern_account_close(s->pool, s->account);
	free(s->ifaces);
	free(s);
}

static bool
in_range(const struct fd_entry *e, const void *arg)
{
	const int64_t *range = arg;

	return e->fd >= range[0] && e->fd <= range[1];
}

static void
finish_exit(struct state *s, struct thread *t)
{
	struct thread *main = thread_main(s, t);

	if (t != main)
		thread_bury(s, t);
	if (main->dead && main->nthreads == 0)
		thread_bury(s, main);
}

void
state_flush(struct state *s)
{
	struct thread *owner = s->pending.owner, *exited = s->pending.exited;

	if (owner != NULL && s->pending.first == s->pending.last) {
		fdt_del(&s->fds, &owner->fds, s->pending.first);
	} else if (owner != NULL) {
		int64_t range[2] = { s->pending.first, s->pending.last };

		fdt_filter(&s->fds, &owner->fds, in_range, range);
	}
	s->pending.owner = NULL;
	s->pending.exited = NULL;
	if (exited != NULL)
		finish_exit(s, exited);
	threads_expire(s);
}

/* Use an entry with only its ids, which is not in the table. */
static struct thread *
stray(struct apply *a)
{
	struct thread *t = a->s->stray;
	int64_t pid = a->ev->pid == 0 ? a->ev->tid : a->ev->pid;

	if (t->tid != a->ev->tid || t->pid != pid)
		touch_by(a->s, DEED_STRAY);
	t->tid = a->ev->tid;
	t->pid = pid;
	t->start = a->ev->start;
	t->last_fd = -1;
	return t;
}

/* Find the event's descriptor, unless its parser has set it. */
static void
find_fd(struct apply *a)
{
	unsigned i = a->ev->schema->role[EVR_FD];

	if (!ev_has(a->ev, i)) {
		a->fd = a->t->last_fd;
		return;
	}
	a->fd = ev_num(a->ev, i);
	if (a->fd < 0 && (a->ev->schema->flags & EF_CREATES_FD))
		a->fd = -1;
}

static void
fill_view(struct apply *a)
{
	struct view *v = a->v;

	if (a->t == NULL)
		a->t = stray(a);
	a->main = thread_main(a->s, a->t);
	a->t->seen = a->s->now;
	v->thread = a->t;
	v->main = a->main;
	v->has_fd = (a->ev->schema->flags & EF_ANY_FD) != 0;
	if (!v->has_fd)
		return;
	if (!a->fd_set)
		find_fd(a);
	a->t->last_fd = a->fd;
	v->fd_num = a->fd;
	v->fd = fdt_get(a->main->fds, a->fd);
}

/* The node reads its clocks one after the other, so their difference varies a little. If a clock is
 * set, it changes by more. */
static void
hold_epoch(struct state *s, uint64_t epoch)
{
	int64_t by = (int64_t) (epoch - s->epoch);

	if ((int64_t) epoch <= 0)
		return;
	if (s->epoch == 0 || by >= EPOCH_STEP_NS || by <= -EPOCH_STEP_NS)
		s->epoch = epoch;
}

void
state_apply(struct state *s, const struct batch *b, const struct event *ev, struct view *v)
{
	struct apply a = { .s = s, .b = b, .ev = ev, .v = v, .fd = -1 };
	unsigned num = ev->schema->num;

	if (ev->ts > s->now)
		s->now = ev->ts;
	if (s->began == 0)
		s->began = s->current = ev->ts;
	s->before = s->current;
	s->current = ev->ts;
	hold_epoch(s, v->time - ev->ts);
	state_flush(s);
	if (UNLIKELY(state_touches[num] != 0))
		touch(s, state_touches[num]);
	v->fd = NULL;
	v->fd_num = -1;
	v->event_path = v->event_pathraw = INTERN_NULL;
	v->has_fd = v->fd_name_changed = false;
	if (makers[num] != NULL) {
		makers[num](&a);
	} else {
		a.t = thread_get(s, ev->tid, ev->pid, ev->start);
		if (a.t != NULL && parsers[num] != NULL) {
			a.main = thread_main(s, a.t);
			parsers[num](&a);
		}
	}
	fill_view(&a);
}
