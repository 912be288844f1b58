/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_key.h"
#include "collector/field/field_int.h"
#include <xxhash.h>

/* The kind of a key, in the low bits of its second half; the other bits may hold more. */
enum tag { TAG_NULL = 1, TAG_EMPTY, TAG_ID = KEY_TAG_ID, TAG_NUMBER, TAG_HASH, TAG_BITS = 7 };

enum { VALUES = 64 };

/* A value computed from only one of these is remembered under that one. */
static const struct {
	unsigned depends_on;
	enum key_kind kind;
	unsigned cost;
} own_keys[] = {
	{ ON_TIME, KEY_NONE, 10 },
	{ ON_ACCESS, KEY_OPEN, 3 },
	{ ON_OPEN, KEY_VALUE, 4 }, /* distinguishes most opens */
	{ ON_TEXT, KEY_THREAD, 6 },
	{ ON_ENV, KEY_MAIN, 7 },
	{ ON_REAL, KEY_REAL, 5 },
	{ ON_FD, KEY_FD, 5 },
};

/* The pieces of the state that a value is computed from; false: also from something else. */
static bool
pieces_of(unsigned depends_on, unsigned *ret)
{
	*ret = depends_on & STATE_ALL;
	if (depends_on & (ON_TEXT | ON_ENV))
		*ret |= ON_PROCESS;
	return (depends_on & ~(unsigned) (STATE_ALL | ON_TEXT | ON_ENV)) == 0;
}

void
field_key_of(const struct field_ref *f, struct field_key *ret)
{
	const struct field *field = f->field;
	bool number = field->type != FT_STR && field->type != FT_BYTES;
	struct getter g;

	field_getter_of(field, &g);
	*ret = (struct field_key){ .kind = KEY_VALUE, .ref = f, .cost = number ? 8 : 20 };
	if (field->flags & FF_LONG)
		ret->cost = 150;
	for (size_t i = 0; i < ARRAY_SIZE(own_keys); i++) {
		if (field->depends_on == own_keys[i].depends_on) {
			ret->kind = own_keys[i].kind;
			ret->cost = own_keys[i].cost;
		}
	}
	if (ret->kind == KEY_THREAD)
		ret->offset = g.b;
	if (ret->kind == KEY_MAIN)
		ret->offset = TH(env);
	if (field->multi != FM_ONE) {
		ret->kind = KEY_VALUES;
		ret->cost = 100;
	}
	ret->process = pieces_of(field->depends_on, &ret->pieces);
}

bool
field_key_same(const struct field_key *a, const struct field_key *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == KEY_FD || a->kind == KEY_OPEN || slice_eq(a->ref->text, b->ref->text);
}

static struct key
hash_key(const void *p, size_t n, uint64_t seed)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(p, n, seed);

	return (struct key){ { h.low64, (h.high64 & ~(uint64_t) TAG_BITS) | TAG_HASH } };
}

static struct key
value_key(const struct fval *val, const struct view *v, uint64_t seed)
{
	switch (val->type) {
	case FT_STR:
	case FT_BYTES:
		if (val->id > INTERN_EMPTY)
			return field_key_of_id(v, val->id, 0);
		return hash_key(val->s.p, val->s.n, seed);
	case FT_BOOL:
		return (struct key){ { val->b, TAG_NUMBER } };
	case FT_IP:
	case FT_NET:
		return hash_key(val->ip.addr, val->ip.family == 4 ? 4 : 16, seed);
	case FT_INT:
	case FT_UINT:
	case FT_DOUBLE:
	case FT_PORT:
	case FT_RELTIME:
	case FT_ABSTIME:
	case FT_DYN:
		break;
	}
	return (struct key){ { val->u, TAG_NUMBER } };
}

/* The key of a field with several values: of all of them. */
static struct key
values_key(const struct field_key *key, const struct view *v, struct fscratch *fs, uint64_t seed)
{
	struct fval val[VALUES];
	struct key keys[VALUES];
	int n = field_get(key->ref, v, fs, val, VALUES);

	if (n <= 0)
		return (struct key){ { 0, n == 0 ? TAG_NULL : TAG_EMPTY } };
	for (int i = 0; i < n; i++)
		keys[i] = value_key(&val[i], v, seed);
	return n == 1 ? keys[0] : hash_key(keys, (size_t) n * sizeof(keys[0]), seed);
}

/* The key for fields of KEY_FD without an entry: everything that field_fd.c uses then. */
static struct key
lost_fd_key(const struct view *v, uint64_t seed)
{
	struct slice tuple;

	if (!v->has_fd)
		return (struct key){ { 0, TAG_NULL } };
	if (v->event_path == INTERN_NULL && fd_lost_tuple(v, &tuple))
		return hash_key(tuple.p, tuple.n, seed + v->ev->schema->num);
	return field_key_of_id(v, v->event_path, (uint64_t) v->ev->schema->num << 16);
}

struct key
field_key_slow(
    const struct field_key *key, const struct view *v, struct fscratch *fs, uint64_t seed)
{
	struct fval val;

	switch (key->kind) {
	case KEY_FD:
		return lost_fd_key(v, seed);
	case KEY_VALUES:
		return values_key(key, v, fs, seed);
	case KEY_OPEN:
		return (struct key){ { open_access(v->ev), TAG_NUMBER } };
	case KEY_THREAD:
	case KEY_MAIN:
	case KEY_REAL:
	case KEY_NONE:
	case KEY_VALUE:
		break;
	}
	if (field_get(key->ref, v, fs, &val, 1) > 0)
		return value_key(&val, v, seed);
	return (struct key){ { 0, TAG_NULL } };
}

bool
field_is_fixed(const struct field_ref *f, unsigned num)
{
	const struct ev_schema *s = schema_get(num);
	unsigned left = f->field->depends_on;

	if (num != EV_SYSCALL && num != EV_ASYNCEVENT)
		left &= ~(unsigned) ON_NAME;
	if (s == NULL || !opens_file(s))
		left &= ~(unsigned) (ON_OPEN | ON_ACCESS);
	if (!f->has_index && f->param_index != NULL && f->param_index[num] == 0xff)
		left &= ~(unsigned) ON_PARAM;
	return left == ON_NOTHING;
}
