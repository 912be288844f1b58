/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/snapshot.h"
#include "common/log.h"
#include "proto/schema.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_NS   (20 * NS_PER_MS)  /* delay while the node has no room */
#define RETRY_NS  (10 * NS_PER_S)   /* delay after no worker could begin */
#define STUCK_NS  NS_PER_S          /* silence after which a worker counts as stuck */
#define HASTE_NS  (100 * NS_PER_MS) /* the same, after STUCK_FEW stuck workers */
#define STUCK_FEW 8
#define LONG_NS   (10 * NS_PER_S) /* the same, for reads that cannot block on another process */

static void
end_worker(struct snapshot *s)
{
	if (s->fd >= 0)
		(void) close(s->fd);
	s->fd = -1;
	s->from = s->to = 0;
	s->stats.tasks += s->at.stats.tasks;
	s->stats.files += s->at.stats.files;
	s->stats.users += s->at.stats.users;
	s->stats.unreadable += s->at.stats.unreadable;
	s->at = (struct scan_note){ 0 };
}

void
snapshot_drop(struct snapshot *s)
{
	if (s->node != NULL)
		end_worker(s);
	s->node = NULL;
}

/* ---- workers ---- */

static int
begin_worker(struct snapshot *s)
{
	int tasks = s->src->iter(s->st, SOURCE_TASKS);
	int files = s->src->iter(s->st, SOURCE_FILES);
	int r = MIN(tasks, files);

	if (r >= 0)
		r = scanner_begin(s->scanner, &s->order, tasks, files);
	if (tasks >= 0)
		(void) close(tasks);
	if (files >= 0)
		(void) close(files);
	s->fd = r;
	return r;
}

/* Without workers the snapshot cannot continue: begin again a little later. */
static void
begin_again(struct snapshot *s, uint64_t now, const char *why)
{
	log_error("cannot make a snapshot of the processes: %s; trying again", why);
	end_worker(s);
	s->order = (struct scan_order){ 0 };
	s->next = now + RETRY_NS;
}

static void
worker_or_later(struct snapshot *s, uint64_t now)
{
	int r;

	if (s->order.step == 0 && s->order.mute == 0) { /* from the beginning */
		s->began = clock_boot();
		s->stats = (struct scan_stats){ 0 };
		node_snapshot_begin(s->node, s->id, s->began);
	}
	r = begin_worker(s);
	if (r < 0)
		begin_again(s, now, strerrordesc_np(-r));
	s->heard = now;
}

static void
say_stuck(struct snapshot *s, const struct scan_note *at)
{
	if (s->stuck++ >= STUCK_FEW)
		return;
	if (at->step < SCAN_TASKS)
		log_warn(
		    "the file system of host_root does not answer: the snapshot continues "
		    "without %s",
		    at->step == SCAN_USERS ? "etc/passwd" : "etc/group");
	else
		log_warn(
		    "process %u cannot be read (it may wait for a file system that "
		    "does not answer): the snapshot continues without its %s",
		    at->hdr.pid,
		    at->step == SCAN_TASKS ? "arguments and environment" : "descriptors");
}

/* The worker is stuck or has died. Skip what it was about to read, and let another read the
 * rest. */
static void
pass_stuck(struct snapshot *s, uint64_t now)
{
	const struct scan_note at = s->at;
	bool muted = s->order.mute == at.hdr.pid;
	struct scan_order o = { .step = (uint32_t) at.step, .pid = at.hdr.pid };

	if (at.step == SCAN_TASKS && !muted)
		o.mute = o.pid;
	else if (at.step >= SCAN_TASKS)
		o.pid++;
	else
		o.step++;
	say_stuck(s, &at);
	s->stats.unreadable++;
	end_worker(s);
	s->order = o;
	worker_or_later(s, now);
}

static uint64_t
patience(const struct snapshot *s)
{
	if (s->at.hdr.len == 0 || s->at.step == SCAN_FILES)
		return LONG_NS;
	return s->stuck < STUCK_FEW ? STUCK_NS : HASTE_NS;
}

/* ---- rows ---- */

