/* SPDX-License-Identifier: Apache-2.0 */
/* bpf_entries.c - attach and detach at the entries of system calls. */
#include "sensor/bpf_entries.h"
#include "common/descriptors.h"
#include "common/file.h"
#include "sensor/capture_table.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FDS_SPARED 512 /* descriptors left for everything else */

struct entry {
	struct entry *next; /* of the dropped ones */
	struct bpf_link *link;
	int fd; /* of the link */
	size_t row;
	size_t nothers;
	int others[]; /* events on the other CPUs, without a program */
};

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
	*ret = strtoull(text.n == 0 ? "" : text.p, NULL, 10);
	return *ret == 0 ? -EIO : 0;
}

int
entries_find(struct entries *e)
{
	int tracefs = tracefs_open(), r = 0;
	unsigned nargs, found = 0;

	if (!e->ready)
		e->ready = pthread_mutex_init(&e->lock, NULL) == 0 &&
			   pthread_cond_init(&e->closed, NULL) == 0;
	if (tracefs < 0)
		return tracefs;
	for (size_t i = 0; i < ncaptures && r == 0; i++) {
		const char *call = captures_entry(i, &nargs);

		if (call == NULL)
			continue;
		r = tracepoint_id(tracefs, call, &e->points[i]);
		found += r == 0;
		if (r == -ENOENT) /* this kernel has no such call, or no tracepoint for it */
			r = 0;
	}
	close(tracefs);
	return r == 0 && found == 0 ? -ENOENT : r;
}

struct bpf_program *
bpf_prog_of(const struct bpf_object *obj, const char *prefix, const char *name)
{
	char full[64];

	(void) snprintf(full, sizeof(full), "%s%s", prefix, name);
	return bpf_object__find_program_by_name(obj, full);
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

/*
 * Attach a program to a tracepoint: the kernel takes it from one event, for all CPUs. Give it an
 * event on the other CPUs too, without a program: a kernel may look for an event on the CPU before
 * it runs the program. At most *room of those, which is reduced.
 */
static int
entry_attach(const struct bpf_program *p, uint64_t id, size_t row, size_t *room, struct entry **ret)
{
	int ncpu = libbpf_num_possible_cpus(), first = point_open(id, 0);
	struct entry *en;

	if (first < 0)
		return first;
	en = calloc(1, sizeof(*en) + (size_t) MAX(ncpu, 1) * sizeof(*en->others));
	if (en == NULL || (en->link = bpf_program__attach_perf_event(p, first)) == NULL) {
		int r = en == NULL ? -ENOMEM : -MAX(errno, 1);

		close(first);
		free(en);
		return r;
	}
	en->row = row;
	en->fd = bpf_link__fd(en->link);
	for (int cpu = 1; cpu < ncpu && *room != 0; cpu++) {
		int fd = point_open(id, cpu);

		if (fd < 0)
			continue; /* the CPU is offline */
		en->others[en->nothers++] = fd;
		--*room;
	}
	*ret = en;
	return 0;
}

static void
entry_detach(struct entry *en)
{
	while (en->nothers > 0)
		(void) close(en->others[--en->nothers]);
	bpf_link__destroy(en->link);
}

void
entry_free(struct entry *en)
{
	if (en != NULL)
		entry_detach(en);
	free(en);
}

/* Take the next dropped hook, and forget the one that was detached; NULL: there is none, and the
 * thread ends. */
static struct entry *
next_dropped(struct entries *e)
{
	struct entry *next;

	(void) pthread_mutex_lock(&e->lock);
	free(e->closing);
	next = e->closing = e->dropped;
	if (next != NULL)
		e->dropped = next->next;
	e->running = next != NULL;
	(void) pthread_cond_signal(&e->closed);
	(void) pthread_mutex_unlock(&e->lock);
	return next;
}

static void *
detach_dropped(void *arg)
{
	struct entry *en;

	while ((en = next_dropped(arg)) != NULL)
		entry_detach(en);
	return NULL;
}

/* A hook of that row that was dropped, and is not being detached; NULL: none. The kernel refuses
 * a program that is still attached there: if it is being detached, wait. */
static struct entry *
take_back(struct entries *e, size_t row)
{
	struct entry **at = &e->dropped, *ret;

	(void) pthread_mutex_lock(&e->lock);
	while (*at != NULL && (*at)->row != row)
		at = &(*at)->next;
	ret = *at;
	if (ret != NULL)
		*at = ret->next;
	while (e->closing != NULL && e->closing->row == row)
		(void) pthread_cond_wait(&e->closed, &e->lock);
	(void) pthread_mutex_unlock(&e->lock);
	return ret;
}

int
entries_attach(struct entries *e, const struct bpf_object *obj, const struct drv_control *wanted)
{
	size_t used = descriptors_used() + FDS_SPARED, max = descriptors_max();
	size_t room = max > used ? max - used : 0;

	for (size_t i = 0; i < ncaptures; i++) {
		unsigned nargs;
		int r;

		if (e->points[i] == 0 || e->at[i] != NULL || !captures_entry_wanted(i, wanted))
			continue;
		e->at[i] = take_back(e, i);
		if (e->at[i] != NULL)
			continue;
		(void) captures_entry(i, &nargs);
		r = entry_attach(bpf_prog_of(obj, "enter_", (char[]){ (char) ('0' + nargs), 0 }),
		    e->points[i], i, &room, &e->at[i]);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Hand a hook to the thread; without a thread, wait here. */
static void
drop(struct entries *e, size_t i)
{
	struct entry *en = e->at[i];
	bool running;

	e->at[i] = NULL;
	(void) pthread_mutex_lock(&e->lock);
	running = e->running;
	en->next = e->dropped;
	e->dropped = en;
	e->running = true;
	(void) pthread_mutex_unlock(&e->lock);
	if (running)
		return;
	entries_wait(e);
	e->started = pthread_create(&e->thread, NULL, detach_dropped, e) == 0;
	if (!e->started)
		(void) detach_dropped(e);
}

void
entries_drop(struct entries *e, const struct drv_control *wanted)
{
	for (size_t i = 0; i < ncaptures; i++) {
		if (e->at[i] != NULL && !captures_entry_wanted(i, wanted))
			drop(e, i);
	}
}

void
entries_wait(struct entries *e)
{
	if (e->started)
		(void) pthread_join(e->thread, NULL);
	e->started = false;
}

void
entries_detach(struct entries *e)
{
	if (!e->ready)
		return;
	for (size_t i = 0; i < ncaptures; i++) {
		entry_free(e->at[i]);
		e->at[i] = NULL;
	}
	entries_wait(e);
	(void) pthread_mutex_destroy(&e->lock);
	(void) pthread_cond_destroy(&e->closed);
	e->ready = false;
}

unsigned
entries_count(const struct entries *e)
{
	unsigned n = 0;

	for (size_t i = 0; i < ncaptures; i++)
		n += e->at[i] != NULL;
	return n;
}

size_t
entries_fds(struct entries *e, int *fds, size_t max)
{
	size_t n = 0;

	if (!e->ready)
		return 0;
	for (size_t i = 0; i < ncaptures && n < max; i++) {
		if (e->at[i] != NULL)
			fds[n++] = e->at[i]->fd;
	}
	(void) pthread_mutex_lock(&e->lock);
	if (e->closing != NULL && n < max)
		fds[n++] = e->closing->fd;
	for (const struct entry *en = e->dropped; en != NULL && n < max; en = en->next)
		fds[n++] = en->fd;
	(void) pthread_mutex_unlock(&e->lock);
	return n;
}
