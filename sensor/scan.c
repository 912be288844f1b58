/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c - the steps of a scan. scan_proc.c turns a process into records, scan_out.c writes them.
 */
#include "common/clock.h"
#include "sensor/passwd.h"
#include "sensor/scan_int.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 64 /* descriptors per read: their names are read right after them */

/* ---- users and groups ---- */

static int
add_user(struct scan *s, struct slice line)
{
	struct user_line u;

	if (!user_parse(line, &u))
		return 0;
	rec_begin(&s->rec, EV_USERADDED, s->read_at, 0, 0, 0);
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
	rec_begin(&s->rec, EV_GROUPADDED, s->read_at, 0, 0, 0);
	rec_num(&s->rec, EVP_GROUPADDED_gid, gid);
	rec_text(&s->rec, EVP_GROUPADDED_name, name);
	rec_text(&s->rec, EVP_GROUPADDED_container_id, SLICE(""));
	s->stats.users++;
	return scan_add(s);
}

static int
scan_lines(struct scan *s, enum scan_step step, const char *path,
    int (*add)(struct scan *s, struct slice line))
{
	struct buf text = BUF_INIT;
	struct slice rest, line;
	int r, fd;

	if (s->order.step > step)
		return 0;
	r = scan_at(s, step, 0);
	if (r < 0)
		return r;
	s->read_at = clock_boot();
	fd = open(s->host_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
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

/* ---- tasks ---- */

/* Read whole items: a read may end in the middle of one. Return their number; 0: the end;
 * -errno. */
static ssize_t
read_items(int fd, void *items, size_t size, size_t max)
{
	size_t have = 0;

	do {
		ssize_t n = read(fd, (char *) items + have, size * max - have);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t) n;
	} while (have % size != 0);
	return (ssize_t) (have / size);
}

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

static int
scan_tasks(struct scan *s, int fd)
{
	struct buf list = BUF_INIT;
	struct drv_task *t;
	size_t all = 0;
	ssize_t n = 1;
	int r = 0;

	while (r == 0 && n > 0) {
		r = buf_reserve(&list, 64 * sizeof(*t));
		n = r < 0 ? r : read_items(fd, list.p + list.n, sizeof(*t), 64);
		r = n < 0 ? (int) n : 0;
		list.n += n < 0 ? 0 : (size_t) n * sizeof(*t);
	}
	t = (struct drv_task *) (void *) list.p;
	all = list.n / sizeof(*t);
	if (r == 0 && all > 0)
		qsort(t, all, sizeof(*t), by_group);
	for (size_t i = 0, k; r == 0 && i < all; i += k) {
		for (k = 1; i + k < all && t[i + k].pid == t[i].pid;)
			k++;
		if (s->order.step < SCAN_TASKS || t[i].pid >= s->order.pid)
			r = scan_process(s, &t[i], k);
	}
	buf_fini(&list);
	return r;
}

/* ---- descriptors ---- */

static int
scan_files(struct scan *s, int fd)
{
	struct drv_file f[FILES_MAX];
	ssize_t n;
	int r;

	proc_close(&s->proc);
	r = scan_at(s, SCAN_FILES, 0);
	while (r == 0 && (n = read_items(fd, f, sizeof(f[0]), FILES_MAX)) != 0) {
		r = n < 0 ? (int) n : 0;
		for (ssize_t i = 0; r == 0 && i < n; i++) {
			if (s->order.step < SCAN_FILES || f[i].pid >= s->order.pid)
				r = scan_file(s, &f[i]);
		}
	}
	return r;
}

/* ---- the whole scan ---- */

int
scan_run(const char *host_root, const struct scan_order *o, int tasks, int files, int out)
{
	struct scan *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return -ENOMEM;
	s->host_root = host_root;
	s->order = *o;
	s->fd = out;
	proc_init(&s->proc);
	sockets_init(&s->sockets);
	r = scan_lines(s, SCAN_USERS, "etc/passwd", add_user);
	if (r == 0)
		r = scan_lines(s, SCAN_GROUPS, "etc/group", add_group);
	if (r == 0 && o->step <= SCAN_TASKS)
		r = scan_tasks(s, tasks);
	if (r == 0)
		r = scan_files(s, files);
	if (r == 0)
		r = scan_at(s, SCAN_DONE, 0);
	buf_fini(&s->out);
	proc_fini(&s->proc);
	sockets_fini(&s->sockets);
	free(s);
	return r;
}
