/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * task.h - the attributes of a thread: ids, memory, credentials, image, control groups.
 *
 * Ids are of the initial pid namespace; names with 'v' are of the task's own.
 */
#ifndef MEWS_DRIVER_TASK_H
#define MEWS_DRIVER_TASK_H

#include "driver/bpf/call.h"
#include "driver/bpf/open_file.h"
#include "proto/names.h"

#define RLIMIT_NOFILE NK_getrlimit_resource_RLIMIT_NOFILE
#define PID_LEVELS    33 /* maximum nesting of pid namespaces */

#define S_IMMUTABLE      8
#define CAP_DAC_OVERRIDE 1
#define CAP_FOWNER       3
#define NGROUPS_LOOKED   32 /* supplementary groups compared, at most */

/* The number of 'p' in the namespace of that level; 0 if it has none there. */
static __always_inline u32
pid_at(struct pid *p, u32 level)
{
	int nr = 0;

	if (!p || level > BPF_CORE_READ(p, level) || level >= PID_LEVELS)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr),
	    (char *) p + bpf_core_field_offset(struct pid, numbers) +
		level * bpf_core_type_size(struct upid));
	return nr;
}

static __always_inline u32
task_level(struct task_struct *t)
{
	return BPF_CORE_READ(t, thread_pid, level);
}

static __always_inline u64
pidns_start(struct task_struct *t, u32 level)
{
	struct pid_namespace *ns = NULL;

	if (level >= PID_LEVELS)
		return 0;
	bpf_probe_read_kernel(&ns, sizeof(ns),
	    (char *) BPF_CORE_READ(t, thread_pid) + bpf_core_field_offset(struct pid, numbers) +
		level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, ns));
	return BPF_CORE_READ(ns, child_reaper, start_boottime);
}

/* The counter of one kind of pages, in KiB. */
static __always_inline u32
mm_kib(struct mm_struct *mm, u32 kind)
{
	s64 n = 0;

	if (bpf_core_field_exists(mm->rss_stat)) {
		bpf_probe_read_kernel(&n, sizeof(n),
		    (char *) mm + bpf_core_field_offset(struct mm_struct, rss_stat) +
			kind * bpf_core_type_size(struct percpu_counter) +
			bpf_core_field_offset(struct percpu_counter, count));
	} else {
		bpf_probe_read_kernel(&n, sizeof(n),
		    (char *) mm + bpf_core_field_offset(struct mm_struct___old, rss_stat) +
			kind * sizeof(n));
	}
	return (n & ~(n >> 63)) * page_kib; /* a per-CPU counter can be below 0 for a moment */
}

/* Resident memory: file pages, anonymous pages and shared memory. */
static __always_inline u32
mm_rss(struct mm_struct *mm)
{
	return mm_kib(mm, 0) + mm_kib(mm, 1) + mm_kib(mm, 3);
}

static __always_inline u32
mm_size(struct mm_struct *mm)
{
	u64 kib = (u64) BPF_CORE_READ(mm, total_vm) * page_kib;

	return kib > ~0U ? ~0U : kib;
}

static __always_inline u64
cap_get(const void *cap)
{
	u64 v = 0;

	bpf_probe_read_kernel(&v, sizeof(v), cap);
	return v;
}

static __always_inline u32
task_tty(struct task_struct *t)
{
	struct tty_struct *tty = BPF_CORE_READ(t, signal, tty);
	struct tty_driver *driver;

	if (!tty)
		return 0;
	driver = BPF_CORE_READ(tty, driver);
	return dev_encode((u32) BPF_CORE_READ(driver, major) << 20 |
			  (BPF_CORE_READ(driver, minor_start) + BPF_CORE_READ(tty, index)));
}

static __always_inline u32
task_loginuid(struct task_struct *t)
{
	return bpf_core_field_exists(t->loginuid) ? t->loginuid.val : ~0U;
}

static __always_inline u64
task_cgroup_id(struct task_struct *t)
{
	return BPF_CORE_READ(t, cgroups, dfl_cgrp, kn, id);
}

