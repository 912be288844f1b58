/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field_key.h - what a field's value depends on, in 128 bits: the key for memoized verdicts.
 *
 * Equal keys mean equal values, and equal results of anything computed only from the value. For
 * texts of the pool the key is the id and its generation, obtained without reading the text; an
 * evicted text never has its key again. For other texts it is their hash under a secret seed, for
 * numbers the number.
 */
#ifndef MEWS_COLLECTOR_FIELD_FIELD_KEY_H
#define MEWS_COLLECTOR_FIELD_FIELD_KEY_H

#include "collector/field/field.h"

enum key_kind {
	KEY_NONE,   /* rarely the same twice: not worth memoizing */
	KEY_VALUE,  /* the value itself */
	KEY_VALUES, /* all values, if there may be several */
	KEY_THREAD, /* a text of the event's thread, at 'offset' in it */
	KEY_MAIN,   /* the same for the main thread */
	KEY_FD,     /* name and type of the event's descriptor, for several fields */
	KEY_REAL,   /* the path of the file to which the event's descriptor refers */
	KEY_OPEN,   /* the access that an open requests */
};

struct field_key {
	enum key_kind kind;
	int offset;
	unsigned cost; /* approximate cost of getting it, in ns */
	bool process;  /* constant for a thread while state_version() of these is: */
	unsigned pieces;
	const struct field_ref *ref;
};

struct key {
	uint64_t k[2]; /* k[1] is never 0: its lowest three bits are its kind */
};
#define KEY_TAG_ID 3

void field_key_of(const struct field_ref *f, struct field_key *ret);
/* Can both share one key? */
bool field_key_same(const struct field_key *a, const struct field_key *b);

static inline struct key
field_key_of_id(const struct view *v, uint32_t id, uint64_t more)
{
	uint64_t gen = intern_gen(state_pool(v->state), id);

	return (struct key){ { gen << 32 | id, more << 3 | KEY_TAG_ID } };
}

/* The cases that field_key_get() does not handle itself. */
struct key field_key_slow(
    const struct field_key *key, const struct view *v, struct fscratch *fs, uint64_t seed);

static inline struct key
field_key_get(const struct field_key *key, const struct view *v, struct fscratch *fs, uint64_t seed)
{
	const struct thread *t = key->kind == KEY_MAIN ? v->main : v->thread;
	uint32_t id;

	if (key->kind == KEY_FD && v->has_fd && v->fd != NULL)
		return field_key_of_id(v, v->fd->name, 1u | (uint64_t) v->fd->type << 1);
	if (key->kind == KEY_REAL && v->has_fd && v->fd != NULL) {
		id = v->fd->real > INTERN_EMPTY ? v->fd->real : v->fd->name;
		if (id > INTERN_EMPTY)
			return field_key_of_id(v, id, 0);
	}
	if (key->kind == KEY_THREAD || key->kind == KEY_MAIN) {
		memcpy(&id, (const char *) t + key->offset, sizeof(id));
		return field_key_of_id(v, id, 0);
	}
	return field_key_slow(key, v, fs, seed);
}

/* Is the field's value the same on every event with this number? Then it can be computed from the
 * schema alone. */
bool field_is_fixed(const struct field_ref *f, unsigned num);

#endif
