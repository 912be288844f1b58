/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hooks.h - the hooks at entry and exit of system calls.
 */
#ifndef MEWS_DRIVER_HOOKS_H
#define MEWS_DRIVER_HOOKS_H

#include "driver/bpf/enter.h"

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
	compat = is_compat(t);
	if (!bit_get(ctl.calls[compat], nr) || excluded(t))
		return 0;
	run_program(ctx, call_of(compat, nr)->program);
	return 0;
}

/*
 * The general entry hook. It slows every system call of the machine, so it is attached only if
 * tracepoints of single system calls are missing, or once a 32-bit caller was seen, for which those
 * tracepoints do not fire.
 */
SEC("tp_btf/sys_enter")
int
BPF_PROG(on_sys_enter, struct pt_regs *regs, long id)
{
	u64 nr = id;
	bool compat;

	if (nr >= DRV_NR_MAX || !bit_get(ctl.any, nr))
		return 0;
	compat = is_compat(current_task());
	if (compat || ctl.enter_native)
		enter_alone(regs, compat, nr);
	return 0;
}

/* The entry hook for 64-bit callers, attached to the tracepoint of each call with something to read
 * at entry. The context of these tracepoints depends on the call, so this program for all of them
 * takes the arguments from the registers. */
SEC("tp/syscalls/sys_enter")
int
enter_native(struct sys_enter_ctx *ctx)
{
	enter_alone((struct pt_regs *) bpf_task_pt_regs(current_task()), false, ctx->nr);
	return 0;
}

#endif
