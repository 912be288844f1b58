/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * enter.h - read at a call's entry what its capture (driver/captures.def) needs.
 */
#ifndef MEWS_DRIVER_ENTER_H
#define MEWS_DRIVER_ENTER_H

#include "driver/bpf/call.h"
#include "driver/bpf/exclude.h"

/* Read the address of 'len' bytes at 'from' into the stash. */
static __always_inline bool
enter_addr(struct stash *st, u64 from, u32 len)
{
	barrier_var(len);
	if (len > ADDR_MAX || bpf_probe_read_user(st->head, len & 0xff, (void *) from) < 0)
		return false;
	st->len[0] = len;
	return true;
}

/* Read which address the message header at 'at' names, and its length; a length of 0: none. */
static __always_inline bool
name_read(bool compat, u64 at, u64 name[2])
{
	name[0] = name[1] = 0;
	if (bpf_probe_read_user(name, compat ? 8 : 16, (void *) at) < 0)
		return false;
	if (compat) {
		name[1] = name[0] >> 32;
		name[0] = (u32) name[0];
	}
	name[1] = name[0] ? (u32) name[1] : 0;
	return true;
}

/* Read the address that the message header at 'at' names. */
static __always_inline bool
enter_msg(struct stash *st, u64 at, bool compat)
{
	u64 name[2];

	return name_read(compat, at, name) && enter_addr(st, name[0], name[1]);
}

/* Read the addresses that the first of the 'n' headers at 'at' name, into the thread's stash.
 * Returns how many. A separate function, so that its loop is verified once. */
__noinline int
enter_names(u64 at, u32 n, u32 id)
{
	struct task_struct *t = current_task();
	struct stash *st = bpf_task_storage_get(&stashes, t, NULL, 0);
	bool compat = call_narrow(id);
	struct msg_name *to;
	u64 name[2];
	u32 i;

	if (!st)
		return 0;
	to = (struct msg_name *) st->head;
	for (i = 0; i < STASH_NAMES && i < n; i++, at += compat ? MMSG_SIZE32 : MMSG_SIZE) {
		if (!name_read(compat, at, name)) {
			to[i].len = -1;
			continue;
		}
		to[i].len = name[1] < NAMED_SIZE ? name[1] : NAMED_SIZE;
		if (name[1] && bpf_probe_read_user(to[i].sa, NAMED_SIZE, (void *) name[0]) < 0)
			to[i].len = -1;
	}
	st->len[0] = i;
	return i;
}

/*
 * Read what capture 'c' needs at entry, the arguments what[0] and what[1] of the call being 'first'
 * and 'second', into the thread's stash 'st'. True: something was read.
 */
static __always_inline bool
enter_read(struct task_struct *t, struct stash *st, const volatile struct drv_capture *c, u32 id,
    u64 first, u64 second)
{
	bool any;

	switch (c->enter) {
	case DRV_ENTER_PATH:
		return stash_path(t, st, 0, 0, STASH_HEAD, first);
	case DRV_ENTER_PATHS: /* if only one can be read, keep that one */
		any = stash_path(t, st, 0, 0, STASH_HALF, first);
		any |= stash_path(t, st, 1, STASH_HALF, STASH_HALF, second);
		return any;
	case DRV_ENTER_HOW:
		return bpf_probe_read_user(st->how, sizeof(st->how), (void *) second) == 0 &&
		       stash_path(t, st, 0, 0, STASH_HEAD, first);
	case DRV_ENTER_ADDR:
		return enter_addr(st, first, second);
	case DRV_ENTER_MSG:
		return enter_msg(st, first, call_narrow(id));
	case DRV_ENTER_MSGS:
		return enter_names(first, second, id) > 0;
	default:
		return false;
	}
}

/* Is there anything that enter_read() reads? A message without an address is noted, too, or another
 * thread could add one before the exit. */
static __always_inline bool
enter_needed(const volatile struct drv_capture *c, u64 first, u64 second)
{
	switch (c->enter) {
	case DRV_ENTER_NOTHING:
		return false;
	case DRV_ENTER_ADDR:
		return first != 0 && (u32) second - 1 < ADDR_MAX;
	case DRV_ENTER_PATHS:
		return (first | second) != 0;
	default:
		return first != 0;
	}
}

/* Handle the entry of a call that carries another, with its values in 's': read what the other
 * needs, and its arguments if they are in memory, which user space can change. */
static __always_inline void
enter_branch(struct scratch *s, struct task_struct *t, const volatile struct drv_call *call, u32 id)
{
	const volatile struct drv_branch *b = branch_of(call->capture, s->values[DRV_ARG(0)]);
	const volatile struct drv_capture *c;
	struct stash *st;

	if (!b)
		return;
	c = capture_at(b->capture);
	if (!c->event || !wanted(c->event) || !(b->memory || c->enter) || is_excluded(t))
		return;
	if (!b->memory) {
		args_sort(s, b);
		if (!enter_needed(c, value_at(s, c->what[0]), value_at(s, c->what[1]))) {
			stash_clear(t);
			return;
		}
	}
	st = stash_take(t);
	if (!st)
		return;
	st->len[0] = st->len[1] = STASH_NONE;
	if (b->memory) {
		__builtin_memset(st->args, 0, sizeof(st->args));
		if (!args_read(s, st->args, b)) {
			stash_free(t, st);
			return;
		}
		args_set(s, st->args);
	}
	if (enter_read(t, st, c, id, value_at(s, c->what[0]), value_at(s, c->what[1])) || b->memory)
		st->call = id;
	else
		stash_free(t, st);
}

/* The same without preemption: the scratch memory must not be shared. See ALONE_PROG(). Only 32-bit
 * callers have such calls. */
static __always_inline void
enter_branch_alone(
    struct pt_regs *regs, struct task_struct *t, const volatile struct drv_call *call, u32 id)
{
	struct scratch *s;

	preempt_off();
	s = scratch_get();
	if (s) {
		values_get(s, regs, true, 0);
		enter_branch(s, t, call, id);
	}
	preempt_on();
}

/* Is something read at the entry of call 'nr', with this capture, and wanted from this thread? */
static __always_inline bool
enter_due(struct task_struct *t, bool compat, u64 nr, const volatile struct drv_capture *c)
{
	return c->enter && bit_get(ctl.calls[compat & 1], nr) && !lean(c->event) &&
	       !is_excluded_at(t, DRV_CANARY_ENTER);
}

/* Read what capture 'c' needs of a call. If that fails, keep nothing: the exit reads again. */
static __always_inline void
enter_capture(
    struct task_struct *t, u32 id, const volatile struct drv_capture *c, u64 first, u64 second)
{
	struct stash *st;

	if (!enter_needed(c, first, second)) {
		stash_clear(t); /* what a call that was not captured has left */
		return;
	}
	st = stash_take(t);
	if (!st)
		return;
	if (enter_read(t, st, c, id, first, second))
		st->call = id;
	else
		stash_free(t, st);
}

/* Handle the entry of any call. */
static __always_inline void
enter_call(struct task_struct *t, struct pt_regs *regs, bool compat, u64 nr)
{
	const volatile struct drv_call *call = call_of(compat, nr);
	const volatile struct drv_capture *c = capture_at(call->capture);

	if (call->program == DRV_PROGRAM_branch) {
		if (bit_get(ctl.calls[compat & 1], nr))
			enter_branch_alone(regs, t, call, call_id(compat, nr));
	} else if (enter_due(t, compat, nr, c)) {
		enter_capture(t, call_id(compat, nr), c, call_value(regs, compat, 0, c->what[0]),
		    call_value(regs, compat, 0, c->what[1]));
	}
}

#endif
