/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * call.h - a system call: its registers, and the data read at its entry.
 *
 * Data that user space can change during the call (a path, an address) is read at entry into the
 * thread's stash. If that fails (the page was not resident, there is no stash, the call began
 * before the hooks were attached), it is read at exit and the event is marked EVF_REREAD.
 */
#ifndef MEWS_DRIVER_CALL_H
#define MEWS_DRIVER_CALL_H

#include "driver/bpf/rec_end.h"

#include "driver/bpf/stash.h"

#define MMSG_SIZE   64 /* of a struct mmsghdr: a struct msghdr, then the bytes sent or received */
#define MMSG_SIZE32 32

#if defined(__TARGET_ARCH_x86)
#define TS_COMPAT 2

static __always_inline bool
is_compat(struct task_struct *t)
{
	return t->thread_info.status & TS_COMPAT;
}

/* In the number of an x32 caller. */
#define X32_BIT 0x40000000UL

static __always_inline bool
is_x32(struct pt_regs *regs)
{
	return regs->orig_ax & X32_BIT;
}

static __always_inline u64
call_nr(struct pt_regs *regs)
{
	return regs->orig_ax & ~X32_BIT;
}

/*
 * Is it the call of a 32-bit caller, or one of x32's own? These have numbers from 512 on, which no
 * 32-bit caller has, so both share tables. Their structures in memory are those of 32-bit callers
 * (but for times), their arguments in the registers of 64-bit ones.
 */
static __always_inline bool
is_narrow(struct task_struct *t, struct pt_regs *regs)
{
	return is_compat(t) || (is_x32(regs) && call_nr(regs) >= 512);
}

