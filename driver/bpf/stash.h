/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * stash.h - data read at a system call's entry, kept until it returns.
 *
 * A stash belongs to its thread, so a thread that blocks in a call for years takes nothing from
 * others. It holds the beginning of one path, or of two; the rest of a long path is in a tail,
 * which lives until the call returns. Both are allocated on first use, at most stashes_max and
 * tails_max of them, and a user of a control group may not hold more than what is left for all
 * others. A call without memory is counted: DRV_COUNT_STASH.
 */
#ifndef MEWS_DRIVER_STASH_H
#define MEWS_DRIVER_STASH_H

#include "driver/bpf/core.h"

/* With the kernel's 72 bytes of overhead, a stash takes 512 bytes and a tail 4096. */
#define STASH_HEAD 384              /* of one path */
#define STASH_HALF (STASH_HEAD / 2) /* of each of two */
#define STASH_TAIL 3912             /* STASH_HALF + STASH_TAIL exceeds EV_TEXT_MAX */

#define STASH_NAMES 8  /* addresses of messages; a power of two */
#define NAMED_SIZE  28 /* of an address that names a peer: that of IPv6 */

#define STASH_NONE (~0U)

/* Set by the sensor before loading. */
const volatile __u32 stashes_max = 1 << 16, tails_max = 1 << 14;

struct stash {
	u32 call;   /* call_id() of the call whose texts these are; 0: none */
	u16 owner;  /* whose share it counts against */
	u16 tails;  /* bit i: text i has a tail */
	u32 len[2]; /* of texts; STASH_NONE: not read */
	union {
		u64 how[3];  /* of openat2 */
		u32 args[6]; /* of a call within socketcall */
	};
	char head[STASH_HEAD];
};
/* The address of a message, in a stash's head. */
struct msg_name {
	s32 len; /* 0: none; -1: not read */
	char sa[NAMED_SIZE];
};
_Static_assert(STASH_NAMES * sizeof(struct msg_name) <= STASH_HEAD, "too many addresses");

struct tail {
	char data[STASH_TAIL];
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct stash);
} stashes SEC(".maps");

struct tails {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tail);
};
struct tails first_tails SEC(".maps"), second_tails SEC(".maps");

struct drv_shares stash_shares, tail_shares;

static __always_inline bool
share_take(struct drv_shares *sh, u32 owner, u32 max)
{
	u32 all = sh->all, left = all < max ? max - all : 0;
	u32 *own = &sh->by[owner & (DRV_OWNERS - 1)];

	if (*own >= left) {
		count(DRV_COUNT_STASH);
		return false;
	}
	__sync_fetch_and_add(&sh->all, 1);
	__sync_fetch_and_add(own, 1);
	return true;
}

static __always_inline void
share_give(struct drv_shares *sh, u32 owner)
{
	__sync_fetch_and_add(&sh->all, -1);
	__sync_fetch_and_add(&sh->by[owner & (DRV_OWNERS - 1)], -1);
}

/* Hash the user and control group of the current thread to a number below DRV_OWNERS. */
static __always_inline u32
owner_now(void)
{
	u64 id =
	    bpf_get_current_cgroup_id() * 0x9e3779b97f4a7c15ULL + (u32) bpf_get_current_uid_gid();

	return (id * 0x9e3779b97f4a7c15ULL) >> 56;
}

/* Encode a system call's number and kind of caller; never 0. */
static __always_inline u32
call_id(bool compat, u64 nr)
{
	return (u32) nr + 1 + (compat ? DRV_NR_MAX : 0);
}

static __always_inline bool
call_narrow(u32 id)
{
	return id > DRV_NR_MAX;
}

static __always_inline void
tails_drop(struct task_struct *t, struct stash *st)
{
	if (st->tails & 1 && bpf_task_storage_delete(&first_tails, t) == 0)
		share_give(&tail_shares, st->owner);
	if (st->tails & 2 && bpf_task_storage_delete(&second_tails, t) == 0)
		share_give(&tail_shares, st->owner);
	st->tails = 0;
}

