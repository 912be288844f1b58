/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/capture_table.h"
#include "driver/numbers.h"
#include "proto/schema.h"
#include "sensor/capture_sources.h"
#include <errno.h>
#include <string.h>

struct row {
	enum drv_program program;
	uint16_t entry; /* in entry_names[] */
	struct source params[EV_PARAM_MAX];
};

enum demux { DEMUX_socketcall, DEMUX_ipc, DEMUX_mmap = DRV_DEMUX_ONLY };
enum where { WHERE_MEMORY, WHERE_BLOCK, WHERE_REGISTERS };

struct branch {
	uint16_t row;
	int demux, nr, number;
	enum where where;
	size_t n;
	uint8_t args[6];
};

enum entry_index {
#define SYSCALL(name, entry, x86_64, x32, ia32, arm64, arm32) ENTRY_##name,
#include "proto/syscalls.def"
};

static const char *const entry_names[] = {
#define SYSCALL(name, entry, x86_64, x32, ia32, arm64, arm32) #entry,
#include "proto/syscalls.def"
};

enum row_index {
#define CAPTURE(call, EV, program, ...) ROW_##call,
#include "driver/captures.def"
};

const struct capture captures[] = {
#define CAPTURE(call, EV, program, ...) { #call, EV_##EV, { NR64_##call, NR32_##call } },
#include "driver/captures.def"
};
const size_t ncaptures = ARRAY_SIZE(captures);

static const struct row rows[] = {
#define CAPTURE(call, EV, program, ...) { DRV_PROGRAM_##program, ENTRY_##call, { __VA_ARGS__ } },
#include "driver/captures.def"
};

static const struct branch branches[] = {
#define BRANCH(call, demux, number, where, ...)                           \
	{ ROW_##call, DEMUX_##demux, NR32_##demux, number, WHERE_##where, \
		sizeof((uint8_t[]){ __VA_ARGS__ }), { __VA_ARGS__ } },
#include "driver/captures.def"
};

/* A call without a row within another. */
static const struct {
	enum syscall_index call;
	int demux, nr, number;
} withins[] = {
#define WITHIN(call, demux, number) { SC_##call, DEMUX_##demux, NR32_##demux, number },
#include "driver/captures.def"
};