static __always_inline u64
call_arg(struct pt_regs *regs, bool narrow, int i)
{
	bool compat = narrow && !is_x32(regs);

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
#define X32_BIT   0UL

static __always_inline bool
is_x32(struct pt_regs *regs)
{
	(void) regs;
	return false;
}

static __always_inline bool
is_compat(struct task_struct *t)
{
	return t->thread_info.flags >> TIF_32BIT & 1;
}

static __always_inline bool
is_narrow(struct task_struct *t, struct pt_regs *regs)
{
	(void) regs;
	return is_compat(t);
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

/* The result that user space sees, also of a call that a signal interrupted. */
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

static __always_inline const volatile struct drv_call *
call_of(bool compat, u64 nr)
{
	u32 kind = compat;

	/* keep the masks: the compiler, unlike the verifier, knows the bounds */
	barrier_var(kind);
	barrier_var(nr);
	return &table.calls[kind & 1][nr & (DRV_NR_MAX - 1)];
}

static __always_inline const volatile struct drv_capture *
capture_at(u32 i)
{
	return &table.captures[i & (DRV_CAPTURE_MAX - 1)];
}

/* One value of a call: DRV_RESULT, DRV_ARG(), DRV_ZERO. */
static __always_inline u64
call_value(struct pt_regs *regs, bool compat, long ret, u32 value)
{
	switch (value) {
	case DRV_RESULT:
		return call_result(ret);
	case DRV_ARG(0):
		return call_arg(regs, compat, 0);
	case DRV_ARG(1):
		return call_arg(regs, compat, 1);
	case DRV_ARG(2):
		return call_arg(regs, compat, 2);
	case DRV_ARG(3):
		return call_arg(regs, compat, 3);
	case DRV_ARG(4):
		return call_arg(regs, compat, 4);
	case DRV_ARG(5):
		return call_arg(regs, compat, 5);
	default:
		return 0;
	}
}

/* All of them. */
static __always_inline void
values_get(struct scratch *s, struct pt_regs *regs, bool compat, long ret)
{
	s->late = 0;
	s->values[DRV_RESULT] = call_result(ret);
	for (int i = 0; i < 6; i++)
		s->values[DRV_ARG(i)] = call_arg(regs, compat, i);
}

static __always_inline u64
value_at(struct scratch *s, u32 i)
{
	barrier_var(i);
	return s->values[i & (DRV_VALUE_MAX - 1)];
}

/* The call within a demultiplexer, by its first argument; NULL: not in the table. */
static __always_inline const volatile struct drv_branch *
branch_of(u32 demux, u64 first)
{
	u32 which =
	    demux == DRV_DEMUX_ONLY ? 0 : first & 0xffff; /* ipc has a version in the high bits */

	barrier_var(which);
	barrier_var(demux);
	if (which >= DRV_BRANCH_MAX)
		return NULL;
	return &table.branches[demux & (DRV_DEMUX_MAX - 1)][which & (DRV_BRANCH_MAX - 1)];
}

/* Read the arguments from memory, 32 bits each. */
static __always_inline bool
args_read(struct scratch *s, u32 *args, const volatile struct drv_branch *b)
{
	u32 size = b->memory * sizeof(u32);

	barrier_var(size);
	return size <= 6 * sizeof(u32) &&
	       bpf_probe_read_user(args, size, (void *) value_at(s, b->at)) == 0;
}

static __always_inline void
args_set(struct scratch *s, const u32 *args)
{
	for (int i = 0; i < 6; i++)
		s->values[DRV_ARG(i)] = args[i];
}

/* Reorder the arguments in registers. */
static __always_inline void
args_sort(struct scratch *s, const volatile struct drv_branch *b)
{
	u64 sorted[6];

	for (int i = 0; i < 6; i++)
		sorted[i] = value_at(s, b->from[i]);
	for (int i = 0; i < 6; i++)
		s->values[DRV_ARG(i)] = sorted[i];
}

/* Mark and count an argument read only at exit; request the hook for 32-bit callers. */
static __always_inline void
reread(struct scratch *s, bool compat)
{
	rec_hdr(s)->flags |= EVF_REREAD;
	count(DRV_COUNT_REREAD);
	if (compat)
		ctl.compat_seen = 1;
}

/* Add text 'i' of the stash, or read 'path' now. */
static __always_inline u32
text_stashed(struct scratch *s, struct stash *st, bool compat, u32 off, u64 bit, u32 i, u32 from,
    u32 room, u64 path)
{
	if (st && stash_text(s, st, i, from, room, off))
		return text_end(s, off, st->len[i], bit);
	reread(s, compat);
	return text_user_str(s, off, bit, (void *) path);
}

/* Add the path read at entry, or read it now. */
static __always_inline u32
text_path(struct scratch *s, struct stash *st, bool compat, u32 off, u64 bit, u64 path)
{
	return text_stashed(s, st, compat, off, bit, 0, 0, STASH_HEAD, path);
}

/* Add the first or second of two paths: 'i' is a constant. */
static __always_inline u32
text_path_of(struct scratch *s, struct stash *st, bool compat, u32 off, u64 bit, u32 i, u64 path)
{
	return text_stashed(s, st, compat, off, bit, i, i * STASH_HALF, STASH_HALF, path);
}

/* The programs at the exit of system calls, by enum drv_program. Filled by the sensor. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, DRV_PROGRAM_MAX);
	__type(key, u32);
	__type(value, u32);
} exits SEC(".maps");

/* Continue as that program. With a constant index the kernel compiles a tail call to a direct jump;
 * a computed index would go through a retpoline. */
static __always_inline void
run_program(void *ctx, u32 program)
{
	switch (program) {
#define PROGRAM(name)                                                  \
	case DRV_PROGRAM_##name:                                       \
		bpf_tail_call_static(ctx, &exits, DRV_PROGRAM_##name); \
		break;
#include "driver/captures.def"
	default:
		break;
	}
}

/* Define the program that captures a system call. A tail call reaches it after the call was found
 * wanted and its process not excluded. */
#define EXIT(name)             \
	SEC("tp_btf/sys_exit") \
	int ALONE_PROG(exit_##name, struct pt_regs *regs, long ret)

/* The data that the current thread read at the entry of the returning call; NULL: none. */
static __always_inline struct stash *
call_stash(struct task_struct *t, struct pt_regs *regs, bool compat)
{
	return stash_find(t, call_id(compat, call_nr(regs)));
}

/*
 * Replace the values by those of the call within this one, whose call_id() is 'id': its arguments
 * as read at entry, or else read now. Returns its capture; 0: none. A separate function, so that
 * the verifier does not follow what comes after it for each of its cases.
 */
__noinline int
branch_now(u32 demux, u32 id)
{
	struct stash *st = stash_find(current_task(), id);
	const volatile struct drv_branch *b;
	struct scratch *s = scratch_get();
	u32 args[6] = {};

	if (!s)
		return 0;
	b = branch_of(demux, s->values[DRV_ARG(0)]);
	if (!b)
		return 0;
	if (!b->memory) {
		args_sort(s, b);
	} else if (st) {
		args_set(s, st->args);
	} else {
		if (!args_read(s, args, b))
			__builtin_memset(args, 0xff, sizeof(args)); /* descriptor -1, length 0 */
		args_set(s, args);
		s->late = 1;
	}
	return b->capture;
}

/* Mark a record after capture_now() whose arguments were read at exit. */
static __always_inline void
late_mark(struct scratch *s, bool compat)
{
	if (s->late && !(rec_hdr(s)->flags & EVF_REREAD))
		reread(s, compat);
}

/* Get the returning call's values. Returns its capture, for capture_at(). */
static __always_inline u32
capture_now(struct scratch *s, struct pt_regs *regs, bool compat, long ret)
{
	const volatile struct drv_call *call = call_of(compat, call_nr(regs));

	values_get(s, regs, compat, ret);
	if (call->program == DRV_PROGRAM_branch)
		return branch_now(call->capture, call_id(compat, call_nr(regs)));
	return call->capture;
}

/*
 * Begin a capture program: the task, the kind of caller, the data stashed at entry ('stashed'), the
 * record with all numbers 0, the offset of its first text.
 */
#define EXIT_BEGIN(ID, stashed)                                            \
	struct task_struct *t = current_task();                            \
	bool compat = is_narrow(t, regs);                                  \
	struct stash *st = (stashed) ? call_stash(t, regs, compat) : NULL; \
	struct scratch *s = scratch_get();                                 \
	struct ev_##ID *e;                                                 \
	u32 off = sizeof(*e);                                              \
                                                                           \
	if (!s)                                                            \
		return 0;                                                  \
	e = REC_BEGIN(s, ID, t)

/* End a capture program without a record. */
#define EXIT_SKIP()                        \
	do {                               \
		if (st)                    \
			stash_free(t, st); \
		return 0;                  \
	} while (0)

#define EXIT_END()                                            \
	do {                                                  \
		rec_hdr(s)->flags |= compat ? EVF_COMPAT : 0; \
		rec_end(off);                                 \
		if (st)                                       \
			stash_free(t, st);                    \
		return 0;                                     \
	} while (0)

#endif
