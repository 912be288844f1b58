/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads by tid, in slabs: an entry never moves. Three kinds of links connect related threads:
 *
 *   kids     threads with the same parent id, a chain per hash of that id, parent known or not
 *   group    the threads of a process, a ring through its main thread's entry, which always exists
 *   gone     the dead, oldest first, until their grace is over
 */
#include "collector/state/state_int.h"
#include "common/clock.h"
#include <stdlib.h>

enum { SLAB_FIRST = 8, SLAB = 64 }; /* entries */
#define SLOTS_MIN 64u

/* Members of struct thread that hold an intern id. */
static const size_t held[] = {
	offsetof(struct thread, comm),
	offsetof(struct thread, exe),
	offsetof(struct thread, exepath),
	offsetof(struct thread, args),
	offsetof(struct thread, args_text),
	offsetof(struct thread, cmdline),
	offsetof(struct thread, env),
	offsetof(struct thread, cgroups),
	offsetof(struct thread, container_id),
	offsetof(struct thread, entered_by),
	offsetof(struct thread, root),
	offsetof(struct thread, cwd),
};

static uint32_t
hash_of(int64_t tid)
{
	return (uint32_t) (((uint64_t) tid * 0x9e3779b97f4a7c15ULL) >> 32);
}

static uint32_t *
held_id(struct thread *t, size_t i)
{
	return (uint32_t *) (void *) ((char *) t + held[i]);
}

TABLE_TYPE(thread_slots, struct thread_slot, int64_t, s->t == NULL, s->tid == *k, hash_of(s->tid));

/* The slot of 'tid', or the free slot for it. */
static size_t
slot_of(const struct thread_table *tt, int64_t tid)
{
	return slots_find(&thread_slots, tt->slots, tt->mask, hash_of(tid), &tid);
}

struct thread *
thread_find(const struct state *s, int64_t tid)
{
	return s->threads.slots[slot_of(&s->threads, tid)].t;
}

static void
kid_link(struct thread_table *tt, struct thread *t)
{
	struct thread **head = &tt->kids[hash_of(t->ptid) & tt->mask];

	t->kid_next = *head;
	t->kid_link = head;
	if (*head != NULL)
		(*head)->kid_link = &t->kid_next;
	*head = t;
}

static void
kid_unlink(struct thread *t)
{
	if (t->kid_link == NULL)
		return;
	*t->kid_link = t->kid_next;
	if (t->kid_next != NULL)
		t->kid_next->kid_link = t->kid_link;
	t->kid_link = NULL;
	t->kid_next = NULL;
}

static int
resize(struct thread_table *tt, uint32_t size)
{
	struct thread_table new = { .mask = size - 1, .n = tt->n };

	new.slots = calloc(size, sizeof(*new.slots));
	new.kids = calloc(size, sizeof(struct thread *));
	if (new.slots == NULL || new.kids == NULL) {
		free(new.slots);
		free(new.kids);
		return -ENOMEM;
	}
	for (uint32_t i = 0; tt->slots != NULL && i <= tt->mask; i++) {
		struct thread *t = tt->slots[i].t;

		if (t == NULL)
			continue;
		new.slots[slot_of(&new, t->tid)] = tt->slots[i];
		if (t->kid_link != NULL)
			kid_link(&new, t);
	}
	free(tt->slots);
	free(tt->kids);
	*tt = new;
	return 0;
}

static struct thread *
slab_take(struct state *s)
{
	struct thread *t;

	if (s->free == NULL) {
		size_t n = s->slabs == NULL ? SLAB_FIRST : SLAB;
		struct slab *b = malloc(sizeof(*b) + n * sizeof(b->t[0]));

		if (b == NULL)
			return NULL;
		b->next = s->slabs;
		s->slabs = b;
		for (size_t i = n; i-- > 0;) {
			b->t[i].next_free = s->free;
			s->free = &b->t[i];
		}
	}
	t = s->free;
	s->free = t->next_free;
	return t;
}

void
thread_names_unref(struct state *s, struct thread *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		intern_unref(s->pool, *held_id(t, i));
}

static void
slab_give(struct state *s, struct thread *t)
{
	thread_names_unref(s, t);
	fdt_unref(&s->fds, t->fds);
	t->next_free = s->free;
	s->free = t;
}

static void
junk_free(struct state *s)
{
	while (s->junk != NULL) {
		struct thread *t = s->junk;

		s->junk = t->next_free;
		slab_give(s, t);
	}
}

int
threads_init(struct state *s)
{
	s->gone_tail = &s->gone;
	if (resize(&s->threads, SLOTS_MIN) < 0)
		return -ENOMEM;
	s->stray = slab_take(s);
	if (s->stray == NULL)
		return -ENOMEM;
	*s->stray = (struct thread){ 0 };
	thread_unknown(s, s->stray);
	return 0;
}

