/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/kube/kube_store_int.h"
#include "common/array.h"
#include "common/counter.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum { PENDING_MAX = 4096 };

struct change {
	struct kube_object *o; /* held */
	bool remove;
};

/* A deleted object that is kept. */
struct gone {
	struct kube_object *o; /* held */
	uint64_t since;
};

struct kube_store {
	pthread_mutex_t lock; /* guards 'used', and 'readers' of both sides */
	pthread_cond_t left;  /* the last reader of a side has left */
	unsigned used;        /* the side for readers */
	struct kube_side sides[2];
	/* The rest is the writer's. */
	struct change pending[PENDING_MAX];
	size_t npending;
	struct gone *gone; /* oldest first, from 'first' */
	size_t first, ngone, room;
	uint64_t list[KUBE_KINDS]; /* the number of the newest list */
	uint64_t limit;
	counter objects[KUBE_KINDS], bytes, refused, commits;
	_Atomic uint64_t misses; /* counted by readers */
};

int
kube_store_new(uint64_t bytes, struct kube_store **ret)
{
	struct kube_store *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->left, NULL);
	s->limit = bytes;
	s->sides[0].misses = s->sides[1].misses = &s->misses;
	*ret = s;
	return 0;
}

static void
side_fini(struct kube_side *side)
{
	const struct kube_slot *v = (const struct kube_slot *) (const void *) side->table.slots;

	for (size_t i = 0; v != NULL && i <= side->table.mask; i++)
		kube_object_unref(v[i].o);
	table_fini(&side->table);
	free(side->services);
}

void
kube_store_free(struct kube_store *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->npending; i++)
		kube_object_unref(s->pending[i].o);
	for (size_t i = 0; i < s->ngone; i++)
		kube_object_unref(s->gone[s->first + i].o);
	free(s->gone);
	side_fini(&s->sides[0]);
	side_fini(&s->sides[1]);
	pthread_cond_destroy(&s->left);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- readers ---- */

const struct kube_side *
kube_enter(struct kube_store *s)
{
	struct kube_side *side;

	pthread_mutex_lock(&s->lock);
	side = &s->sides[s->used];
	side->readers++;
	pthread_mutex_unlock(&s->lock);
	return side;
}

void
kube_leave(struct kube_store *s, const struct kube_side *side)
{
	struct kube_side *own = &s->sides[side - s->sides];

	pthread_mutex_lock(&s->lock);
	if (--own->readers == 0)
		pthread_cond_signal(&s->left);
	pthread_mutex_unlock(&s->lock);
}

/* ---- the writer ---- */

/* The side that no reader is in. It has all changes. */
static struct kube_side *
mine(struct kube_store *s)
{
	return &s->sides[1 - s->used];
}

static void
service_remove(struct kube_side *side, const struct kube_object *o)
{
	size_t i = kube_service_place(side, o->ns, o->name);

	while (i < side->nservices && side->services[i] != o)
		i++;
	if (i == side->nservices)
		return;
	side->nservices--;
	(void) memmove(side->services + i, side->services + i + 1,
	    (side->nservices - i) * sizeof(struct kube_object *));
}

static int
service_add(struct kube_side *side, struct kube_object *o)
{
	size_t i = kube_service_place(side, o->ns, o->name);

	if (ARRAY_RESERVE(side->services, side->nservices, 1, side->room) < 0)
		return -ENOMEM;
	(void) memmove(side->services + i + 1, side->services + i,
	    (side->nservices - i) * sizeof(struct kube_object *));
	side->services[i] = o;
	side->nservices++;
	return 0;
}

/* The slot of the object, or of another version of it. A pod's mirror is no version of it: a pod
 * may say that it is the mirror of any. */
static struct kube_slot *
slot_of(const struct kube_side *side, const struct kube_object *o)
{
	struct kube_slot *s = kube_find(side, o->kind, kube_key_text(o, false));

	return s == NULL || s->mirror ? NULL : s;
}

static void
slot_remove(struct kube_side *side, struct kube_object *o, bool mirror)
{
	struct kube_slot *s = kube_find(side, o->kind, kube_key_text(o, mirror));

	if (s == NULL || s->o != o || s->mirror != mirror)
		return;
	kube_slot_remove(side, s);
	kube_object_unref(o);
}

static void
side_remove(struct kube_side *side, struct kube_object *o)
{
	if (o->kind == KUBE_SERVICE)
		service_remove(side, o);
	slot_remove(side, o, true);
	slot_remove(side, o, false);
}

static int
slot_add(struct kube_side *side, struct kube_object *o, bool mirror)
{
	const struct kube_key k = { o->kind, kube_key_text(o, mirror) };
	struct kube_slot *s;

	if (k.text.n == 0 || (mirror && kube_find(side, o->kind, k.text) != NULL))
		return 0;
	s = kube_slot_put(side, &k);
	if (s == NULL)
		return -ENOMEM;
	kube_object_unref(s->o);
	s->o = o;
	s->mirror = mirror;
	o->refs++;
	return 0;
}

