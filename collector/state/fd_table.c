/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/state/fd_table.h"
#include "common/array.h"
#include "common/hashtable.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FD_FREE  (-1)
#define SIZE_MIN 16u

static struct fd_table *
table_new(uint32_t size)
{
	struct fd_table *t = malloc(sizeof(*t) + size * sizeof(t->e[0]));

	if (t == NULL)
		return NULL;
	t->refs = 1;
	t->n = 0;
	t->mask = size - 1;
	t->ports = (struct fd_ports){ 0 };
	memset(t->e, 0xff, size * sizeof(t->e[0])); /* FD_FREE */
	return t;
}

struct fd_table *
fdt_ref(struct fd_table *t)
{
	if (t != NULL)
		t->refs++;
	return t;
}

void
fd_names_ref(struct intern *pool, const struct fd_entry *e)
{
	(void) intern_ref(pool, e->name);
	(void) intern_ref(pool, e->nameraw);
	(void) intern_ref(pool, e->real);
}

void
fd_names_unref(struct intern *pool, const struct fd_entry *e)
{
	intern_unref(pool, e->name);
	intern_unref(pool, e->nameraw);
	intern_unref(pool, e->real);
}

void
fdt_unref(struct fd_space *sp, struct fd_table *t)
{
	if (t == NULL || --t->refs > 0)
		return;
	for (uint32_t i = 0; i <= t->mask; i++) {
		if (t->e[i].fd == FD_FREE)
			continue;
		fd_names_unref(sp->pool, &t->e[i]);
	}
	sp->n -= t->n;
	free(t->ports.v);
	free(t);
}

/* ---- bound ports ---- */

