/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * exclude.h - processes that are not captured: the sensor's own. Their calls show that the hooks
 * run.
 */
#ifndef MEWS_DRIVER_EXCLUDE_H
#define MEWS_DRIVER_EXCLUDE_H

#include "driver/bpf/core.h"

/* Set before loading, for tests: hooks of these kinds (bits) do nothing on this CPU. */
const volatile __u32 broken_kinds = 0, broken_cpu = 0;

/* How often a hook of each kind (enum drv_canary) saw the checking thread, or a child of it. */
__u64 canaries[DRV_CANARY_MAX];

/* Count a hook's run for an excluded thread: the checking one, or its child. */
static __always_inline void
canary_seen(struct task_struct *t, u32 kind)
{
	bool of_child =
	    kind == DRV_CANARY_FORK || kind == DRV_CANARY_EXEC || kind == DRV_CANARY_END;

	if (ctl.canary &&
	    (of_child ? (u32) t->tgid != ctl.exclude[0].pid : (u32) t->pid == ctl.canary))
		canaries[kind]++;
}

/* Is this a child of the checking thread? There is one only while it checks. */
static __always_inline bool
is_canary(struct task_struct *t)
{
	return ctl.canary && (u32) t->real_parent->tgid == ctl.exclude[0].pid;
}

/* Does this thread belong to an excluded process? */
static __always_inline bool
is_excluded(struct task_struct *t)
{
	u32 pid = t->tgid, scanner = ctl.scanner;

	if (pid == ctl.exclude[0].pid)
		return BPF_CORE_READ(t, group_leader, start_boottime) == ctl.exclude[0].start;
	if (pid == ctl.exclude[1].pid)
		return BPF_CORE_READ(t, group_leader, start_boottime) == ctl.exclude[1].start;
	return (scanner && (pid == scanner || (u32) t->real_parent->tgid == scanner)) ||
	       is_canary(t);
}

/* The same, for a hook of that kind. */
static __always_inline bool
is_excluded_at(struct task_struct *t, u32 kind)
{
	if ((broken_kinds >> kind & 1) && bpf_get_smp_processor_id() == broken_cpu)
		return true;
	if (!is_excluded(t))
		return false;
	canary_seen(t, kind);
	return true;
}

/* The same, counted. */
static __always_inline bool
excluded(struct task_struct *t, u32 kind)
{
	if (!is_excluded_at(t, kind))
		return false;
	count(DRV_COUNT_EXCLUDED);
	return true;
}

#endif
