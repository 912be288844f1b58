/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * pipe.h - pipe, pipe2, socketpair: descriptors that the kernel writes into the caller's memory.
 */
#ifndef MEWS_DRIVER_PIPE_H
#define MEWS_DRIVER_PIPE_H

#include "driver/bpf/call.h"
#include "driver/bpf/net.h"
#include "driver/bpf/open_file.h"

#define SOCK_TYPE_MASK 0xf

struct ends {
	s32 fd[2];
};

/* Read the descriptors; -1 where there is none. */
static __always_inline void
ends_read(long ret, u64 at, struct ends *p)
{
	if (ret != 0 || bpf_probe_read_user(p->fd, sizeof(p->fd), (void *) at) < 0)
		p->fd[0] = p->fd[1] = -1;
}

/* The same; returns the pipe's inode number. */
static __always_inline u64
pipe_ends(struct task_struct *t, long ret, u64 at, struct ends *p)
{
	struct file *f;

	ends_read(ret, at, p);
	f = fd_file_rare(t, p->fd[0]);
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

EXIT(socketpair)
{
	EXIT_BEGIN(SOCKETPAIR, true);
	struct ends p;

	capture_now(s, st, regs, compat, ret);
	ends_read(ret, s->values[DRV_ARG(3)], &p);
	e->res = call_result(ret);
	e->fd1 = p.fd[0];
	e->fd2 = p.fd[1];
	e->source = (u64) fd_sock(t, p.fd[0]);
	e->peer = (u64) fd_sock(t, p.fd[1]);
	e->domain = (u32) s->values[DRV_ARG(0)];
	e->type = (u32) s->values[DRV_ARG(1)] & SOCK_TYPE_MASK;
	e->proto = (u32) s->values[DRV_ARG(2)];
	late_mark(s, compat);
	EXIT_END();
}

#endif
