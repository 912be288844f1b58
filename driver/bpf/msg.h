/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * msg.h - sendmsg, recvmsg, process_vm_readv, readv and others: data in several pieces of memory
 * (struct msghdr, struct iovec).
 */
#ifndef MEWS_DRIVER_MSG_H
#define MEWS_DRIVER_MSG_H

#include "driver/bpf/call.h"
#include "driver/bpf/net.h"
#include "driver/bpf/passed.h"

#define IOV_LOOKED 32 /* pieces read at most; with more the record is marked EVF_CUT */

/* Read piece 'i' of the list at 'at': its address, then its length. */
static __always_inline bool
iov_at(u64 at, u32 i, bool compat, u64 ret[2])
{
	u32 narrow[2] = {};

	if (!compat)
		return bpf_probe_read_user(ret, 2 * sizeof(u64), (void *) (at + i * 16)) == 0;
	if (bpf_probe_read_user(narrow, sizeof(narrow), (void *) (at + i * 8)) < 0)
		return false;
	ret[0] = narrow[0];
	ret[1] = narrow[1];
	return true;
}

struct iov_loop {
	u64 at, count;
	u32 off, want, compat;
};

/* Add one piece; 1: no more. */
static long
iov_turn(void *map, const u32 *key, u32 *value, const struct iov_loop *l)
{
	struct scratch *s = scratch_get();
	u64 piece[2];
	u32 n, room;

	if (!s || *key >= IOV_LOOKED || *key >= l->count || !iov_at(l->at, *key, l->compat, piece))
		return 1;
	n = *(volatile u32 *) &s->iov.n;
	room = n < l->want ? l->want - n : 0;
	s->iov.size += (u32) piece[1];
	if (room > piece[1])
		room = piece[1];
	barrier_var(room);
	if (room <= EV_TEXT_MAX &&
	    bpf_probe_read_user(text_at(s, l->off + n), room, (void *) piece[0]) == 0)
		*(volatile u32 *) &s->iov.n = n + room;
	return 0;
}

/*
 * Copy the first 'want' bytes of the 'count' pieces listed at 'at' to the text at 'off', and add up
 * the sizes of all. Sets s->iov. A separate function, which is verified once.
 */
__noinline int
iov_build(u32 off, u64 at, u64 count, u32 want, u32 compat)
{
	struct iov_loop l = { at, count, off, want, compat };
	struct scratch *s = scratch_get();

	if (!s)
		return 0;
	*(volatile u32 *) &s->iov.size = 0;
	*(volatile u32 *) &s->iov.n = 0;
	bpf_for_each_map_elem(&turns, iov_turn, &l, 0);
	if (count > IOV_LOOKED)
		rec_hdr(s)->flags |= EVF_CUT;
	return 0;
}

/* Add the first 'n' bytes of those pieces, up to the snap length; s->iov.size: of all pieces. */
static __always_inline u32
text_iov(struct scratch *s, u32 off, u64 bit, u64 at, u64 count, s64 n, bool compat)
{
	(void) iov_build(off, at, count, n <= 0 ? 0 : n < snaplen ? n : snaplen, compat);
	return text_end(s, off, *(volatile u32 *) &s->iov.n, bit);
}

/* The values read from a struct msghdr. */
struct msg {
	u64 name, iov, count, control, controllen;
	s32 namelen;
};

#define MSG_SIZE   56
#define MSG_SIZE32 28

/* Read the message header at 'at'; all 0: it cannot be read. */
static __always_inline void
msg_read(struct scratch *s, u64 at, bool compat, struct msg *m)
{
	const u32 *narrow = (const u32 *) s->words;
	const u64 *wide = s->words;

	__builtin_memset(m, 0, sizeof(*m));
	if (compat) {
		if (bpf_probe_read_user(s->words, MSG_SIZE32, (void *) at) < 0)
			return;
		m->name = narrow[0];
		m->namelen = narrow[1];
		m->iov = narrow[2];
		m->count = narrow[3];
		m->control = narrow[4];
		m->controllen = narrow[5];
		return;
	}
	if (bpf_probe_read_user(s->words, MSG_SIZE, (void *) at) < 0)
		return;
	m->name = wide[0];
	m->namelen = wide[1];
	m->iov = wide[2];
	m->count = wide[3];
	m->control = wide[4];
	m->controllen = wide[5];
}

EXIT(sendmsg)
{
	EXIT_BEGIN(SENDMSG, true);
	bool quiet = lean(EV_SENDMSG);
	const char *sa;
	struct sock *sk;
	struct msg m;
	u32 first, marks;
	s32 len;

	capture_now(s, regs, compat, ret);
	msg_read(s, s->values[DRV_ARG(1)], compat, &m);
	if (s->values[DRV_ARG(2)] & MSG_FASTOPEN) {
		sa = addr_sent(s, st, compat, m.name, m.namelen, &len);
		marks = rec_hdr(s)->flags;
		if (fastopen(s, (s32) s->values[DRV_ARG(0)], sa, len, ret))
			e = REC_BEGIN(s, SENDMSG, t);
		e->hdr.flags = marks;
	}
	e->res = call_result(ret);
	e->fd = (s32) s->values[DRV_ARG(0)];
	sk = is_sent(ret) ? fd_sock(t, (s32) s->values[DRV_ARG(0)]) : NULL;
	if (quiet && !peer_may_change(sk, m.name != 0))
		EXIT_SKIP();
	if (!quiet) {
		off = text_iov(
		    s, off, EV_BIT(SENDMSG, data), m.iov, m.count, ret > 0 ? ret : snaplen, compat);
		e->size = s->iov.size;
	}
	first = off;
	sa = addr_sent(s, st, compat, m.name, m.namelen, &len);
	if (sk)
		off = text_tuple_to(s, off, EV_BIT(SENDMSG, tuple), sk, false, sa, len);
	if (quiet && !peer_is_news(t, (s32) s->values[DRV_ARG(0)], first, off))
		EXIT_SKIP();
	late_mark(s, compat);
	EXIT_END();
}

