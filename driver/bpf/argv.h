/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * argv.h - arguments and environment: lists of user space strings, each with its NUL.
 *
 * A list longer than a text must not simply be cut at its end: a process could hide anything after
 * a long string.
 *
 *   - A string that does not fit keeps its beginning, half of the remaining room, and the next
 *     string follows: so one long string hides no other.
 *   - For an image, ARGS_END bytes and unused room are reserved for the end of the list: so many
 *     strings hide only those in the middle.
 *
 * sensor/string_list.c does the same for data read from /proc.
 */
#ifndef MEWS_DRIVER_ARGV_H
#define MEWS_DRIVER_ARGV_H

#include "driver/bpf/core.h"

#define ARGS_END       1024 /* bytes for the end of the list */
#define ARGS_LEAST     128  /* a string begins only with this much room, unless it fits */
#define ARGS_LOOKED    192  /* steps: strings, and pieces of skipped strings */
#define STRINGS_LOOKED 128  /* of an array */

/* Store the position of args_build() in memory, as path_walk() does. */
static __always_inline void
args_at(struct scratch *s, u64 from, u32 n, u32 passing)
{
	*(volatile u64 *) &s->args.from = from;
	*(volatile u32 *) &s->args.n = n;
	*(volatile u32 *) &s->args.passing = passing;
}

/* Skip the rest of a string, or a piece of it. False: it cannot be read, or it is the last string,
 * whose end is kept. */
static __always_inline bool
args_pass(struct scratch *s, u64 from, u64 to, u32 n)
{
	long r = read_user_str(s->path, PATH_SIZE, (void *) from);

	if (r <= 0 || from + r >= to) {
		args_at(s, *(volatile u64 *) &s->args.cut_at, n, 1);
		return false;
	}
	if (r == PATH_SIZE)
		args_at(s, from + r - 1, n, 1); /* there may be more */
	else
		args_at(s, from + r, n, 0);
	return true;
}

/* Copy a string, or its beginning. False: no room. */
static __always_inline bool
args_take(struct scratch *s, u32 off, u64 from, u32 n)
{
	u32 room = EV_TEXT_MAX - ARGS_END - n;
	long r;

	if (n > EV_TEXT_MAX - ARGS_END - ARGS_LEAST)
		return false;
	r = read_user_str(text_at(s, off + n), room, (void *) from);
	if (r <= 0)
		return false;
	if (r < room) {
		args_at(s, from + r, n + r, 0);
		return true;
	}
	room /= 2;
	text_at(s, off + n + room - 1)[0] = '\0';
	*(volatile u64 *) &s->args.cut_at = from + room - 1;
	args_at(s, from + room - 1, n + room, 1);
	return true;
}

/* Copy the list's end, as much as fits; 'whole': only whole strings. */
static __always_inline u32
args_last(struct scratch *s, u32 off, u64 to, bool whole)
{
	u64 from = *(volatile u64 *) &s->args.from;
	u32 n = *(volatile u32 *) &s->args.n, room = n > EV_TEXT_MAX ? 0 : EV_TEXT_MAX - n;

	if (from >= to)
		return n;
	if (to - from > room) {
		from = to - room;
		*(volatile u32 *) &s->args.passing = 1;
	}
	if (whole && *(volatile u32 *) &s->args.passing) {
		long r = read_user_str(s->path, PATH_SIZE, (void *) from);

		from = r <= 0 ? to : from + r;
	}
	room = from < to ? to - from : 0;
	barrier_var(room);
	if (room > EV_TEXT_MAX || bpf_probe_read_user(text_at(s, off + n), room, (void *) from) < 0)
		return n;
	return n + room;
}

#define ARGS_PASSING 1 /* 'from' is within a string to be skipped */
#define ARGS_WHOLE   2 /* drop a string that lost its beginning */

struct args_loop {
	u64 to;
	u32 off;
};

/* Take or skip one string; 1: no more. */
static long
args_turn(void *map, const u32 *key, u32 *value, const struct args_loop *l)
{
	struct scratch *s = scratch_get();
	u64 at;
	u32 n;

	if (!s || *key >= ARGS_LOOKED)
		return 1;
	at = *(volatile u64 *) &s->args.from;
	n = *(volatile u32 *) &s->args.n;
	if (at >= l->to)
		return 1;
	if (*(volatile u32 *) &s->args.passing)
		return !args_pass(s, at, l->to, n);
	/* 1: the whole rest fits, or nothing more does */
	return l->to - at <= EV_TEXT_MAX - n || !args_take(s, l->off, at, n);
}

/*
 * Copy the user space strings in [from, to) to rec + off; 'flags': ARGS_*. Returns the number of
 * bytes. A separate function, which is verified once.
 */