/* The position of the port in the list, or the one at which to insert it. */
static size_t
port_place(const struct fd_ports *p, uint16_t port)
{
	size_t from = 0, to = p->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (p->v[mid] < port)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static bool
is_server(const struct fd_entry *e)
{
	return e->type == FD_IPV4_SERVER || e->type == FD_IPV6_SERVER;
}

bool
fdt_serves(const struct fd_table *t, uint16_t port)
{
	size_t i = t == NULL ? 0 : port_place(&t->ports, port);

	return t != NULL && i < t->ports.n && t->ports.v[i] == port;
}

void
fdt_serve(struct fd_space *sp, struct fd_table *t, const struct fd_entry *e)
{
	struct fd_ports *p = &t->ports;
	size_t i = port_place(p, e->dport);

	if (!is_server(e))
		return;
	if (ARRAY_RESERVE(p->v, p->n, 1, p->room) < 0) {
		sp->refused++;
		return;
	}
	memmove(&p->v[i + 1], &p->v[i], (p->n - i) * sizeof(p->v[0]));
	p->v[i] = e->dport;
	p->n++;
}

void
fdt_unserve(struct fd_table *t, const struct fd_entry *e)
{
	struct fd_ports *p = &t->ports;
	size_t i = port_place(p, e->dport);

	if (!is_server(e) || i == p->n)
		return;
	assert(p->v != NULL);
	if (p->v[i] != e->dport)
		return;
	p->n--;
	memmove(&p->v[i], &p->v[i + 1], (p->n - i) * sizeof(p->v[0]));
}

static int
ports_copy(struct fd_ports *to, const struct fd_ports *from)
{
	if (from->n == 0)
		return 0;
	if (ARRAY_RESERVE(to->v, 0, from->n, to->room) < 0)
		return -1;
	memcpy(to->v, from->v, from->n * sizeof(from->v[0]));
	to->n = from->n;
	return 0;
}

TABLE_TYPE(fd_slots, struct fd_entry, int32_t, s->fd == FD_FREE, s->fd == *k, (uint32_t) s->fd);

/* The slot of 'fd', or the free slot for it. A table is never full. */
static size_t
slot_of(const struct fd_table *t, int32_t fd)
{
	return slots_find(&fd_slots, t->e, t->mask, (uint32_t) fd, &fd);
}

const struct fd_entry *
fdt_get(const struct fd_table *t, int64_t fd)
{
	const int32_t key = (int32_t) fd;

	if (t == NULL || fd < 0 || fd > INT32_MAX)
		return NULL;
	return slots_get(&fd_slots, t->e, t->mask, (uint32_t) key, &key);
}

/* Make a table of that size with the same entries; drop a reference to the old one. */
static int
remake(struct fd_space *sp, struct fd_table **t, uint32_t size)
{
	struct fd_table *old = *t, *new = table_new(size);

	if (new == NULL)
		return -1;
	if (old != NULL && ports_copy(&new->ports, &old->ports) < 0) {
		fdt_unref(sp, new);
		return -1;
	}
	if (old != NULL) {
		for (uint32_t i = 0; i <= old->mask; i++) {
			struct fd_entry *e;

			if (old->e[i].fd == FD_FREE)
				continue;
			e = &new->e[slot_of(new, old->e[i].fd)];
			*e = old->e[i];
			fd_names_ref(sp->pool, e);
		}
		new->n = old->n;
		sp->n += new->n;
	}
	fdt_unref(sp, old);
	*t = new;
	return 0;
}

/* Before a write: make the table private to this process, with room for one more. */
static int
own(struct fd_space *sp, struct fd_table **t, bool room)
{
	uint32_t size = *t == NULL ? SIZE_MIN : (*t)->mask + 1;

	if (*t != NULL && room && ((*t)->n + 1) * 4 > size * 3)
		size *= 2;
	else if (*t != NULL && (*t)->refs == 1)
		return 0;
	return remake(sp, t, size);
}

/* No memory for a private table: better all unknown than one entry wrong. */
static void
lose(struct fd_space *sp, struct fd_table **t)
{
	fdt_unref(sp, *t);
	*t = NULL;
	sp->refused++;
}

struct fd_entry *
fdt_edit(struct fd_space *sp, struct fd_table **t, int64_t fd)
{
	if (fdt_get(*t, fd) == NULL)
		return NULL;
	if (own(sp, t, false) < 0) {
		lose(sp, t);
		return NULL;
	}
	return &(*t)->e[slot_of(*t, (int32_t) fd)];
}

struct fd_entry *
fdt_put(struct fd_space *sp, struct fd_table **t, int64_t fd)
{
	struct fd_entry *e;

	if (fd < 0 || fd > INT32_MAX)
		return NULL;
	e = fdt_edit(sp, t, fd);
	if (e != NULL) {
		fdt_unserve(*t, e);
		fd_names_unref(sp->pool, e);
	} else {
		if ((*t != NULL && (*t)->n >= sp->max) || own(sp, t, true) < 0) {
			sp->refused++;
			return NULL;
		}
		(*t)->n++;
		sp->n++;
		e = &(*t)->e[slot_of(*t, (int32_t) fd)];
	}
	*e = (struct fd_entry){ .fd = (int32_t) fd };
	return e;
}

static void
slot_free(struct fd_space *sp, struct fd_table *t, size_t i)
{
	fdt_unserve(t, &t->e[i]);
	fd_names_unref(sp->pool, &t->e[i]);
	i = slots_remove(&fd_slots, t->e, t->mask, i);
	t->e[i].fd = FD_FREE;
	t->n--;
	sp->n--;
}

void
fdt_del(struct fd_space *sp, struct fd_table **t, int64_t fd)
{
	if (fdt_get(*t, fd) == NULL)
		return;
	if (own(sp, t, false) < 0) {
		lose(sp, t);
		return;
	}
	slot_free(sp, *t, slot_of(*t, (int32_t) fd));
}

const struct fd_entry *
fdt_next(const struct fd_table *t, size_t *pos)
{
	if (t == NULL)
		return NULL;
	while (*pos <= t->mask) {
		const struct fd_entry *e = &t->e[t->mask - (*pos)++];

		if (e->fd != FD_FREE)
			return e;
	}
	return NULL;
}

void
fdt_filter(struct fd_space *sp, struct fd_table **t,
    bool (*drop)(const struct fd_entry *e, const void *arg), const void *arg)
{
	const struct fd_entry *e;
	size_t pos = 0;

	while ((e = fdt_next(*t, &pos)) != NULL && !drop(e, arg))
		;
	if (e == NULL || own(sp, t, false) < 0)
		return;
	for (bool again = true; again;) { /* removing one may move one past the walk */
		again = false;
		pos = 0;
		while ((e = fdt_next(*t, &pos)) != NULL) {
			if (!drop(e, arg))
				continue;
			slot_free(sp, *t, (size_t) (e - (*t)->e));
			pos--;
			again = true;
		}
	}
}
