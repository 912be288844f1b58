/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pipe.h - pipe, pipe2: descriptors that the kernel writes into the caller's memory.
 */
#ifndef MEWS_DRIVER_PIPE_H
#define MEWS_DRIVER_PIPE_H

#include "driver/bpf/call.h"
#include "driver/bpf/open_file.h"

struct ends {
	s32 fd[2];
};

/* Read the descriptors; -1 where there is none. Returns the pipe's inode number. */
static __always_inline u64
pipe_ends(struct task_struct *t, long ret, u64 at, struct ends *p)
{
	struct file *f;

	p->fd[0] = p->fd[1] = -1;
	if (ret != 0 || bpf_probe_read_user(p->fd, sizeof(p->fd), (void *) at) < 0)
		return 0;
	f = fd_file(t, p->fd[0]);
	return f ? BPF_CORE_READ(f, f_inode, i_ino) : 0;
}

EXIT(pipe)
{
	EXIT_BEGIN(PIPE, false);
	struct ends p;

	e->res = call_result(ret);
	e->ino = pipe_ends(t, ret, call_arg(regs, compat, 0), &p);
	e->fd1 = p.fd[0];
	e->fd2 = p.fd[1];
	EXIT_END();
}

EXIT(pipe2)
{
	EXIT_BEGIN(PIPE2, false);
	struct ends p;

	e->res = call_result(ret);
	e->ino = pipe_ends(t, ret, call_arg(regs, compat, 0), &p);
	e->fd1 = p.fd[0];
	e->fd2 = p.fd[1];
	e->flags = (u32) call_arg(regs, compat, 1);
	EXIT_END();
}

#endif
