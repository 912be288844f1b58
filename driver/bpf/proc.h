/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * proc.h - processes: clone, fork, vfork and clone3 on both sides, execve, procexit, signals.
 */
#ifndef MEWS_DRIVER_PROC_H
#define MEWS_DRIVER_PROC_H

#include "driver/bpf/argv.h"
#include "driver/bpf/exclude.h"
#include "driver/bpf/open.h"
#include "driver/bpf/rec_end.h"
#include "driver/bpf/task.h"
#include "driver/numbers.h"

/* All four have the same parameters. */
_Static_assert(sizeof(struct ev_CLONE) == sizeof(struct ev_FORK), "clone and fork differ");
_Static_assert(sizeof(struct ev_CLONE) == sizeof(struct ev_VFORK), "clone and vfork differ");
_Static_assert(sizeof(struct ev_CLONE) == sizeof(struct ev_CLONE3), "clone and clone3 differ");

/* The number of a call for a kind of caller; matches nothing if there is none. */
#define NR(name, compat) ((u64) (s64) ((compat) ? NR32_##name : NR64_##name))

struct cloned {
	u32 type;  /* EV_* */
	u64 flags; /* the kernel's */
};

#if defined(__TARGET_ARCH_x86)
#define REGS_NR(regs)           (BPF_CORE_READ(regs, orig_ax) & ~X32_BIT)
#define REGS_ARG0(regs, compat) ((compat) ? (u32) BPF_CORE_READ(regs, bx) : BPF_CORE_READ(regs, di))
#else
#define REGS_NR(regs)           ((u64) (u32) BPF_CORE_READ(regs, syscallno))
#define REGS_ARG0(regs, compat) BPF_CORE_READ(regs, orig_x0)
#endif

/* Find out from its registers how 'parent', which is running, created 'child'. Tasks that the
 * kernel creates by itself (its threads, workers of io_uring) count as clone, with flags that match
 * the result. */
static __always_inline void
cloned_get(struct task_struct *parent, struct task_struct *child, struct cloned *c)
{
	bool compat = is_compat(parent);
	struct pt_regs *regs = (struct pt_regs *) bpf_task_pt_regs(parent);
	u64 nr =
	    parent->flags & PF_KTHREAD ? DRV_NR_MAX : REGS_NR(regs); /* no call has this number */

	c->type = EV_CLONE;
	c->flags = 0;
	if (nr == NR(clone, compat)) {
		c->flags = (u32) REGS_ARG0(regs, compat);
	} else if (nr == NR(fork, compat)) {
		c->type = EV_FORK;
	} else if (nr == NR(vfork, compat)) {
		c->type = EV_VFORK;
		c->flags = NK_clone_flags_CLONE_VFORK | NK_clone_flags_CLONE_VM;
	} else if (nr == NR(clone3, compat)) {
		c->type = EV_CLONE3;
		bpf_probe_read_user(&c->flags, sizeof(c->flags), (void *) REGS_ARG0(regs, compat));
	} else if (child->tgid == parent->tgid) {
		c->flags = NK_clone_flags_CLONE_VM | NK_clone_flags_CLONE_FS |
			   NK_clone_flags_CLONE_FILES | NK_clone_flags_CLONE_SIGHAND |
			   NK_clone_flags_CLONE_THREAD;
	}
}

/* Fill a record of thread 't', either side of a clone. Returns its length. */
static __always_inline u32
clone_fill(struct scratch *s, struct ev_CLONE *e, struct task_struct *t, const struct cloned *c)
{
	const struct cred *cred = BPF_CORE_READ(t, cred);
	struct mm_struct *mm = BPF_CORE_READ(t, mm);
	u32 off = sizeof(*e);

	e->hdr.type = c->type;
	e->flags = (u32) c->flags;
	e->tty = task_tty(t);
	e->loginuid = task_loginuid(t);
	e->cap_inheritable = cap_get(&cred->cap_inheritable);
	e->cap_permitted = cap_get(&cred->cap_permitted);
	e->cap_effective = cap_get(&cred->cap_effective);
	if (task_level(t) > 0)
		e->flags |= (u64) NV_clone_flags_CLONE_CHILD_IN_PIDNS << 32;
	if (mm)
		off = text_argv(s, off, EV_BIT(CLONE, exe), EV_BIT(CLONE, args), mm);
	off = text_folder(s, off, EV_BIT(CLONE, cwd), t, false);
	off = text_kernel_str(s, off, EV_BIT(CLONE, comm), t->comm);
	off = text_cgroups(s, off, EV_BIT(CLONE, cgroups), t);
	return text_ns_pids(s, off, EV_BIT(CLONE, ns_pids), t);
}