/* Release the stash: the call has returned, or never will. */
static __always_inline void
stash_free(struct task_struct *t, struct stash *st)
{
	st->call = 0;
	if (st->tails)
		tails_drop(t, st);
}

/* This thread's stash, emptied; NULL: no memory. */
static __always_inline struct stash *
stash_take(struct task_struct *t)
{
	struct stash *st = bpf_task_storage_get(&stashes, t, NULL, 0);
	u32 owner;

	if (st) {
		stash_free(t, st);
		return st;
	}
	owner = owner_now();
	if (!share_take(&stash_shares, owner, stashes_max))
		return NULL;
	st = bpf_task_storage_get(&stashes, t, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!st) {
		share_give(&stash_shares, owner);
		count(DRV_COUNT_STASH);
		return NULL;
	}
	st->owner = owner;
	return st;
}

/* The data that this thread read at the entry of that call; NULL: none. */
static __always_inline struct stash *
stash_find(struct task_struct *t, u32 call)
{
	struct stash *st = bpf_task_storage_get(&stashes, t, NULL, 0);

	return st && st->call == call ? st : NULL;
}

/* Discard the data read at entry, if any: the call ends without needing it. */
static __always_inline void
stash_clear(struct task_struct *t)
{
	struct stash *st = bpf_task_storage_get(&stashes, t, NULL, 0);

	if (st)
		stash_free(t, st);
}

/* Free the stash of a thread that ends. */
static __always_inline void
stash_end(struct task_struct *t)
{
	struct stash *st = bpf_task_storage_get(&stashes, t, NULL, 0);

	if (!st)
		return;
	stash_free(t, st);
	share_give(&stash_shares, st->owner);
	bpf_task_storage_delete(&stashes, t);
}

/* The tail of text 'i', a constant. */
static __always_inline struct tail *
tail_get(struct task_struct *t, u32 i, u64 flags)
{
	return i == 0 ? bpf_task_storage_get(&first_tails, t, NULL, flags)
		      : bpf_task_storage_get(&second_tails, t, NULL, flags);
}

static __always_inline struct tail *
tail_take(struct task_struct *t, struct stash *st, u32 i)
{
	struct tail *tail;

	if (!share_take(&tail_shares, st->owner, tails_max))
		return NULL;
	tail = tail_get(t, i, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!tail) {
		share_give(&tail_shares, st->owner);
		count(DRV_COUNT_STASH);
		return NULL;
	}
	st->tails |= 1U << i;
	return tail;
}

/* Read text 'i' of the stash from user space, its first bytes into head[from..from + room). All but
 * 't', 'st' and 'path' are constants. */
static __always_inline bool
stash_path(struct task_struct *t, struct stash *st, u32 i, u32 from, u32 room, u64 path)
{
	long n = read_user_str(&st->head[from], room, (void *) path);
	struct tail *tail;

	st->len[i] = STASH_NONE;
	if (n == room) {
		tail = tail_take(t, st, i);
		n = !tail ? 0
			  : read_user_str(tail->data, sizeof(tail->data), (void *) path + room - 1);
		n = n <= 0 ? 0 : n + room - 1;
	}
	if (n <= 0)
		return false;
	st->len[i] = n - 1;
	return true;
}

/* Append a text of this thread's stash to the record; false: it is absent. */
static __always_inline bool
stash_text(struct scratch *s, struct stash *st, u32 i, u32 from, u32 room, u32 off)
{
	u32 n = st->len[i], rest;
	struct tail *tail;

	barrier_var(n);
	if (n < room)
		return bpf_probe_read_kernel(text_at(s, off), n, &st->head[from]) == 0;
	rest = n - (room - 1); /* too large for STASH_NONE */
	tail = tail_get(current_task(), i, 0);
	barrier_var(rest);
	if (!tail || rest > STASH_TAIL)
		return false;
	bpf_probe_read_kernel(text_at(s, off), room - 1, &st->head[from]);
	return bpf_probe_read_kernel(
		   &s->rec[(off + sizeof(u32) + room - 1) & REC_MASK], rest, tail->data) == 0;
}

#endif
