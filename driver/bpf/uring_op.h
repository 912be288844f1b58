/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * uring_op.h - the requests of io_uring that were submitted and have not completed: where they are
 * kept, and their records. As with stashes, a user of a control group may not hold more of them
 * than what is left for all others.
 */
#ifndef MEWS_DRIVER_URING_OP_H
#define MEWS_DRIVER_URING_OP_H

#include "driver/bpf/rec_end.h"
#include "driver/bpf/stash.h"

#include "driver/bpf/uring_types.h"

#define PF_IO_WORKER 0x10

#define REQ_F_FIXED_FILE (1 << 0)
#define REQ_F_CQE_SKIP   (1 << 6)

#define CQE_F_MORE (1 << 1) /* more completions of this request follow */

#define SLOT_ANY ~0U /* the kernel chooses the index of a fixed file */

#define URING_NUMBERS 8 /* of an event, at most; a power of two */

#define URING_OPS   64 /* limit for operations; a power of two */
#define URING_PATH  4096
#define URING_SHORT 384 /* bytes of texts that most requests have at most */

/* linux/io_uring.h's numbers, which are ABI. */
enum uring_opcode {
	OP_READV = 1,
	OP_WRITEV = 2,
	OP_READ_FIXED = 4,
	OP_WRITE_FIXED = 5,
	OP_SENDMSG = 9,
	OP_RECVMSG = 10,
	OP_ACCEPT = 13,
	OP_CONNECT = 16,
	OP_OPENAT = 18,
	OP_CLOSE = 19,
	OP_READ = 22,
	OP_WRITE = 23,
	OP_SEND = 26,
	OP_RECV = 27,
	OP_OPENAT2 = 28,
	OP_SHUTDOWN = 34,
	OP_RENAMEAT = 35,
	OP_UNLINKAT = 36,
	OP_MKDIRAT = 37,
	OP_SYMLINKAT = 38,
	OP_LINKAT = 39,
	OP_SOCKET = 45,
	OP_SEND_ZC = 47,
	OP_SENDMSG_ZC = 48,
	OP_FIXED_FD_INSTALL = 54,
	OP_BIND = 56,
	OP_LISTEN = 57,
};

/* The event of each operation; 0: none. */
static const u16 uring_events[URING_OPS] = {
	[OP_READV] = EV_READV,
	[OP_WRITEV] = EV_WRITEV,
	[OP_READ_FIXED] = EV_READ,
	[OP_WRITE_FIXED] = EV_WRITE,
	[OP_SENDMSG] = EV_SENDMSG,
	[OP_RECVMSG] = EV_RECVMSG,
	[OP_READ] = EV_READ,
	[OP_WRITE] = EV_WRITE,
	[OP_SEND] = EV_SENDTO, /* as send() of the C library */
	[OP_RECV] = EV_RECVFROM,
	[OP_SEND_ZC] = EV_SENDTO,
	[OP_SENDMSG_ZC] = EV_SENDMSG,
	[OP_ACCEPT] = EV_ACCEPT4,
	[OP_CONNECT] = EV_CONNECT,
	[OP_OPENAT] = EV_OPENAT,
	[OP_CLOSE] = EV_CLOSE,
	[OP_OPENAT2] = EV_OPENAT2,
	[OP_SHUTDOWN] = EV_SHUTDOWN,
	[OP_RENAMEAT] = EV_RENAMEAT2,
	[OP_UNLINKAT] = EV_UNLINKAT,
	[OP_MKDIRAT] = EV_MKDIRAT,
	[OP_SYMLINKAT] = EV_SYMLINKAT,
	[OP_LINKAT] = EV_LINKAT,
	[OP_SOCKET] = EV_SOCKET,
	[OP_FIXED_FD_INSTALL] = EV_DUP,
	[OP_BIND] = EV_BIND,
	[OP_LISTEN] = EV_LISTEN,
};

/* A submitted request: its event without the result. */
struct uring_op {
	u64 start; /* of the thread */
	u32 tid, pid;
	u64 present;
	u64 bits[2];          /* of the texts; 0: absent */
	u64 n[URING_NUMBERS]; /* the first one is the result */
	u16 event, nn;
	u16 len[2]; /* of the texts */
	u32 flags;  /* EVF_* */
	u32 slot;   /* of the fixed file that it creates, plus 1, or SLOT_ANY; 0: none */
	u32 told;   /* op_presume() was called */
	u32 owner;  /* whose share it counts against */
	struct uring_key {
		u64 ring, data;
	} key; /* the ring's address, and the caller's number of the request */
	struct {
		u64 bit; /* of the text of the data; 0: none */
		u64 at;  /* the place in user space, */
		u64 msg; /* and that of the message's header */
		u32 room;
		u16 compat, control; /* a 32-bit header; one with room for control data */
	} in;                        /* what it receives */
	u64 named; /* size of the address that it is sent to, which follows text 0 */
	char text[2 * URING_PATH];
};

struct uring_short {
	char op[__builtin_offsetof(struct uring_op, text) + URING_SHORT];
};

/* Set by the sensor before loading, at most the sizes of the maps below. */
const volatile __u32 shorts_max = 1 << 14, longs_max = 1 << 10;

