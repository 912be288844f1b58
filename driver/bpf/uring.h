/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * uring.h - operations submitted through io_uring, which make no system call.
 *
 * At a request's submission the kernel has copied its operands (paths, addresses) into the request,
 * where user space cannot change them. They are kept, by the request's address, until its
 * completion brings the result; then both become an event of the ordinary type, marked EVF_URING.
 *
 * The thread of an event is the one that submitted the request; for one of the kernel's own threads
 * in a process (IORING_SETUP_SQPOLL), the main thread. A file that is not in the table of
 * descriptors but in the ring's own ("fixed") has the number URING_FIXED + its index.
 */
#ifndef MEWS_DRIVER_URING_H
#define MEWS_DRIVER_URING_H

#include "driver/bpf/exclude.h"
#include "driver/bpf/net.h"
#include "driver/bpf/open.h"
#include "driver/bpf/uring_io.h"

/* Copy the operands of a request. */
static __always_inline void
op_prepare(struct uring_op *op, struct io_kiocb *req, u32 opcode)
{
	void *cmd = (char *) req + bpf_core_field_offset(struct io_kiocb, cmd);
	struct io_close *c = cmd;

	switch (opcode) {
	case OP_OPENAT:
		prepare_open(op, cmd, false);
		break;
	case OP_OPENAT2:
		prepare_open(op, cmd, true);
		break;
	case OP_CLOSE:
		OP_BEGIN(op, CLOSE);
		op->n[1] = BPF_CORE_READ(c, file_slot)
			       ? URING_FIXED + (s64) BPF_CORE_READ(c, file_slot) - 1
			       : (s64) BPF_CORE_READ(c, fd);
		break;
	case OP_FIXED_FD_INSTALL:
		OP_BEGIN(op, DUP);
		op->n[1] = op_fd(req);
		break;
	case OP_RENAMEAT:
	case OP_UNLINKAT:
	case OP_MKDIRAT:
	case OP_SYMLINKAT:
	case OP_LINKAT:
		prepare_names(op, cmd, opcode);
		break;
	case OP_ACCEPT:
	case OP_CONNECT:
	case OP_SOCKET:
	case OP_SHUTDOWN:
	case OP_BIND:
	case OP_LISTEN:
		prepare_socket(op, req, cmd, opcode);
		break;
	default:
		prepare_io(op, req, cmd, opcode);
	}
}

/* The thread that a request is attributed to. */
static __always_inline void
op_owner(struct uring_op *op, struct task_struct *t)
{
	op->pid = op->tid = t->tgid;
	if (t->flags & PF_IO_WORKER) {
		op->start = BPF_CORE_READ(t, group_leader, start_boottime);
	} else {
		op->tid = t->pid;
		op->start = t->start_boottime;
	}
}

static __always_inline void
uring_submit(struct io_kiocb *req)
{
	u32 opcode = BPF_CORE_READ(req, opcode), event = uring_events[opcode & (URING_OPS - 1)];
	struct task_struct *t = current_task();
	struct uring_op *op = op_now();

	if (!op || opcode >= URING_OPS || !event || !wanted(event) ||
	    excluded(t, DRV_CANARY_SUBMIT))
		return;
	if (ops_pending() && op_find(op, (u64) req)) { /* its memory is in use again */
		if (!op->told)
			op_presume(op, t);
		op_forget(op, (u64) req);
	}
	__builtin_memset(op, 0, __builtin_offsetof(struct uring_op, text));
	op_owner(op, t);
	op_prepare(op, req, opcode);
	if (!op->event)
		return;
	op->key.ring = (u64) BPF_CORE_READ(req, ctx);
	op->key.data = BPF_CORE_READ(req, cqe.user_data);
	op->told = (BPF_CORE_READ(req, flags) & REQ_F_CQE_SKIP) != 0;
	if (!op_keep(op, (u64) req) || op->told)
		op_presume(op, t);
}

/* The socket of a request; NULL: none. */
static __always_inline struct sock *
req_sock(u64 req)
{
	return file_sock(BPF_CORE_READ((struct io_kiocb *) req, file));
}

