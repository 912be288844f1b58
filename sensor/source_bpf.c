/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_bpf.c - the kernel's events: load driver/bpf, attach it, read its rings.
 */
#include "common/clock.h"
#include "common/log.h"
#include "proto/schema.h"
#include "proto/wire.h"
#include "sensor/bpf_int.h"
#include "sensor/capture_table.h"
#include "sensor/hole.h"
#include "sensor/kernel_floor.h"
#include "sensor/lost.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <mews_preemptible.skel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Of the largest per-CPU value. */
#define VALUE_WORDS (sizeof(struct drv_hole) / sizeof(uint64_t))

#define MISSED_NS (100 * NS_PER_MS) /* between two reads of the skipped runs */

static int
quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void) level;
	(void) fmt;
	(void) ap;
	return 0;
}

/* Check for missing requirements first: the kernel's own errors are less clear. */
static int
check_host(struct diag *d)
{
	struct utsname u;
	int r = uname(&u) == 0 ? kernel_check(u.release, d) : 0;

	if (r < 0)
		return r;
	if (r > 0)
		log_warn("%s", d->msg);
	if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
		diag_set(d, 0, 0,
		    "this kernel has no type information (/sys/kernel/btf/vmlinux is missing): use "
		    "one "
		    "built "
		    "with CONFIG_DEBUG_INFO_BTF=y, and mount /sys if it is not");
		return -ENOENT;
	}
	return 0;
}

static int
load_failed(int r, struct diag *d)
{
	if (r == -EPERM) { /* EACCES comes from the verifier: a program it rejects */
		diag_set(d, 0, 0,
		    "the kernel refuses eBPF to this process: run as root, or with CAP_BPF and "
		    "CAP_PERFMON; in a container its seccomp profile must allow bpf and "
		    "perf_event_open (seccomp=unconfined)");
	} else if (r == -ENOMEM) {
		diag_set(d, 0, 0,
		    "no memory for the rings: lower the ring size, or raise the memlock limit "
		    "(LimitMEMLOCK=infinity)");
	} else {
		diag_set(
		    d, 0, 0, "this kernel rejects the capture programs: %s", strerrordesc_np(-r));
	}
	return r;
}

/* Create an iterator. The iterator holds the program, so the link can go. */
static int
bpf_iter(void *st, enum source_iter which)
{
	struct source_state *s = st;
	enum prog prog = which == SOURCE_TASKS ? PROG_each_task : PROG_each_file;
	int link = bpf_link_create(s->progs.fd[prog], 0, BPF_TRACE_ITER, NULL), fd;

	if (link < 0)
		return link;
	fd = bpf_iter_create(link);
	(void) close(link);
	return fd;
}

/* Find the start times of the excluded processes: with the pid they identify them to the kernel
 * side. */
static int
exclude(struct source_state *s)
{
	uint32_t pids[2] = { (uint32_t) getpid(), s->o.exclude_pid };
	int fd = bpf_iter(s, SOURCE_TASKS);
	struct drv_task t;
	ssize_t n = fd;

	while (n >= 0 && (n = read(fd, &t, sizeof(t))) == (ssize_t) sizeof(t)) {
		for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
			if (t.tid == pids[i] && t.pid == pids[i])
				s->vars->ctl.exclude[i] = (struct drv_excluded){ t.start, t.pid };
		}
	}
	if (fd >= 0) {
		n = n < 0 ? -errno : 0;
		(void) close(fd);
	}
	return (int) n;
}

static int
bpf_open(void *st, const struct source_opts *o, struct diag *d)
{
	struct source_state *s = st;
	int n = libbpf_num_possible_cpus(), r = check_host(d);

	if (r < 0)
		return r;
	libbpf_set_print(quiet);
	s->o = *o;
	s->ncpu = n < 1 ? 1 : n > DRV_CPU_MAX ? DRV_CPU_MAX : (unsigned) n;
	s->page = (size_t) sysconf(_SC_PAGESIZE);
	s->epoll_fd = s->wake_fd = s->enter = -1;
	progs_init(&s->progs);
	s->percpu = calloc((size_t) MAX(n, 1) * VALUE_WORDS, sizeof(*s->percpu));
	s->drops = calloc(schema_nevents * DRV_CAUSE_MAX, sizeof(*s->drops));
	s->opened = true;
	if (s->percpu == NULL || s->drops == NULL || bpf_rings_new(s) < 0) {
		diag_set(d, 0, 0, "no memory");
		return -ENOMEM;
	}
	r = bpf_load(s);
	if (r == 0)
		r = exclude(s);
	if (r == 0)
		r = bpf_rings_open(s);
	if (r < 0)
		return load_failed(r, d);
	r = bpf_attach_all(s, d);
	if (r == 0)
		bpf_pin_all(s);
	return r;
}

