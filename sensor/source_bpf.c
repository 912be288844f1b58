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
#include "sensor/kernel_floor.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <mews_preemptible.skel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define RING_WAKE (64U << 10)       /* bytes in a ring that end a rest: an alert waits for them */
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
		    "CAP_PERFMON (in a container: privileged)");
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

/* Programs */

static int
fill_programs(struct source_state *s)
{
	static const char *const names[] = {
#define PROGRAM(name) #name,
#include "driver/captures.def"
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = bpf_program__fd(bpf_prog_of(s->skel->obj, "exit_", names[i]));
		uint32_t key = (uint32_t) i;

		if (bpf_map_update_elem(bpf_map__fd(s->skel->maps.exits), &key, &fd, BPF_ANY) != 0)
			return -errno;
	}
	return 0;
}

/* Choose the tracepoints of io_uring that this kernel has. Without them its operations are not
 * captured. */
static void
choose_uring(struct source_state *s)
{
	static const char *const submits[] = { "io_uring_submit_req", "io_uring_submit_sqe" };
	struct bpf_program *submit = s->skel->progs.on_uring_submit;
	struct utsname u;

	s->uring = false;
	for (size_t i = 0; i < ARRAY_SIZE(submits) && !s->uring; i++)
		s->uring = bpf_program__set_attach_target(submit, 0, submits[i]) == 0;
	if (uname(&u) != 0 || !kernel_uring_operands(u.release))
		s->uring = false;
	(void) bpf_program__set_autoload(submit, s->uring);
	(void) bpf_program__set_autoload(s->skel->progs.on_uring_complete, s->uring);
	(void) bpf_program__set_autoload(s->skel->progs.on_uring_overflow, s->uring);
	s->skel->rodata->uring_cqe = kernel_uring_cqe(u.release);
}

/* Open the skeleton, like mews_bpf__open(), with the object for this kernel: both objects have the
 * same maps and names. */
static int
skel_open(struct source_state *s)
{
	struct utsname u;
	struct mews_bpf *skel = calloc(1, sizeof(*skel));
	int r = skel == NULL ? -ENOMEM : mews_bpf__create_skeleton(skel);

	if (r == 0 && uname(&u) == 0 && kernel_preempts(u.release)) {
		struct bpf_object_skeleton *k = skel->skeleton;

		k->data = mews_preemptible_bpf__elf_bytes(&k->data_sz);
	}
	if (r == 0)
		r = bpf_object__open_skeleton(skel->skeleton, NULL);
	if (r < 0) {
		mews_bpf__destroy(skel);
		return r;
	}
	s->skel = skel;
	return 0;
}

static int
load(struct source_state *s)
{
	int r = skel_open(s);
	size_t bad;

	if (r < 0)
		return r;
	choose_uring(s);
	s->skel->rodata->ring_wake = (uint32_t) MIN(s->ring_bytes / 4, RING_WAKE);
	s->skel->rodata->broken_kinds = s->o.broken_kinds;
	s->skel->rodata->broken_cpu = s->o.broken_cpu;
	if (s->o.stashes_max != 0)
		s->skel->rodata->stashes_max = s->o.stashes_max;
	if (s->o.requests_max != 0)
		s->skel->rodata->shorts_max = s->o.requests_max;
	s->skel->rodata->page_kib = (uint32_t) (s->page / 1024);
	s->skel->bss->ctl.scanner = s->o.scanner_pid;
	r = captures_compile(&s->skel->rodata->table, &bad);
	if (r < 0) {
		log_error("driver/captures.def: the row of %s does not fit its event",
		    captures[bad].call);
		return r;
	}
	r = bpf_map__set_max_entries(s->skel->maps.scratches, s->ncpu);
	if (r == 0)
		r = bpf_map__set_max_entries(s->skel->maps.rings, s->ncpu);
	if (r == 0)
		r = mews_bpf__load(s->skel);
	if (r == 0)
		r = fill_programs(s);
	if (r == 0)
		bpf_forget_object(s);
	return r;
}

