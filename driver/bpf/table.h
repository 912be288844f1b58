/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * table.h - the programs for all rows of driver/captures.def without a program of their own, and
 * the one that finds the call within another.
 */
#ifndef MEWS_DRIVER_TABLE_H
#define MEWS_DRIVER_TABLE_H

#include "driver/bpf/call.h"
#include "driver/bpf/net.h"
#include "driver/bpf/task.h"

/* Complete a number: with its high word, or as an id of 16 bits. Without branches, each of which
 * would double the paths that the verifier follows. */
static __always_inline u64
number_extra(struct scratch *s, u32 extra, u64 v)
{
	u64 ones = ((v ^ 0xffff) - 1) >> 63; /* of an id */

	v |= -(ones & (extra >> 7)) & 0xffff0000;
	return v | value_at(s, extra) << 32;
}

/* Begin the record of capture 'c' with its numbers. Returns the first text's offset. */
static __always_inline u32
table_numbers(struct scratch *s, struct task_struct *t, const volatile struct drv_capture *c)
{
	u64 *to = (u64 *) &s->rec[sizeof(struct ev_hdr)];
	u32 n = c->nnumbers;

	rec_begin(s, c->event, sizeof(struct ev_hdr), c->nums, t);
	for (u32 i = 0; i < DRV_NUMBER_MAX; i++) {
		const volatile struct drv_number *d = &c->numbers[i];
		u32 cut = d->cut & 63;
		u64 v;

		if (i >= n)
			break;
		v = value_at(s, d->value) << cut;
		v = d->sign ? (u64) ((s64) v >> cut) : v >> cut;
		to[i] = number_extra(s, d->extra, v);
	}
	return c->size;
}

static __always_inline u32
table_path(struct scratch *s, struct stash *st, bool compat, u32 off, u64 bit, u64 path, bool pair,
    bool second)
{
	if (!pair)
		return text_path(s, st, compat, off, bit, path);
	if (!second)
		return text_path_of(s, st, compat, off, bit, 0, path);
	return text_path_of(s, st, compat, off, bit, 1, path);
}

/* Append text 'i' of a capture; 'call' is the stash's call_id(). Returns the next text's offset. A
 * separate function, so that it is verified once. */
__noinline u32
table_text(u32 capture, u32 i, u32 call, u32 off)
{
	const volatile struct drv_capture *c = capture_at(capture);
	struct task_struct *t = current_task();
	const volatile struct drv_text *d;
	struct scratch *s = scratch_get();
	bool compat = call_narrow(call);
	struct stash *st;
	u64 bit, at;

	if (!s || i >= DRV_TEXT_MAX)
		return off;
	d = &c->texts[i];
	bit = 1ULL << (d->bit & 63);
	at = value_at(s, d->value);
	if (d->how == DRV_STRING)
		return text_user_str(s, off, bit, (void *) at);
	if (d->how == DRV_DATA)
		return text_data(s, off, bit, at, value_at(s, d->size));
	if (d->how == DRV_CWD || d->how == DRV_ROOT) { /* only a successful call changes them */
		if ((s64) value_at(s, DRV_RESULT) < 0)
			return off;
		return text_folder(s, off, bit, t, d->how == DRV_ROOT);
	}
	st = stash_find(t, call);
	if (d->how == DRV_ADDR)
		return text_addr(s, st, compat, off, bit, at, value_at(s, d->size));
	return table_path(
	    s, st, compat, off, bit, at, c->enter == DRV_ENTER_PATHS, d->bit & DRV_SECOND);
}

EXIT(numbers)
{
	struct task_struct *t = current_task();
	bool compat = is_narrow(t, regs);
	struct stash *st = compat ? call_stash(t, regs, compat) : NULL; /* for socketcall */
	struct scratch *s = scratch_get();
	const volatile struct drv_capture *c;
	u32 off;

	if (!s)
		return 0;
	c = capture_at(capture_now(s, regs, compat, ret));
	off = table_numbers(s, t, c);
	late_mark(s, compat);
	EXIT_END();
}

/* The memory of the process may change at any time, also by other threads. */
static __always_inline void
values_memory(struct scratch *s, struct task_struct *t)
{
	struct mm_struct *mm = BPF_CORE_READ(t, mm);

	s->values[DRV_VM_SIZE] = mm ? mm_size(mm) : 0;
	s->values[DRV_VM_RSS] = mm ? mm_rss(mm) : 0;
	s->values[DRV_VM_SWAP] = mm ? mm_kib(mm, 2) : 0;
}

EXIT(memory)
{
	struct task_struct *t = current_task();
	bool compat = is_narrow(t, regs);
	struct stash *st = compat ? call_stash(t, regs, compat) : NULL; /* for mmap */
	struct scratch *s = scratch_get();
	const volatile struct drv_capture *c;
	u32 off;

	if (!s)
		return 0;
	c = capture_at(capture_now(s, regs, compat, ret));
	values_memory(s, t);
	off = table_numbers(s, t, c);
	late_mark(s, compat);
	EXIT_END();
}

/* Capture a call with texts; 'creds': and with credentials. */
static __always_inline int
table_texts(struct pt_regs *regs, long ret, bool creds)
{
	struct task_struct *t = current_task();
	bool compat = is_narrow(t, regs);
	u32 call = call_id(compat, call_nr(regs)), capture, n;
	struct stash *st = stash_find(t, call);
	struct scratch *s = scratch_get();
	const volatile struct drv_capture *c;
	u32 off;

	if (!s)
		return 0;
	capture = capture_now(s, regs, compat, ret);
	if (creds)
		creds_get(s, t);
	c = capture_at(capture);
	n = c->ntexts;
	off = table_numbers(s, t, c);
	for (u32 i = 0; i < DRV_TEXT_MAX; i++) {
		if (i < n)
			off = table_text(capture, i, call, off);
	}
	late_mark(s, compat);
	EXIT_END();
}

/* Every call without a row: only its id and number. */
EXIT(generic)
{
	EXIT_BEGIN(SYSCALL, false);
	u64 nr = call_nr(regs);
	const volatile struct drv_call *call = call_of(compat, nr);
	const volatile struct drv_branch *b =
	    call->program == DRV_PROGRAM_branch
		? branch_of(call->capture, call_arg(regs, compat, 0))
		: NULL;

	e->ID = b ? b->id : call->capture;
	e->nativeID = nr;
	EXIT_END();
}

EXIT(texts)
{
	return table_texts(regs, ret, false);
}

EXIT(creds)
{
	return table_texts(regs, ret, true);
}

/* Find the call within this one and continue as its program, which looks it up again for its
 * arguments. */
SEC("tp_btf/sys_exit")
int
BPF_PROG(exit_branch, struct pt_regs *regs, long ret)
{
	bool compat = is_narrow(current_task(), regs);
	const volatile struct drv_call *call = call_of(compat, call_nr(regs));
	u64 which = call_arg(regs, compat, 0) & 0xffff;
	const volatile struct drv_branch *b = branch_of(call->capture, which);
	const volatile struct drv_capture *c;

	if (!b)
		return 0;
	c = capture_at(b->capture);
	if (c->event && wanted(c->event))
		run_program(ctx, c->program);
	else if (!c->event && ctl.within[call->capture & (DRV_DEMUX_MAX - 1)] >> (which & 31) & 1)
		run_program(ctx, DRV_PROGRAM_generic);
	return 0;
}

#endif
