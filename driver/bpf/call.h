/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * call.h - a system call: its registers, and what was read when it was entered.
 *
 * What user space could change while the kernel works on it (a path, an address) is read at entry
 * into the thread's stash. Where that fails (the page was not resident, there is no stash, the call
 * began before the hooks did), it is read at exit and the event says so: EVF_REREAD.
 */
#ifndef MEWS_DRIVER_CALL_H
#define MEWS_DRIVER_CALL_H

#include "driver/bpf/core.h"

#include "driver/bpf/stash.h"

#define SYS_CONNECT 3 /* socketcall() */

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

/* Is this call wanted at its entry? Then this thread's stash, empty. */
static __always_inline struct stash *
take_begin(struct task_struct *t, bool compat, u64 nr)
{
	if (nr >= DRV_NR_MAX || !bit_get(ctl.calls[compat], nr) || is_excluded(t))
		return NULL;
	return stash_take(t);
}

/* Keep what was read, or nothing: then the exit looks again. */
static __always_inline int
take_end(struct task_struct *t, struct stash *st, bool compat, u64 nr, bool read)
{
	if (read)
		st->call = call_id(compat, nr);
	else
		stash_free(t, st);
	return 0;
}

static __always_inline int
take_path(bool compat, u64 nr, u64 path)
{
	struct task_struct *t = current_task();
	struct stash *st = take_begin(t, compat, nr);

	if (!st)
		return 0;
	return take_end(t, st, compat, nr, stash_path(t, st, 0, 0, STASH_HEAD, path));
}

/* If only one of them can be read, that one. */
static __always_inline int
take_paths(bool compat, u64 nr, u64 first, u64 second)
{
	struct task_struct *t = current_task();
	struct stash *st = take_begin(t, compat, nr);
	bool any;

	if (!st)
		return 0;
	any = stash_path(t, st, 0, 0, STASH_HALF, first);
	any |= stash_path(t, st, 1, STASH_HALF, STASH_HALF, second);
	return take_end(t, st, compat, nr, any);
}

static __always_inline int
take_how(bool compat, u64 nr, u64 path, u64 how)
{
	struct task_struct *t = current_task();
	struct stash *st = take_begin(t, compat, nr);

	if (!st)
		return 0;
	return take_end(t, st, compat, nr,
	    bpf_probe_read_user(st->how, sizeof(st->how), (void *) how) == 0 &&
		stash_path(t, st, 0, 0, STASH_HEAD, path));
}

/* An address; 'fd' is kept beside it. */
static __always_inline int
take_addr(bool compat, u64 nr, s32 fd, u64 addr, s32 len)
{
	struct task_struct *t = current_task();
	struct stash *st;

	if (len <= 0 || len > 128)
		return 0;
	st = take_begin(t, compat, nr);
	if (!st)
		return 0;
	st->how[0] = (s64) fd;
	st->len[0] = len;
	return take_end(
	    t, st, compat, nr, bpf_probe_read_user(st->head, (u32) len & 0xff, (void *) addr) == 0);
}

/* An argument is read at exit only: say so; have the hook for 32-bit callers attached. */
static __always_inline void
reread(struct scratch *s, bool compat)
{
	rec_hdr(s)->flags |= EVF_REREAD;
	count(DRV_COUNT_REREAD);
	if (compat)
		ctl.compat_seen = 1;
}

/* Text 'i' of the stash, or else what is at 'path' now. */
static __always_inline u32
text_stashed(struct scratch *s, struct stash *st, bool compat, u32 off, u64 bit, u32 i, u32 from,
    u32 room, u64 path)
{
	if (st && stash_text(s, current_task(), st, i, from, room, off))
		return text_end(s, off, st->len[i], bit);
	reread(s, compat);
	return text_user_str(s, off, bit, (void *) path);
}

/* The path that was read at entry, or else now. */
static __always_inline u32
text_path(struct scratch *s, struct stash *st, bool compat, u32 off, u64 bit, u64 path)
{
	return text_stashed(s, st, compat, off, bit, 0, 0, STASH_HEAD, path);
}

/* The first or the second of two: 'i' is a constant. */
static __always_inline u32
text_path_of(struct scratch *s, struct stash *st, bool compat, u32 off, u64 bit, u32 i, u64 path)
{
	return text_stashed(s, st, compat, off, bit, i, i * STASH_HALF, STASH_HALF, path);
}

/* The program that captures a system call: reached by a tail call, after the caller was found to be
 * wanted and not excluded. */
#define EXIT(name)             \
	SEC("tp_btf/sys_exit") \
	int ALONE_PROG(exit_##name, struct pt_regs *regs, long ret)

/* What the current thread has read at the entry of the call that it returns from; NULL: nothing. */
static __always_inline struct stash *
call_stash(struct task_struct *t, struct pt_regs *regs, bool compat)
{
	return stash_find(t, call_id(compat, call_nr(regs)));
}

/*
 * Its frame: its task, its kind of caller, what an entry hook has read of arguments ('stashed'),
 * the record with its numbers 0, where its first text goes.
 */
#define EXIT_BEGIN(ID, stashed)                                            \
	struct task_struct *t = current_task();                            \
	bool compat = is_compat(t);                                        \
	struct stash *st = (stashed) ? call_stash(t, regs, compat) : NULL; \
	struct scratch *s = scratch_get();                                 \
	struct ev_##ID *e;                                                 \
	u32 off = sizeof(*e);                                              \
                                                                           \
	if (!s)                                                            \
		return 0;                                                  \
	e = REC_BEGIN(s, ID, t)

#define EXIT_END()                                            \
	do {                                                  \
		rec_hdr(s)->flags |= compat ? EVF_COMPAT : 0; \
		rec_end(s, off);                              \
		if (st)                                       \
			stash_free(t, st);                    \
		return 0;                                     \
	} while (0)

#endif
