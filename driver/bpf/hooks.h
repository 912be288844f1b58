/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hooks.h - where the kernel calls us at the entry and the exit of system calls.
 */
#ifndef MEWS_DRIVER_HOOKS_H
#define MEWS_DRIVER_HOOKS_H

#include "driver/bpf/call.h"

/* The program of each system call: 64-bit callers' numbers, then 32-bit callers'. Filled by the
 * sensor from driver/syscalls.def. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2 * DRV_NR_MAX);
	__type(key, u32);
	__type(value, u32);
} exits SEC(".maps");

#if defined(__TARGET_ARCH_x86)
#define NATIVE_NR(x86_64, arm64) (x86_64)
#else
#define NATIVE_NR(x86_64, arm64) (arm64)
#endif

/*
 * Every system call of the machine passes here: one bit decides. The kernel makes a jump of a tail
 * call whose entry it knows when it loads the program; a computed one goes through a retpoline.
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
	if (compat) {
		bpf_tail_call(ctx, &exits, DRV_NR_MAX + nr);
		return 0;
	}
#define SYSCALL(EV, prog, enter, x86_64, ia32, arm64, arm32)                       \
	if (NATIVE_NR(x86_64, arm64) >= 0 && nr == (u64) NATIVE_NR(x86_64, arm64)) \
		bpf_tail_call_static(ctx, &exits, NATIVE_NR(x86_64, arm64));
#include "driver/syscalls.def"
	return 0;
}

/* What each system call has read at its entry, as above. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2 * DRV_NR_MAX);
	__type(key, u32);
	__type(value, u32);
} enters SEC(".maps");

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
		bpf_tail_call(ctx, &enters, (compat ? DRV_NR_MAX : 0) + nr);
	return 0;
}

/* What reads at the entry of calls of any number, reached by a tail call. */
#define ANY(name)               \
	SEC("tp_btf/sys_enter") \
	int BPF_PROG(any_##name, struct pt_regs *regs, long nr)

ANY(path0)
{
	bool compat = is_compat(current_task());

	return take_path(compat, nr, call_arg(regs, compat, 0));
}

ANY(path1)
{
	bool compat = is_compat(current_task());

	return take_path(compat, nr, call_arg(regs, compat, 1));
}

ANY(paths01)
{
	bool compat = is_compat(current_task());

	return take_paths(compat, nr, call_arg(regs, compat, 0), call_arg(regs, compat, 1));
}

ANY(paths13)
{
	bool compat = is_compat(current_task());

	return take_paths(compat, nr, call_arg(regs, compat, 1), call_arg(regs, compat, 3));
}

ANY(how)
{
	bool compat = is_compat(current_task());

	return take_how(compat, nr, call_arg(regs, compat, 1), call_arg(regs, compat, 2));
}

ANY(addr)
{
	bool compat = is_compat(current_task());

	return take_addr(compat, nr, arg_int(regs, compat, 0), call_arg(regs, compat, 1),
	    arg_int(regs, compat, 2));
}

/* socketcall(SYS_CONNECT, { fd, addr, len }): how a 32-bit program may connect. */
ANY(socketcall)
{
	bool compat = is_compat(current_task());
	u32 args[3];

	if (call_arg(regs, compat, 0) != SYS_CONNECT ||
	    bpf_probe_read_user(args, sizeof(args), (void *) call_arg(regs, compat, 1)) < 0)
		return 0;
	return take_addr(compat, nr, (s32) args[0], args[1], (s32) args[2]);
}

/* What reads at the entry of one call, of 64-bit callers. */
#define ENTER(name, what, ...)                                   \
	SEC("tp/syscalls/sys_enter_" #name)                      \
	int enter_##name(struct sys_enter_ctx *ctx)              \
	{                                                        \
		return take_##what(false, ctx->nr, __VA_ARGS__); \
	}

ENTER(open, path, ctx->args[0])
ENTER(creat, path, ctx->args[0])
ENTER(openat, path, ctx->args[1])
ENTER(openat2, how, ctx->args[1], ctx->args[2])
ENTER(connect, addr, (s32) ctx->args[0], ctx->args[1], (s32) ctx->args[2])
ENTER(link, paths, ctx->args[0], ctx->args[1])
ENTER(linkat, paths, ctx->args[1], ctx->args[3])
ENTER(execve, path, ctx->args[0])

#endif
