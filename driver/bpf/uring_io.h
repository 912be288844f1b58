/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * uring_io.h - reads, writes and messages through io_uring.
 *
 * Data that is sent is copied at the submission, data that is received at the completion, if that
 * happens in the process itself. The lists of pieces and the headers of messages are read at the
 * submission: the process may reuse their memory afterwards.
 */
#ifndef MEWS_DRIVER_URING_IO_H
#define MEWS_DRIVER_URING_IO_H

#include "driver/bpf/msg.h"
#include "driver/bpf/uring_prepare.h"

#define REQ_F_BUFFER_SELECT (1 << 5) /* the kernel chooses the buffer when data arrives */

static __always_inline void
op_sent(struct uring_op *op, u64 bit, u64 from, u32 n)
{
	if (n > snaplen)
		n = snaplen;
	barrier_var(n);
	if (n >= URING_PATH || bpf_probe_read_user(op->text, n, (void *) from) < 0)
		return;
	op->len[0] = n;
	op->bits[0] = bit;
}

static __always_inline void
op_received(struct uring_op *op, struct io_kiocb *req, u64 bit, u64 to, u32 room)
{
	if (BPF_CORE_READ(req, flags) & REQ_F_BUFFER_SELECT)
		return;
	op->in.bit = bit;
	op->in.at = to;
	op->in.room = room;
}

/* Look at the 'count' pieces at 'at'. 'sent': copy their data, for the text of that bit; 0: they
 * receive data. Returns their size. */
static __always_inline u32
op_pieces(struct uring_op *op, struct scratch *s, u64 at, u64 count, u64 sent, bool compat)
{
	u32 n, off = sizeof(struct ev_hdr);

	rec_hdr(s)->flags = 0;
	(void) iov_build(off, at, count, sent ? snaplen : 0, compat);
	op->flags |= rec_hdr(s)->flags & EVF_CUT;
	n = *(volatile u32 *) &s->iov.n;
	barrier_var(n);
	if (sent && n < URING_PATH && bpf_probe_read_kernel(op->text, n, text_at(s, off)) == 0) {
		op->len[0] = n;
		op->bits[0] = sent;
	}
	return s->iov.size;
}

/* The same of pieces that receive data: the first one's is kept. */
static __always_inline u32
op_pieces_in(struct uring_op *op, struct scratch *s, struct io_kiocb *req, u64 bit, u64 at,
    u64 count, bool compat)
{
	u64 piece[2] = {};

	if (count && iov_at(at, 0, compat, piece))
		op_received(op, req, bit, piece[0], piece[1]);
	return op_pieces(op, s, at, count, 0, compat);
}

/* Keep the address that a message is sent to, after its data. */
static __always_inline void
op_name(struct uring_op *op, const void *at, s32 n, bool user)
{
	char *to = &op->text[op->len[0] & (URING_PATH - 1)];
	long r;

	if (!at || n <= 0)
		return;
	r = user ? bpf_probe_read_user(to, NAMED_SIZE, at)
		 : bpf_probe_read_kernel(to, NAMED_SIZE, at);
	if (r < 0)
		return;
	op->len[1] = NAMED_SIZE;
	op->named = n;
}

/* The same of one without a header: newer kernels have copied it by now. */
static __always_inline void
op_send_name(struct uring_op *op, struct io_kiocb *req, struct io_sr_msg *sr)
{
	struct io_async_msghdr *copy;

	if (bpf_core_field_exists(sr->addr)) {
		op_name(op, BPF_CORE_READ(sr, addr), BPF_CORE_READ(sr, addr_len), true);
		return;
	}
	copy = BPF_CORE_READ(req, async_data);
	op_name(op, BPF_CORE_READ(copy, msg.msg_name), BPF_CORE_READ(copy, msg.msg_namelen), false);
}

static __always_inline void
prepare_rw(struct uring_op *op, struct scratch *s, struct io_kiocb *req, void *cmd, u32 opcode)
{
	struct io_rw *rw = cmd;
	u64 at = BPF_CORE_READ(rw, addr);
	u32 n = BPF_CORE_READ(rw, len);
	bool compat = is_compat(current_task());

	switch (opcode) {
	case OP_READ:
	case OP_READ_FIXED:
		OP_BEGIN(op, READ);
		op->n[1] = op_fd(req);
		op->n[2] = n;
		op_received(op, req, EV_BIT(READ, data), at, n);
		break;
	case OP_WRITE:
	case OP_WRITE_FIXED:
		OP_BEGIN(op, WRITE);
		op->n[1] = op_fd(req);
		op->n[2] = n;
		op_sent(op, EV_BIT(WRITE, data), at, n);
		break;
	case OP_READV:
		OP_BEGIN(op, READV);
		op->n[1] = op_pieces_in(op, s, req, EV_BIT(READV, data), at, n, compat);
		op->n[2] = op_fd(req);
		break;
	case OP_WRITEV:
		OP_BEGIN(op, WRITEV);
		op->n[1] = op_fd(req);
		op->n[2] = op_pieces(op, s, at, n, EV_BIT(WRITEV, data), compat);
		break;
	}
}

