/* SPDX-License-Identifier: Apache-2.0 */
/* bpf_entries.c - attach and detach at the entries of system calls. */
#include "sensor/bpf_entries.h"
#include "common/descriptors.h"
#include "common/file.h"
#include "sensor/capture_table.h"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FDS_SPARED 512 /* descriptors left for everything else */

struct entry {
	struct entry *next; /* of the dropped ones */
	int link;
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

/* Give a hook an event on the other CPUs too, without a program: a kernel may look for an event on
 * the CPU before it runs the program. At most *room of those, which is reduced. */
static void
other_events(struct entry *en, uint64_t id, int ncpu, size_t *room)
{
	for (int cpu = 1; cpu < ncpu && *room != 0; cpu++) {
		int fd = point_open(id, cpu);

		if (fd < 0)
			continue; /* the CPU is offline */
		en->others[en->nothers++] = fd;
		--*room;
	}
}

static const char *
pin_name(size_t row, char out[16])
{
	(void) snprintf(out, 16, "%zu", row);
	return out;
}

/* Attach a program to a tracepoint: the kernel takes it from one event, for all CPUs. */
static int
point_attach(int prog, uint64_t id)
{
	int event = point_open(id, 0), link;

	if (event < 0)
		return event;
	link = bpf_link_create(prog, event, BPF_PERF_EVENT, NULL);
	if (link >= 0 && ioctl(event, PERF_EVENT_IOC_ENABLE, 0) < 0) {
		int r = -errno;

		(void) close(link);
		link = r;
	}
	(void) close(event); /* the link holds it */
	return link;
}

/* The hook of a row: one pinned by an earlier process if 'prog' is -1, or a new one. -ENOENT: it is
 * not pinned. */
static int
entry_attach(struct entries *e, int prog, size_t row, size_t *room)
{
	int ncpu = libbpf_num_possible_cpus();
	struct entry *en = calloc(1, sizeof(*en) + (size_t) MAX(ncpu, 1) * sizeof(*en->others));
	char name[16];

	if (en == NULL)
		return -ENOMEM;
	en->row = row;
	en->link = prog < 0 ? pin_get(e->pin, PIN_ENTRY, pin_name(row, name))
			    : point_attach(prog, e->points[row]);
	if (en->link < 0) {
		int r = en->link;

		free(en);
		return r;
	}
	other_events(en, e->points[row], ncpu, room);
	if (prog >= 0)
		pin_put(e->pin, PIN_ENTRY, pin_name(row, name), en->link);
	e->at[row] = en;
	return 0;
}

static void
entry_detach(struct entry *en)
{
	while (en->nothers > 0)
		(void) close(en->others[--en->nothers]);
	(void) close(en->link);
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

static size_t
fds_left(void)
{
	size_t used = descriptors_used() + FDS_SPARED, max = descriptors_max();

	return max > used ? max - used : 0;
}

void
entries_adopt(struct entries *e)
{
	size_t room = e->pin == NULL ? 0 : fds_left();

	for (size_t i = 0; e->pin != NULL && i < ncaptures; i++) {
		if (e->points[i] != 0 && entry_attach(e, -1, i, &room) < 0)
			continue; /* it was not wanted */
	}
}

int
entries_attach(struct entries *e, const struct progs *progs, const struct drv_control *wanted)
{
	size_t room = fds_left();

	for (size_t i = 0; i < ncaptures; i++) {
		unsigned nargs;
		char name[16];
		int r;

		if (e->points[i] == 0 || e->at[i] != NULL || !captures_entry_wanted(i, wanted))
			continue;
		e->at[i] = take_back(e, i);
		if (e->at[i] != NULL) {
			pin_put(e->pin, PIN_ENTRY, pin_name(i, name), e->at[i]->link);
			continue;
		}
		(void) captures_entry(i, &nargs);
		r = entry_attach(e, progs->fd[PROG_enter_1 + nargs - 1], i, &room);
		if (r < 0)
			return r;
	}
	return 0;
}

void
entries_pin(struct entries *e)
{
	char name[16];

	for (size_t i = 0; i < ncaptures; i++) {
		if (e->at[i] != NULL)
			pin_put(e->pin, PIN_ENTRY, pin_name(i, name), e->at[i]->link);
	}
}

/* Hand a hook to the thread; without a thread, wait here. */
static void
drop(struct entries *e, size_t i)
{
	struct entry *en = e->at[i];
	char name[16];
	bool running;

	e->at[i] = NULL;
	pin_drop(e->pin, PIN_ENTRY, pin_name(i, name));
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

bool
entries_busy(struct entries *e)
{
	bool running;

	if (!e->ready)
		return false;
	(void) pthread_mutex_lock(&e->lock);
	running = e->running;
	(void) pthread_mutex_unlock(&e->lock);
	return running;
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
			fds[n++] = e->at[i]->link;
	}
	(void) pthread_mutex_lock(&e->lock);
	if (e->closing != NULL && n < max)
		fds[n++] = e->closing->link;
	for (const struct entry *en = e->dropped; en != NULL && n < max; en = en->next)
		fds[n++] = en->link;
	(void) pthread_mutex_unlock(&e->lock);
	return n;
}
