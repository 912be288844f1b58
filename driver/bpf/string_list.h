/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * string_list.h - arguments and environment: lists of strings of user space, each with its NUL.
 *
 * A list that is longer than a text may be is not just cut at its end, since whoever makes it could
 * hide anything behind something long:
 *
 *   - a string that does not fit keeps a beginning, half of the room that is left, and is followed
 *     by the next one: so one long string hides none;
 *   - of an image's, ARGS_END bytes and what is left are for the end of the list: so many strings
 *     hide those in their middle only.
 *
 * sensor/string_list.c does the same to what is read from /proc.
 */
#ifndef MEWS_DRIVER_STRING_LIST_H
#define MEWS_DRIVER_STRING_LIST_H

#include "driver/bpf/core.h"

#define ARGS_END       1024 /* bytes for the end of the list */
#define ARGS_LEAST     128  /* a string is not begun in less room, unless it fits */
#define ARGS_LOOKED    192  /* strings, and pieces of those that are passed over */
#define STRINGS_LOOKED 128  /* of an array */

/* Where args_build() is: in memory, as with path_walk(). */
static __always_inline void
args_at(struct scratch *s, u64 from, u32 n, u32 passing)
{
	*(volatile u64 *) &s->args.from = from;
	*(volatile u32 *) &s->args.n = n;
	*(volatile u32 *) &s->args.passing = passing;
}

/* Pass over the rest of a string, or a piece of it. false: it cannot be read, or is the last one:
 * then its end is wanted. */
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

/* Take a string, or its beginning. false: there is no room. */
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

/* Its end: as much as there is room for; 'whole': from the beginning of a string. */
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

#define ARGS_PASSING 1 /* 'from' is within a string that is not wanted any more */
#define ARGS_WHOLE   2 /* a string without its beginning is of no use */

/*
 * The strings of user space in [from, to), at rec + off; 'flags': ARGS_*. Their bytes. A function
 * of its own, since its loop costs the verifier much.
 */
__noinline int
args_build(u32 off, u64 from, u64 to, u32 flags)
{
	struct scratch *s = scratch_get();

	if (!s)
		return 0;
	*(volatile u64 *) &s->args.cut_at = to; /* of what is passed first nothing is wanted */
	args_at(s, from, 0, flags & ARGS_PASSING);
	for (u32 i = 0; i < ARGS_LOOKED; i++) {
		u64 at = *(volatile u64 *) &s->args.from;
		u32 n = *(volatile u32 *) &s->args.n;

		if (at >= to)
			break;
		if (*(volatile u32 *) &s->args.passing) {
			if (!args_pass(s, at, to, n))
				break;
		} else if (to - at <= EV_TEXT_MAX - n || !args_take(s, off, at, n)) {
			break; /* all of the rest fits, or nothing */
		}
	}
	return args_last(s, off, to, flags & ARGS_WHOLE);
}

/* The strings in [from, to). */
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

/* argv[0] and the rest of the arguments of an image, which is the current one. */
static __always_inline u32
text_argv(struct scratch *s, u32 off, u64 exe, u64 args, struct mm_struct *mm)
{
	u64 from = BPF_CORE_READ(mm, arg_start), to = BPF_CORE_READ(mm, arg_end);
	u32 next = text_user_str(s, off, exe, (void *) from);
	u32 len = *(u32 *) &s->rec[off & REC_MASK];

	if (next == off)
		return off;
	/* Is its end known? It ends the text that was read, or is somewhere behind. */
	if (len == EV_TEXT_MAX)
		return text_args(s, next, args, from + len, to, ARGS_PASSING);
	return text_args(s, next, args, from + len + 1, to, 0);
}

/* Take the string that the pointer at 'array' is of. false: there is none, or no room. */
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

/*
 * The strings of a user space array of pointers, each with its NUL, at rec + off; at most
 * EV_TEXT_MAX + 1 bytes. 'width': bytes of a pointer. Their number of bytes.
 */
__noinline int
strings_build(u32 off, u64 array, u32 width)
{
	struct scratch *s = scratch_get();

	if (!s || !array)
		return 0;
	args_at(s, array, 0, 0);
	for (u32 i = 0; i < STRINGS_LOOKED; i++) {
		if (!strings_take(s, off, *(volatile u64 *) &s->args.from, width,
			*(volatile u32 *) &s->args.n))
			return *(volatile u32 *) &s->args.n;
	}
	rec_hdr(s)->flags |= EVF_CUT;
	return *(volatile u32 *) &s->args.n;
}

/* The arguments of a call that failed. */
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
