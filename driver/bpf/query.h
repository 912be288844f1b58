/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * query.h - calls that query or wait, with numbers behind pointers: getcwd, getresuid, getresgid,
 * nanosleep, poll, ppoll.
 */
#ifndef MEWS_DRIVER_QUERY_H
#define MEWS_DRIVER_QUERY_H

#include "driver/bpf/call.h"
#include "driver/bpf/task.h"
#include "driver/numbers.h"

/* The folder as the kernel has it, not the caller's memory, which other threads can change. */
EXIT(getcwd)
{
	EXIT_BEGIN(GETCWD, false);

	e->res = call_result(ret);
	if (ret > 0)
		off = text_folder(s, off, EV_BIT(GETCWD, path), t, false);
	EXIT_END();
}

/* Both have the same parameters. */
_Static_assert(sizeof(struct ev_GETRESUID) == sizeof(struct ev_GETRESGID) &&
		   EV_BIT(GETRESUID, suid) == EV_BIT(GETRESGID, sgid),
    "getresuid and getresgid differ");

/* Read the id at argument 'i', which the kernel has written there. */
static __always_inline u32
id_read(struct pt_regs *regs, bool compat, int i, bool narrow)
{
	u32 v = 0;

	bpf_probe_read_user(&v, narrow ? 2 : 4, (void *) call_arg(regs, compat, i));
	return v;
}

EXIT(getres)
{
	EXIT_BEGIN(GETRESUID, false);
	u32 nr = call_nr(regs);
	bool narrow = compat && (nr == NR32_getresuid || nr == NR32_getresgid);

	e->hdr.type = capture_at(call_of(compat, nr)->capture)->event;
	e->res = call_result(ret);
	if (ret == 0) {
		e->ruid = id_read(regs, compat, 0, narrow);
		e->euid = id_read(regs, compat, 1, narrow);
		e->suid = id_read(regs, compat, 2, narrow);
	} else {
		e->hdr.present = EV_BIT(GETRESUID, res);
	}
	EXIT_END();
}

#define NS_PER_S 1000000000

/* Read a struct timespec, in nanoseconds; -1: there is none. */
static __always_inline s64
timespec_read(u64 at, bool narrow)
{
	s64 wide[2];
	s32 half[2];

	if (!narrow)
		return bpf_probe_read_user(wide, sizeof(wide), (void *) at) < 0
			   ? -1
			   : wide[0] * NS_PER_S + wide[1];
	return bpf_probe_read_user(half, sizeof(half), (void *) at) < 0
		   ? -1
		   : (s64) half[0] * NS_PER_S + half[1];
}

EXIT(nanosleep)
{
	EXIT_BEGIN(NANOSLEEP, false);

	e->res = call_result(ret);
	e->interval = timespec_read(call_arg(regs, compat, 0), compat);
	EXIT_END();
}

/* A struct pollfd, and what is stored of it. */
struct poll_request {
	s32 fd;
	u16 events, revents;
};
struct poll_stored {
	s64 fd;
	u16 revents;
} __attribute__((packed));

#define POLL_LOOKED 64 /* descriptors stored at most; with more the record is marked EVF_CUT */

/* Convert revents to Falco's numbers: POLLRDHUP moves from bit 13 to bit 3, and those from there on
 * by one. */
static __always_inline u16
revents_stored(u16 v)
{
	return (v & 7) | (v >> 13 & 1) << 3 | (v & 0x3f8) << 1;
}

/*
 * Write the 'n' structs pollfd at 'from' to the text at 'off': their number, then a struct
 * poll_stored of each. Returns its size in bytes. A separate function, since its loop is expensive
 * to verify.
 */
__noinline int
fdlist_build(u32 off, u64 from, u32 n)
{
	struct scratch *s = scratch_get();
	struct poll_request asked;
	char *to;
	u32 i;

	if (!s)
		return 0;
	to = text_at(s, off);
	for (i = 0; i < POLL_LOOKED && i < n; i++) {
		struct poll_stored *p =
		    (struct poll_stored *) (to + sizeof(u16) + i * sizeof(struct poll_stored));

		if (bpf_probe_read_user(
			&asked, sizeof(asked), (void *) (from + i * sizeof(asked))) < 0)
			break;
		p->fd = asked.fd;
		p->revents = revents_stored(asked.revents);
	}
	if (i < n)
		rec_hdr(s)->flags |= i == POLL_LOOKED ? EVF_CUT : 0;
	*(u16 *) to = i;
	return sizeof(u16) + i * sizeof(struct poll_stored);
}

/* One program for both, so that the loop over the descriptors is verified once. */
_Static_assert(
    EV_BIT(POLL, fds) == EV_BIT(PPOLL, fds) && EV_BIT(POLL, timeout) == EV_BIT(PPOLL, timeout),
    "poll and ppoll differ");

/* The kernel has written what is left of ppoll's timeout there. */
EXIT(poll)
{
	EXIT_BEGIN(PPOLL, false);
	u32 nr = call_nr(regs);
	bool masked = capture_at(call_of(compat, nr)->capture)->event == EV_PPOLL;
	bool narrow = compat && nr == NR32_ppoll;
	u64 at = call_arg(regs, compat, 3);
	u32 mask = 0;

	e->res = call_result(ret);
	if (masked) {
		e->timeout = timespec_read(call_arg(regs, compat, 2), narrow);
		if (at)
			bpf_probe_read_user(&mask, sizeof(mask), (void *) at);
		e->sigmask = mask;
	} else {
		e->hdr.type = EV_POLL;
		e->hdr.present = nums_POLL;
		e->timeout = arg_int(regs, compat, 2);
		off = sizeof(struct ev_POLL);
	}
	off = off_forget(s, off);
	off = text_end(s, off,
	    fdlist_build(off, call_arg(regs, compat, 0), (u32) call_arg(regs, compat, 1)),
	    EV_BIT(PPOLL, fds));
	EXIT_END();
}

#endif
