/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups, by the container that knows them and their number: open addressing. */
#include "collector/state/state_int.h"
#include <stdlib.h>

#define USERS_MIN 64u
#define USERS_MAX 65536u /* per node: more are not learnt */

uint32_t
users_container(struct state *s, uint32_t id)
{
	return id == INTERN_NULL || id == INTERN_EMPTY ? s->words.host : id;
}

static uint32_t
slot_of(const struct users *u, uint32_t container, uint32_t uid)
{
	uint32_t i = (uid * 2654435761u ^ container * 40503u) & u->mask;

	while (u->v[i].container != 0 && (u->v[i].container != container || u->v[i].uid != uid))
		i = (i + 1) & u->mask;
	return i;
}

const struct user_slot *
users_get(const struct users *u, uint32_t container, uint32_t uid)
{
	const struct user_slot *e;

	if (u->v == NULL)
		return NULL;
	e = &u->v[slot_of(u, container, uid)];
	return e->container == 0 ? NULL : e;
}

static int
grow(struct users *u)
{
	uint32_t size = u->v == NULL ? USERS_MIN : (u->mask + 1) * 2;
	struct users new = { calloc(size, sizeof(*new.v)), size - 1, u->n };

	if (new.v == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; u->v != NULL && i <= u->mask; i++) {
		if (u->v[i].container != 0)
			new.v[slot_of(&new, u->v[i].container, u->v[i].uid)] = u->v[i];
	}
	free(u->v);
	*u = new;
	return 0;
}

struct user_slot *
users_put(struct state *s, struct users *u, uint32_t container, uint32_t uid)
{
	struct user_slot *e;

	if (container == INTERN_NULL)
		return NULL;
	if ((u->v == NULL || (u->n + 1) * 2 > u->mask + 1) && (u->n >= USERS_MAX || grow(u) < 0))
		return NULL;
	e = &u->v[slot_of(u, container, uid)];
	if (e->container == 0) {
		*e = (struct user_slot){ .uid = uid };
		hold(s->pool, &e->container, container);
		u->n++;
	}
	return e;
}

static void
slot_fini(struct state *s, struct user_slot *e)
{
	intern_unref(s->pool, e->container);
	intern_unref(s->pool, e->info.name);
	intern_unref(s->pool, e->info.home);
	intern_unref(s->pool, e->info.shell);
	*e = (struct user_slot){ 0 };
}

void
users_del(struct state *s, struct users *u, uint32_t container, uint32_t uid)
{
	uint32_t i;

	if (users_get(u, container, uid) == NULL)
		return;
	i = slot_of(u, container, uid);
	slot_fini(s, &u->v[i]);
	u->n--;
	for (uint32_t k = (i + 1) & u->mask; u->v[k].container != 0; k = (k + 1) & u->mask) {
		struct user_slot e = u->v[k]; /* put it where it belongs now */

		u->v[k] = (struct user_slot){ 0 };
		u->v[slot_of(u, e.container, e.uid)] = e;
	}
}

void
users_fini(struct state *s, struct users *u)
{
	for (uint32_t i = 0; u->v != NULL && i <= u->mask; i++)
		slot_fini(s, &u->v[i]);
	free(u->v);
}

static uint32_t
container_of(const struct state *s, const struct thread *t)
{
	return t->container_id == INTERN_NULL ? s->words.host : t->container_id;
}

const struct user_info *
state_user(const struct state *s, const struct thread *t, uint32_t uid)
{
	const struct user_slot *e = users_get(&s->users, container_of(s, t), uid);

	return e == NULL ? NULL : &e->info;
}

uint32_t
state_group(const struct state *s, const struct thread *t, uint32_t gid)
{
	const struct user_slot *e = users_get(&s->groups, container_of(s, t), gid);

	return e == NULL ? INTERN_NULL : e->info.name;
}

void
parse_user(struct apply *a)
{
	uint32_t container =
	    users_container(a->s, ev_intern(a->s->pool, a->b, a->ev, EVP_USERADDED_container_id));
	uint32_t uid = (uint32_t) ev_num(a->ev, EVP_USERADDED_uid);
	struct user_slot *e;

	if (a->ev->schema->num == EV_USERDELETED) {
		users_del(a->s, &a->s->users, container, uid);
		return;
	}
	e = users_put(a->s, &a->s->users, container, uid);
	if (e == NULL)
		return;
	hold_text(a, &e->info.name, EVP_USERADDED_name);
	hold_text(a, &e->info.home, EVP_USERADDED_home);
	hold_text(a, &e->info.shell, EVP_USERADDED_shell);
}

void
parse_group(struct apply *a)
{
	uint32_t container =
	    users_container(a->s, ev_intern(a->s->pool, a->b, a->ev, EVP_GROUPADDED_container_id));
	uint32_t gid = (uint32_t) ev_num(a->ev, EVP_GROUPADDED_gid);
	struct user_slot *e;

	if (a->ev->schema->num == EV_GROUPDELETED) {
		users_del(a->s, &a->s->groups, container, gid);
		return;
	}
	e = users_put(a->s, &a->s->groups, container, gid);
	if (e != NULL)
		hold_text(a, &e->info.name, EVP_GROUPADDED_name);
}
