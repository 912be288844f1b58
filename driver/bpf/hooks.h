/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hooks.h - the hooks at entry and exit of system calls.
 */
#ifndef MEWS_DRIVER_HOOKS_H
#define MEWS_DRIVER_HOOKS_H

#include "driver/bpf/enter.h"
#include "driver/bpf/exclude.h"

/*
 * Every system call of the machine passes here: one bit decides.
 */
SEC("tp_btf/sys_exit")
int
BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	u64 nr = call_nr(regs);
	struct task_struct *t;
	bool compat;

	if (nr >= DRV_NR_MAX || !bit_get(ctl.any, nr))
		return 0;
	t = current_task();
	compat = is_narrow(t, regs);
	if (!bit_get(ctl.calls[compat], nr) || excluded(t, DRV_CANARY_EXIT))
		return 0;
	if (is_x32(regs)) {
		if (ret == -ENOSYS) /* most kernels have no such calls */
			return 0;
		ctl.compat_seen = 1;
	}
	run_program(ctx, call_of(compat, nr)->program);
	return 0;
}

/*
 * The general entry hook. It slows every system call of the machine, so it is attached only if
 * tracepoints of single system calls are missing, or once a 32-bit or x32 caller was seen, for
 * which those tracepoints do not fire.
 */
SEC("tp_btf/sys_enter")
int
BPF_PROG(on_sys_enter, struct pt_regs *regs, long id)
{
	struct task_struct *t;
	u64 nr = id & ~X32_BIT;
	bool compat;

	if (nr >= DRV_NR_MAX || !bit_get(ctl.any, nr))
		return 0;
	t = current_task();
	compat = is_narrow(t, regs);
	if (compat || nr != (u64) id || ctl.enter_native)
		enter_call(t, regs, compat, nr);
	return 0;
}

/*
 * The entry hooks for 64-bit callers: enter_N is attached to the tracepoint of each call of which
 * the first N arguments are needed at entry. The context of these tracepoints has the arguments of
 * that call alone, so a program that reads more cannot be attached.
 */
#define ENTER(n)                                                                                \
	SEC("tp/syscalls/sys_enter")                                                            \
	int enter_##n(struct sys_enter_ctx *ctx)                                                \
	{                                                                                       \
		const volatile struct drv_capture *c =                                          \
		    capture_at(call_of(false, ctx->nr)->capture);                               \
		struct task_struct *t = current_task();                                         \
		u64 first = 0, second = 0;                                                      \
                                                                                                \
		if (ctx->nr >= DRV_NR_MAX || !enter_due(t, false, ctx->nr, c))                  \
			return 0;                                                               \
		for (u32 i = 0; i < (n); i++) { /* unrolled: an offset in a context is fixed */ \
			u64 v = ctx->args[i];                                                   \
                                                                                                \
			if (c->what[0] == DRV_ARG(i))                                           \
				first = v;                                                      \
			if (c->what[1] == DRV_ARG(i))                                           \
				second = v;                                                     \
		}                                                                               \
		enter_capture(t, call_id(false, ctx->nr), c, first, second);                    \
		return 0;                                                                       \
	}
ENTER(1)
ENTER(2)
ENTER(3)
ENTER(4)
ENTER(5)
ENTER(6)

#endif