static __always_inline u32
task_rss(struct task_struct *t)
{
	struct mm_struct *mm = BPF_CORE_READ(t, mm);

	return mm ? mm_rss(mm) : 0;
}

/*
 * Fill the common parameters of clone and execve: 'e' is either event, 't' a thread. The parent is
 * the thread group of the real parent.
 */
#define TASK_NUMBERS(e, t)                                                              \
	do {                                                                            \
		u32 level_ = task_level(t);                                             \
		struct signal_struct *sig_ = BPF_CORE_READ(t, signal);                  \
		struct mm_struct *mm_ = BPF_CORE_READ(t, mm);                           \
		const struct cred *cred_ = BPF_CORE_READ(t, cred);                      \
                                                                                        \
		(e)->tid = (t)->pid;                                                    \
		(e)->pid = (t)->tgid;                                                   \
		(e)->ptid = BPF_CORE_READ(t, real_parent, tgid);                        \
		(e)->fdlimit = BPF_CORE_READ(sig_, rlim[RLIMIT_NOFILE].rlim_cur);       \
		(e)->pgft_maj = (t)->maj_flt;                                           \
		(e)->pgft_min = (t)->min_flt;                                           \
		if (mm_) {                                                              \
			(e)->vm_size = mm_size(mm_);                                    \
			(e)->vm_swap = mm_kib(mm_, 2);                                  \
		}                                                                       \
		(e)->uid = BPF_CORE_READ(cred_, euid.val);                              \
		(e)->gid = BPF_CORE_READ(cred_, egid.val);                              \
		(e)->vtid = pid_at(BPF_CORE_READ(t, thread_pid), level_);               \
		(e)->vpid = pid_at(BPF_CORE_READ(t, group_leader, thread_pid), level_); \
		(e)->pidns_init_start_ts = pidns_start(t, level_);                      \
		(e)->sid = pid_at(BPF_CORE_READ(sig_, pids[PIDTYPE_SID]), 0);           \
		(e)->pgid = pid_at(BPF_CORE_READ(sig_, pids[PIDTYPE_PGID]), 0);         \
		(e)->cgroup_id = task_cgroup_id(t);                                     \
	} while (0)

/* Write the numbers of 'pid' in all its namespaces to rec + off, 32 bits each, the initial one
 * first. Returns the number of bytes. A separate function, since its loop is expensive to
 * verify. */
__noinline int
ns_pids_build(u32 off, u64 pid)
{
	struct scratch *s = scratch_get();
	u64 at = pid + bpf_core_field_offset(struct pid, numbers);
	u32 levels, n = 0;

	if (!s || !pid)
		return 0;
	levels = BPF_CORE_READ((struct pid *) pid, level);
	for (u32 i = 0; i < PID_LEVELS; i++, at += bpf_core_type_size(struct upid)) {
		if (i > levels)
			break;
		bpf_probe_read_kernel(text_at(s, off) + i * sizeof(u32), sizeof(u32), (void *) at);
		n += sizeof(u32);
	}
	return n;
}

static __always_inline u32
text_ns_pids(struct scratch *s, u32 off, u64 bit, struct task_struct *t)
{
	int n = ns_pids_build(off, (u64) BPF_CORE_READ(t, thread_pid));

	return n <= 0 ? off : text_end(s, off, n, bit);
}

/* Add "name=/path" and its NUL, if it fits. Returns the next one's offset. */
static __always_inline u32
cgroup_put(struct scratch *s, u32 off, u32 n, u64 kn, const char *name, u32 len)
{
	int built = cgroup_build(kn);
	u32 path = built & ~PATH_CUT;
	char *to;

	if (built <= 0)
		return n;
	if (built & PATH_CUT)
		rec_hdr(s)->flags |= EVF_CUT;
	if (path > PATH_SIZE || n + len + path + 1 > EV_TEXT_MAX) {
		rec_hdr(s)->flags |= EVF_CUT;
		return n;
	}
	to = &s->rec[(off + sizeof(u32) + n) & REC_MASK];
	bpf_probe_read_kernel(to, len & 0xf, name);
	to = &s->rec[(off + sizeof(u32) + n + len) & REC_MASK];
	bpf_probe_read_kernel(to, path, &s->path[(PATH_SIZE - path) & (PATH_SIZE - 1)]);
	s->rec[(off + sizeof(u32) + n + len + path) & REC_MASK] = '\0';
	return n + len + path + 1;
}

