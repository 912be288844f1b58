/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - write an image, in pieces. */
#include "collector/state/image_int.h"
#include <stdlib.h>

enum { SLOTS_AT_ONCE = 64 /* free slots are passed this many at a time */ };

/* The number of a text, by its id, or of a shared table of descriptors, by its address. */
struct number {
	uint64_t key; /* 0: free */
	uint32_t n;
};

enum phase {
	PHASE_USERS,
	PHASE_GROUPS,
	PHASE_BOXES,
	PHASE_THREADS,
	PHASE_GONE,
	PHASE_EXITED,
	PHASE_END
};

struct state_image {
	struct state *s;
	struct buf *out;
	struct table texts, tables; /* of struct number */
	uint32_t ntexts, ntables;
	bool failed;
	enum phase phase;
	size_t slot;              /* the next one of the phase's table */
	const struct thread *t;   /* the next one of a group; NULL: none */
	const struct thread *end; /* where the group ends */
	const struct fd_table *fds;
	size_t fd_at; /* fdt_next() */
	const struct thread *gone;
};

TABLE_TYPE(numbers, struct number, uint64_t, s->key == 0, s->key == *k,
    s->key * 0x9e3779b97f4a7c15ULL >> 32);

static void
put_num(struct state_image *w, int64_t v)
{
	uint64_t z = (uint64_t) v << 1 ^ (uint64_t) (v >> 63);
	char bytes[10];
	size_t n = 0;

	for (; z >= 0x80; z >>= 7)
		bytes[n++] = (char) (z | 0x80);
	bytes[n++] = (char) z;
	buf_add(w->out, bytes, n);
}

/* The number of a key; a new one gets the next, *n + 1. 0: no memory. */
static uint32_t
number_of(struct state_image *w, struct table *t, uint64_t key, uint32_t *n)
{
	struct number *e = table_put(&numbers, t, key * 0x9e3779b97f4a7c15ULL >> 32, &key);

	if (e == NULL) {
		w->failed = true;
		return 0;
	}
	if (e->key == 0)
		*e = (struct number){ key, ++*n };
	return e->n;
}

static void
put_text(struct state_image *w, uint32_t id)
{
	uint32_t known = w->ntexts, k;
	struct slice text;

	k = id == INTERN_NULL ? 0 : number_of(w, &w->texts, id, &w->ntexts);
	put_num(w, k);
	if (k <= known)
		return;
	text = intern_get(w->s->pool, id);
	put_num(w, (int64_t) text.n);
	buf_slice(w->out, text);
}

static void
put_members(struct state_image *w, const void *of, const struct image_member *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t num = 0;

		memcpy(&num, (const char *) of + v[i].at, v[i].size);
		if (v[i].kind == IMAGE_TEXT)
			put_text(w, (uint32_t) num);
		else
			put_num(w, (int64_t) num);
	}
}

static void
put_user(struct state_image *w, const struct user_slot *u, enum image_record kind)
{
	put_num(w, kind);
	put_text(w, u->container);
	put_num(w, u->uid);
	put_text(w, u->info.name);
	if (kind == IMAGE_GROUP)
		return;
	put_text(w, u->info.home);
	put_text(w, u->info.shell);
}

static void
put_table(struct state_image *w, const struct fd_table *t)
{
	uint32_t known = w->ntables, k;

	if (t == NULL)
		return;
	k = number_of(w, &w->tables, (uint64_t) (uintptr_t) t, &w->ntables);
	if (k > known) {
		put_num(w, IMAGE_TABLE);
		w->fds = t;
		w->fd_at = 0;
	} else {
		put_num(w, IMAGE_SHARED);
		put_num(w, (int64_t) k - 1);
	}
}

static void
put_thread(struct state_image *w, const struct thread *t)
{
	put_num(w, IMAGE_THREAD);
	put_num(w, t->tid);
	put_num(w, t->pid);
	put_num(w, t->gone);
	put_num(w, t->ptid);
	put_members(w, t, image_thread, image_nthread);
	put_table(w, t->fds);
}

static void
put_fd(struct state_image *w, const struct fd_entry *e)
{
	put_num(w, IMAGE_FD);
	put_num(w, e->fd);
	put_members(w, e, image_fd, image_nfd);
}

static void
next_phase(struct state_image *w)
{
	w->phase++;
	w->slot = 0;
	w->gone = w->s->gone;
}

