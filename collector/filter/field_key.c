/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/field_key.h"
#include "collector/filter/field_int.h"
#include <xxhash.h>

/* What a key says beside its first half; the rest of the second half may hold more. */
enum tag { TAG_NULL = 1, TAG_EMPTY, TAG_ID, TAG_NUMBER, TAG_HASH, TAG_BITS = 7 };

enum { KEY_VALUES = 64 };

static bool
is_of_fd(const struct getter *g)
{
	return g->get == get_fd_name || g->get == get_fd_directory || g->get == get_fd_filename ||
	       g->get == get_fd_type || g->get == get_fd_typechar;
}

static bool
is_time(const struct field_ref *f, const struct getter *g)
{
	return f->field->type == FT_RELTIME || f->field->type == FT_ABSTIME ||
	       g->get == get_evt_num || g->get == get_evt_clock || g->get == get_evt_around ||
	       g->get == get_util_cnt;
}

void
field_key_of(const struct field_ref *f, struct field_key *ret)
{
	bool number = f->field->type != FT_STR && f->field->type != FT_BYTES;
	struct getter g;

	field_getter_of(f->field, &g);
	*ret = (struct field_key){ .kind = KEY_VALUE, .ref = f, .cost = number ? 8 : 20 };
	if (f->field->multi != FM_ONE) {
		ret->cost = 100;
	} else if (is_time(f, &g)) {
		*ret = (struct field_key){ .kind = KEY_NONE, .ref = f, .cost = 10 };
	} else if (g.get == get_evt_is_open) {
		ret->cost = 4; /* tells most opens apart */
	} else if (g.get == get_proc_text && g.a == WHO_SELF) {
		*ret = (struct field_key){ .kind = KEY_THREAD, .ref = f, .cost = 6, .offset = g.b };
	} else if (is_of_fd(&g)) {
		*ret = (struct field_key){ .kind = KEY_FD, .ref = f, .cost = 5 };
	} else if (g.get == get_evt_args || g.get == get_evt_buffer || g.get == get_evt_clock ||
		   g.get == get_proc_env || g.get == get_proc_aenv) {
		ret->cost = 150;
	}
}

bool
field_key_same(const struct field_key *a, const struct field_key *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == KEY_FD || slice_eq(a->ref->text, b->ref->text);
}

static struct key
id_key(const struct view *v, uint32_t id, uint64_t more)
{
	uint64_t gen = intern_gen(state_pool(v->state), id);

	return (struct key){ { gen << 32 | id, more << 3 | TAG_ID } };
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
			return id_key(v, val->id, 0);
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

static void
values_key(const struct field_ref *f, const struct view *v, struct fscratch *fs, uint64_t seed,
    struct key *ret)
{
	bool one = f->field->multi == FM_ONE;
	struct fval val[KEY_VALUES];
	struct key keys[KEY_VALUES];
	int n = field_get(f, v, fs, val, one ? 1 : KEY_VALUES);

	if (n <= 0) {
		*ret = (struct key){ { 0, n == 0 ? TAG_NULL : TAG_EMPTY } };
		return;
	}
	if (n == 1) {
		*ret = value_key(&val[0], v, seed);
		return;
	}
	for (int i = 0; i < n; i++)
		keys[i] = value_key(&val[i], v, seed);
	*ret = hash_key(keys, (size_t) n * sizeof(keys[0]), seed);
}

/* All that the fields of KEY_FD look at: field_fd.c. */
static void
fd_key(const struct view *v, uint64_t seed, struct key *ret)
{
	const struct fd_entry *fd = v->fd;
	struct slice tuple;

	if (!v->has_fd)
		*ret = (struct key){ { 0, TAG_NULL } };
	else if (fd != NULL)
		*ret = id_key(v, fd->name, 1u | (uint64_t) fd->type << 1);
	else if (v->event_path == INTERN_NULL && fd_lost_tuple(v, &tuple))
		*ret = hash_key(tuple.p, tuple.n, seed + v->ev->schema->num);
	else
		*ret = id_key(v, v->event_path, (uint64_t) v->ev->schema->num << 16);
}

void
field_key_get(const struct field_key *key, const struct view *v, struct fscratch *fs, uint64_t seed,
    struct key *ret)
{
	uint32_t id;

	switch (key->kind) {
	case KEY_FD:
		fd_key(v, seed, ret);
		return;
	case KEY_THREAD:
		memcpy(&id, (const char *) v->thread + key->offset, sizeof(id));
		*ret = id_key(v, id, 0);
		return;
	case KEY_NONE:
	case KEY_VALUE:
		break;
	}
	values_key(key->ref, v, fs, seed, ret);
}

static bool
is_open(unsigned num)
{
	return num == EV_OPEN || num == EV_OPENAT || num == EV_OPENAT2 || num == EV_CREAT ||
	       num == EV_OPEN_BY_HANDLE_AT;
}

bool
field_is_fixed(const struct field_ref *f, unsigned num)
{
	struct getter g;

	field_getter_of(f->field, &g);
	if (g.get == get_evt_type || g.get == get_evt_type_is || g.get == get_evt_syscall ||
	    g.get == get_evt_asynctype || g.get == get_evt_source)
		return num != EV_SYSCALL && num != EV_ASYNCEVENT;
	if (g.get == get_evt_is_open)
		return !is_open(num);
	if ((g.get == get_evt_arg || g.get == get_evt_rawarg) && !f->has_index)
		return f->param_index[num] == 0xff;
	return g.get == get_evt_word || g.get == get_evt_const || g.get == get_evt_is_async ||
	       g.get == get_evt_is_io || g.get == get_evt_io_dir || g.get == get_evt_is_wait ||
	       g.get == get_null;
}
