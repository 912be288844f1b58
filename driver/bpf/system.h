/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * system.h - calls with a number behind a pointer, or with one to correct: mount, setrlimit,
 * getrlimit, prlimit, io_uring_setup, sendfile.
 */
#ifndef MEWS_DRIVER_SYSTEM_H
#define MEWS_DRIVER_SYSTEM_H

#include "driver/bpf/call.h"
#include "driver/numbers.h"

/* Old programs put this above the flags of a mount; the kernel ignores it. */
#define MOUNT_MAGIC      0xc0ed0000U
#define MOUNT_MAGIC_MASK 0xffff0000U

EXIT(mount)
{
	EXIT_BEGIN(MOUNT, true);
	u64 dev = call_arg(regs, compat, 0);
	u32 flags = (u32) call_arg(regs, compat, 3);

	e->res = call_result(ret);
	e->flags = (flags & MOUNT_MAGIC_MASK) == MOUNT_MAGIC ? flags & ~MOUNT_MAGIC_MASK : flags;
	if (dev)
		off = text_path_of(s, st, compat, off, EV_BIT(MOUNT, dev), 0, dev);
	off = text_path_of(s, st, compat, off, EV_BIT(MOUNT, dir), 1, call_arg(regs, compat, 1));
	off = text_user_str(s, off, EV_BIT(MOUNT, type), (void *) call_arg(regs, compat, 2));
	EXIT_END();
}

/* As the kernel's struct rlimit; -1: unlimited, or unknown. */
struct limit {
	s64 soft, hard;
};

/* Read a limit of the caller from the kernel. */
static __always_inline void
limit_now(struct task_struct *t, u32 resource, struct limit *ret)
{
	const char *sig = (const char *) BPF_CORE_READ(t, signal);

	bpf_probe_read_kernel(ret, sizeof(*ret),
	    sig + bpf_core_field_offset(struct signal_struct, rlim) + resource * sizeof(*ret));
}

/* Read a limit from user memory; 'narrow': of 32 bits each. */
static __always_inline void
limit_read(u64 at, bool narrow, struct limit *ret)
{
	u32 half[2];

	ret->soft = ret->hard = -1;
	if (!narrow) {
		if (bpf_probe_read_user(ret, sizeof(*ret), (void *) at) < 0)
			ret->soft = ret->hard = -1;
	} else if (bpf_probe_read_user(half, sizeof(half), (void *) at) == 0) {
		ret->soft = half[0] == ~0U ? -1 : (s64) half[0];
		ret->hard = half[1] == ~0U ? -1 : (s64) half[1];
	}
}

/* Both have the same parameters. */
_Static_assert(sizeof(struct ev_SETRLIMIT) == sizeof(struct ev_GETRLIMIT) &&
		   EV_BIT(SETRLIMIT, resource) == EV_BIT(GETRLIMIT, resource),
    "setrlimit and getrlimit differ");

EXIT(rlimit)
{
	EXIT_BEGIN(SETRLIMIT, false);
	u32 resource = (u32) call_arg(regs, compat, 0);
	struct limit l = { -1, -1 };

	e->hdr.type = capture_at(call_of(compat, call_nr(regs))->capture)->event;
	if (ret == 0) /* user memory may have changed since */
		limit_now(t, resource, &l);
	else if (e->hdr.type == EV_SETRLIMIT)
		limit_read(call_arg(regs, compat, 1), compat, &l);
	e->res = call_result(ret);
	e->cur = l.soft;
	e->max = l.hard;
	e->resource = resource;
	EXIT_END();
}

EXIT(prlimit)
{
	EXIT_BEGIN(PRLIMIT, false);
	u32 resource = (u32) call_arg(regs, compat, 1);
	u64 new = call_arg(regs, compat, 2);
	struct limit l;

	e->res = call_result(ret);
	e->pid = (s32) call_arg(regs, compat, 0);
	e->resource = resource;
	limit_read(new, false, &l);
	if (ret == 0 && new && e->pid == 0)
		limit_now(t, resource, &l);
	e->newcur = l.soft;
	e->newmax = l.hard;
	limit_read(ret == 0 ? call_arg(regs, compat, 3) : 0, false, &l);
	e->oldcur = l.soft;
	e->oldmax = l.hard;
	EXIT_END();
}

/* The start of struct io_uring_params. */
struct ring_params {
	u32 sq_entries, cq_entries, flags, sq_thread_cpu, sq_thread_idle, features;
};

EXIT(io_uring_setup)
{
	EXIT_BEGIN(IO_URING_SETUP, false);
	struct ring_params p = {};

	bpf_probe_read_user(&p, sizeof(p), (void *) call_arg(regs, compat, 1));
	e->res = call_result(ret);
	e->entries = (u32) call_arg(regs, compat, 0);
	e->sq_entries = p.sq_entries;
	e->cq_entries = p.cq_entries;
	e->flags = p.flags;
	e->sq_thread_cpu = p.sq_thread_cpu;
	e->sq_thread_idle = p.sq_thread_idle;
	e->features = p.features;
	EXIT_END();
}

/* The event has the offset after the call. */
EXIT(sendfile)
{
	EXIT_BEGIN(SENDFILE, false);
	bool narrow = compat && call_nr(regs) == (u64) NR32_sendfile;
	u64 offset = 0;

	bpf_probe_read_user(&offset, narrow ? 4 : 8, (void *) call_arg(regs, compat, 2));
	e->res = call_result(ret);
	e->offset = offset;
	e->out_fd = (s32) call_arg(regs, compat, 0);
	e->in_fd = (s32) call_arg(regs, compat, 1);
	e->size = call_arg(regs, compat, 3);
	EXIT_END();
}

#endif