SEC("tp_btf/sched_process_fork")
int
ALONE_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	struct ev_CLONE *e;
	struct scratch *s;
	struct cloned c;

	cloned_get(parent, child, &c);
	if (!wanted(c.type) || excluded(child, DRV_CANARY_FORK))
		return 0;
	s = scratch_get();
	if (!s)
		return 0;
	e = REC_BEGIN(s, CLONE, child);
	e->hdr.flags = is_compat(parent) ? EVF_COMPAT : 0;
	TASK_NUMBERS(e, child);
	e->vm_rss = task_rss(parent); /* a child maps file pages only on first touch */
	rec_end(clone_fill(s, e, child, &c));
	return 0;
}

/* The parent's side, which a rule wants. The child returns from the call too: on_fork has captured
 * its side. */
EXIT(clone)
{
	if (ret == 0)
		return 0;
	EXIT_BEGIN(CLONE, false);
	struct cloned c;

	cloned_get(t, t, &c);
	TASK_NUMBERS(e, t);
	e->res = call_result(ret);
	off = clone_fill(s, e, t, &c);
	EXIT_END();
}

/* Set the numbers of an execve event, from the running image. */
#define EXEC_NUMBERS(e, t)                                                                        \
	do {                                                                                      \
		const struct cred *c_ = BPF_CORE_READ(t, cred);                                   \
		struct file *f_ = BPF_CORE_READ(t, mm, exe_file);                                 \
                                                                                                  \
		TASK_NUMBERS(e, t);                                                               \
		(e)->vm_rss = task_rss(t);                                                        \
		(e)->tty = task_tty(t);                                                           \
		(e)->vpgid = pid_at(BPF_CORE_READ(t, signal, pids[PIDTYPE_PGID]), task_level(t)); \
		(e)->loginuid = task_loginuid(t);                                                 \
		(e)->cap_inheritable = cap_get(&c_->cap_inheritable);                             \
		(e)->cap_permitted = cap_get(&c_->cap_permitted);                                 \
		(e)->cap_effective = cap_get(&c_->cap_effective);                                 \
		(e)->start_time = BPF_CORE_READ(t, group_leader, start_boottime);                 \
		if (f_) {                                                                         \
			struct inode *i_ = BPF_CORE_READ(f_, f_inode);                            \
                                                                                                  \
			(e)->flags = exe_flags(t, f_);                                            \
			(e)->exe_ino = BPF_CORE_READ(i_, i_ino);                                  \
			(e)->exe_ino_ctime = inode_ctime(i_);                                     \
			(e)->exe_ino_mtime = inode_mtime(i_);                                     \
			(e)->exe_dev = dev_encode(BPF_CORE_READ(i_, i_sb, s_dev));                \
		}                                                                                 \
	} while (0)

/* Add the path of the image; a memfd has only a name. */
static __always_inline u32
text_exe_path(struct scratch *s, u32 off, u64 bit, struct task_struct *t)
{
	struct file *f = BPF_CORE_READ(t, mm, exe_file);
	struct dentry *d;

	if (!f)
		return off;
	d = BPF_CORE_READ(f, f_path.dentry);
	if (is_memfd(d))
		return text_kernel_str(s, off, bit, BPF_CORE_READ(d, d_name.name));
	return text_kpath(s, off, bit, t, &f->f_path);
}

SEC("tp_btf/sched_process_exec")
int
ALONE_PROG(on_exec, struct task_struct *t, int old_pid, struct linux_binprm *bprm)
{
	struct ev_EXECVE *e;
	struct mm_struct *mm;
	struct scratch *s;
	u32 off = sizeof(*e);

	if (!wanted(EV_EXECVE) || excluded(t, DRV_CANARY_EXEC))
		return 0;
	s = scratch_get();
	if (!s)
		return 0;
	mm = BPF_CORE_READ(t, mm);
	e = REC_BEGIN(s, EXECVE, t);
	EXEC_NUMBERS(e, t);
	off = text_argv(s, off, EV_BIT(EXECVE, exe), EV_BIT(EXECVE, args), mm);
	off = text_folder(s, off, EV_BIT(EXECVE, cwd), t, false);
	off = text_kernel_str(s, off, EV_BIT(EXECVE, comm), t->comm);
	off = text_cgroups(s, off, EV_BIT(EXECVE, cgroups), t);
	off = text_args(s, off, EV_BIT(EXECVE, env), BPF_CORE_READ(mm, env_start),
	    BPF_CORE_READ(mm, env_end), ARGS_WHOLE);
	off = text_exe_path(s, off, EV_BIT(EXECVE, trusted_exepath), t);
	off = text_kernel_str(s, off, EV_BIT(EXECVE, filename), bprm->filename);
	off = text_ns_pids(s, off, EV_BIT(EXECVE, ns_pids), t);
	off = text_open_fds(s, off, EV_BIT(EXECVE, open_fds), t);
	rec_end(off);
	return 0;
}

