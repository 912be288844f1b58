/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_attach.c - attach the capture programs.
 *
 * Each call whose arguments could change before its exit has a tracepoint at its entry. Its number
 * comes from tracefs, which may not be mounted.
 */
#include "common/descriptors.h"
#include "common/file.h"
#include "common/log.h"
#include "sensor/bpf_int.h"
#include "sensor/capture_table.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FDS_SPARED 512 /* descriptors left for everything else */

static int
attach_failed(const char *hook, int r, struct diag *d)
{
	diag_set(d, 0, 0,
	    "cannot attach to %s: %s; does another tool hold it, or is the kernel locked down?",
	    hook, strerrordesc_np(-r));
	return r;
}

static int
link_add(struct hooks *h, struct bpf_link *l)
{
	if (l == NULL)
		return -errno;
	h->links[h->n++] = l;
	return 0;
}

/* Open the root of tracefs, with a detached mount if it is not mounted. */
static int
tracefs_open(void)
{
	int fs, fd = open("/sys/kernel/tracing/events/syscalls", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return open("/sys/kernel/tracing", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	fs = fsopen("tracefs", FSOPEN_CLOEXEC);
	if (fs < 0)
		return -errno;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fd < 0)
		fd = -errno;
	close(fs);
	return fd;
}

static int
tracepoint_id(int tracefs, const char *call, uint64_t *ret)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	char path[96];
	int r;

	(void) snprintf(path, sizeof(path), "events/syscalls/sys_enter_%s/id", call);
	r = file_read_at(tracefs, path, 64, &text);
	if (r < 0)
		return r;
	if (text.n == 0)
		return -EIO;
	*ret = strtoull(text.p, NULL, 10);
	return 0;
}

/* Open an event of a tracepoint on one CPU. */
static int
point_open(uint64_t id, int cpu)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = id,
		.sample_period = 1,
		.wakeup_events = 1 };
	long fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int) fd;
}

/* Attach a program to a call's tracepoint: the kernel takes it from one event, for all CPUs. */
static int
attach_enter_point(
    struct hooks *h, const struct bpf_program *p, int tracefs, const char *call, uint64_t *id)
{
	int r = tracepoint_id(tracefs, call, id), fd;

	if (r < 0)
		return r;
	fd = point_open(*id, 0);
	if (fd < 0)
		return fd;
	r = link_add(h, bpf_program__attach_perf_event(p, fd));
	if (r < 0)
		close(fd);
	return r;
}

/*
 * Give each tracepoint an event on the other CPUs too, without a program: a kernel may look for an
 * event on the CPU before it runs the program. As many as there are descriptors to spare.
 */
static void
cover_cpus(struct hooks *h, const uint64_t *ids, size_t n)
{
	int ncpu = libbpf_num_possible_cpus();
	uint64_t used = descriptors_used() + FDS_SPARED, max = descriptors_max();
	size_t room = max > used ? max - used : 0;

	if (ncpu < 2)
		return;
	h->others = calloc(n * (size_t) ncpu, sizeof(*h->others));
	for (int cpu = 1; cpu < ncpu && h->others != NULL; cpu++) {
		for (size_t i = 0; i < n && h->nothers < room; i++) {
			int fd = point_open(ids[i], cpu);

			if (fd < 0)
				break; /* the CPU is offline */
			h->others[h->nothers++] = fd;
		}
	}
}

struct bpf_program *
bpf_prog_of(const struct bpf_object *obj, const char *prefix, const char *name)
{
	char full[64];

	(void) snprintf(full, sizeof(full), "%s%s", prefix, name);
	return bpf_object__find_program_by_name(obj, full);
}

