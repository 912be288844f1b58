/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * semaphore.h - semop and semctl, which 32-bit callers can also make through ipc.
 */
#ifndef MEWS_DRIVER_SEMAPHORE_H
#define MEWS_DRIVER_SEMAPHORE_H

#include "driver/bpf/call.h"
#include "driver/numbers.h"
#include "proto/names.h"

#define SEM_IPC_64 0x100 /* above the command of a 32-bit caller: which structures it knows */

/* A struct sembuf. */
struct sem_step {
	u16 num;
	s16 op;
	u16 flags;
};

/* The event has room for two operations. */
EXIT(semop)
{
	EXIT_BEGIN(SEMOP, true);
	struct sem_step steps[2] = {};
	u64 at;
	u32 n;

	capture_now(s, regs, compat, ret);
	at = s->values[DRV_ARG(1)];
	n = (u32) s->values[DRV_ARG(2)];
	if (n > 0)
		bpf_probe_read_user(&steps[0], sizeof(steps[0]), (void *) at);
	if (n > 1)
		bpf_probe_read_user(&steps[1], sizeof(steps[1]), (void *) (at + sizeof(steps[0])));
	e->res = call_result(ret);
	e->nsops = n;
	e->sem_num_0 = steps[0].num;
	e->sem_op_0 = (s64) steps[0].op;
	e->sem_flg_0 = steps[0].flags;
	e->sem_num_1 = steps[1].num;
	e->sem_op_1 = (s64) steps[1].op;
	e->sem_flg_1 = steps[1].flags;
	e->semid = (s32) s->values[DRV_ARG(0)];
	EXIT_END();
}

EXIT(semctl)
{
	EXIT_BEGIN(SEMCTL, true);
	bool in_ipc = compat && call_nr(regs) == (u64) NR32_ipc;
	u32 cmd;
	s32 val;

	capture_now(s, regs, compat, ret);
	cmd = (u32) s->values[DRV_ARG(2)];
	val = (s32) s->values[DRV_ARG(3)];
	if (in_ipc && bpf_probe_read_user(&val, sizeof(val), (void *) s->values[DRV_ARG(3)]) < 0)
		val = 0;
	if (compat)
		cmd &= ~SEM_IPC_64;
	e->res = call_result(ret);
	e->semid = (s32) s->values[DRV_ARG(0)];
	e->semnum = (s32) s->values[DRV_ARG(1)];
	e->cmd = cmd;
	e->val = cmd == NK_semctl_cmd_SETVAL ? val : 0;
	EXIT_END();
}

#endif
