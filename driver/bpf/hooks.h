/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hooks.h - where the kernel calls us at the entry and the exit of system calls.
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
 * The general entry hook: every system call of the machine pays for it. So it is attached only
 * where there are no tracepoints of single system calls, or once a 32-bit caller was seen, since
 * those tracepoints do not fire for such.
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

/* The entry of one system call of 64-bit callers: on the tracepoint of each whose capture reads
 * something there. What these pass has as many arguments as the call, so one program for all takes
 * them from the registers. */
SEC("tp/syscalls/sys_enter")
int
enter_native(struct sys_enter_ctx *ctx)
{
	enter_alone((struct pt_regs *) bpf_task_pt_regs(current_task()), false, ctx->nr);
	return 0;
}

#endif