static void
bpf_close(void *st)
{
	struct source_state *s = st;

	if (!s->opened)
		return;
	if (s->enter >= 0)
		(void) close(s->enter);
	if (s->o.leave)
		hooks_leave(&s->hooks);
	else
		hooks_detach(&s->hooks);
	bpf_unload(s);
	bpf_rings_close(s);
	pin_close(s->pin);
	free(s->percpu);
	free(s->drops);
	memset(s, 0, sizeof(*s));
}

/* Running */

static int
bpf_set_interest(void *st, const struct interest *wanted)
{
	struct source_state *s = st;
	struct drv_control *ctl = &s->vars->ctl;
	struct drv_control new = { 0 };
	int r;

	memcpy(new.events, wanted->events.w, sizeof(wanted->events.w));
	memcpy(new.lean, wanted->lean, sizeof(wanted->lean));
	memcpy(new.quiet, wanted->quiet, sizeof(wanted->quiet));
	captures_wanted(&new, &wanted->events);
	r = bpf_attach_entries(s, &new);
	for (unsigned i = 0; i < ARRAY_SIZE(new.any); i++) {
		__atomic_store_n(&ctl->events[i], new.events[i], __ATOMIC_RELAXED);
		__atomic_store_n(&ctl->lean[i], new.lean[i], __ATOMIC_RELAXED);
		__atomic_store_n(&ctl->quiet[i], new.quiet[i], __ATOMIC_RELAXED);
		__atomic_store_n(&ctl->calls[0][i], new.calls[0][i], __ATOMIC_RELAXED);
		__atomic_store_n(&ctl->calls[1][i], new.calls[1][i], __ATOMIC_RELAXED);
		__atomic_store_n(&ctl->any[i], new.any[i], __ATOMIC_RELAXED);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(new.within); i++)
		__atomic_store_n(&ctl->within[i], new.within[i], __ATOMIC_RELAXED);
	bpf_detach_entries(s, &new);
	bpf_pins_of_others(s);
	return r;
}

/* False, and *ret unchanged: the kernel refused. */
static bool
percpu_sum(struct source_state *s, const char *map, uint32_t key, uint64_t *ret)
{
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(bpf_driver_map(s, map), &key, s->percpu) != 0)
		return false;
	for (unsigned i = 0; i < s->ncpu; i++)
		sum += s->percpu[i];
	*ret = sum;
	return true;
}

static void
bpf_stats(void *st, struct source_stats *ret)
{
	struct source_state *s = st;

	*ret = s->rings.stats;
	ret->silences = s->silences;
	(void) percpu_sum(s, "counts", DRV_COUNT_EXCLUDED, &ret->excluded);
	(void) percpu_sum(s, "counts", DRV_COUNT_STASH, &ret->unstashed);
	(void) percpu_sum(s, "counts", DRV_COUNT_REREAD, &ret->reread);
}

/*
 * Count how often the kernel skipped a program because it was already running on that CPU, for a
 * thread preempted meanwhile. A skipped run need not have captured anything.
 */
static uint64_t
missed(const struct source_state *s)
{
	static const enum prog progs[] = { PROG_on_sys_exit, PROG_on_fork, PROG_on_exec,
		PROG_on_exit };
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(progs); i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(s->progs.fd[progs[i]], &info, &size) == 0)
			sum += info.recursion_misses;
	}
	return sum;
}

/* The newest hole of all CPUs together: those without a pause between them are one. */
static void
read_hole(struct source_state *s, uint32_t cause)
{
	const struct drv_hole *of = (const struct drv_hole *) s->percpu;
	struct drv_hole all = { .last = 0 };
	bool grown = true;

	if (bpf_map_lookup_elem(bpf_driver_map(s, "holes"), &cause, s->percpu) != 0)
		return;
	for (unsigned i = 0; i < s->ncpu; i++) {
		if (of[i].last > all.last)
			all = of[i];
	}
	while (grown) {
		grown = false;
		for (unsigned i = 0; i < s->ncpu; i++) {
			if (of[i].first >= all.first || of[i].last + DRV_HOLE_NS < all.first ||
			    of[i].last == 0)
				continue;
			all.first = of[i].first;
			grown = true;
		}
	}
	s->holes[cause] = all;
}

