/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * uring_prepare.h - the operands of each operation of io_uring, copied from its request.
 */
#ifndef MEWS_DRIVER_URING_PREPARE_H
#define MEWS_DRIVER_URING_PREPARE_H

#include "driver/bpf/open.h"
#include "driver/bpf/uring_op.h"

/* A file name of the kernel, by its place in the operands 'p' of a request. */
#define FILENAME(p, type, member)                            \
	(bpf_core_field_exists(((struct type *) 0)->member)  \
		? BPF_CORE_READ((struct type *) (p), member) \
		: BPF_CORE_READ((struct type##___7 *) (p), member.__incomplete_filename))

/* Keep a path as text 'i', a constant; the first comes first. */
static __always_inline void
op_path(struct uring_op *op, u32 i, u64 bit, struct filename *f)
{
	const char *name = BPF_CORE_READ(f, name);
	u32 at = i ? op->len[0] & (URING_PATH - 1) : 0;
	long n = bpf_probe_read_kernel_str(&op->text[at], URING_PATH, name);

	if (n <= 0)
		return;
	op->len[i] = n - 1;
	op->bits[i] = bit;
}

/*
 * The place of the kernel's copy of a socket address: the beginning of the request's own memory, or
 * a struct io_async_msghdr there. Stable kernels changed it without a change of types, so the first
 * connect tells, by its address.
 */
enum { ADDR_UNKNOWN, ADDR_PLAIN, ADDR_INNER };
__u32 uring_addr_at = ADDR_UNKNOWN;

static __always_inline bool
addr_same(const char *a, const char *b)
{
	u64 differ = 0;

	for (u32 i = 0; i < ADDR_MAX; i += sizeof(u64))
		differ |= *(const u64 *) (a + i) ^ *(const u64 *) (b + i);
	return differ == 0;
}

/* Find that place: the same address as the caller's at 'addr'. */
static __always_inline void
addr_learn(struct uring_op *op, const void *plain, const void *inner, const void *addr, u32 len)
{
	__builtin_memset(op->text, 0, 3 * ADDR_MAX);
	if (bpf_probe_read_user(op->text, len, addr) < 0 ||
	    bpf_probe_read_kernel(op->text + ADDR_MAX, len, plain) < 0 ||
	    bpf_probe_read_kernel(op->text + 2 * ADDR_MAX, len, inner) < 0)
		return;
	if (addr_same(op->text, op->text + 2 * ADDR_MAX))
		uring_addr_at = ADDR_INNER;
	else if (addr_same(op->text, op->text + ADDR_MAX))
		uring_addr_at = ADDR_PLAIN;
}

/* Keep a socket address of the request: the kernel's copy, or, where there is none (before 6.10) or
 * its place is not known yet, the caller's at 'addr'; NULL: unknown. */
static __always_inline void
op_addr(struct uring_op *op, struct io_kiocb *req, u64 bit, const void *addr, u32 len)
{
	bool copied = bpf_core_field_exists(((struct io_async_msghdr *) 0)->free_iov_nr) ||
		      bpf_core_field_exists(((struct io_async_msghdr *) 0)->vec);
	const char *plain = BPF_CORE_READ(req, async_data);
	const char *inner = plain + bpf_core_field_offset(struct io_async_msghdr, addr);
	long r;

	barrier_var(len);
	if (len == 0 || len > ADDR_MAX)
		return;
	if (copied && uring_addr_at == ADDR_UNKNOWN && addr)
		addr_learn(op, plain, inner, addr, len);
	if (copied && uring_addr_at != ADDR_UNKNOWN) {
		r = bpf_probe_read_kernel(
		    op->text, len, uring_addr_at == ADDR_PLAIN ? plain : inner);
	} else {
		op->flags |= addr ? EVF_REREAD : 0;
		r = bpf_probe_read_user(op->text, len, addr);
	}
	if (r < 0)
		return;
	op->len[0] = len;
	op->bits[0] = bit;
}

/* The descriptor that the request works on. */
static __always_inline s64
op_fd(struct io_kiocb *req)
{
	s64 fd = BPF_CORE_READ(req, cqe.fd);

	return BPF_CORE_READ(req, flags) & REQ_F_FIXED_FILE ? URING_FIXED + fd : fd;
}

#define OP_BEGIN(op, ID)                                                                   \
	do {                                                                               \
		(op)->event = EV_##ID;                                                     \
		(op)->nn = (sizeof(struct ev_##ID) - sizeof(struct ev_hdr)) / sizeof(u64); \
		(op)->present = nums_##ID;                                                 \
	} while (0)

static __always_inline void
prepare_open(struct uring_op *op, void *cmd, bool second)
{
	struct io_open *o = cmd;
	/* the kernel adds O_LARGEFILE */
	u64 flags = BPF_CORE_READ(o, how.flags) & ~(u64) NK_open_flags_O_LARGEFILE;

	op->n[1] = (s64) BPF_CORE_READ(o, dfd);
	op->n[3] = open_mode(flags, BPF_CORE_READ(o, how.mode));
	op->slot = BPF_CORE_READ(o, file_slot);
	if (second) {
		OP_BEGIN(op, OPENAT2);
		op->n[2] = (u32) flags;
		op->n[4] = (u32) BPF_CORE_READ(o, how.resolve);
		op_path(op, 0, EV_BIT(OPENAT2, name), FILENAME(cmd, io_open, filename));
	} else {
		OP_BEGIN(op, OPENAT);
		op->n[2] = (u32) flags;
		op_path(op, 0, EV_BIT(OPENAT, name), FILENAME(cmd, io_open, filename));
	}
}

static __always_inline void
prepare_names(struct uring_op *op, void *cmd, u32 opcode)
{
	struct io_rename *r = cmd;
	struct io_unlink *u = cmd;
	struct io_mkdir *m = cmd;
	struct io_link *l = cmd;

	switch (opcode) {
	case OP_RENAMEAT:
		OP_BEGIN(op, RENAMEAT2);
		op->n[1] = (s64) BPF_CORE_READ(r, old_dfd);
		op->n[2] = (s64) BPF_CORE_READ(r, new_dfd);
		op->n[3] = (u32) BPF_CORE_READ(r, flags);
		op_path(op, 0, EV_BIT(RENAMEAT2, oldpath), FILENAME(cmd, io_rename, oldpath));
		op_path(op, 1, EV_BIT(RENAMEAT2, newpath), FILENAME(cmd, io_rename, newpath));
		break;
	case OP_UNLINKAT:
		OP_BEGIN(op, UNLINKAT);
		op->n[1] = (s64) BPF_CORE_READ(u, dfd);
		op->n[2] = (u32) BPF_CORE_READ(u, flags);
		op_path(op, 0, EV_BIT(UNLINKAT, name), FILENAME(cmd, io_unlink, filename));
		break;
	case OP_MKDIRAT:
		OP_BEGIN(op, MKDIRAT);
		op->n[1] = (s64) BPF_CORE_READ(m, dfd);
		op->n[2] = BPF_CORE_READ(m, mode);
		op_path(op, 0, EV_BIT(MKDIRAT, path), FILENAME(cmd, io_mkdir, filename));
		break;
	case OP_SYMLINKAT:
		OP_BEGIN(op, SYMLINKAT);
		op->n[1] = (s64) BPF_CORE_READ(l, new_dfd);
		op_path(op, 0, EV_BIT(SYMLINKAT, target), FILENAME(cmd, io_link, oldpath));
		op_path(op, 1, EV_BIT(SYMLINKAT, linkpath), FILENAME(cmd, io_link, newpath));
		break;
	case OP_LINKAT:
		OP_BEGIN(op, LINKAT);
		op->n[1] = (s64) BPF_CORE_READ(l, old_dfd);
		op->n[2] = (s64) BPF_CORE_READ(l, new_dfd);
		op->n[3] = (u32) BPF_CORE_READ(l, flags);
		op_path(op, 0, EV_BIT(LINKAT, oldpath), FILENAME(cmd, io_link, oldpath));
		op_path(op, 1, EV_BIT(LINKAT, newpath), FILENAME(cmd, io_link, newpath));
		break;
	}
}

static __always_inline void
prepare_socket(struct uring_op *op, struct io_kiocb *req, void *cmd, u32 opcode)
{
	struct io_socket *s = cmd;
	struct io_connect *c = cmd;
	struct io_accept *a = cmd;
	struct io_shutdown *i = cmd;

	switch (opcode) {
	case OP_SOCKET:
		OP_BEGIN(op, SOCKET);
		op->n[1] = (u32) BPF_CORE_READ(s, domain);
		op->n[2] = BPF_CORE_READ(s, type) & 0xf;
		op->n[3] = (u32) BPF_CORE_READ(s, protocol);
		op->n[4] = (u32) BPF_CORE_READ(s, type);
		op->slot = BPF_CORE_READ(s, file_slot);
		break;
	case OP_ACCEPT:
		OP_BEGIN(op, ACCEPT4);
		op->n[4] = (s64) BPF_CORE_READ(a, flags);
		op->slot = BPF_CORE_READ(a, file_slot);
		break;
	case OP_CONNECT:
		OP_BEGIN(op, CONNECT);
		op->n[1] = op_fd(req);
		op_addr(op, req, EV_BIT(CONNECT, addr), BPF_CORE_READ(c, addr),
		    BPF_CORE_READ(c, addr_len));
		break;
	case OP_BIND:
		OP_BEGIN(op, BIND);
		op->n[1] = op_fd(req);
		op_addr(op, req, EV_BIT(BIND, addr), NULL, BPF_CORE_READ(i, how));
		break;
	case OP_LISTEN:
		OP_BEGIN(op, LISTEN);
		op->n[1] = op_fd(req);
		op->n[2] = (s64) BPF_CORE_READ(i, how);
		break;
	case OP_SHUTDOWN:
		OP_BEGIN(op, SHUTDOWN);
		op->n[1] = op_fd(req);
		op->n[2] = (u32) BPF_CORE_READ(i, how);
		break;
	}
}

#endif