/* Create an iterator. The iterator holds the program, so the link can go. */
static int
bpf_iter(void *st, enum source_iter which)
{
	struct source_state *s = st;
	struct bpf_link *l = bpf_program__attach_iter(
	    which == SOURCE_TASKS ? s->skel->progs.each_task : s->skel->progs.each_file, NULL);
	int fd;

	if (l == NULL)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(l));
	if (fd < 0)
		fd = -errno;
	bpf_link__destroy(l);
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
				s->skel->bss->ctl.exclude[i] =
				    (struct drv_excluded){ t.start, t.pid };
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
	s->epoll_fd = s->wake_fd = -1;
	s->percpu = calloc((size_t) MAX(n, 1), sizeof(*s->percpu));
	s->drops = calloc(schema_nevents * DRV_CAUSE_MAX, sizeof(*s->drops));
	s->opened = true;
	if (s->percpu == NULL || s->drops == NULL || bpf_rings_new(s) < 0) {
		diag_set(d, 0, 0, "no memory");
		return -ENOMEM;
	}
	r = load(s);
	if (r == 0)
		r = bpf_rings_open(s);
	if (r == 0)
		r = exclude(s);
	if (r < 0)
		return load_failed(r, d);
	return bpf_attach_all(s, d);
}

static void
bpf_close(void *st)
{
	struct source_state *s = st;

	if (!s->opened)
		return;
	bpf_link__destroy(s->enter);
	if (s->o.leave)
		hooks_leave(&s->hooks);
	else
		hooks_detach(&s->hooks);
	mews_bpf__destroy(s->skel);
	bpf_rings_close(s);
	free(s->percpu);
	free(s->drops);
	memset(s, 0, sizeof(*s));
}

/* Running */

static int
bpf_set_interest(void *st, const struct interest *wanted)
{
	struct source_state *s = st;
	struct drv_control *ctl = &s->skel->bss->ctl;
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
	return r;
}

/* False, and *ret unchanged: the kernel refused. */
static bool
percpu_sum(struct source_state *s, const struct bpf_map *map, uint32_t key, uint64_t *ret)
{
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(map), &key, s->percpu) != 0)
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
	(void) percpu_sum(s, s->skel->maps.counts, DRV_COUNT_EXCLUDED, &ret->excluded);
	(void) percpu_sum(s, s->skel->maps.counts, DRV_COUNT_STASH, &ret->unstashed);
	(void) percpu_sum(s, s->skel->maps.counts, DRV_COUNT_REREAD, &ret->reread);
}

/*
 * Count how often the kernel skipped a program because it was already running on that CPU, for a
 * thread preempted meanwhile. A skipped run need not have captured anything.
 */
static uint64_t
missed(const struct source_state *s)
{
	const struct bpf_program *const progs[] = { s->skel->progs.on_sys_exit,
		s->skel->progs.on_fork, s->skel->progs.on_exec, s->skel->progs.on_exit };
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(progs); i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(progs[i]), &info, &size) == 0)
			sum += info.recursion_misses;
	}
	return sum;
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
			all &= percpu_sum(
			    s, s->skel->maps.drops, type * (uint32_t) DRV_CAUSE_MAX + c, &d->count);
			s->ndrops++;
		}
	}
	if (!all)
		__atomic_store_n(&s->skel->bss->ctl.dropped, 1, __ATOMIC_SEQ_CST);
}

static void
bpf_drops(void *st, source_drop_fn *fn, void *arg)
{
	struct source_state *s = st;
	uint64_t now = clock_boot();

	if (now - s->missed_at >= MISSED_NS) {
		s->missed_at = now;
		s->missed = missed(s);
	}
	if (s->missed > 0)
		fn(arg, 0, DROP_MISSED, s->missed);
	if (__atomic_exchange_n(&s->skel->bss->ctl.dropped, 0, __ATOMIC_SEQ_CST) != 0)
		read_drops(s);
	for (size_t i = 0; i < s->ndrops; i++) {
		if (s->drops[i].count > 0)
			fn(arg, (uint16_t) s->drops[i].type, (uint16_t) s->drops[i].cause,
			    s->drops[i].count);
	}
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
	.canary = bpf_canary,
	.emitted_to = bpf_emitted_to,
	.iter = bpf_iter,
	.close = bpf_close,
};