void
threads_fini(struct state *s)
{
	struct slab *next;

	for (uint32_t i = 0; s->threads.slots != NULL && i <= s->threads.mask; i++) {
		if (s->threads.slots[i].t != NULL && !s->threads.slots[i].t->gone)
			slab_give(s, s->threads.slots[i].t);
	}
	while (s->gone != NULL) {
		struct thread *t = s->gone;

		s->gone = t->next_free;
		slab_give(s, t);
	}
	junk_free(s);
	if (s->stray != NULL)
		slab_give(s, s->stray);
	for (struct slab *b = s->slabs; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	free(s->threads.slots);
	free(s->threads.kids);
}

void
thread_unknown(struct state *s, struct thread *t)
{
	const struct words *w = &s->words;

	t->vtid = t->vpid = t->sid = t->pgid = t->vpgid = -1;
	t->uid = t->gid = t->loginuid = UNKNOWN_ID;
	t->last_fd = -1;
	t->placeholder = true;
	hold(s->pool, &t->comm, w->na);
	hold(s->pool, &t->exe, w->na);
	hold(s->pool, &t->cmdline, w->na);
	hold(s->pool, &t->exepath, INTERN_EMPTY);
	hold(s->pool, &t->args, INTERN_EMPTY);
	hold(s->pool, &t->args_text, INTERN_EMPTY);
	hold(s->pool, &t->container_id, w->host);
	hold(s->pool, &t->cwd, w->here);
}

/* Take it out of the table: tid, parent, group. */
static void
unlist(struct state *s, struct thread *t)
{
	struct thread_table *tt = &s->threads;
	size_t i = slot_of(tt, t->tid);

	if (!t->listed)
		return;
	touch_by(s, DEED_REMOVED);
	t->listed = false;
	kid_unlink(t);
	t->grp_prev->grp_next = t->grp_next;
	t->grp_next->grp_prev = t->grp_prev;
	t->grp_next = t->grp_prev = t;
	i = slots_remove(&thread_slots, tt->slots, tt->mask, i);
	tt->slots[i].t = NULL;
	tt->n--;
}

static void
gone_free(struct state *s)
{
	struct thread *t = s->gone;

	s->gone = t->next_free;
	s->ngone--;
	if (s->gone == NULL)
		s->gone_tail = &s->gone;
	unlist(s, t);
	slab_give(s, t);
}

void
threads_expire(struct state *s)
{
	junk_free(s);
	while (s->gone != NULL &&
	       (s->gone->died + s->limits.dead_grace_ns <= s->now || s->ngone > s->limits.threads))
		gone_free(s);
}

void
thread_bury(struct state *s, struct thread *t)
{
	if (t->gone)
		return;
	touch_by(s, DEED_BURIED);
	t->dead = t->gone = true;
	t->died = s->now;
	fdt_unref(&s->fds, t->fds); /* the kernel has closed them */
	t->fds = NULL;
	t->next_free = NULL;
	*s->gone_tail = t;
	s->gone_tail = &t->next_free;
	s->ngone++;
	s->stats.threads--;
}

/* Remove it at once; its memory is freed with the next event. */
static void
discard(struct state *s, struct thread *t)
{
	unlist(s, t);
	if (t->gone)
		return; /* among the dead already */
	t->dead = t->gone = true;
	t->next_free = s->junk;
	s->junk = t;
	s->stats.threads--;
}

/* Remove the threads of a group whose main thread's entry is removed. */
static void
drop_group(struct state *s, struct thread *main)
{
	while (main->grp_next != main) {
		discard(s, main->grp_next);
	}
}

void
thread_unbury(struct state *s, struct thread *t)
{
	struct thread **link = &s->gone;

	while (*link != t)
		link = &(*link)->next_free;
	*link = t->next_free;
	if (s->gone_tail == &t->next_free)
		s->gone_tail = link;
	s->ngone--;
	t->gone = false;
	s->stats.threads++;
}

void
thread_drop(struct state *s, struct thread *t)
{
	struct thread *main = thread_main(s, t);

	if (thread_is_main(t))
		drop_group(s, t);
	else if (!t->dead && main->nthreads > 0)
		main->nthreads--;
	discard(s, t);
}

/* Evict the longest idle of the next few: an exact search would visit the whole table each time. */
static bool
evict(struct state *s, const struct thread *keep)
{
	struct thread_table *tt = &s->threads;
	struct thread *worst = NULL;

	if (s->gone != NULL && s->gone != s->pin && s->gone != keep) {
		gone_free(s);
		return true;
	}
	for (uint32_t n = 0, looked = 0; n <= tt->mask && looked < 64; n++) {
		struct thread *t = tt->slots[tt->hand++ & tt->mask].t;

		if (t == NULL || t == keep || t == s->pin || t->gone || t->grp_next != t)
			continue;
		looked++;
		if (worst == NULL || t->seen < worst->seen)
			worst = t;
	}
	for (uint32_t n = 0; worst == NULL && n <= tt->mask; n++) { /* groups only */
		struct thread *t = tt->slots[n].t;

		if (t != NULL && t != keep && t != s->pin && !thread_is_main(t))
			worst = t;
	}
	if (worst == NULL)
		return false;
	thread_drop(s, worst);
	s->stats.threads_evicted++;
	return true;
}

struct thread *
thread_add(struct state *s, int64_t tid, struct thread *main)
{
	struct thread_table *tt = &s->threads;
	struct thread *t;
	size_t i;

	while (tt->n >= s->limits.threads) {
		if (!evict(s, main))
			return NULL;
	}
	if ((tt->n + 1) * 2 > tt->mask + 1 && resize(tt, (tt->mask + 1) * 2) < 0 &&
	    tt->n >= tt->mask)
		return NULL;
	t = slab_take(s);
	if (t == NULL)
		return NULL;
	*t = (struct thread){ .tid = tid, .pid = main == NULL ? tid : main->tid, .listed = true };
	thread_unknown(s, t);
	t->seen = s->now;
	t->grp_next = t->grp_prev = t;
	if (main != NULL) {
		t->grp_prev = main->grp_prev;
		t->grp_next = main;
		main->grp_prev->grp_next = t;
		main->grp_prev = t;
		main->nthreads++;
		hold(s->pool, &t->cwd, INTERN_NULL);
	} else {
		t->nthreads = 1;
	}
	i = slot_of(tt, tid);
	tt->slots[i] = (struct thread_slot){ tid, t };
	tt->n++;
	touch_by(s, DEED_ADDED);
	s->stats.threads++;
	return t;
}

struct thread *
thread_main(const struct state *s, const struct thread *t)
{
	struct thread *main;

	if (!thread_is_main(t) && t->listed) {
		main = thread_find(s, t->pid);
		if (main != NULL)
			return main;
	}
	return (struct thread *) t;
}

void
thread_set_parent(struct state *s, struct thread *t, int64_t ptid)
{
	if (t->kid_link != NULL && t->ptid == ptid)
		return;
	touch_by(s, DEED_PARENT);
	kid_unlink(t);
	t->ptid = ptid;
	if (t->listed && ptid > 0)
		kid_link(&s->threads, t);
}

struct thread *
thread_child(const struct state *s, const struct thread *t, int64_t vpid)
{
	struct thread *kid = s->threads.kids[hash_of(t->tid) & s->threads.mask];

	while (kid != NULL && !(kid->ptid == t->tid && thread_is_main(kid) && kid->vpid == vpid))
		kid = kid->kid_next;
	return kid;
}

/* A thread of the process that has not exited, except 'but'; NULL: none. */
static const struct thread *
alive_thread(const struct thread *main, const struct thread *but)
{
	const struct thread *t = main;

	do {
		if (!t->dead && t != but)
			return t;
		t = t->grp_next;
	} while (t != main);
	return NULL;
}

/* Find the new parent of the children of 'from', if the kernel did not report it. */
static int64_t
find_reaper(const struct state *s, const struct thread *from)
{
	const struct thread *main = thread_main(s, from), *t = alive_thread(main, from);

	if (t != NULL)
		return t->tid;
	for (unsigned hop = 0; hop < HOPS_MAX; hop++) {
		t = thread_find(s, main->ptid);
		if (t == NULL || in_pidns(t) != in_pidns(from))
			return 0;
		main = thread_main(s, t);
		if (main->nthreads == 0)
			continue;
		t = alive_thread(main, NULL);
		if (t != NULL && (main->subreaper || main->pid == 1 || main->vpid == 1))
			return t->tid;
	}
	return 0;
}

/* Has a new parent exited at the same time as the old one? */
static bool
has_exited(const struct state *s, int64_t reaper, uint64_t ts)
{
	return reaper > 0 && exited_since(s, reaper, 0, ts > NS_PER_S ? ts - NS_PER_S : 1);
}

void
thread_reparent(struct state *s, struct thread *from, int64_t reaper)
{
	struct thread_table *tt = &s->threads;
	struct thread *t = tt->kids[hash_of(from->tid) & tt->mask], *next;
	const struct thread *r = reaper > 0 ? thread_find(s, reaper) : NULL;
	bool found = r != NULL && !r->dead && r != from;

	for (; t != NULL; t = next) {
		next = t->kid_next;
		if (t->ptid != from->tid || t == from)
			continue;
		if (!found) { /* the kernel's number, if nothing better is known */
			const int64_t better = find_reaper(s, from);

			if (better != 0 || r != NULL || has_exited(s, reaper, from->updated))
				reaper = better;
			else
				reaper = MAX(reaper, 0);
			found = true;
		}
		thread_set_parent(s, t, reaper);
	}
}
