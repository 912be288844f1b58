/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field_key.h - what a field's value depends on, in 128 bits: verdicts are memoized by it.
 *
 * Where the key is the same, so is the value, and with it whatever is made of the value alone. For
 * texts of the pool it is the id and its generation, which is got without looking at the text; an
 * evicted text never has its key again. For other texts it is their hash under a seed that nobody
 * outside knows, for numbers the number.
 */
#ifndef MEWS_COLLECTOR_FIELD_FIELD_KEY_H
#define MEWS_COLLECTOR_FIELD_FIELD_KEY_H

#include "collector/field/field.h"

enum key_kind {
	KEY_NONE,   /* hardly ever the same twice: not worth memoizing */
	KEY_VALUE,  /* the value itself */
	KEY_VALUES, /* all values, where there may be more than one */
	KEY_THREAD, /* a text of the event's thread, at 'offset' in it */
	KEY_MAIN,   /* the same of the main thread */
	KEY_FD,     /* name and kind of the event's descriptor: several fields are made of them */
	KEY_REAL,   /* the path of the file that the event's descriptor refers to */
	KEY_OPEN,   /* what an open asks for: to read, to write */
};

struct field_key {
	enum key_kind kind;
	int offset;
	unsigned cost; /* of getting it, about, in ns */
	bool process;  /* the same for a thread as long as state_version() is */
	const struct field_ref *ref;
};

struct key {
	uint64_t k[2]; /* k[1] is never 0: its lowest three bits say what it is */
};
#define KEY_TAG_ID 3

void field_key_of(const struct field_ref *f, struct field_key *ret);
/* Does one key do for both? */
bool field_key_same(const struct field_key *a, const struct field_key *b);

static inline struct key
field_key_of_id(const struct view *v, uint32_t id, uint64_t more)
{
	uint64_t gen = intern_gen(state_pool(v->state), id);

	return (struct key){ { gen << 32 | id, more << 3 | KEY_TAG_ID } };
}

/* Of what field_key_get() does not do itself. */
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

/* Has the field the same value on every event of this number? It can be got then with nothing but
 * the schema. */
bool field_is_fixed(const struct field_ref *f, unsigned num);

#endif