static void
finish(struct snapshot *s, uint64_t now)
{
	end_worker(s);
	s->unreadable += s->stats.unreadable;
	log_debug(
	    "snapshot: %llu tasks, %llu descriptors, %llu users and groups, %llu unreadable, "
	    "%u times stuck",
	    (unsigned long long) s->stats.tasks, (unsigned long long) s->stats.files,
	    (unsigned long long) s->stats.users, (unsigned long long) s->stats.unreadable,
	    s->stuck);
	node_snapshot_end(s->node, now);
	s->node = NULL;
}

/* Return the next record; NULL with *r 0: not there yet; NULL with *r -errno: none will come. */
static const struct ev_hdr *
next_record(struct snapshot *s, uint64_t now, int *r)
{
	for (;;) {
		const struct ev_hdr *h = (const void *) (s->buf + s->from);
		size_t have = s->to - s->from;
		ssize_t n;

		*r = 0;
		if (have >= sizeof(*h) &&
		    (h->len < sizeof(*h) || h->len > EV_RECORD_MAX || h->len % 8))
			*r = -EBADMSG;
		else if (have >= sizeof(*h) && h->len <= have)
			return h;
		if (*r < 0)
			return NULL;
		memmove(s->buf, s->buf + s->from, have);
		s->from = 0;
		s->to = have;
		n = recv(s->fd, s->buf + have, sizeof(s->buf) - have, MSG_DONTWAIT);
		if (n <= 0) {
			*r = n == 0 ? -EPIPE : errno == EAGAIN || errno == EINTR ? 0 : -errno;
			return NULL;
		}
		s->to += (size_t) n;
		s->heard = now;
	}
}

/* 1: continue; 0: stop for now; -errno: give the worker up. */
static int
take(struct snapshot *s, const struct ev_hdr *h, uint64_t now)
{
	int r;

	if (h->type == 0) {
		if (h->len != sizeof(s->at))
			return -EBADMSG;
		memcpy(&s->at, h, sizeof(s->at));
		s->from += h->len;
		if (s->at.step != SCAN_DONE)
			return 1;
		finish(s, now);
		return 0;
	}
	r = record_check(h, h->len);
	if (r < 0)
		return r;
	if (h->ts >= s->src->emitted_to(s->st)) { /* older events must come first */
		s->heard = now;
		return 0;
	}
	if (containers_looks_at(h->type) && s->src->wants(s->st, EV_CONTAINER_INFO) &&
	    containers_see(s->containers, h, false) < 0) {
		s->heard = now;
		s->next = now + NS_PER_MS;
		return 0;
	}
	if (node_row(s->node, h) < 0)
		return 0;
	s->from += h->len;
	return 1;
}

uint64_t
snapshot_tick(struct snapshot *s, uint64_t now)
{
	int r = 1;

	if (s->node == NULL)
		return UINT64_MAX;
	if (now < s->next)
		return s->next;
	s->next = now + SNAPSHOT_SLICE_NS;
	if (s->fd < 0)
		worker_or_later(s, now);
	if (!node_wants_rows(s->node)) {
		s->heard = now;
		s->next = now + WAIT_NS;
		return s->next;
	}
	for (unsigned i = 0; r > 0 && s->fd >= 0 && i < SNAPSHOT_SLICE; i++) {
		const struct ev_hdr *h = next_record(s, now, &r);

		if (h != NULL)
			r = take(s, h, now);
	}
	if (s->node == NULL || s->fd < 0)
		return s->node == NULL ? UINT64_MAX : s->next;
	if (r < 0 && s->at.hdr.len == 0)
		begin_again(s, now, "the scanner process has ended");
	else if (r < 0 || (r == 0 && now > s->heard + patience(s)))
		pass_stuck(s, now);
	return s->next;
}

void
snapshot_begin(struct snapshot *s, struct node *n, uint64_t id, uint64_t now)
{
	snapshot_drop(s);
	containers_forget(s->containers);
	s->node = n;
	s->id = id;
	s->stuck = 0;
	s->order = (struct scan_order){ 0 };
	s->fd = -1;
	s->next = now;
}