/* In place of an older version of it. */
static int
side_add(struct kube_side *side, struct kube_object *o)
{
	struct kube_slot *s = slot_of(side, o);
	int r;

	if (s != NULL)
		side_remove(side, s->o);
	r = slot_add(side, o, false);
	if (r == 0)
		r = slot_add(side, o, true);
	if (r == 0 && o->kind == KUBE_SERVICE)
		r = service_add(side, o);
	if (r < 0)
		side_remove(side, o);
	return r;
}

static void
count(struct kube_store *s, const struct kube_object *o, bool more)
{
	counter *n = &s->objects[o->kind];

	counter_set(n, counter_get(n) + (more ? 1 : -1));
	counter_set(&s->bytes, counter_get(&s->bytes) + (more ? o->size : -o->size));
}

/* Show the changes to readers, and repeat them where readers were. */
static void
flip(struct kube_store *s)
{
	struct kube_side *old;

	if (s->npending == 0)
		return;
	pthread_mutex_lock(&s->lock);
	old = &s->sides[s->used];
	s->used = 1 - s->used;
	while (old->readers > 0)
		pthread_cond_wait(&s->left, &s->lock);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->npending; i++) {
		struct change *c = &s->pending[i];

		if (c->remove)
			side_remove(old, c->o);
		else if (side_add(old, c->o) < 0)
			counter_add(&s->refused, 1);
		kube_object_unref(c->o);
	}
	s->npending = 0;
	counter_add(&s->commits, 1);
}

/* Note a change of 'mine' for the other side; takes the reference. */
static void
note(struct kube_store *s, struct kube_object *o, bool removed)
{
	s->pending[s->npending++] = (struct change){ o, removed };
	if (s->npending == PENDING_MAX)
		flip(s);
}

static void
drop(struct kube_store *s, struct kube_object *o)
{
	struct kube_slot *at = slot_of(mine(s), o);

	if (at == NULL || at->o != o)
		return;
	o->refs++;
	count(s, o, false);
	side_remove(mine(s), o);
	note(s, o, true);
}

/* Forget the object that was deleted first. False: there is none. */
static bool
forget_first(struct kube_store *s)
{
	struct kube_object *o;

	if (s->ngone == 0)
		return false;
	o = s->gone[s->first++].o;
	s->ngone--;
	if (o->gone)
		drop(s, o);
	kube_object_unref(o);
	return true;
}

static void
bury(struct kube_store *s, struct kube_object *o, uint64_t now)
{
	if (o->gone)
		return;
	if (s->first > 0 && s->first >= s->ngone) { /* room in front */
		(void) memmove(s->gone, s->gone + s->first, s->ngone * sizeof(*s->gone));
		s->first = 0;
	}
	if (ARRAY_RESERVE(s->gone, s->first + s->ngone, 1, s->room) < 0) {
		drop(s, o);
		return;
	}
	o->gone = true;
	o->refs++;
	s->gone[s->first + s->ngone++] = (struct gone){ o, now };
}

void
kube_put(struct kube_store *s, struct kube_object *o)
{
	struct kube_slot *at = slot_of(mine(s), o);
	struct kube_object *old = at == NULL ? NULL : at->o;

	if (old != NULL && kube_object_same(old, o)) {
		old->listed = s->list[o->kind];
		old->gone = false;
		kube_object_unref(o);
		return;
	}
	while (counter_get(&s->bytes) + o->size > s->limit && forget_first(s))
		;
	if (counter_get(&s->bytes) + o->size > s->limit + (old == NULL ? 0 : old->size)) {
		counter_add(&s->refused, 1);
		kube_object_unref(o);
		return;
	}
	at = slot_of(mine(s), o); /* the old one may have been forgotten */
	if (at != NULL)
		count(s, at->o, false);
	o->listed = s->list[o->kind];
	if (side_add(mine(s), o) < 0) {
		counter_add(&s->refused, 1);
		kube_object_unref(o);
		return;
	}
	count(s, o, true);
	note(s, o, false);
}

void
kube_delete(struct kube_store *s, const struct kube_object *o, uint64_t now)
{
	const struct kube_slot *at = slot_of(mine(s), o);

	if (at != NULL)
		bury(s, at->o, now);
}

void
kube_list(struct kube_store *s, enum kube_kind kind)
{
	s->list[kind]++;
}

void
kube_list_end(struct kube_store *s, enum kube_kind kind, uint64_t now)
{
	const struct kube_side *side = mine(s);
	const struct kube_slot *v = (const struct kube_slot *) (const void *) side->table.slots;

	for (size_t i = 0; v != NULL && i <= side->table.mask; i++) {
		struct kube_object *o = v[i].o;

		if (o != NULL && o->kind == kind && o->listed != s->list[kind])
			bury(s, o, now);
	}
}

void
kube_commit(struct kube_store *s, uint64_t now)
{
	while (s->ngone > 0 && s->gone[s->first].since + KUBE_KEEP_NS <= now)
		(void) forget_first(s);
	flip(s);
}

void
kube_store_stats(const struct kube_store *s, struct kube_store_stats *ret)
{
	for (size_t i = 0; i < KUBE_KINDS; i++)
		ret->objects[i] = counter_get(&s->objects[i]);
	ret->bytes = counter_get(&s->bytes);
	ret->refused = counter_get(&s->refused);
	ret->commits = counter_get(&s->commits);
	ret->misses = atomic_load_explicit(&s->misses, memory_order_relaxed);
}