#define CGROUP_PUT(id, name)                                                                  \
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, id)) {                          \
		struct cgroup_subsys_state *css = NULL;                                       \
                                                                                              \
		bpf_probe_read_kernel(&css, sizeof(css),                                      \
		    (char *) set + bpf_core_field_offset(struct css_set, subsys) +            \
			bpf_core_enum_value(enum cgroup_subsys_id, id) * sizeof(css));        \
		n = cgroup_put(                                                               \
		    s, off, n, (u64) BPF_CORE_READ(css, cgroup, kn), name, sizeof(name) - 1); \
	}

/*
 * Write the control groups of a css_set to rec + off, as in /proc/PID/cgroup: "cpuset=/a", each
 * with its NUL, and last "=/b", the path in the unified hierarchy. Returns the number of bytes.
 */
__noinline int
cgroups_build(u32 off, u64 css_set)
{
	struct scratch *s = scratch_get();
	struct css_set *set = (void *) css_set;
	u32 n = 0;

	if (!s || !set)
		return 0;
	CGROUP_PUT(cpuset_cgrp_id, "cpuset=");
	CGROUP_PUT(cpu_cgrp_id, "cpu=");
	CGROUP_PUT(cpuacct_cgrp_id, "cpuacct=");
	CGROUP_PUT(io_cgrp_id, "blkio=");
	CGROUP_PUT(memory_cgrp_id, "memory=");
	return cgroup_put(s, off, n, (u64) BPF_CORE_READ(set, dfl_cgrp, kn), "=", 1);
}

static __always_inline u32
text_cgroups(struct scratch *s, u32 off, u64 bit, struct task_struct *t)
{
	int n = cgroups_build(off, (u64) BPF_CORE_READ(t, cgroups));

	return n <= 0 ? off : text_end(s, off, n, bit);
}

/* Append a task's working folder, or its root. */
static __always_inline u32
text_folder(struct scratch *s, u32 off, u64 bit, struct task_struct *t, bool root)
{
	struct fs_struct *fs = BPF_CORE_READ(t, fs);

	if (!fs)
		return off;
	return text_kpath(s, off, bit, t, root ? &fs->root : &fs->pwd);
}

/* Get the values DRV_CRED_*. Other threads cannot change them. */
static __always_inline void
creds_get(struct scratch *s, struct task_struct *t)
{
	const struct cred *c = BPF_CORE_READ(t, cred);

	s->values[DRV_CRED_EUID] = BPF_CORE_READ(c, euid.val);
	s->values[DRV_CRED_EGID] = BPF_CORE_READ(c, egid.val);
	s->values[DRV_CRED_INHERITABLE] = cap_get(&c->cap_inheritable);
	s->values[DRV_CRED_PERMITTED] = cap_get(&c->cap_permitted);
	s->values[DRV_CRED_EFFECTIVE] = cap_get(&c->cap_effective);
}

/* Add a bit for each descriptor from 0 that is open. With fewer than EV_OPEN_FDS bits, no higher
 * descriptor is open. */
static __always_inline u32
text_open_fds(struct scratch *s, u32 off, u64 bit, struct task_struct *t)
{
	struct fdtable *fdt = BPF_CORE_READ(t, files, fdt);
	u32 n = BPF_CORE_READ(fdt, max_fds);

	if (n > EV_OPEN_FDS)
		n = EV_OPEN_FDS;
	return n == 0 ? off : text_kernel(s, off, bit, BPF_CORE_READ(fdt, open_fds), n / 8);
}

