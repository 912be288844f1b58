/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/procfs.h"
#include "common/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX   (256u << 10) /* limit for one file; a record holds less */
#define CHUNK      4096
#define STAT_START 22 /* the field of stat with the start of the process */

void
proc_init(struct proc_info *p)
{
	*p = (struct proc_info){ .dirfd = -1 };
}

void
proc_close(struct proc_info *p)
{
	if (p->dirfd >= 0)
		(void) close(p->dirfd);
	p->dirfd = -1;
	p->pid = 0;
}

void
proc_fini(struct proc_info *p)
{
	proc_close(p);
	buf_fini(&p->args.b);
	buf_fini(&p->env.b);
	buf_fini(&p->cgroups.b);
	buf_fini(&p->exe.b);
	buf_fini(&p->cwd.b);
	buf_fini(&p->root.b);
}

int
proc_file(int dirfd, const char *path, size_t max, struct buf *out)
{
	int r = file_read_at(dirfd, path, max, out);

	return r == -EFBIG ? 0 : r; /* cut */
}

/* A missing file is no error: the process has ended or does not have it. */
static bool
gone(int r)
{
	return r == -ENOENT || r == -ESRCH;
}

static void
read_text(struct proc_info *p, const char *name, struct proc_text *t)
{
	int r;

	buf_clear(&t->b);
	r = proc_file(p->dirfd, name, TEXT_MAX, &t->b);
	t->have = r == 0;
	p->unreadable += r < 0 && !gone(r);
}

static void
read_link(struct proc_info *p, const char *name, struct proc_text *t)
{
	static const char deleted[] = " (deleted)";
	struct slice s;
	ssize_t n = -1;

	buf_clear(&t->b);
	if (buf_reserve(&t->b, CHUNK + 1) == 0)
		n = readlinkat(p->dirfd, name, t->b.p, CHUNK);
	t->have = n >= 0;
	p->unreadable += n < 0 && !gone(-errno);
	if (n < 0)
		return;
	s = (struct slice){ t->b.p, (size_t) n };
	if (slice_ends(s, SLICE(deleted)))
		s.n -= sizeof(deleted) - 1;
	t->b.n = s.n;
	t->b.p[s.n] = '\0';
}

/* Terminate the list's last string. */
static void
close_list(struct proc_text *t)
{
	if (t->have && t->b.n > 0 && t->b.p[t->b.n - 1] != '\0')
		buf_char(&t->b, '\0');
}

/* Lines "4:cpu,cpuacct:/path" become "cpu=/path", "cpuacct=/path"; "0::/path" becomes "=/path". */
static void
read_cgroups(struct proc_info *p)
{
	struct buf raw = BUF_INIT;
	char *line, *save = NULL;
	int r = proc_file(p->dirfd, "cgroup", TEXT_MAX, &raw);

	buf_clear(&p->cgroups.b);
	p->cgroups.have = r == 0;
	p->unreadable += r < 0 && !gone(r);
	line = r < 0 || raw.n == 0 ? NULL : strtok_r(raw.p, "\n", &save);
	for (; line != NULL; line = strtok_r(NULL, "\n", &save)) {
		char *subsys = strchr(line, ':'),
		     *path = subsys == NULL ? NULL : strchr(subsys + 1, ':');

		if (path == NULL)
			continue;
		*path++ = '\0';
		subsys++;
		do {
			size_t n = strcspn(subsys, ",");

			buf_printf(&p->cgroups.b, "%.*s=%s", (int) n, subsys, path);
			buf_char(&p->cgroups.b, '\0');
			subsys += n;
		} while (*subsys++ == ',');
	}
	buf_fini(&raw);
}

/* Parse the process's start in ticks: after the last ')', since a name may contain anything. */
static void
read_start(struct proc_info *p)
{
	struct buf b = BUF_INIT;
	const char *s;

	p->start_ticks = 0;
	if (proc_file(p->dirfd, "stat", CHUNK, &b) == 0 && b.n > 0) {
		s = strrchr(b.p, ')');
		for (int field = 2; s != NULL && field < STAT_START; field++)
			s = strchr(s + 1, ' ');
		if (s != NULL)
			p->start_ticks = strtoull(s + 1, NULL, 10);
	}
	buf_fini(&b);
}

/* "net:[4026531840]" */
static void
read_net_ns(struct proc_info *p)
{
	char link[64] = "";
	ssize_t n = readlinkat(p->dirfd, "ns/net", link, sizeof(link) - 1);
	const char *s = n <= 0 ? NULL : strchr(link, '[');

	p->net_ns = s == NULL ? 0 : strtoull(s + 1, NULL, 10);
}

int
proc_open(struct proc_info *p, const char *host_root, uint32_t pid)
{
	char path[4096];

	proc_close(p);
	p->pid = pid;
	(void) snprintf(path, sizeof(path), "%s/proc/%u", host_root, pid);
	p->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dirfd < 0)
		return -errno;
	read_start(p);
	read_net_ns(p);
	return 0;
}

int
proc_texts(struct proc_info *p, bool memory)
{
	p->unreadable = 0;
	p->args.have = p->env.have = false;
	read_cgroups(p);
	read_link(p, "exe", &p->exe);
	read_link(p, "cwd", &p->cwd);
	read_link(p, "root", &p->root);
	if (memory) {
		read_text(p, "cmdline", &p->args);
		read_text(p, "environ", &p->env);
		close_list(&p->args);
		close_list(&p->env);
	}
	return buf_ok(&p->args.b) < 0 || buf_ok(&p->env.b) < 0 || buf_ok(&p->cgroups.b) < 0
		   ? -ENOMEM
		   : 0;
}

int
proc_fd_link(const struct proc_info *p, struct proc_fd *f)
{
	char name[32];
	ssize_t n;

	(void) snprintf(name, sizeof(name), "fd/%d", f->fd);
	n = readlinkat(p->dirfd, name, f->link, sizeof(f->link) - 1);
	if (n < 0)
		return -errno;
	f->link[n] = '\0';
	return (int) n;
}