/* The request being submitted or completed on this CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct uring_op);
} uring_now SEC(".maps");

/* Requests on their way, by address: with short texts, and with long ones. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 14);
	__type(key, u64);
	__type(value, struct uring_short);
} uring_shorts SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 10);
	__type(key, u64);
	__type(value, struct uring_op);
} uring_longs SEC(".maps");

/* The request for a completion that names none, by its ring and the caller's number: the latest, if
 * several have the same. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, (1 << 14) + (1 << 10));
	__type(key, struct uring_key);
	__type(value, u64);
} uring_index SEC(".maps");

/* Set by the sensor before loading: the third argument of io_uring_complete is the completion, as
 * since 6.15. */
const volatile bool uring_cqe = false;

struct drv_shares short_shares, long_shares; /* entries of both */

/* Are there requests on their way? */
static __always_inline bool
ops_pending(void)
{
	return short_shares.all || long_shares.all;
}

static __always_inline struct uring_op *
op_now(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&uring_now, &zero);
}

/* Begin the record of a request with its numbers. Returns the first text's offset. */
static __always_inline u32
op_record(struct scratch *s, struct uring_op *op, struct task_struct *t, s64 res)
{
	u64 *to = (u64 *) &s->rec[sizeof(struct ev_hdr)];
	struct ev_hdr *h = rec_hdr(s);

	rec_begin(s, op->event, sizeof(*h), op->present, t);
	h->start = op->start;
	h->tid = op->tid;
	h->pid = op->pid;
	h->flags = op->flags | EVF_URING;
	for (u32 i = 0; i < URING_NUMBERS; i++)
		to[i] = op->n[i]; /* texts overwrite those beyond nn */
	to[0] = res;
	return off_forget(s, sizeof(*h) + (op->nn & (URING_NUMBERS - 1)) * sizeof(u64));
}

/* Add text 'i', a constant. */
static __always_inline u32
op_text(struct scratch *s, struct uring_op *op, u32 i, u32 off)
{
	u32 at = i ? op->len[0] & (URING_PATH - 1) : 0;

	return op->bits[i] ? text_kernel(s, off, op->bits[i], &op->text[at], op->len[i]) : off;
}

/* Does the event's first number name a new descriptor? */
static __always_inline bool
op_creates(const struct uring_op *op)
{
	switch (op->event) {
	case EV_OPENAT:
	case EV_OPENAT2:
	case EV_SOCKET:
	case EV_ACCEPT4:
	case EV_DUP:
		return true;
	default:
		return false;
	}
}

/* Does the event read, write, or have a message? */
static __always_inline bool
op_moves(const struct uring_op *op)
{
	switch (op->event) {
	case EV_READ:
	case EV_WRITE:
	case EV_READV:
	case EV_WRITEV:
	case EV_SENDTO:
	case EV_RECVFROM:
	case EV_SENDMSG:
	case EV_RECVMSG:
		return true;
	default:
		return false;
	}
}

/*
 * Report a request without having seen its completion, as successful: it asked for no completion
 * in that case, or there is no memory to wait for one. If one comes, it is another event.
 */
static __always_inline void
op_presume(struct uring_op *op, struct task_struct *t)
{
	struct scratch *s = scratch_get();
	u32 off;

	if (!s)
		return;
	off = op_record(s, op, t, 0);
	if (op_creates(op) || op_moves(op))
		rec_hdr(s)->present &= ~1ULL; /* the descriptor, or the size, is unknown */
	off = op_text(s, op, 0, off);
	off = op_text(s, op, 1, off);
	rec_end(off);
}

/* Keep a request until it completes; false: no memory. */
static __always_inline bool
op_keep(struct uring_op *op, u64 req)
{
	bool small = op->len[0] + op->len[1] + 1U <= URING_SHORT;
	struct drv_shares *sh = small ? &short_shares : &long_shares;
	long r;

	op->owner = owner_now();
	if (!share_take(sh, op->owner, small ? shorts_max : longs_max))
		return false;
	if (small)
		r = bpf_map_update_elem(&uring_shorts, &req, op, BPF_ANY);
	else
		r = bpf_map_update_elem(&uring_longs, &req, op, BPF_ANY);
	if (r < 0) {
		share_give(sh, op->owner);
		count(DRV_COUNT_STASH);
		return false;
	}
	(void) bpf_map_update_elem(&uring_index, &op->key, &req, BPF_ANY);
	return true;
}

static __always_inline void
op_forget(struct uring_op *op, u64 req)
{
	u64 *latest = bpf_map_lookup_elem(&uring_index, &op->key);

	if (latest && *latest == req)
		(void) bpf_map_delete_elem(&uring_index, &op->key);
	if (bpf_map_delete_elem(&uring_shorts, &req) == 0)
		share_give(&short_shares, op->owner);
	else if (bpf_map_delete_elem(&uring_longs, &req) == 0)
		share_give(&long_shares, op->owner);
}

/* Find a request that was kept; false: none of ours. */
static __always_inline bool
op_find(struct uring_op *op, u64 req)
{
	const void *kept = bpf_map_lookup_elem(&uring_shorts, &req);

	if (kept)
		return bpf_probe_read_kernel(op, sizeof(struct uring_short), kept) == 0;
	kept = bpf_map_lookup_elem(&uring_longs, &req);
	return kept && bpf_probe_read_kernel(op, sizeof(*op), kept) == 0;
}

#endif
