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

/* Are these two ends of one thing? If not, another thread has changed the numbers since, or closed
 * an end: forget them. */
static __always_inline bool
ends_keep(struct ends *p, bool same)
{
	if (!same)
		p->fd[0] = p->fd[1] = -1;
	return same;
}

/* Read the descriptors of a pipe; returns its inode number. */
static __always_inline u64
pipe_ends(struct task_struct *t, long ret, u64 at, struct ends *p)
{
	struct file *one, *other;
	struct inode *inode;

	ends_read(ret, at, p);
	one = fd_file_rare(t, p->fd[0]);
	other = fd_file_rare(t, p->fd[1]);
	if (!ends_keep(p, one && other))
		return 0;
	inode = BPF_CORE_READ(one, f_inode);
	if (!ends_keep(p, (BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFIFO &&
			      inode == BPF_CORE_READ(other, f_inode)))
		return 0;
	return BPF_CORE_READ(inode, i_ino);
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

/* Only local sockets name their peer. */
static __always_inline bool
is_pair(struct sock *one, struct sock *other)
{
	return BPF_CORE_READ(one, __sk_common.skc_family) != AF_UNIX ||
	       BPF_CORE_READ((struct unix_sock *) one, peer) == other;
}

EXIT(socketpair)
{
	EXIT_BEGIN(SOCKETPAIR, true);
	struct sock *one, *other;
	struct ends p;

	capture_now(s, regs, compat, ret);
	ends_read(ret, s->values[DRV_ARG(3)], &p);
	one = fd_sock(t, p.fd[0]);
	other = fd_sock(t, p.fd[1]);
	if (!ends_keep(&p, one && other && is_pair(one, other)))
		one = other = NULL;
	e->res = call_result(ret);
	e->fd1 = p.fd[0];
	e->fd2 = p.fd[1];
	e->source = (u64) one;
	e->peer = (u64) other;
	e->domain = (u32) s->values[DRV_ARG(0)];
	e->type = (u32) s->values[DRV_ARG(1)] & SOCK_TYPE_MASK;
	e->proto = (u32) s->values[DRV_ARG(2)];
	late_mark(s, compat);
	EXIT_END();
}

#endif
