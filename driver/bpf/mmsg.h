/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * mmsg.h - sendmmsg and recvmmsg: a record for each message.
 */
#ifndef MEWS_DRIVER_MMSG_H
#define MEWS_DRIVER_MMSG_H

#include "driver/bpf/call.h"
#include "driver/bpf/msg.h"
#include "driver/bpf/net.h"

#define MMSG_MAX   1024 /* the kernel takes no more */
#define MMSG_BLOCK 32

/* Begin the call: its values and its socket. Returns how many records it has: a failed call has
 * one, of its first message. */
static __always_inline u32
mmsg_begin(struct scratch *s, struct stash *st, struct task_struct *t, struct pt_regs *regs,
    bool compat, long ret, bool *sends)
{
	*sends = capture_at(capture_now(s, regs, compat, ret))->event == EV_SENDMMSG;
	s->mmsg.call = call_id(compat, call_nr(regs));
	s->mmsg.sock = ret > 0 ? (u64) fd_sock(t, (s32) s->values[DRV_ARG(0)]) : 0;
	return ret > 0 ? ret : 1;
}

/* Read the i-th message. Returns its bytes as the kernel has written them, but never a negative
 * number, since another thread can change it; the result of a failed call. */
static __always_inline s64
mmsg_read(struct scratch *s, u32 i, bool compat, struct msg *m)
{
	u64 at = s->values[DRV_ARG(1)] + (u64) i * (compat ? MMSG_SIZE32 : MMSG_SIZE);
	s64 res = s->values[DRV_RESULT];
	u32 n = 0;

	msg_read(s, (u32) s->values[DRV_ARG(2)] ? at : 0, compat, m);
	if (res <= 0)
		return res;
	bpf_probe_read_user(&n, sizeof(n), (void *) (at + (compat ? MSG_SIZE32 : MSG_SIZE)));
	return n & 0x7fffffff;
}

/* The address of the i-th message, as read at entry or now; sets its length, 0: none. */
static __always_inline const char *
mmsg_addr(struct scratch *s, struct stash *st, bool compat, u32 i, const struct msg *m, s32 *len)
{
	u32 slot = i;

	barrier_var(slot);
	if (st && slot < STASH_NAMES && slot < st->len[0]) {
		const struct msg_name *slotted =
		    &((const struct msg_name *) st->head)[slot & (STASH_NAMES - 1)];

		*len = slotted->len;
		if (*len >= 0)
			return slotted->sa;
	}
	return addr_sent(s, NULL, compat, m->name, m->namelen, len);
}

/* Capture the i-th message sent. A separate function, so that it is verified once. */
__noinline int
sendmmsg_record(u32 i)
{
	struct task_struct *t = current_task();
	struct scratch *s = scratch_get();
	bool compat = s && call_narrow(s->mmsg.call);
	u32 off = sizeof(struct ev_SENDMMSG), first;
	bool quiet = lean(EV_SENDMMSG);
	struct ev_SENDMMSG *e;
	struct stash *st;
	struct sock *sk;
	const char *sa;
	struct msg m;
	s32 len;

	if (!s)
		return 0;
	st = stash_find(t, s->mmsg.call);
	e = REC_BEGIN(s, SENDMMSG, t);
	e->fd = (s32) s->values[DRV_ARG(0)];
	e->res = mmsg_read(s, i, compat, &m);
	sk = (struct sock *) s->mmsg.sock;
	if (quiet && !peer_may_change(sk, m.name != 0))
		return 0;
	if (!quiet) {
		off = text_iov(s, off, EV_BIT(SENDMMSG, data), m.iov, m.count,
		    (s64) e->res > 0 ? (s64) e->res : snaplen, compat);
		e->size = s->iov.size;
	}
	first = off;
	if (sk) {
		sa = mmsg_addr(s, st, compat, i, &m, &len);
		off = text_tuple_to(s, off, EV_BIT(SENDMMSG, tuple), sk, false, sa, len);
	}
	if (quiet && !peer_is_news(t, (s32) s->values[DRV_ARG(0)], first, off))
		return 0;
	late_mark(s, compat);
	rec_hdr(s)->flags |= compat ? EVF_COMPAT : 0;
	rec_end(off);
	return 0;
}

/* Capture the i-th message received: the kernel has written its sender's address and the lengths.
 */
__noinline int
recvmmsg_record(u32 i)
{
	struct task_struct *t = current_task();
	struct scratch *s = scratch_get();
	bool compat = s && call_narrow(s->mmsg.call);
	u32 off = sizeof(struct ev_RECVMMSG), first;
	bool quiet = lean(EV_RECVMMSG), passes;
	struct ev_RECVMMSG *e;
	const char *sa = NULL;
	struct sock *sk;
	struct msg m;

	if (!s)
		return 0;
	e = REC_BEGIN(s, RECVMMSG, t);
	e->fd = (s32) s->values[DRV_ARG(0)];
	e->res = mmsg_read(s, i, compat, &m);
	sk = (struct sock *) s->mmsg.sock;
	passes = passed_note(s, sk, &m, compat);
	if (quiet && !passes && !peer_may_change(sk, false))
		return 0;
	if (!quiet) {
		off = text_iov(s, off, EV_BIT(RECVMMSG, data), m.iov, m.count, e->res, compat);
		e->size = s->iov.size;
	}
	first = off;
	if (m.name && m.namelen > 0 &&
	    bpf_probe_read_user(s->path, NAMED_SIZE, (void *) m.name) == 0)
		sa = s->path;
	if (sk)
		off = text_tuple_to(s, off, EV_BIT(RECVMMSG, tuple), sk, true, sa, m.namelen);
	if (quiet && !passes && !peer_is_news(t, (s32) s->values[DRV_ARG(0)], first, off))
		return 0;
	if (sk) {
		off = text_user(s, off, EV_BIT(RECVMMSG, msgcontrol), m.control,
		    m.control ? m.control + m.controllen : 0);
	}
	late_mark(s, compat);
	rec_hdr(s)->flags |= compat ? EVF_COMPAT : 0;
	rec_end(off);
	return 0;
}

/* Hide from the compiler that a loop's limit stays the same: clang 19 would compare the counter
 * with the lesser of this limit and the constant one, whose bound the verifier does not know. */
static __always_inline u32
opaque(u32 n)
{
	barrier_var(n);
	return n;
}

/* Capture the messages from 'first' on, up to MMSG_BLOCK of them, below 'n'. A separate function,
 * so that the verifier follows MMSG_BLOCK messages and not MMSG_MAX. */
__noinline int
mmsg_block(u32 first, u32 n, u32 sends)
{
	for (u32 i = 0; i < MMSG_BLOCK && first + i < opaque(n); i++) {
		if (sends) {
			(void) sendmmsg_record(first + i);
		} else {
			(void) recvmmsg_record(first + i);
			passed_find();
		}
	}
	return 0;
}

/* One program for both, so that the loop over the pieces of a message is verified once. */
EXIT(mmsg)
{
	struct task_struct *t = current_task();
	bool compat = is_narrow(t, regs);
	struct stash *st = call_stash(t, regs, compat);
	struct scratch *s = scratch_get();
	bool sends;
	u32 n;

	if (!s)
		return 0;
	n = mmsg_begin(s, st, t, regs, compat, ret, &sends);
	for (u32 i = 0; i < MMSG_MAX && i < opaque(n); i += MMSG_BLOCK)
		(void) mmsg_block(i, n, sends);
	if (st)
		stash_free(t, st);
	return 0;
}

#endif
