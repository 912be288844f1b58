/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.c - the scan as parts of a message, and the thread that it runs on. What becomes of one
 * process is in snapshot_proc.c. */
#include "sensor/snapshot.h"
#include "common/clock.h"
#include "sensor/message.h"
#include "sensor/snapshot_int.h"
#include "sensor/users.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct snapshot {
	struct snap_cfg cfg;
	struct snap_tasks tasks;
	struct link_parts parts;
	struct snap_stats stats;
	pthread_t thread;
	_Atomic bool ready;
	void (*wake)(void *arg);
	void *arg;
};

int
snap_tasks_add(void *tasks, const struct drv_task *t)
{
	struct snap_tasks *v = tasks;

	if (v->n == v->cap) {
		size_t cap = v->cap == 0 ? 1024 : v->cap * 2;
		struct drv_task *p = realloc(v->v, cap * sizeof(*p));

		if (p == NULL)
			return -ENOMEM;
		v->v = p;
		v->cap = cap;
	}
	v->v[v->n++] = *t;
	return 0;
}

void
snap_tasks_fini(struct snap_tasks *t)
{
	free(t->v);
	*t = (struct snap_tasks){ 0 };
}

/* ---- parts ---- */

/* Close the part being gathered, also an empty one. */
static int
close_part(struct scan *s, bool last)
{
	Wire__Snapshot w = WIRE__SNAPSHOT__INIT;
	Wire__Request rq = WIRE__REQUEST__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	struct buf *v = realloc(s->parts.v, (s->parts.n + 1) * sizeof(*v));
	int r;

	if (v == NULL)
		return -ENOMEM;
	s->parts.v = v;
	v[s->parts.n] = (struct buf) BUF_INIT;
	r = batch_enc_finish(s->enc, s->cfg->compression, &s->data, &body);
	w.id = s->cfg->id;
	w.part = (uint32_t) s->parts.n;
	w.last = last;
	w.boot_ns = clock_boot();
	w.real_ns = clock_real();
	w.body = &body;
	rq.body_case = WIRE__REQUEST__BODY_SNAPSHOT;
	rq.snapshot = &w;
	if (r == 0)
		r = message_pack(&rq, &v[s->parts.n]);
	if (r < 0)
		return r;
	s->parts.n++;
	return 0;
}

int
scan_add(struct scan *s)
{
	const struct ev_hdr *rec = rec_end(&s->rec);
	int r = 0;

	if (batch_enc_events(s->enc) > 0 && batch_enc_bytes(s->enc) + rec->len > s->cfg->part_bytes)
		r = close_part(s, false);
	if (r == 0)
		r = batch_enc_add(s->enc, rec);
	if (r == -ENOSPC) {
		r = close_part(s, false);
		if (r == 0)
			r = batch_enc_add(s->enc, rec);
	}
	return r;
}

/* ---- users and groups ---- */

static int
add_user(struct scan *s, struct slice line)
{
	struct user_line u;

	if (!user_parse(line, &u))
		return 0;
	rec_begin(&s->rec, EV_USERADDED, clock_boot(), 0, 0, 0);
	rec_num(&s->rec, EVP_USERADDED_uid, u.uid);
	rec_num(&s->rec, EVP_USERADDED_gid, u.gid);
	rec_text(&s->rec, EVP_USERADDED_name, u.name);
	rec_text(&s->rec, EVP_USERADDED_home, u.home);
	rec_text(&s->rec, EVP_USERADDED_shell, u.shell);
	rec_text(&s->rec, EVP_USERADDED_container_id, SLICE(""));
	s->stats.users++;
	return scan_add(s);
}

static int
add_group(struct scan *s, struct slice line)
{
	struct slice name;
	uint32_t gid;

	if (!group_parse(line, &name, &gid))
		return 0;
	rec_begin(&s->rec, EV_GROUPADDED, clock_boot(), 0, 0, 0);
	rec_num(&s->rec, EVP_GROUPADDED_gid, gid);
	rec_text(&s->rec, EVP_GROUPADDED_name, name);
	rec_text(&s->rec, EVP_GROUPADDED_container_id, SLICE(""));
	s->stats.users++;
	return scan_add(s);
}

static int
scan_lines(struct scan *s, const char *path, int (*add)(struct scan *s, struct slice line))
{
	int fd = open(s->cfg->host_root, O_PATH | O_DIRECTORY | O_CLOEXEC), r;
	struct buf text = BUF_INIT;
	struct slice rest, line;

	r = fd < 0 ? -errno : proc_file(fd, path, USERS_MAX, &text);
	if (fd >= 0)
		(void) close(fd);
	if (r < 0 && r != -ENOMEM) {
		s->stats.unreadable++;
		r = 0;
	}
	rest = buf_get(&text);
	while (r == 0 && line_next(&rest, &line))
		r = add(s, line);
	buf_fini(&text);
	return r;
}

/* ---- the whole ---- */

static int
by_group(const void *a, const void *b)
{
	const struct drv_task *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	if ((x->tid == x->pid) != (y->tid == y->pid))
		return x->tid == x->pid ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

int
snapshot_scan(const struct snap_cfg *cfg, struct snap_tasks *tasks, struct link_parts *ret,
    struct snap_stats *stats)
{
	struct scan *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->cfg = cfg;
	proc_init(&s->proc);
	sockets_init(&s->sockets);
	if (tasks->n > 0)
		qsort(tasks->v, tasks->n, sizeof(*tasks->v), by_group);
	r = batch_enc_new(&s->enc);
	if (r == 0)
		r = scan_lines(s, "etc/passwd", add_user);
	if (r == 0)
		r = scan_lines(s, "etc/group", add_group);
	for (size_t i = 0, n; r == 0 && i < tasks->n; i += n) {
		for (n = 1; i + n < tasks->n && tasks->v[i + n].pid == tasks->v[i].pid;)
			n++;
		r = scan_process(s, &tasks->v[i], n);
	}
	if (r == 0)
		r = close_part(s, true);
	*stats = s->stats;
	if (r == 0)
		*ret = s->parts;
	else
		link_parts_free(&s->parts);
	batch_enc_free(s->enc);
	buf_fini(&s->data);
	proc_fini(&s->proc);
	sockets_fini(&s->sockets);
	free(s);
	return r;
}

/* ---- the thread ---- */

static void *
run(void *arg)
{
	struct snapshot *s = arg;
	void (*wake)(void *) = s->wake;
	void *to = s->arg;

	if (snapshot_scan(&s->cfg, &s->tasks, &s->parts, &s->stats) < 0)
		s->stats.unreadable++;
	s->ready = true; /* from here the loop may free it as soon as this thread is over */
	wake(to);
	return NULL;
}

int
snapshot_start(const struct snap_cfg *cfg, struct snap_tasks *tasks, void (*wake)(void *arg),
    void *arg, struct snapshot **ret)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->cfg = *cfg;
	s->wake = wake;
	s->arg = arg;
	s->tasks = *tasks;
	r = -pthread_create(&s->thread, NULL, run, s);
	if (r < 0) {
		free(s);
		return r;
	}
	*tasks = (struct snap_tasks){ 0 };
	*ret = s;
	return 0;
}

bool
snapshot_ready(const struct snapshot *s)
{
	return s->ready;
}

uint64_t
snapshot_finish(struct snapshot *s, struct link_parts *ret, struct snap_stats *stats)
{
	uint64_t id;

	if (s == NULL)
		return 0;
	(void) pthread_join(s->thread, NULL);
	id = s->cfg.id;
	*ret = s->parts;
	*stats = s->stats;
	snap_tasks_fini(&s->tasks);
	free(s);
	return id;
}
