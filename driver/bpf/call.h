/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * call.h - a system call: its registers, and what was read when it was entered.
 *
 * What user space could change while the kernel works on it (a path, an address) is read at entry
 * into the stash: a bounded array of slots, of which a thread holds one from entry to exit. Where
 * that fails (the page was not resident, all slots near are taken, the call began before the hooks
 * did), it is read at exit and the event says so: EVF_REREAD.
 */
#ifndef MEWS_DRIVER_CALL_H
#define MEWS_DRIVER_CALL_H

#include "driver/bpf/core.h"

#define SYS_CONNECT 3 /* socketcall() */

#define STASH_SLOTS 256 /* a power of two */
#define STASH_TRIES 4
#define STASH_STALE 1000 /* a slot that was taken so many jiffies ago may be taken over */

struct stash {
	u32 tid;    /* who holds it; 0: free */
	u32 len;    /* of data */
	u64 since;  /* jiffies */
	u64 how[3]; /* of openat2 */
	char data[EV_TEXT_MAX + 8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STASH_SLOTS);
	__type(key, u32);
	__type(value, struct stash);
} stashes SEC(".maps");

#if defined(__TARGET_ARCH_x86)
#define TS_COMPAT 2

static __always_inline bool
is_compat(struct task_struct *t)
{
	return t->thread_info.status & TS_COMPAT;
}

static __always_inline u64
call_nr(struct pt_regs *regs)
{
	return regs->orig_ax;
}

static __always_inline u64
call_arg(struct pt_regs *regs, bool compat, int i)
{
	switch (i) {
	case 0:
		return compat ? (u32) regs->bx : regs->di;
	case 1:
		return compat ? (u32) regs->cx : regs->si;
	case 2:
		return compat ? (u32) regs->dx : regs->dx;
	case 3:
		return compat ? (u32) regs->si : regs->r10;
	case 4:
		return compat ? (u32) regs->di : regs->r8;
	default:
		return compat ? (u32) regs->bp : regs->r9;
	}
}
#else
#define TIF_32BIT 22

static __always_inline bool
is_compat(struct task_struct *t)
{
	return t->thread_info.flags >> TIF_32BIT & 1;
}

static __always_inline u64
call_nr(struct pt_regs *regs)
{
	return (u32) regs->syscallno;
}

static __always_inline u64
call_arg(struct pt_regs *regs, bool compat, int i)
{
	u64 v = i == 0 ? regs->orig_x0 : regs->regs[i];

	return compat ? (u32) v : v;
}
#endif

/* What user space sees of a call that a signal interrupted. */
static __always_inline s64
call_result(long ret)
{
	return ret <= -ERESTARTSYS && ret >= -ERESTARTSYS - 4 ? -EINTR : ret;
}

/* Register arguments that are ints. */
static __always_inline s64
arg_int(struct pt_regs *regs, bool compat, int i)
{
	return (s32) call_arg(regs, compat, i);
}

static __always_inline struct stash *
stash_slot(u32 tid, u32 try)
{
	u32 key = (tid + try) & (STASH_SLOTS - 1);

	return bpf_map_lookup_elem(&stashes, &key);
}

/* A slot for this thread, to be held until stash_free(). NULL: none is free. */
static __always_inline struct stash *
stash_take(u32 tid, u64 now)
{
	for (u32 i = 0; i < STASH_TRIES; i++) {
		struct stash *s = stash_slot(tid, i);
		u32 was;

		if (!s)
			return NULL;
		was = s->tid;
		if (was != 0 && was != tid && now - s->since < STASH_STALE)
			continue;
		if (was == tid || __sync_val_compare_and_swap(&s->tid, was, tid) == was) {
			s->since = now;
			return s;
		}
	}
	count(DRV_COUNT_STASH);
	return NULL;
}

static __always_inline void
stash_free(struct stash *s)
{
	s->tid = 0;
}

