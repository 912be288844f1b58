/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_key.h"
#include "collector/field/field_int.h"
#include <xxhash.h>

/* The kind of a key, in the low bits of its second half; the other bits may hold more. */
enum tag { TAG_NULL = 1, TAG_EMPTY, TAG_ID = KEY_TAG_ID, TAG_NUMBER, TAG_HASH, TAG_BITS = 7 };

enum { VALUES = 64 };

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

/* Made of nothing but the thread and its relatives. */
static bool
is_of_process(const struct getter *g)
{
	static field_getter *const getters[] = { get_proc_text, get_proc_ancestors, get_proc_apid,
		get_proc_args, get_proc_aargs, get_proc_nargs, get_proc_exeline, get_proc_env,
		get_proc_aenv, get_proc_cwd, get_proc_loginshell, get_proc_exe_flag,
		get_proc_is_leader, get_proc_ismain, get_proc_caps, get_proc_cgroups,
		get_proc_cgroup, get_user_uid, get_user_text, get_user_loginuid, get_user_loginname,
		get_group_gid, get_group_name, get_container_id, get_mews_program };
	static const int numbers[] = { NUM_TTY, NUM_PID, NUM_VPID, NUM_SID, NUM_VPGID, NUM_PGID,
		NUM_EXE_INO };

	for (size_t i = 0; i < ARRAY_SIZE(getters); i++) {
		if (g->get == getters[i])
			return true;
	}
	for (size_t i = 0; g->get == get_proc_num && i < ARRAY_SIZE(numbers); i++) {
		if (g->b == numbers[i])
			return true;
	}
	return false;
}

void
field_key_of(const struct field_ref *f, struct field_key *ret)
{
	bool number = f->field->type != FT_STR && f->field->type != FT_BYTES;
	struct getter g;

	field_getter_of(f->field, &g);
	*ret = (struct field_key){ .kind = KEY_VALUE, .ref = f, .cost = number ? 8 : 20 };
	if (f->field->multi != FM_ONE) {
		ret->kind = KEY_VALUES;
		ret->cost = 100;
	} else if (is_time(f, &g)) {
		*ret = (struct field_key){ .kind = KEY_NONE, .ref = f, .cost = 10 };
	} else if (g.get == get_evt_is_open && (g.a == OPEN_READ || g.a == OPEN_WRITE)) {
		*ret = (struct field_key){ .kind = KEY_OPEN, .ref = f, .cost = 3 };
	} else if (g.get == get_evt_is_open) {
		ret->cost = 4; /* tells most opens apart */
	} else if (g.get == get_proc_text && g.a == WHO_SELF) {
		*ret = (struct field_key){ .kind = KEY_THREAD, .ref = f, .cost = 6, .offset = g.b };
	} else if (g.get == get_proc_env) {
		*ret =
		    (struct field_key){ .kind = KEY_MAIN, .ref = f, .cost = 7, .offset = TH(env) };
	} else if (g.get == get_fd_realname) {
		*ret = (struct field_key){ .kind = KEY_REAL, .ref = f, .cost = 5 };
	} else if (is_of_fd(&g)) {
		*ret = (struct field_key){ .kind = KEY_FD, .ref = f, .cost = 5 };
	} else if (g.get == get_evt_args || g.get == get_evt_buffer || g.get == get_evt_clock ||
		   g.get == get_proc_aenv) {
		ret->cost = 150;
	}
	ret->process = ret->kind != KEY_NONE && is_of_process(&g);
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
	struct getter g;

	field_getter_of(f->field, &g);
	if (g.get == get_evt_type || g.get == get_evt_type_is || g.get == get_evt_syscall ||
	    g.get == get_evt_asynctype || g.get == get_evt_source)
		return num != EV_SYSCALL && num != EV_ASYNCEVENT;
	if (g.get == get_evt_is_open)
		return s == NULL || !opens_file(s);
	if ((g.get == get_evt_arg || g.get == get_evt_rawarg) && !f->has_index)
		return f->param_index[num] == 0xff;
	return g.get == get_evt_word || g.get == get_evt_const || g.get == get_evt_is_async ||
	       g.get == get_evt_is_io || g.get == get_evt_io_dir || g.get == get_evt_is_wait ||
	       g.get == get_null;
}