#define WITHIN(call, demux, number) \
	_Static_assert((number) < DRV_BRANCH_MAX, #call " in " #demux " is beyond the table");
#define BRANCH(call, demux, number, where, ...) \
	_Static_assert((number) < DRV_BRANCH_MAX, #call " in " #demux " is beyond the table");
#include "driver/captures.def"

/* The index of a row for a kind of caller; index 0 is no row. */
static uint16_t
place(size_t row, int kind)
{
	return (uint16_t) (1 + 2 * row + (size_t) kind);
}
_Static_assert(1 + 2 * ARRAY_SIZE(rows) <= DRV_CAPTURE_MAX, "too many rows");

static int
add_number(struct drv_capture *c, const struct source *from, int kind)
{
	unsigned bits = from->bits != 0 ? from->bits : kind == 0 ? 64 : 32;
	struct drv_number *to = &c->numbers[c->nnumbers];

	if (c->nnumbers++ == DRV_NUMBER_MAX)
		return -EINVAL;
	if (from->from != FROM_VALUE) {
		*to = (struct drv_number){ DRV_ZERO, 0, 0, DRV_ZERO };
	} else if (kind == 1 && from->high != 0) {
		*to = (struct drv_number){ from->low, 32, false, from->high };
	} else {
		if (kind == 1 && from->id16)
			bits = 16;
		*to = (struct drv_number){ from->value, (uint8_t) (64 - bits), from->sign,
			DRV_ZERO | (kind == 1 && from->id16 ? DRV_ID16 : 0) };
	}
	return 0;
}

static int
add_text(struct drv_capture *c, const struct source *from, unsigned param)
{
	bool second =
	    from->how == DRV_PATH && c->enter == DRV_ENTER_PATHS && from->value == c->what[1];

	if (from->from == FROM_NOTHING)
		return 0;
	if (c->ntexts == DRV_TEXT_MAX)
		return -EINVAL;
	c->texts[c->ntexts++] = (struct drv_text){ from->how, from->value, from->size,
		(uint8_t) (param | (second ? DRV_SECOND : 0)) };
	return 0;
}

/* What the source of one parameter needs at entry. */
static enum drv_enter
enter_of(const struct source *s)
{
	if (s->from == FROM_HOW)
		return DRV_ENTER_HOW;
	if (s->from != FROM_TEXT)
		return DRV_ENTER_NOTHING;
	switch (s->how) {
	case DRV_PATH:
		return DRV_ENTER_PATH;
	case DRV_ADDR:
		return DRV_ENTER_ADDR;
	case DRV_MSG:
		return DRV_ENTER_MSG;
	case DRV_MSGS:
		return DRV_ENTER_MSGS;
	default:
		return DRV_ENTER_NOTHING;
	}
}

/* Find out what to read at entry: one path or two, a path and open_how, an address, or those of
 * messages. */
static int
find_enter(struct drv_capture *c, const struct row *row)
{
	for (unsigned i = 0; i < EV_PARAM_MAX; i++) {
		const struct source *s = &row->params[i];
		enum drv_enter enter = enter_of(s);
		bool path = enter == DRV_ENTER_PATH, addr = enter >= DRV_ENTER_ADDR;
		enum drv_enter after = addr ? DRV_ENTER_NOTHING : DRV_ENTER_PATH;

		if (enter == DRV_ENTER_NOTHING)
			continue;
		if (path ? c->enter > DRV_ENTER_PATH : c->enter != after)
			return -EINVAL;
		c->what[c->enter == DRV_ENTER_PATH] = s->value;
		if (addr)
			c->what[1] = s->size;
		if (path && c->enter == DRV_ENTER_PATH)
			enter = DRV_ENTER_PATHS;
		c->enter = (uint8_t) enter;
	}
	return 0;
}

/* Fill all parameters of a row that has no program of its own. */
static int
fill_params(struct drv_capture *c, const struct row *row, const struct ev_schema *s, int kind)
{
	for (unsigned i = 0; i < EV_PARAM_MAX; i++) {
		const struct source *from = &row->params[i];
		bool text = i < s->nparams && (s->texts >> i & 1);
		int r = 0;

		if (i >= s->nparams ? from->from != FROM_PROGRAM : from->from == FROM_PROGRAM)
			return -EINVAL; /* more or fewer than the event has */
		if (i >= s->nparams)
			continue;
		if (from->from == FROM_HOW ||
		    (text != (from->from == FROM_TEXT) && from->from != FROM_NOTHING))
			return -EINVAL;
		if (!text && from->from == FROM_VALUE)
			c->nums |= 1ULL << i;
		r = text ? add_text(c, from, i) : add_number(c, from, kind);
		if (r < 0)
			return r;
	}
	return c->ntexts > 0 && row->program == DRV_PROGRAM_numbers ? -EINVAL : 0;
}

static int
compile(struct drv_capture *c, size_t i, int kind)
{
	const struct row *row = &rows[i];
	const struct ev_schema *s = schema_get(captures[i].event);
	int r = find_enter(c, row);
	unsigned numbers;

	if (s == NULL || r < 0)
		return -EINVAL;
	numbers = s->nparams - (unsigned) __builtin_popcountll(s->texts);
	c->event = captures[i].event;
	c->size = (uint16_t) (sizeof(struct ev_hdr) + numbers * sizeof(uint64_t));
	c->program = row->program;
	if (row->program == DRV_PROGRAM_numbers || row->program == DRV_PROGRAM_texts ||
	    row->program == DRV_PROGRAM_memory || row->program == DRV_PROGRAM_creds)
		return fill_params(c, row, s, kind);
	return 0;
}

static void
add_branch(struct drv_table *ret, const struct branch *b)
{
	struct drv_branch *to = &ret->branches[b->demux][b->number];

	to->capture = place(b->row, 1);
	if (b->where != WHERE_REGISTERS)
		to->memory = (uint8_t) b->n;
	to->at = DRV_ARG(b->where == WHERE_BLOCK ? 0 : 1);
	for (size_t i = 0; i < ARRAY_SIZE(to->from); i++)
		to->from[i] = (uint8_t) (i < b->n ? DRV_ARG(b->args[i]) : DRV_ZERO);
	ret->calls[1][b->nr] = (struct drv_call){ DRV_PROGRAM_branch, (uint16_t) b->demux };
}

/* The columns of syscalls.def for a kind of caller. */
static const uint8_t callers[2] = {
#if defined(__x86_64__)
	CALLER_X86_64,
	CALLER_IA32,
#else
	CALLER_ARM64,
	CALLER_ARM32,
#endif
};

static bool
has_number(unsigned call, int kind)
{
	int nr = syscalls[call].number[callers[kind]];

	return nr >= 0 && nr < DRV_NR_MAX;
}

/*
 * x32's own number of a call; -1: there is none, or it is that of 64-bit callers. It is no number
 * of 32-bit callers, with whom x32 shares structures of pointers, and so the table: is_narrow() of
 * driver/bpf/call.h.
 */
static int
x32_own(const struct syscall_info *c)
{
	return callers[0] == CALLER_X86_64 && c->number[CALLER_X32] != c->number[CALLER_X86_64]
		   ? c->number[CALLER_X32]
		   : -1;
}

static int
x32_number(size_t i)
{
	int call = syscall_find(slice_str(captures[i].call));

	return call < 0 ? -1 : x32_own(&syscalls[call]);
}

/* Mark the numbers that have a row, and those of calls that carry others. */
static void
find_rows(int kind, bool ret[DRV_NR_MAX])
{
	memset(ret, 0, DRV_NR_MAX * sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(captures); i++) {
		int x32 = kind == 1 ? x32_number(i) : -1;

		if (captures[i].nr[kind] >= 0)
			ret[captures[i].nr[kind]] = true;
		if (x32 >= 0)
			ret[x32] = true;
	}
	for (size_t b = 0; kind == 1 && b < ARRAY_SIZE(branches); b++) {
		if (branches[b].nr >= 0)
			ret[branches[b].nr] = true;
	}
}

/* Every number is a generic call, unless it gets a row. */
static void
add_generic(struct drv_table *ret)
{
	for (int k = 0; k < 2; k++) {
		for (unsigned nr = 0; nr < DRV_NR_MAX; nr++)
			ret->calls[k][nr] = (struct drv_call){ DRV_PROGRAM_generic,
				syscall_id_unnamed(callers[k], nr) };
		for (unsigned c = 0; c < SC_MAX; c++) {
			if (has_number(c, k))
				ret->calls[k][syscalls[c].number[callers[k]]].capture =
				    syscalls[c].id;
			if (k == 1 && x32_own(&syscalls[c]) >= 0)
				ret->calls[k][x32_own(&syscalls[c])].capture = syscalls[c].id;
		}
	}
}

int
captures_compile(struct drv_table *ret, size_t *bad)
{
	add_generic(ret);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int k = 0; k < 2; k++) {
			int r = compile(&ret->captures[place(i, k)], i, k);

			if (r < 0) {
				*bad = i;
				return r;
			}
			if (captures[i].nr[k] >= 0)
				ret->calls[k][captures[i].nr[k]] =
				    (struct drv_call){ rows[i].program, place(i, k) };
		}
		if (x32_number(i) >= 0)
			ret->calls[1][x32_number(i)] =
			    (struct drv_call){ rows[i].program, place(i, 1) };
	}
	for (size_t i = 0; i < ARRAY_SIZE(branches); i++) {
		if (branches[i].nr >= 0)
			add_branch(ret, &branches[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(withins); i++)
		ret->branches[withins[i].demux][withins[i].number].id =
		    syscalls[withins[i].call].id;
	return 0;
}

const char *
captures_entry(size_t i, unsigned *nargs)
{
	struct drv_capture c = { 0 };

	if (captures[i].nr[0] < 0 || find_enter(&c, &rows[i]) < 0 || c.enter == DRV_ENTER_NOTHING)
		return NULL;
	*nargs = MAX(c.what[0], c.what[1]); /* DRV_ARG(n) is n + 1 */
	return entry_names[rows[i].entry];
}

bool
captures_entry_wanted(size_t i, const struct drv_control *ctl)
{
	unsigned nargs, ev = captures[i].event;
	int nr = captures[i].nr[0];

	return captures_entry(i, &nargs) != NULL && (ctl->calls[0][nr / 64] >> (nr % 64) & 1) &&
	       !(ctl->lean[ev / 64] >> (ev % 64) & 1);
}

static void
want(struct drv_control *ctl, int kind, int nr)
{
	if (nr < 0)
		return;
	ctl->calls[kind][nr / 64] |= 1ULL << (nr % 64);
	ctl->any[nr / 64] |= 1ULL << (nr % 64);
}

/* The wanted calls among those of 32-bit callers within another. */
static void
want_within(struct drv_control *ctl, const struct event_set *wanted)
{
	for (size_t i = 0; i < ARRAY_SIZE(withins); i++) {
		if (withins[i].nr < 0 || !event_set_has_call(wanted, withins[i].call))
			continue;
		want(ctl, 1, withins[i].nr);
		ctl->within[withins[i].demux] |= 1U << withins[i].number;
	}
}

static void
want_generic(struct drv_control *ctl, const struct event_set *wanted)
{
	for (int k = 0; k < 2; k++) {
		uint16_t call[DRV_NR_MAX];
		bool row[DRV_NR_MAX];

		find_rows(k, row);
		for (unsigned nr = 0; nr < DRV_NR_MAX; nr++)
			call[nr] = SC_UNNAMED;
		for (unsigned c = 0; c < SC_MAX; c++) {
			if (has_number(c, k))
				call[syscalls[c].number[callers[k]]] = (uint16_t) c;
			if (k == 1 && x32_own(&syscalls[c]) >= 0)
				call[x32_own(&syscalls[c])] = (uint16_t) c;
		}
		for (unsigned nr = 0; nr < DRV_NR_MAX; nr++) {
			if (event_set_has_call(wanted, call[nr]) && !row[nr])
				want(ctl, k, (int) nr);
		}
	}
	want_within(ctl, wanted);
}

void
captures_wanted(struct drv_control *ctl, const struct event_set *wanted)
{
	if (event_set_has(wanted, EV_SYSCALL))
		want_generic(ctl, wanted);
	for (size_t i = 0; i < ARRAY_SIZE(captures); i++) {
		unsigned ev = captures[i].event;

		if (!(ctl->events[ev / 64] >> (ev % 64) & 1))
			continue;
		if (rows[i].program == DRV_PROGRAM_clone && (ctl->lean[ev / 64] >> (ev % 64) & 1))
			continue; /* the child's side has its own hook */
		want(ctl, 0, captures[i].nr[0]);
		want(ctl, 1, captures[i].nr[1]);
		want(ctl, 1, x32_number(i));
		for (size_t b = 0; b < ARRAY_SIZE(branches); b++) {
			if (branches[b].row == i)
				want(ctl, 1, branches[b].nr);
		}
	}
}
