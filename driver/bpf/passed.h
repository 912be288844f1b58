/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * passed.h - descriptors that a process gets from another one: a row for each, after the event.
 */
#ifndef MEWS_DRIVER_PASSED_H
#define MEWS_DRIVER_PASSED_H

#include "driver/bpf/iter.h"
#include "driver/bpf/net.h"
#include "driver/bpf/open.h"

#define CMSG_SOCKET 1 /* SOL_SOCKET */
#define SCM_RIGHTS  1
#define SCM_PIDFD   4

#define CMSGS_LOOKED 8   /* control messages of one message looked at */
#define PASSED_MAX   253 /* descriptors in one message: the kernel's limit */

/* Add the path of a file; of one without a folder (a memfd, an eventfd) its name. */
static __always_inline u32
text_passed(struct scratch *s, u32 off, struct file *f)
{
	const u64 bit = EV_BIT(TASK_FILE_PASSED, path);
	struct place p;
	struct dentry *d;
	int n;

	root_look(s, current_task());
	(void) file_place(s, f, &p);
	n = path_build(p.mnt, p.dentry);
	if (n != 0)
		return text_built(s, off, bit, n);
	d = (void *) p.dentry;
	return text_kernel_str(s, off, bit, BPF_CORE_READ(d, d_name.name));
}

/* Write the row of the caller's descriptor 'fd'. A separate function, verified once. */
__noinline int
passed_row(s64 fd)
{
	struct task_struct *t = current_task();
	struct scratch *s = scratch_get();
	struct file *f = fd_file_rare(t, fd);
	struct ev_TASK_FILE_PASSED *e;
	struct inode *inode;
	struct sock *sk;
	u32 off = sizeof(*e);

	if (!s || !f)
		return 0;
	inode = BPF_CORE_READ(f, f_inode);
	sk = fd_sock(t, fd);
	e = REC_BEGIN(s, TASK_FILE_PASSED, t);
	e->fd = fd;
	e->flags = BPF_CORE_READ(f, f_flags) | close_on_exec(t, (u32) fd);
	e->mode = BPF_CORE_READ(inode, i_mode);
	e->dev = dev_encode(BPF_CORE_READ(inode, i_sb, s_dev));
	e->ino_num = BPF_CORE_READ(inode, i_ino);
	if (sk) {
		e->sk_family = BPF_CORE_READ(sk, __sk_common.skc_family);
		e->sk_type = BPF_CORE_READ(sk, sk_type);
		e->sk_proto = BPF_CORE_READ(sk, sk_protocol);
		off = text_tuple(s, off, EV_BIT(TASK_FILE_PASSED, tuple), sk);
	} else {
		off = text_passed(s, off, f);
	}
	rec_end(off);
	return 0;
}

/* Write the rows of the descriptors in 'n' bytes at 'at'. A separate function, so that the verifier
 * does not follow every length in every control message. */
__noinline int
passed_rows(u64 at, u64 n)
{
	for (u32 i = 0; i < PASSED_MAX; i++) {
		s32 fd = -1;

		if ((i + 1) * sizeof(fd) > n ||
		    bpf_probe_read_user(&fd, sizeof(fd), (void *) (at + i * sizeof(fd))) < 0)
			break;
		(void) passed_row(fd);
	}
	return 0;
}

/* Find descriptors in 'n' bytes of control messages at 'at', with headers of 32 bits if 'compat'.
 */
__noinline int
passed_look(u64 at, u64 n, u32 compat)
{
	const u32 size = compat ? 12 : 16, align = compat ? 4 : 8;

	for (u32 i = 0; i < CMSGS_LOOKED && n >= size; i++) {
		u64 len = 0, whole;
		s32 kind[2] = {};

		bpf_probe_read_user(&len, compat ? 4 : 8, (void *) at);
		bpf_probe_read_user(kind, sizeof(kind), (void *) (at + size - sizeof(kind)));
		if (len < size || len > n)
			break;
		if (kind[0] == CMSG_SOCKET && (kind[1] == SCM_RIGHTS || kind[1] == SCM_PIDFD))
			(void) passed_rows(at + size, len - size);
		whole = (len + align - 1) & ~(u64) (align - 1);
		if (whole > n)
			break;
		at += whole;
		n -= whole;
	}
	return 0;
}

/* Write the rows of the descriptors in the message whose record was written last. */
static __always_inline void
passed_find(void)
{
	struct scratch *s = scratch_get();

	if (s && s->passed.n)
		(void) passed_look(s->passed.at, s->passed.n, s->passed.compat);
}

EXIT(pidfd_getfd)
{
	EXIT_BEGIN(PIDFD_GETFD, false);

	e->fd = call_result(ret);
	e->pid_fd = arg_int(regs, compat, 0);
	e->target_fd = arg_int(regs, compat, 1);
	e->flags = (u32) call_arg(regs, compat, 2);
	(void) st;
	e->hdr.flags |= compat ? EVF_COMPAT : 0;
	rec_end(off);
	if (ret >= 0)
		(void) passed_row(ret);
	return 0;
}

#endif
