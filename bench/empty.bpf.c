/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * empty.bpf.c - empty programs, named as those of driver/bpf, for the same hooks: they measure the
 * cost of the call itself.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define EMPTY(hook, name)         \
	SEC(hook)                 \
	int name(const void *ctx) \
	{                         \
		return 0;         \
	}                         \
	_Static_assert(1, "takes the semicolon")

EMPTY("tp_btf/sys_exit", on_sys_exit);
EMPTY("tp_btf/sched_process_fork", on_fork);
EMPTY("tp_btf/sched_process_exec", on_exec);
EMPTY("tp_btf/sched_process_exit", on_exit);
EMPTY("tp_btf/signal_deliver", on_signal);
EMPTY("tp/syscalls/sys_enter", enter_1);
EMPTY("tp/syscalls/sys_enter", enter_2);
EMPTY("tp/syscalls/sys_enter", enter_3);
EMPTY("tp/syscalls/sys_enter", enter_4);
EMPTY("tp/syscalls/sys_enter", enter_5);
EMPTY("tp/syscalls/sys_enter", enter_6);

char LICENSE[] SEC("license") = "Dual BSD/GPL";