/* What this thread put there at entry; NULL: nothing. */
static __always_inline struct stash *
stash_find(u32 tid)
{
	for (u32 i = 0; i < STASH_TRIES; i++) {
		struct stash *s = stash_slot(tid, i);

		if (s && s->tid == tid)
			return s;
	}
	return NULL;
}

/* Is this call wanted at its entry? Then a slot for it. */
static __always_inline struct stash *
take_begin(bool compat, u64 nr)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 pid = id >> 32;

	if (nr >= DRV_NR_MAX || !bit_get(ctl.calls[compat], nr))
		return NULL;
	if (pid == ctl.exclude[0] || pid == ctl.exclude[1])
		return NULL;
	return stash_take((u32) id, bpf_jiffies64());
}

static __always_inline int
take_path(bool compat, u64 nr, u64 path)
{
	struct stash *s = take_begin(compat, nr);
	long n;

	if (!s)
		return 0;
	n = bpf_probe_read_user_str(s->data, EV_TEXT_MAX + 2, (void *) path);
	if (n <= 0)
		stash_free(s); /* not resident, perhaps: the exit looks again */
	else
		s->len = n - 1;
	return 0;
}

static __always_inline int
take_how(bool compat, u64 nr, u64 path, u64 how)
{
	struct stash *s = take_begin(compat, nr);
	long n;

	if (!s)
		return 0;
	n = bpf_probe_read_user_str(s->data, EV_TEXT_MAX + 2, (void *) path);
	if (n <= 0 || bpf_probe_read_user(s->how, sizeof(s->how), (void *) how) < 0)
		stash_free(s);
	else
		s->len = n - 1;
	return 0;
}

static __always_inline int
take_addr(bool compat, u64 nr, u64 addr, s32 len)
{
	struct stash *s;

	if (len <= 0 || len > 128)
		return 0;
	s = take_begin(compat, nr);
	if (!s)
		return 0;
	if (bpf_probe_read_user(s->data, (u32) len & 0xff, (void *) addr) < 0)
		stash_free(s);
	else
		s->len = len;
	return 0;
}

/* An argument is read at exit only: say so; have the hook for 32-bit callers attached. */
static __always_inline void
reread(struct scratch *s, bool compat)
{
	rec_hdr(s)->flags |= EVF_REREAD;
	if (compat)
		ctl.compat_seen = 1;
}

/* The path that was read at entry, or else now. */
static __always_inline u32
text_path(struct scratch *s, struct stash *st, bool compat, u32 off, u64 bit, u64 path)
{
	if (st) {
		u32 n = st->len;

		barrier_var(n);
		if (n <= EV_TEXT_MAX + 1 &&
		    bpf_probe_read_kernel(text_at(s, off), n, st->data) == 0)
			return text_end(s, off, n, bit);
	}
	reread(s, compat);
	return text_user_str(s, off, bit, (void *) path);
}

/* The program that captures a system call: reached by a tail call, after the caller was found to be
 * wanted and not excluded. */
#define EXIT(name)             \
	SEC("tp_btf/sys_exit") \
	int BPF_PROG(exit_##name, struct pt_regs *regs, long ret)

/*
 * Its frame: its task, its kind of caller, what an entry hook has read of arguments ('stashed'),
 * the record with its numbers 0, where its first text goes.
 */
#define EXIT_BEGIN(ID, stashed)                                   \
	struct task_struct *t = current_task();                   \
	bool compat = is_compat(t);                               \
	struct stash *st = (stashed) ? stash_find(t->pid) : NULL; \
	struct scratch *s = scratch_get();                        \
	struct ev_##ID *e;                                        \
	u32 off = sizeof(*e);                                     \
                                                                  \
	if (!s)                                                   \
		return 0;                                         \
	e = REC_BEGIN(s, ID, t)

#define EXIT_END()                                            \
	do {                                                  \
		rec_hdr(s)->flags |= compat ? EVF_COMPAT : 0; \
		rec_end(s, off);                              \
		if (st)                                       \
			stash_free(st);                       \
		return 0;                                     \
	} while (0)

#endif