/* Numbers and texts of both have the same positions, up to the path that only execve has. */
_Static_assert(
    sizeof(struct ev_EXECVE) == sizeof(struct ev_EXECVEAT), "execve and execveat differ");
_Static_assert(EV_BIT(EXECVE, gid) == EV_BIT(EXECVEAT, gid), "execve and execveat differ");

/*
 * Capture failures of execve and execveat, whose arguments are shifted by one. on_exec has captured
 * successes, in the new image. Only the record stores which of the two it is, so the rest is
 * verified once.
 */
EXIT(exec)
{
	if (ret >= 0) {
		stash_clear(current_task());
		return 0;
	}
	EXIT_BEGIN(EXECVE, true);
	bool at = capture_at(call_of(compat, call_nr(regs))->capture)->event == EV_EXECVEAT;
	u64 path = call_arg(regs, compat, 0);
	u64 argv = call_arg(regs, compat, at ? 2 : 1);
	u64 env = call_arg(regs, compat, at ? 3 : 2);
	u32 width = compat ? 4 : 8;

	e->hdr.type = at ? EV_EXECVEAT : EV_EXECVE;
	e->hdr.present = at ? nums_EXECVEAT : nums_EXECVE;
	EXEC_NUMBERS(e, t);
	e->res = call_result(ret);
	off = text_attempt(s, off, EV_BIT(EXECVE, exe), EV_BIT(EXECVE, args), argv, width);
	off = text_folder(s, off, EV_BIT(EXECVE, cwd), t, false);
	off = text_kernel_str(s, off, EV_BIT(EXECVE, comm), t->comm);
	off = text_cgroups(s, off, EV_BIT(EXECVE, cgroups), t);
	off = text_strings(s, off, EV_BIT(EXECVE, env), env, width);
	off = text_exe_path(s, off, EV_BIT(EXECVE, trusted_exepath), t);
	if (e->hdr.type == EV_EXECVE)
		off = text_path(s, st, compat, off, EV_BIT(EXECVE, filename), path);
	off = text_ns_pids(s, off,
	    e->hdr.type == EV_EXECVE ? EV_BIT(EXECVE, ns_pids) : EV_BIT(EXECVEAT, ns_pids), t);
	EXIT_END();
}

/* Find the new parent of an exiting thread's children, like the kernel's find_new_reaper(). */
#define REAPER_LOOKED 32

static __always_inline struct task_struct *
thread_of_node(u64 node)
{
	return (void *) (node - bpf_core_field_offset(struct task_struct, thread_node));
}

static __always_inline u32
reaper_of(struct task_struct *t)
{
	struct signal_struct *sig = BPF_CORE_READ(t, signal);
	u64 head = (u64) &sig->thread_head;
	struct list_head *node = BPF_CORE_READ(sig, thread_head.next);
	struct task_struct *up = BPF_CORE_READ(t, real_parent);
	u32 level = task_level(t);
	struct pid_namespace *ns = NULL;

	if (BPF_CORE_READ(t, children.next) == &t->children)
		return 0;
	for (int i = 0; i < REAPER_LOOKED && (u64) node != head; i++) {
		struct task_struct *other = thread_of_node((u64) node);

		if (!(BPF_CORE_READ(other, flags) & PF_EXITING))
			return BPF_CORE_READ(other, pid);
		node = BPF_CORE_READ(node, next);
	}
	if (BPF_CORE_READ_BITFIELD_PROBED(sig, has_child_subreaper)) {
		for (int i = 0; i < REAPER_LOOKED && BPF_CORE_READ(up, pid) > 1; i++) {
			sig = BPF_CORE_READ(up, signal);
			if (BPF_CORE_READ_BITFIELD_PROBED(sig, is_child_subreaper) &&
			    BPF_CORE_READ(sig, live.counter) > 0 && task_level(up) == level)
				return BPF_CORE_READ(up, tgid);
			up = BPF_CORE_READ(up, real_parent);
		}
	}
	if (level >= PID_LEVELS)
		return 0;
	bpf_probe_read_kernel(&ns, sizeof(ns),
	    (char *) BPF_CORE_READ(t, thread_pid) + bpf_core_field_offset(struct pid, numbers) +
		level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, ns));
	return BPF_CORE_READ(ns, child_reaper, pid);
}

SEC("tp_btf/sched_process_exit")
int
ALONE_PROG(on_exit, struct task_struct *t)
{
	struct ev_PROCEXIT *e;
	struct scratch *s;
	u32 code;

	stash_end(t);
	if (!wanted(EV_PROCEXIT) || excluded(t, DRV_CANARY_END))
		return 0;
	s = scratch_get();
	if (!s)
		return 0;
	e = REC_BEGIN(s, PROCEXIT, t);
	code = t->exit_code;
	e->status = code;
	e->ret = code >> 8 & 0xff;
	e->sig = code & 0x7f;
	e->core = code >> 7 & 1;
	e->reaper_tid = reaper_of(t);
	rec_end(sizeof(*e));
	return 0;
}