__noinline int
args_build(u32 off, u64 from, u64 to, u32 flags)
{
	struct args_loop l = { to, off };
	struct scratch *s = scratch_get();

	if (!s)
		return 0;
	*(volatile u64 *) &s->args.cut_at = to; /* nothing of a string skipped first is wanted */
	args_at(s, from, 0, flags & ARGS_PASSING);
	bpf_for_each_map_elem(&turns, args_turn, &l, 0);
	return args_last(s, off, to, flags & ARGS_WHOLE);
}

/* Add the strings in [from, to). */
static __always_inline u32
text_args(struct scratch *s, u32 off, u64 bit, u64 from, u64 to, u32 flags)
{
	int n;

	if (!(flags & ARGS_PASSING) && (from >= to || to - from <= EV_TEXT_MAX))
		return text_user(s, off, bit, from, to);
	rec_hdr(s)->flags |= EVF_CUT;
	n = args_build(off, from, to, flags);
	return n < 0 ? off : text_end(s, off, n, bit);
}

/* Add argv[0] and the other arguments of the current image. */
static __always_inline u32
text_argv(struct scratch *s, u32 off, u64 exe, u64 args, struct mm_struct *mm)
{
	u64 from = BPF_CORE_READ(mm, arg_start), to = BPF_CORE_READ(mm, arg_end);
	u32 next = text_user_str(s, off, exe, (void *) from);
	u32 len = *(u32 *) &s->rec[off & REC_MASK];

	if (next == off)
		return off;
	/* argv[1] follows the text just read, unless that was cut: then skip the rest of
	 * argv[0]. */
	if (len == EV_TEXT_MAX)
		return text_args(s, next, args, from + len, to, ARGS_PASSING);
	return text_args(s, next, args, from + len + 1, to, 0);
}

/* Copy the string of the pointer at 'array'. False: there is none, or no room. */
static __always_inline bool
strings_take(struct scratch *s, u32 off, u64 array, u32 width, u32 n)
{
	u32 room = EV_TEXT_MAX + 1 - n;
	u64 p = 0;
	long r;

	if (bpf_probe_read_user(&p, width == 4 ? 4 : 8, (void *) array) < 0 || !p)
		return false;
	barrier_var(room);
	if (room == 0 || room > EV_TEXT_MAX + 1)
		return false;
	r = read_user_str(text_at(s, off + n), room, (void *) p);
	if (r < 0)
		return false;
	if (r == room && room > ARGS_LEAST) {
		rec_hdr(s)->flags |= EVF_CUT;
		r = room / 2;
		text_at(s, off + n + r - 1)[0] = '\0';
	}
	args_at(s, array + width, n + r, 0);
	return true;
}

struct strings_loop {
	u32 off, width;
	u32 ended; /* the array */
};

/* Take one string; 1: no more. */
static long
strings_turn(void *map, const u32 *key, u32 *value, struct strings_loop *l)
{
	struct scratch *s = scratch_get();

	if (s && strings_take(s, l->off, *(volatile u64 *) &s->args.from, l->width,
		     *(volatile u32 *) &s->args.n))
		return *key >= STRINGS_LOOKED - 1;
	l->ended = 1;
	return 1;
}

/*
 * Copy the strings of a user space array of pointers, each with its NUL, to rec + off; at most
 * EV_TEXT_MAX + 1 bytes. 'width': bytes of a pointer. Returns the number of bytes.
 */
__noinline int
strings_build(u32 off, u64 array, u32 width)
{
	struct strings_loop l = { off, width, 0 };
	struct scratch *s = scratch_get();

	if (!s || !array)
		return 0;
	args_at(s, array, 0, 0);
	bpf_for_each_map_elem(&turns, strings_turn, &l, 0);
	if (!l.ended)
		rec_hdr(s)->flags |= EVF_CUT;
	return *(volatile u32 *) &s->args.n;
}

/* Add the arguments of a failed call. */
static __always_inline u32
text_attempt(struct scratch *s, u32 off, u64 exe, u64 args, u64 argv, u32 width)
{
	u64 p = 0;
	int n;

	if (bpf_probe_read_user(&p, width == 4 ? 4 : 8, (void *) argv) < 0 || !p)
		return off;
	off = text_user_str(s, off, exe, (void *) p);
	n = strings_build(off, argv + width, width);
	return n < 0 ? off : text_end(s, off, n, args);
}

static __always_inline u32
text_strings(struct scratch *s, u32 off, u64 bit, u64 array, u32 width)
{
	int n = strings_build(off, array, width);

	return n < 0 ? off : text_end(s, off, n, bit);
}

#endif