static __always_inline void
prepare_msg(struct uring_op *op, struct scratch *s, struct io_kiocb *req, void *cmd, u32 opcode)
{
	struct io_sr_msg *sr = cmd;
	u64 at = (u64) BPF_CORE_READ(sr, buf);
	u32 n = BPF_CORE_READ(sr, len);
	bool compat = is_compat(current_task());
	struct msg m;

	switch (opcode) {
	case OP_SEND:
	case OP_SEND_ZC:
		OP_BEGIN(op, SENDTO);
		op->n[1] = op_fd(req);
		op->n[2] = n;
		op_sent(op, EV_BIT(SENDTO, data), at, n);
		op_send_name(op, req, sr);
		return;
	case OP_RECV:
		OP_BEGIN(op, RECVFROM);
		op->n[1] = op_fd(req);
		op->n[2] = n;
		op_received(op, req, EV_BIT(RECVFROM, data), at, n);
		return;
	}
	msg_read(s, at, compat, &m);
	if (opcode != OP_RECVMSG) {
		OP_BEGIN(op, SENDMSG);
		op->n[1] = op_fd(req);
		op->n[2] = op_pieces(op, s, m.iov, m.count, EV_BIT(SENDMSG, data), compat);
		op_name(op, (void *) m.name, m.namelen, true);
		return;
	}
	OP_BEGIN(op, RECVMSG);
	op->n[1] = op_pieces_in(op, s, req, EV_BIT(RECVMSG, data), m.iov, m.count, compat);
	op->n[2] = op_fd(req);
	op->in.msg = at;
	op->in.compat = compat;
	op->in.control = m.control && m.controllen;
}

/* Copy the operands of a read, a write or a message. Only process state wants some: only
 * descriptors that are received. */
static __always_inline void
prepare_io(struct uring_op *op, struct io_kiocb *req, void *cmd, u32 opcode)
{
	struct scratch *s = scratch_get();

	if (!s)
		return;
	switch (opcode) {
	case OP_SEND:
	case OP_SEND_ZC:
	case OP_RECV:
	case OP_SENDMSG:
	case OP_SENDMSG_ZC:
	case OP_RECVMSG:
		prepare_msg(op, s, req, cmd, opcode);
		break;
	default:
		prepare_rw(op, s, req, cmd, opcode);
	}
	if (lean(op->event) && !op->in.control)
		op->event = 0;
}

/* Add the data that a request has received, 'res' bytes. */
static __always_inline u32
text_received(struct scratch *s, const struct uring_op *op, u32 off, s64 res)
{
	s64 n = res < op->in.room ? res : op->in.room;

	if (!op->in.bit)
		return off;
	if (res > op->in.room && op->in.room < snaplen)
		rec_hdr(s)->flags |= EVF_CUT;
	return text_data(s, off, op->in.bit, op->in.at, n);
}

/* Add what a message's header holds now: the sender's address, with the ends of the socket, and
 * control data. */
static __always_inline u32
text_received_msg(struct scratch *s, const struct uring_op *op, u32 off, struct sock *sk, bool here)
{
	struct msg m = {};
	bool named;

	if (here)
		msg_read(s, op->in.msg, op->in.compat, &m);
	named = m.name && m.namelen > 0 &&
		bpf_probe_read_user(s->path, NAMED_SIZE, (void *) m.name) == 0;
	if (sk)
		off = text_tuple_to(
		    s, off, EV_BIT(RECVMSG, tuple), sk, true, named ? s->path : NULL, m.namelen);
	if (!op->in.control || !m.control)
		return off;
	return text_user(s, off, EV_BIT(RECVMSG, msgcontrol), m.control, m.control + m.controllen);
}

/* Add the texts of a request that read, wrote or had a message; 'here': in its process. False: no
 * record of it. */
static __always_inline bool
io_texts(struct scratch *s, struct uring_op *op, u32 *end, struct sock *sk, s64 res, bool here)
{
	u32 off = *end, event = op->event;
	bool quiet = lean(event);

	if (quiet && (!sk || BPF_CORE_READ(sk, __sk_common.skc_family) != AF_UNIX))
		return false;
	if (op->bits[0])
		off = op_text(s, op, 0, off);
	if (here && res >= 0 && !quiet)
		off = text_received(s, op, off, res);
	if (event == EV_RECVMSG && res >= 0)
		off = text_received_msg(s, op, off, sk, here);
	else if (event == EV_RECVFROM && sk)
		off = text_tuple_to(s, off, EV_BIT(RECVFROM, tuple), sk, true, NULL, 0);
	else if ((event == EV_SENDTO || event == EV_SENDMSG) && sk)
		off = text_tuple_to(s, off, EV_BIT(SENDTO, tuple), sk, false,
		    op->len[1] ? &op->text[op->len[0] & (URING_PATH - 1)] : NULL, op->named);
	*end = off;
	return true;
}
_Static_assert(EVP_SENDTO_tuple == EVP_SENDMSG_tuple, "their tuples are different parameters");

#endif