/* The codes of signals that name their sender; and SIGCHLD does, whatever its code. */
#define SIGCHLD  17
#define SI_USER  0
#define SI_QUEUE (-1)
#define SI_TKILL (-6)

/* The sender's number is in the receiver's pid namespace; 0: the kernel, or unknown. */
SEC("tp_btf/signal_deliver")
int
ALONE_PROG(on_signal, int sig, struct kernel_siginfo *info)
{
	struct task_struct *t = current_task();
	struct ev_SIGNALDELIVER *e;
	struct scratch *s;
	int code = SI_USER, pid = 0;

	if (!wanted(EV_SIGNALDELIVER) || excluded(t, DRV_CANARY_NONE))
		return 0;
	s = scratch_get();
	if (!s)
		return 0;
	e = REC_BEGIN(s, SIGNALDELIVER, t);
	/* 'info' may be a small number instead of an address: then nothing is read */
	bpf_probe_read_kernel(&code, sizeof(code),
	    (char *) info + bpf_core_field_offset(struct kernel_siginfo, si_code));
	if (code == SI_USER || code == SI_QUEUE || code == SI_TKILL || sig == SIGCHLD)
		bpf_probe_read_kernel(&pid, sizeof(pid),
		    (char *) info + bpf_core_field_offset(struct kernel_siginfo, _sifields));
	e->spid = pid;
	e->dpid = t->pid;
	e->sig = sig;
	rec_end(sizeof(*e));
	return 0;
}

/* The capabilities that the thread has now: other threads cannot change them. */
EXIT(capset)
{
	EXIT_BEGIN(CAPSET, false);
	const struct cred *c = BPF_CORE_READ(t, cred);

	e->res = call_result(ret);
	e->cap_inheritable = cap_get(&c->cap_inheritable);
	e->cap_permitted = cap_get(&c->cap_permitted);
	e->cap_effective = cap_get(&c->cap_effective);
	EXIT_END();
}

EXIT(prctl)
{
	EXIT_BEGIN(PRCTL, false);
	u64 arg = call_arg(regs, compat, 1);
	u32 option = (u32) call_arg(regs, compat, 0);

	e->res = call_result(ret);
	e->option = option;
	e->arg2_int = arg;
	if (option == NV_prctl_option_PR_GET_CHILD_SUBREAPER) {
		/* what the kernel has, since other threads can change what it wrote there */
		struct signal_struct *sig = BPF_CORE_READ(t, signal);

		e->arg2_int = ret == 0 ? BPF_CORE_READ_BITFIELD_PROBED(sig, is_child_subreaper) : 0;
	} else if (option == NV_prctl_option_PR_SET_NAME || option == NV_prctl_option_PR_GET_NAME) {
		e->arg2_int = 0;
		off = text_user_str(s, off, EV_BIT(PRCTL, arg2_str), (void *) arg);
	}
	EXIT_END();
}

/* The first byte of a ptrace value: its kind. */
#define PTRACE_UINT64 0
#define PTRACE_SIG    1

EXIT(ptrace)
{
	EXIT_BEGIN(PTRACE, false);
	u64 data = call_arg(regs, compat, 3), word = 0;
	u32 request = (u32) call_arg(regs, compat, 0);

	e->res = call_result(ret);
	e->request = request;
	e->pid = (s32) call_arg(regs, compat, 1);
	off = text_dyn(
	    s, off, EV_BIT(PTRACE, addr), PTRACE_UINT64, call_arg(regs, compat, 2), sizeof(u64));
	if (request >= NK_ptrace_request_PTRACE_PEEKTEXT &&
	    request <= NK_ptrace_request_PTRACE_PEEKUSR) {
		if (ret >= 0) /* the kernel has written the word there */
			bpf_probe_read_user(&word, compat ? 4 : 8, (void *) data);
		off = text_dyn(s, off, EV_BIT(PTRACE, data), PTRACE_UINT64, word, sizeof(u64));
	} else if (request == NK_ptrace_request_PTRACE_CONT ||
		   request == NK_ptrace_request_PTRACE_SINGLESTEP ||
		   request == NK_ptrace_request_PTRACE_DETACH ||
		   request == NK_ptrace_request_PTRACE_SYSCALL) {
		off = text_dyn(s, off, EV_BIT(PTRACE, data), PTRACE_SIG, (u8) data, sizeof(u8));
	} else {
		off = text_dyn(s, off, EV_BIT(PTRACE, data), PTRACE_UINT64, data, sizeof(u64));
	}
	EXIT_END();
}

#endif