/* Report a request with its result. */
static __always_inline void
uring_done(struct scratch *s, struct uring_op *op, u64 req, s64 res)
{
	struct task_struct *t = current_task();
	bool found = res >= 0 && !op->slot && (u32) t->tgid == op->pid; /* in t's descriptors */
	s64 fd = found ? res : -1;
	u64 name = EV_BIT(OPENAT, name), real = EV_BIT(OPENAT, realname);
	struct ev_OPENAT2 *how = (struct ev_OPENAT2 *) s->rec;
	struct ev_ACCEPT4 *e = (struct ev_ACCEPT4 *) s->rec;
	struct ev_OPENAT *at = (struct ev_OPENAT *) s->rec;
	struct sock *sk = NULL;
	struct opened o;
	u32 off, first;

	if (res >= 0 && op->slot && op_creates(op))
		res = URING_FIXED + (op->slot == SLOT_ANY ? res : op->slot - 1);
	off = first = op_record(s, op, t, res);
	switch (op->event) {
	case EV_OPENAT:
	case EV_OPENAT2:
		opened_get(s, t, fd, op->n[2], &o);
		at->flags = opened_flags(op->n[2], &o);
		if (op->event == EV_OPENAT) {
			at->dev = o.dev;
			at->ino = o.ino;
		} else {
			how->dev = o.dev;
			how->ino = o.ino;
			real = EV_BIT(OPENAT2, realname);
		}
		off = op_text(s, op, 0, off);
		off = opened_text(s, off, name, real, first, &o);
		break;
	case EV_CONNECT:
		if (res == 0 || res == -EINPROGRESS)
			sk = req_sock(req);
		if (sk)
			off = text_tuple(s, off, EV_BIT(CONNECT, tuple), sk);
		if (op->bits[0])
			off = text_sockaddr(s, off, op->bits[0], op->text, op->len[0]);
		break;
	case EV_ACCEPT4:
		sk = fd < 0 ? NULL : fd_sock(t, fd);
		if (sk) {
			QUEUE_OF(e, req_sock(req));
			off = text_tuple_to(s, off, EV_BIT(ACCEPT4, tuple), sk, true, NULL, 0);
		}
		break;
	case EV_BIND:
		if (op->bits[0])
			off = text_sockaddr(s, off, op->bits[0], op->text, op->len[0]);
		break;
	default:
		if (op_moves(op)) {
			sk = res < 0 ? NULL : req_sock(req);
			if (!io_texts(s, op, &off, sk, res, (u32) t->tgid == op->pid))
				return;
			break;
		}
		off = op_text(s, op, 0, off);
		off = op_text(s, op, 1, off);
	}
	rec_end(off);
}
_Static_assert(EVP_OPENAT_name == EVP_OPENAT2_name, "their names are different parameters");
_Static_assert(EVP_OPENAT_flags == EVP_OPENAT2_flags, "their flags are different parameters");

SEC("tp_btf/io_uring_submit_req") /* io_uring_submit_sqe before 6.4: the sensor sets it */
int
ALONE_PROG(on_uring_submit, struct io_kiocb *req)
{
	if (bpf_core_type_exists(struct io_cmd_data))
		uring_submit(req);
	return 0;
}

/* Report a request: it has completed, or 'more' completions follow. */
static __always_inline void
uring_result(u64 req, s64 res, bool more)
{
	struct uring_op *op = op_now();
	struct scratch *s = scratch_get();

	if (!op || !s || !req || !op_find(op, req))
		return;
	if (!more)
		op_forget(op, req);
	uring_done(s, op, req, res);
}

static __always_inline u64
req_of(u64 ring, u64 data)
{
	struct uring_key key = { ring, data };
	u64 *req = bpf_map_lookup_elem(&uring_index, &key);

	return req ? *req : 0;
}

/* A completion without a request is one of several: a connection taken by a multishot accept. */
SEC("tp_btf/io_uring_complete")
int
ALONE_PROG(on_uring_complete, void *ring, void *req, void *third)
{
	struct {
		u64 data;
		s32 res;
		u32 flags;
	} cqe = {};

	if (ctl.canary)
		(void) is_excluded_at(current_task(), DRV_CANARY_COMPLETE);
	if (!bpf_core_type_exists(struct io_cmd_data) || !ops_pending())
		return 0;
	if (req)
		cqe.res = BPF_CORE_READ((struct io_kiocb *) req, cqe.res);
	else if (uring_cqe && bpf_probe_read_kernel(&cqe, sizeof(cqe), third) == 0)
		req = (void *) req_of((u64) ring, cqe.data);
	uring_result((u64) req, cqe.res, cqe.flags & CQE_F_MORE);
	return 0;
}

/* The ring has no room for a completion. */
SEC("tp_btf/io_uring_cqe_overflow")
int
ALONE_PROG(on_uring_overflow, void *ring, u64 data, s32 res, u32 flags)
{
	if (bpf_core_type_exists(struct io_cmd_data) && ops_pending())
		uring_result(req_of((u64) ring, data), res, flags & CQE_F_MORE);
	return 0;
}

#endif