/* The image */

/* Does a struct group_info contain this group? Not inline, to help the verifier. */
__noinline int
in_groups(u64 info, u32 gid)
{
	struct group_info *g = (void *) info;
	int n = BPF_CORE_READ(g, ngroups);

	for (int i = 0; i < NGROUPS_LOOKED && i < n; i++) {
		u32 v = 0;

		bpf_probe_read_kernel(&v, sizeof(v),
		    (char *) g + bpf_core_field_offset(struct group_info, gid) + i * sizeof(v));
		if (v == gid)
			return 1;
	}
	return 0;
}

/* Can these credentials modify the file? An owner can always gain write access. */
static __always_inline bool
inode_writable(struct inode *inode, const struct cred *c)
{
	u64 caps = cap_get(&c->cap_effective);
	u32 gid = BPF_CORE_READ(inode, i_gid.val);
	u16 mode = BPF_CORE_READ(inode, i_mode);

	if (BPF_CORE_READ(inode, i_flags) & S_IMMUTABLE)
		return false;
	if (BPF_CORE_READ(c, fsuid.val) == BPF_CORE_READ(inode, i_uid.val))
		return true;
	if (caps & (1 << CAP_DAC_OVERRIDE | 1 << CAP_FOWNER))
		return true;
	if ((mode & 020) && (BPF_CORE_READ(c, fsgid.val) == gid ||
				in_groups((u64) BPF_CORE_READ(c, group_info), gid)))
		return true;
	return mode & 02;
}

static __always_inline u32
exe_flags(struct task_struct *t, struct file *f)
{
	struct inode *inode = BPF_CORE_READ(f, f_inode);
	enum layer layer = inode_layer(inode, BPF_CORE_READ(inode, i_sb, s_magic));

	return (inode_writable(inode, BPF_CORE_READ(t, cred)) ? NV_execve_flags_EXE_WRITABLE : 0) |
	       (is_memfd(BPF_CORE_READ(f, f_path.dentry)) ? NV_execve_flags_EXE_FROM_MEMFD : 0) |
	       (layer == LAYER_UPPER ? NV_execve_flags_EXE_UPPER_LAYER : 0) |
	       (layer == LAYER_LOWER ? NV_execve_flags_EXE_LOWER_LAYER : 0);
}

/* Bit 31 of the nanoseconds marks a time that was queried (since 6.13). */
#define CTIME_QUERIED (1U << 31)
#define NS(sec, nsec) ((u64) (sec) *1000000000ULL + (u64) (nsec))

static __always_inline u64
inode_ctime(struct inode *i)
{
	struct inode___6_6 *new = (void *) i;
	struct inode___old *old = (void *) i;

	if (bpf_core_field_exists(i->i_ctime_sec))
		return NS(
		    BPF_CORE_READ(i, i_ctime_sec), BPF_CORE_READ(i, i_ctime_nsec) & ~CTIME_QUERIED);
	if (bpf_core_field_exists(new->__i_ctime))
		return NS(
		    BPF_CORE_READ(new, __i_ctime.tv_sec), BPF_CORE_READ(new, __i_ctime.tv_nsec));
	return NS(BPF_CORE_READ(old, i_ctime.tv_sec), BPF_CORE_READ(old, i_ctime.tv_nsec));
}

static __always_inline u64
inode_mtime(struct inode *i)
{
	struct inode___6_6 *new = (void *) i;
	struct inode___old *old = (void *) i;

	if (bpf_core_field_exists(i->i_mtime_sec))
		return NS(BPF_CORE_READ(i, i_mtime_sec), BPF_CORE_READ(i, i_mtime_nsec));
	if (bpf_core_field_exists(new->__i_mtime))
		return NS(
		    BPF_CORE_READ(new, __i_mtime.tv_sec), BPF_CORE_READ(new, __i_mtime.tv_nsec));
	return NS(BPF_CORE_READ(old, i_mtime.tv_sec), BPF_CORE_READ(old, i_mtime.tv_nsec));
}

#endif
