/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_table.c - what the runtimes say of containers, by container id.
 *
 * A container stays until no thread is in it. Nobody counts threads: when the table has doubled,
 * the unused ones go, so that this costs little for each new one.
 */
#include "collector/state/state_int.h"
#include "common/clock.h"

#define BOXES_MAX   8192u           /* per node: further ones are not recorded */
#define BOXES_FIRST 64u             /* when unused ones are removed for the first time */
#define FRESH_NS    (30 * NS_PER_S) /* its first thread is on its way */

TABLE_TYPE(box_slots, struct container_slot, uint32_t, s->id == 0, s->id == *k,
    s->id * 0x9e3779b97f4a7c15ULL >> 32);

static struct container_slot *
get(const struct state *s, uint32_t id)
{
	return table_get(&box_slots, &s->boxes, id * 0x9e3779b97f4a7c15ULL >> 32, &id);
}

const struct container *
state_container(const struct state *s, const struct thread *t)
{
	const struct container_slot *e = get(s, t->container_id);

	return e == NULL ? NULL : &e->c;
}

static void
slot_fini(struct state *s, struct container_slot *e)
{
	intern_unref(s->pool, e->id);
	for (size_t i = 0; i < ARRAY_SIZE(e->c.text); i++)
		intern_unref(s->pool, e->c.text[i]);
}

void
boxes_fini(struct state *s)
{
	struct container_slot *v = (struct container_slot *) (void *) s->boxes.slots;

	for (size_t i = 0; v != NULL && i <= s->boxes.mask; i++)
		slot_fini(s, &v[i]);
	table_fini(&s->boxes);
}

static bool
is_known(const struct state *s, uint32_t id)
{
	return get(s, id) != NULL;
}

/* Remove containers without a thread, and their users. */
static void
sweep(struct state *s)
{
	struct container_slot *v = (struct container_slot *) (void *) s->boxes.slots;

	for (size_t i = 0; v != NULL && i <= s->boxes.mask; i++)
		v[i].used = false;
	for (uint32_t i = 0; i <= s->threads.mask; i++) {
		const struct thread *t = s->threads.slots[i].t;
		struct container_slot *e = t == NULL ? NULL : get(s, t->container_id);

		if (e != NULL)
			e->used = true;
	}
	for (size_t i = 0; v != NULL && i <= s->boxes.mask;) {
		if (v[i].id == 0 || v[i].used || v[i].since + FRESH_NS > s->now) {
			i++;
			continue;
		}
		slot_fini(s, &v[i]);
		table_remove(&box_slots, &s->boxes, &v[i]); /* another may have moved here */
	}
	users_keep(s, &s->users, is_known);
	users_keep(s, &s->groups, is_known);
	s->boxes_next = MAX(2 * s->boxes.n, BOXES_FIRST);
}

struct container *
boxes_put(struct state *s, uint32_t id)
{
	struct container_slot *e = get(s, id);

	if (e == NULL && id != INTERN_NULL) {
		if (s->boxes.n >= MAX(s->boxes_next, BOXES_FIRST))
			sweep(s);
		if (s->boxes.n >= BOXES_MAX)
			return NULL;
		e = table_put(&box_slots, &s->boxes, id * 0x9e3779b97f4a7c15ULL >> 32, &id);
	}
	if (e == NULL)
		return NULL;
	hold(s->pool, &e->id, id);
	e->since = s->now;
	return &e->c;
}

void
parse_container(struct apply *a)
{
	const struct event *ev = a->ev;
	struct container *c =
	    boxes_put(a->s, ev_intern(a->s->pool, a->b, ev, EVP_CONTAINER_INFO_id));

	if (c == NULL)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(c->text); i++) {
		uint32_t id = INTERN_NULL;

		if (i < ev->schema->nparams && ptype_is_text(ev->schema->params[i].type))
			id = ev_intern(a->s->pool, a->b, ev, i);
		hold(a->s->pool, &c->text[i], id);
	}
	c->traits = (uint32_t) ev_num(ev, EVP_CONTAINER_INFO_traits);
}
