/* SPDX-License-Identifier: Apache-2.0 */
/* Users and groups, by container and number. */
#include "collector/state/state_int.h"

#define USERS_MAX 65536u /* per node: further ones are not recorded */

uint32_t
users_container(struct state *s, uint32_t id)
{
	return id == INTERN_NULL || id == INTERN_EMPTY ? s->words.host : id;
}

/* ---- the table ---- */

static uint64_t
hash_of(const struct user_slot *e)
{
	return e->uid * 2654435761u ^ e->container * 40503u;
}

TABLE_TYPE(user_slots, struct user_slot, struct user_slot, s->container == 0,
    s->container == k->container && s->uid == k->uid, hash_of(s));

static struct user_slot *
get(const struct table *users, uint32_t container, uint32_t uid)
{
	const struct user_slot key = { .container = container, .uid = uid };

	return table_get(&user_slots, users, hash_of(&key), &key);
}

struct user_slot *
users_put(struct state *s, struct table *users, uint32_t container, uint32_t uid)
{
	const struct user_slot key = { .container = container, .uid = uid };
	struct user_slot *e = get(users, container, uid);

	if (e != NULL)
		return e;
	if (container == INTERN_NULL || users->n >= USERS_MAX)
		return NULL;
	e = table_put(&user_slots, users, hash_of(&key), &key);
	if (e != NULL) {
		e->uid = uid;
		hold(s->pool, &e->container, container);
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
}

void
users_del(struct state *s, struct table *users, uint32_t container, uint32_t uid)
{
	struct user_slot *e = get(users, container, uid);

	if (e == NULL)
		return;
	slot_fini(s, e);
	table_remove(&user_slots, users, e);
}

void
users_fini(struct state *s, struct table *users)
{
	struct user_slot *v = (struct user_slot *) (void *) users->slots;

	for (size_t i = 0; v != NULL && i <= users->mask; i++)
		slot_fini(s, &v[i]);
	table_fini(users);
}

void
users_keep(
    struct state *s, struct table *users, bool (*keep)(const struct state *s, uint32_t container))
{
	struct user_slot *v = (struct user_slot *) (void *) users->slots;

	for (size_t i = 0; v != NULL && i <= users->mask;) {
		if (v[i].container == 0 || v[i].container == s->words.host ||
		    keep(s, v[i].container)) {
			i++;
			continue;
		}
		slot_fini(s, &v[i]);
		table_remove(&user_slots, users, &v[i]); /* another may have moved here */
	}
}

static uint32_t
container_of(const struct state *s, const struct thread *t)
{
	return t->container_id == INTERN_NULL ? s->words.host : t->container_id;
}

const struct user_info *
state_user(const struct state *s, const struct thread *t, uint32_t uid)
{
	const struct user_slot *e = get(&s->users, container_of(s, t), uid);

	return e == NULL ? NULL : &e->info;
}

uint32_t
state_group(const struct state *s, const struct thread *t, uint32_t gid)
{
	const struct user_slot *e = get(&s->groups, container_of(s, t), gid);

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