/* Read the counters of all events: a system call for each, so only after one of them changed. One
 * that cannot be read keeps its last count, and all are read again the next time. */
static void
read_drops(struct source_state *s)
{
	bool all = true;

	s->ndrops = 0;
	for (size_t i = 0; i < schema_nevents; i++) {
		uint32_t type = schema_events[i].num;

		for (uint32_t c = DROP_RING_FULL; c < DRV_CAUSE_MAX; c++) {
			struct drop_count *d = &s->drops[s->ndrops];

			if (schema_events[i].capture == CAP_NOT)
				continue;
			d->type = type;
			d->cause = c;
			all &=
			    percpu_sum(s, "drops", type * (uint32_t) DRV_CAUSE_MAX + c, &d->count);
			s->ndrops++;
		}
	}
	for (uint32_t c = DROP_RING_FULL; c < DRV_CAUSE_MAX; c++)
		read_hole(s, c);
	if (!all)
		__atomic_store_n(&s->vars->ctl.dropped, 1, __ATOMIC_SEQ_CST);
}

/* Runs that the kernel skipped since the last look. */
static void
note_missed(struct source_state *s, uint64_t sum, uint64_t now)
{
	uint64_t before = s->missed_at == 0 ? now : s->missed_at;

	if (sum > s->missed)
		hole_add(&s->holes[DROP_MISSED], (struct drv_hole){ before, now });
	s->missed = sum;
	s->missed_at = now;
}

static void
bpf_drops(void *st, source_drop_fn *fn, void *arg)
{
	struct source_state *s = st;
	const struct lost_kept *unread = bpf_unread(s);
	uint64_t now = clock_boot();

	if (now - s->missed_at >= MISSED_NS)
		note_missed(s, missed(s), now);
	if (s->missed > 0)
		fn(arg, 0, DROP_MISSED, s->missed);
	if (__atomic_exchange_n(&s->vars->ctl.dropped, 0, __ATOMIC_SEQ_CST) != 0)
		read_drops(s);
	for (size_t i = 0; i < s->ndrops; i++) {
		if (s->drops[i].count > 0)
			fn(arg, (uint16_t) s->drops[i].type, (uint16_t) s->drops[i].cause,
			    s->drops[i].count);
	}
	for (uint16_t i = 0; unread != NULL && i < EV_TYPE_MAX; i++) {
		if (unread->events[i] > 0)
			fn(arg, i, DROP_UNREAD, unread->events[i]);
	}
}

static void
bpf_holes(void *st, struct drv_hole ret[DROP_CAUSES])
{
	const struct source_state *s = st;
	const struct lost_kept *unread = bpf_unread(s);

	memcpy(ret, s->holes, sizeof(s->holes));
	if (unread != NULL)
		ret[DROP_UNREAD] = unread->hole;
}

static bool
bpf_wants(void *st, unsigned type)
{
	const struct source_state *s = st;

	return type < EV_TYPE_MAX && (s->vars->ctl.events[type / 64] >> (type % 64) & 1) != 0;
}

static bool
bpf_filling(void *st)
{
	const struct source_state *s = st;

	return rings_filling(&s->rings);
}

static uint64_t
bpf_emitted_to(void *st)
{
	const struct source_state *s = st;

	return s->rings.emitted_to;
}

const struct source_ops source_bpf = {
	.name = "bpf",
	.state_size = sizeof(struct source_state),
	.open = bpf_open,
	.set_interest = bpf_set_interest,
	.poll = bpf_poll,
	.wake = bpf_wake,
	.stats = bpf_stats,
	.drops = bpf_drops,
	.holes = bpf_holes,
	.canary = bpf_canary,
	.unsettled = bpf_unsettled,
	.wants = bpf_wants,
	.filling = bpf_filling,
	.emitted_to = bpf_emitted_to,
	.iter = bpf_iter,
	.past = bpf_past,
	.resume = bpf_resume,
	.mark = bpf_mark,
	.account = bpf_account,
	.losses = bpf_losses,
	.settle = bpf_settle,
	.crowded = bpf_crowded,
	.kept = bpf_kept,
	.unpin = bpf_unpin,
	.close = bpf_close,
};
