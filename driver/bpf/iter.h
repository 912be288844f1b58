/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * iter.h - iterators for the snapshot: a struct drv_task for each thread, a struct drv_file for
 * each open descriptor. They read the kernel's own tables and never block on a process.
 */
#ifndef MEWS_DRIVER_ITER_H
#define MEWS_DRIVER_ITER_H

#include "driver/bpf/open.h"
#include "driver/bpf/task.h"

SEC("iter/task")
int
each_task(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct drv_task d = {};
	const struct cred *cred;
	struct signal_struct *sig;
	struct mm_struct *mm;
	struct file *f;
	u32 level;

	if (!t)
		return 0;
	cred = BPF_CORE_READ(t, cred);
	sig = BPF_CORE_READ(t, signal);
	mm = BPF_CORE_READ(t, mm);
	f = mm ? BPF_CORE_READ(mm, exe_file) : NULL;
	level = task_level(t);
	d.ts = bpf_ktime_get_boot_ns();
	d.start = t->start_boottime;
	d.cap_inheritable = cap_get(&cred->cap_inheritable);
	d.cap_permitted = cap_get(&cred->cap_permitted);
	d.cap_effective = cap_get(&cred->cap_effective);
	d.cgroup_id = task_cgroup_id(t);
	if (f) {
		struct inode *i = BPF_CORE_READ(f, f_inode);

		d.exe_ino = BPF_CORE_READ(i, i_ino);
		d.exe_dev = dev_encode(BPF_CORE_READ(i, i_sb, s_dev));
		d.exe_ctime = inode_ctime(i);
		d.exe_mtime = inode_mtime(i);
		d.exe_flags = exe_flags(t, f);
	}
	d.pidns_init_start = pidns_start(t, level);
	d.fdlimit = BPF_CORE_READ(sig, rlim[RLIMIT_NOFILE].rlim_cur);
	d.pgft_maj = t->maj_flt;
	d.pgft_min = t->min_flt;
	if (mm) {
		d.vm_size = mm_size(mm);
		d.vm_rss = mm_rss(mm);
		d.vm_swap = mm_kib(mm, 2);
	}
	d.tid = t->pid;
	d.pid = t->tgid;
	d.ptid = BPF_CORE_READ(t, real_parent, tgid);
	d.pgid = pid_at(BPF_CORE_READ(sig, pids[PIDTYPE_PGID]), 0);
	d.vpgid = pid_at(BPF_CORE_READ(sig, pids[PIDTYPE_PGID]), level);
	d.sid = pid_at(BPF_CORE_READ(sig, pids[PIDTYPE_SID]), 0);
	d.vtid = pid_at(BPF_CORE_READ(t, thread_pid), level);
	d.vpid = pid_at(BPF_CORE_READ(t, group_leader, thread_pid), level);
	d.uid = BPF_CORE_READ(cred, euid.val);
	d.gid = BPF_CORE_READ(cred, egid.val);
	d.loginuid = task_loginuid(t);
	d.tty = task_tty(t);
	bpf_probe_read_kernel_str(d.comm, sizeof(d.comm), t->comm);
	bpf_seq_write(ctx->meta->seq, &d, sizeof(d));
	return 0;
}

#define BITS_PER_LONG (8 * sizeof(unsigned long))

static __always_inline u32
close_on_exec(struct task_struct *t, u32 fd)
{
	unsigned long *bits = BPF_CORE_READ(t, files, fdt, close_on_exec), word = 0;

	bpf_probe_read_kernel(&word, sizeof(word), &bits[fd / BITS_PER_LONG]);
	return word >> (fd % BITS_PER_LONG) & 1 ? NK_open_flags_O_CLOEXEC : 0;
}

/* The kernel skips threads that share their leader's descriptors. Skip threads with their own table
 * too while the leader has one: a process is reported with one table. */
SEC("iter/task_file")
int
each_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *t = ctx->task, *leader;
	struct file *f = ctx->file;
	struct drv_file d = {};
	struct inode *i;
	void *mount;

	if (!t || !f)
		return 0;
	leader = t->group_leader;
	if (t != leader && leader->files)
		return 0;
	i = f->f_inode;
	d.ts = bpf_ktime_get_boot_ns();
	d.start = leader->start_boottime;
	d.ino = BPF_CORE_READ(i, i_ino);
	d.magic = BPF_CORE_READ(i, i_sb, s_magic);
	d.pid = t->tgid;
	d.fd = ctx->fd;
	d.flags = f->f_flags | close_on_exec(t, ctx->fd);
	d.mode = BPF_CORE_READ(i, i_mode);
	mount = (char *) BPF_CORE_READ(f, f_path.mnt) - bpf_core_field_offset(struct mount, mnt);
	d.mnt_id = BPF_CORE_READ((struct mount *) mount, mnt_id);
	bpf_seq_write(ctx->meta->seq, &d, sizeof(d));
	return 0;
}

#endif
