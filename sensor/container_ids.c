/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_ids.c - the host's ids for those of a container with a user namespace.
 *
 *	id in the container --config.json--> id of its runtime --/etc/subuid--> id of the host
 *
 * A user's runtime has a namespace of its own: there 0 is the user, and 1 and what follows are the
 * ids that /etc/subuid gives to the user, the lowest range first.
 */
#include "sensor/container_read.h"
#include "sensor/passwd.h"
#include <stdio.h>
#include <stdlib.h>

#define HOST_FILE_MAX (256u << 10)

static void
add(struct id_map *m, int64_t inside, int64_t outside, int64_t n)
{
	if (m->n < CONTAINER_RANGES && inside >= 0 && outside >= 0 && n > 0 &&
	    inside + n <= UINT32_MAX && outside + n <= UINT32_MAX)
		m->v[m->n++] =
		    (struct id_range){ (uint32_t) inside, (uint32_t) outside, (uint32_t) n };
}

static void
of_config(const struct container_info *c, const char *key, struct id_map *ret)
{
	size_t i;
	json_t *e;

	json_array_foreach(json_object_get(json_object_get(c->config, "linux"), key), i, e)
	    add(ret, json_integer_value(json_object_get(e, "containerID")),
		json_integer_value(json_object_get(e, "hostID")),
		json_integer_value(json_object_get(e, "size")));
}

static int
by_outside(const void *a, const void *b)
{
	uint32_t x = ((const struct id_range *) a)->outside,
		 y = ((const struct id_range *) b)->outside;

	return x < y ? -1 : x > y;
}

/* The name of the container's user, as the host has it; borrowed from 'text'. */
static struct slice
name_of(const struct container_info *c, struct buf *text)
{
	struct slice rest, line;
	struct user_line u;
	int r = container_host_file(c, "etc", "passwd", HOST_FILE_MAX, text);

	rest = r < 0 ? (struct slice){ NULL, 0 } : buf_get(text);
	while (line_next(&rest, &line)) {
		if (user_parse(line, &u) && u.uid == c->ask->owner)
			return u.name;
	}
	return (struct slice){ NULL, 0 };
}

/* 'user': its name; 'self': the user's own id, which is 0 in there; UINT32_MAX: unknown. */
static void
of_user(const struct container_info *c, const char *file, struct slice user, uint32_t self,
    struct id_map *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	struct slice rest, line, name;
	char number[16];
	uint32_t first, n, next = 1;
	int r = container_host_file(c, "etc", file, HOST_FILE_MAX, &text);

	(void) snprintf(number, sizeof(number), "%u", c->ask->owner);
	rest = r < 0 ? (struct slice){ NULL, 0 } : buf_get(&text);
	while (line_next(&rest, &line)) {
		if (subid_parse(line, &name, &first, &n) &&
		    ((user.n > 0 && slice_eq(name, user)) || slice_eq(name, slice_str(number))))
			add(ret, 0, first, n);
	}
	qsort(ret->v, ret->n, sizeof(ret->v[0]), by_outside);
	for (unsigned i = 0; i < ret->n; i++) {
		ret->v[i].inside = next;
		next += ret->v[i].n;
	}
	add(ret, 0, self, 1);
}

void
container_ids(const struct container_info *c, struct id_maps *uids, struct id_maps *gids)
{
	CLEANUP(buf_fini) struct buf users = BUF_INIT;
	struct slice user;

	*uids = *gids = (struct id_maps){ .user.n = 0 };
	of_config(c, "uidMappings", &uids->container);
	of_config(c, "gidMappings", &gids->container);
	if (c->ask->owner == 0)
		return;
	user = name_of(c, &users);
	of_user(c, "subuid", user, c->ask->owner, &uids->user);
	of_user(c, "subgid", user, UINT32_MAX, &gids->user);
}

static bool
outside(const struct id_map *m, uint32_t *id)
{
	for (unsigned i = 0; i < m->n; i++) {
		if (*id >= m->v[i].inside && *id - m->v[i].inside < m->v[i].n) {
			*id = *id - m->v[i].inside + m->v[i].outside;
			return true;
		}
	}
	return m->n == 0;
}

bool
container_id_outside(const struct id_maps *m, uint32_t *id)
{
	return outside(&m->container, id) && outside(&m->user, id);
}
