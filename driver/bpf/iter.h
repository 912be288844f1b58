/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * iter.h - all threads that there are, for the snapshot: one struct drv_task each.
 */
#ifndef MEWS_DRIVER_ITER_H
#define MEWS_DRIVER_ITER_H

#include "driver/bpf/task.h"

SEC("iter/task")
int
each_task(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct drv_task d = {};
	struct mm_struct *mm;
	struct file *f;
	u32 level;

	if (!t)
		return 0;
	mm = t->mm;
	f = mm ? mm->exe_file : NULL;
	level = task_level(t);
	d.ts = bpf_ktime_get_boot_ns();
	d.start = t->start_boottime;
	d.cap_inheritable = cap_get(&t->cred->cap_inheritable);
	d.cap_permitted = cap_get(&t->cred->cap_permitted);
	d.cap_effective = cap_get(&t->cred->cap_effective);
	d.cgroup_id = task_cgroup_id(t);
	if (f) {
		struct inode *i = f->f_inode;

		d.exe_ino = i->i_ino;
		d.exe_dev = dev_encode(i->i_sb->s_dev);
		d.exe_ctime = inode_ctime(i);
		d.exe_mtime = inode_mtime(i);
		d.exe_flags = exe_flags(t, f);
	}
	d.pidns_init_start = pidns_start(t, level);
	d.fdlimit = t->signal->rlim[RLIMIT_NOFILE].rlim_cur;
	d.pgft_maj = t->maj_flt;
	d.pgft_min = t->min_flt;
	if (mm) {
		d.vm_size = mm_size(mm);
		d.vm_rss = mm_kib(mm, 0) + mm_kib(mm, 1) + mm_kib(mm, 3);
		d.vm_swap = mm_kib(mm, 2);
	}
	d.tid = t->pid;
	d.pid = t->tgid;
	d.ptid = t->real_parent->tgid;
	d.pgid = pid_at(t->signal->pids[PIDTYPE_PGID], 0);
	d.vpgid = pid_at(t->signal->pids[PIDTYPE_PGID], level);
	d.sid = pid_at(t->signal->pids[PIDTYPE_SID], 0);
	d.vtid = pid_at(t->thread_pid, level);
	d.vpid = pid_at(t->group_leader->thread_pid, level);
	d.uid = t->cred->euid.val;
	d.gid = t->cred->egid.val;
	d.loginuid = task_loginuid(t);
	d.tty = task_tty(t);
	bpf_probe_read_kernel_str(d.comm, sizeof(d.comm), t->comm);
	bpf_seq_write(ctx->meta->seq, &d, sizeof(d));
	return 0;
}

#endif