int
hooks_attach_enters(struct hooks *h, const struct bpf_object *obj)
{
	unsigned before = h->n;
	int tracefs = tracefs_open(), r = 0;
	uint64_t ids[DRV_CAPTURE_MAX / 2] = { 0 };

	if (tracefs < 0)
		return tracefs;
	for (size_t i = 0; i < ncaptures && r == 0; i++) {
		unsigned nargs;
		const char *entry = captures_entry(i, &nargs);

		if (entry == NULL)
			continue;
		r = attach_enter_point(h,
		    bpf_prog_of(obj, "enter_", (char[]){ (char) ('0' + nargs), 0 }), tracefs, entry,
		    &ids[h->n - before]);
		if (r == -ENOENT) /* this kernel has no such call, or no tracepoint for it */
			r = 0;
	}
	close(tracefs);
	if (r == 0 && h->n == before)
		return -ENOENT; /* not a single one */
	while (r < 0 && h->n > before)
		bpf_link__destroy(h->links[--h->n]);
	if (r == 0)
		cover_cpus(h, ids, h->n - before);
	return r;
}

int
hooks_attach(struct hooks *h, const struct bpf_object *obj, struct diag *d)
{
	static const struct {
		const char *hook, *prog;
		bool optional;
	} rows[] = {
		{ "sys_exit", "sys_exit", false },
		{ "sched_process_fork", "fork", false },
		{ "sched_process_exec", "exec", false },
		{ "sched_process_exit", "exit", false },
		{ "signal_deliver", "signal", false },
		{ "io_uring_complete", "uring_complete", true },
		{ "io_uring_cqe_overflow", "uring_overflow", true },
		{ "io_uring_submit_req", "uring_submit", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bpf_program *p = bpf_prog_of(obj, "on_", rows[i].prog);
		int r;

		if (rows[i].optional && (p == NULL || !bpf_program__autoload(p)))
			continue;
		r = link_add(h, bpf_program__attach(p));

		if (r < 0)
			return attach_failed(rows[i].hook, r, d);
	}
	return 0;
}

void
hooks_detach(struct hooks *h)
{
	while (h->nothers > 0)
		(void) close(h->others[--h->nothers]);
	free(h->others);
	h->others = NULL;
	while (h->n > 0)
		bpf_link__destroy(h->links[--h->n]);
}

/* In a child: close everything but the links and 'until', so that nobody waits for our pipes and
 * sockets; then wait for the end of 'until'. Only async-signal-safe calls. */
static void
keep_links(const struct hooks *h, int until)
{
	int last = until;
	char c;

	for (unsigned i = 0; i < h->n; i++)
		last = MAX(last, bpf_link__fd(h->links[i]));
	for (int fd = 0; fd < last; fd++) {
		unsigned i = 0;

		while (i < h->n && bpf_link__fd(h->links[i]) != fd)
			i++;
		if (i == h->n && fd != until)
			(void) close(fd);
	}
	(void) close_range((unsigned) last + 1, ~0U, 0);
	while (read(until, &c, 1) < 0 && errno == EINTR)
		;
}

void
hooks_leave(struct hooks *h)
{
	pid_t child = -1;
	int end[2] = { -1, -1 };

	if (pipe2(end, O_CLOEXEC) == 0) {
		child = _Fork();
		if (child == 0) {
			if (_Fork() == 0)
				keep_links(h, end[0]);
			_exit(0); /* closes the links last: the kernel removes the hooks */
		}
		(void) close(end[0]);
	}
	if (child > 0)
		(void) waitpid(child, NULL, 0);
	hooks_detach(h);
	if (end[1] >= 0)
		(void) close(end[1]);
}

int
bpf_attach_enter_all(struct source_state *s)
{
	if (s->enter != NULL)
		return 0;
	s->enter = bpf_program__attach(s->skel->progs.on_sys_enter);
	return s->enter == NULL ? -errno : 0;
}

int
bpf_attach_all(struct source_state *s, struct diag *d)
{
	int r = hooks_attach(&s->hooks, s->skel->obj, d);

	if (r < 0)
		return r;
	r = hooks_attach_enters(&s->hooks, s->skel->obj);
	if (r < 0) {
		log_warn(
		    "cannot attach to the entries of single system calls (%s): falling back to a "
		    "hook on all entries, which slows every system call of the machine; "
		    "run as root, with tracefs",
		    strerrordesc_np(-r));
		s->skel->bss->ctl.enter_native = 1;
		r = bpf_attach_enter_all(s);
		if (r < 0)
			return attach_failed("sys_enter", r, d);
	}
	return 0;
}