/* Write the next users or groups. */
static void
step_users(struct state_image *w, const struct table *users, enum image_record kind)
{
	const struct user_slot *v = (const struct user_slot *) (const void *) users->slots;

	for (size_t n = 0; n < SLOTS_AT_ONCE; n++) {
		const struct user_slot *u;

		if (v == NULL || w->slot > users->mask) {
			next_phase(w);
			return;
		}
		u = &v[w->slot++];
		if (u->container != 0) {
			put_user(w, u, kind);
			return;
		}
	}
}

static void
put_container(struct state_image *w, const struct container_slot *e)
{
	put_num(w, IMAGE_CONTAINER);
	put_text(w, e->id);
	for (size_t i = 0; i < ARRAY_SIZE(e->c.text); i++)
		put_text(w, e->c.text[i]);
	put_num(w, e->c.traits);
}

/* Write the next container. */
static void
step_boxes(struct state_image *w)
{
	const struct table *t = &w->s->boxes;
	const struct container_slot *v = (const struct container_slot *) (const void *) t->slots;

	while (v != NULL && w->slot <= t->mask) {
		const struct container_slot *e = &v[w->slot++];

		if (e->id != 0) {
			put_container(w, e);
			return;
		}
	}
	next_phase(w);
}

/* Find the next process; its group is written from the next step on. */
static void
step_threads(struct state_image *w)
{
	const struct thread_table *tt = &w->s->threads;

	for (size_t n = 0; n < SLOTS_AT_ONCE; n++) {
		const struct thread *t;

		if (w->slot > tt->mask) {
			next_phase(w);
			return;
		}
		t = tt->slots[w->slot++].t;
		if (t != NULL && !t->gone && thread_is_main(t)) {
			w->t = w->end = t;
			return;
		}
	}
}

static void
step_group(struct state_image *w)
{
	const struct thread *t = w->t;

	w->t = t->grp_next == w->end ? NULL : t->grp_next;
	if (!t->gone)
		put_thread(w, t);
}

/* Write the next of the dead, oldest first. */
static void
step_gone(struct state_image *w)
{
	if (w->gone == NULL) {
		next_phase(w);
		return;
	}
	if (w->gone->listed)
		put_thread(w, w->gone);
	w->gone = w->gone->next_free;
}

static void
step_exited(struct state_image *w)
{
	const struct state *s = w->s;
	uint32_t i = (s->exited.next + (uint32_t) w->slot) % EXITED_SIZE;

	if (w->slot++ == EXITED_SIZE) {
		next_phase(w);
		return;
	}
	if (s->exited.ts[i] == 0 || s->exited.ts[i] + IMAGE_EXITED_NS < s->now)
		return;
	put_num(w, IMAGE_EXITED);
	put_num(w, s->exited.tid[i]);
	put_num(w, (int64_t) s->exited.start[i]);
	put_num(w, (int64_t) s->exited.ts[i]);
}

static void
step(struct state_image *w)
{
	const struct fd_entry *e = fdt_next(w->fds, &w->fd_at);

	if (e != NULL) {
		put_fd(w, e);
		return;
	}
	w->fds = NULL;
	if (w->t != NULL)
		step_group(w);
	else if (w->phase == PHASE_USERS)
		step_users(w, &w->s->users, IMAGE_USER);
	else if (w->phase == PHASE_GROUPS)
		step_users(w, &w->s->groups, IMAGE_GROUP);
	else if (w->phase == PHASE_BOXES)
		step_boxes(w);
	else if (w->phase == PHASE_THREADS)
		step_threads(w);
	else if (w->phase == PHASE_GONE)
		step_gone(w);
	else
		step_exited(w);
}

int
state_image_new(struct state *s, struct buf *out, struct state_image **ret)
{
	struct state_image *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return -ENOMEM;
	state_flush(s);
	w->s = s;
	w->out = out;
	put_num(w, IMAGE_CLOCK);
	put_members(w, s, image_clock, image_nclock);
	*ret = w;
	return 0;
}

void
state_image_free(struct state_image *w)
{
	if (w == NULL)
		return;
	table_fini(&w->texts);
	table_fini(&w->tables);
	free(w);
}

int
state_image_more(struct state_image *w, size_t n)
{
	for (; n > 0 && w->phase != PHASE_END; n--)
		step(w);
	if (w->failed || buf_ok(w->out) < 0)
		return -ENOMEM;
	if (w->phase != PHASE_END)
		return 0;
	put_num(w, IMAGE_END);
	return buf_ok(w->out) < 0 ? -ENOMEM : 1;
}