/* May the message received from this socket have passed descriptors? Note where, for
 * passed_find(). */
static __always_inline bool
passed_note(struct scratch *s, struct sock *sk, const struct msg *m, bool compat)
{
	bool passes = sk && m->controllen && BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX;

	s->passed.at = m->control;
	s->passed.compat = compat;
	s->passed.n = passes ? m->controllen : 0;
	return passes;
}

/* Capture the message received: the kernel has written its sender's address and the lengths. A
 * separate function, so that its stack is free again for the rows of passed descriptors. */
static __noinline int
recvmsg_record(struct pt_regs *regs, long ret)
{
	EXIT_BEGIN(RECVMSG, true);
	bool quiet = lean(EV_RECVMSG), passes;
	const char *sa = NULL;
	struct sock *sk;
	struct msg m;
	u32 first;

	capture_now(s, regs, compat, ret);
	e->res = call_result(ret);
	e->fd = (s32) s->values[DRV_ARG(0)];
	msg_read(s, s->values[DRV_ARG(1)], compat, &m);
	sk = ret >= 0 ? fd_sock(t, (s32) s->values[DRV_ARG(0)]) : NULL;
	passes = passed_note(s, sk, &m, compat);
	if (quiet && !passes && !peer_may_change(sk, false))
		EXIT_SKIP();
	if (!quiet) {
		off = text_iov(s, off, EV_BIT(RECVMSG, data), m.iov, m.count, ret, compat);
		e->size = s->iov.size;
	}
	first = off;
	if (m.name && m.namelen > 0 &&
	    bpf_probe_read_user(s->path, NAMED_SIZE, (void *) m.name) == 0)
		sa = s->path;
	if (sk)
		off = text_tuple_to(s, off, EV_BIT(RECVMSG, tuple), sk, true, sa, m.namelen);
	if (quiet && !passes && !peer_is_news(t, (s32) s->values[DRV_ARG(0)], first, off))
		EXIT_SKIP();
	if (ret >= 0)
		off = text_user(s, off, EV_BIT(RECVMSG, msgcontrol), m.control,
		    m.control ? m.control + m.controllen : 0);
	late_mark(s, compat);
	EXIT_END();
}

EXIT(recvmsg)
{
	(void) recvmsg_record(regs, ret);
	passed_find();
	return 0;
}

_Static_assert(sizeof(struct ev_PROCESS_VM_READV) == sizeof(struct ev_PROCESS_VM_WRITEV) &&
		   EV_BIT(PROCESS_VM_READV, data) == EV_BIT(PROCESS_VM_WRITEV, data),
    "process_vm_readv and process_vm_writev differ");

EXIT(process_vm)
{
	EXIT_BEGIN(PROCESS_VM_READV, false);
	s64 n = ret;

	e->hdr.type = capture_at(capture_now(s, regs, compat, ret))->event;
	e->res = call_result(ret);
	e->pid = (s32) s->values[DRV_ARG(0)];
	if (e->hdr.type == EV_PROCESS_VM_WRITEV && ret < 0)
		n = snaplen; /* the data that was to be written */
	off = text_iov(s, off, EV_BIT(PROCESS_VM_READV, data), s->values[DRV_ARG(1)],
	    s->values[DRV_ARG(2)], n, compat);
	EXIT_END();
}

/* The file position that a call passes: the fourth argument, and for 32-bit callers the fifth as
 * its high word. */
static __always_inline u64
position(struct pt_regs *regs, bool compat)
{
	return call_arg(regs, compat, 3) | (compat ? call_arg(regs, compat, 4) << 32 : 0);
}

/* Events of writes have the size after the descriptor, those of reads before it; a position comes
 * last. */
_Static_assert(sizeof(struct ev_READV) == sizeof(struct ev_WRITEV), "readv and writev differ");
_Static_assert(sizeof(struct ev_PREADV) == sizeof(struct ev_PWRITEV), "preadv and pwritev differ");
_Static_assert(EV_BIT(READV, data) == EV_BIT(PREADV, data), "readv and preadv differ");
_Static_assert(EV_BIT(WRITEV, data) == EV_BIT(PWRITEV, data), "writev and pwritev differ");

/* One program for the four, so that the loop over the pieces is verified once. */
EXIT(vector)
{
	EXIT_BEGIN(PWRITEV, false);
	u32 event = capture_at(call_of(compat, call_nr(regs))->capture)->event;
	bool reads = event == EV_READV || event == EV_PREADV;
	bool placed = event == EV_PREADV || event == EV_PWRITEV;
	u64 bit = reads ? EV_BIT(READV, data) : EV_BIT(WRITEV, data);
	struct ev_PREADV *r = (struct ev_PREADV *) e;

	e->hdr.type = event;
	e->hdr.present =
	    reads ? (placed ? nums_PREADV : nums_READV) : (placed ? nums_PWRITEV : nums_WRITEV);
	e->res = call_result(ret);
	if (placed)
		e->pos = position(regs, compat);
	else
		off = sizeof(struct ev_WRITEV);
	off = text_iov(s, off_forget(s, off), bit, call_arg(regs, compat, 1),
	    call_arg(regs, compat, 2), reads || ret > 0 ? ret : snaplen, compat);
	if (reads) {
		r->fd = arg_int(regs, compat, 0);
		r->size = s->iov.size;
	} else {
		e->fd = arg_int(regs, compat, 0);
		e->size = s->iov.size;
	}
	EXIT_END();
}

#endif
