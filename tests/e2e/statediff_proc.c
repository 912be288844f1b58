/* SPDX-License-Identifier: Apache-2.0 */
/* statediff_proc.c - facts about the actors from /proc. */
#include "tests/e2e/statediff.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static size_t
read_file(const char *path, char *to, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, to, max - 1);

	if (fd >= 0)
		(void) close(fd);
	to[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t) n;
}

static bool
read_link(const char *path, char to[NAME])
{
	ssize_t n = readlink(path, to, NAME - 1);

	to[n < 0 ? 0 : n] = '\0';
	return n >= 0;
}

/* The number after "name:" in a /proc file, the 'column'th one, in that base. */
static unsigned long
number_of(const char *text, const char *name, int column, int base)
{
	const char *at = strstr(text, name);
	char *end = NULL;
	unsigned long v = 0;

	if (at == NULL)
		return 0;
	at += strlen(name);
	for (; column > 0; column--, at = end)
		v = strtoul(at, &end, base);
	return v;
}

/* Append a name that the collector may use. */
static void
offer(char *value, size_t max, const char *before, const char *name, const char *after)
{
	size_t n = strlen(value);

	(void) snprintf(value + n, max - n, "%s%s%s%s", n == 0 ? "" : "\n", before, name, after);
}

/*
 * Offer a path of /proc as the collector may know it: as it was called when it was opened, and from
 * inside the jail without the jail's own path.
 */
static void
offer_path(const struct play *p, char *value, size_t max, const char *before, const char *path,
    const char *after)
{
	char jail[NAME];
	size_t n;

	(void) snprintf(jail, sizeof(jail), "%s/jail", p->dir);
	n = strlen(jail);
	for (const char *name = path; name != NULL; name = name_before(name)) {
		offer(value, max, before, name, after);
		if (strncmp(name, jail, n) == 0 && (name[n] == '/' || name[n] == '\0'))
			offer(value, max, before, name[n] == '\0' ? "/" : name + n, after);
	}
}

/* ---- threads ---- */

static void
add_caps(struct facts *f, const struct actor *a, const char *status)
{
	static const char *const names[][2] = { { "capinh", "\nCapInh:" },
		{ "capprm", "\nCapPrm:" }, { "capeff", "\nCapEff:" } };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		/* known gap: a thread's are its main thread's, whatever those of the thread that
		 * made it */
		if (a->ids)
			fact_add(f, a->tid, names[i][0], "*");
		else
			fact_add(
			    f, a->tid, names[i][0], "%lu", number_of(status, names[i][1], 1, 16));
	}
}

/*
 * As in Falco, the parent may be any thread of the process that the kernel names. If the collector
 * cannot see process 1 (some virtual machines hide it), its orphans' parent is not known.
 */
static void
add_parent(const struct play *p, struct facts *f, pid_t tid, pid_t ppid)
{
	char value[NAME];
	int n = snprintf(value, sizeof(value), "%d", ppid);

	if (ppid == 1 && !f->init)
		n += snprintf(value + n, sizeof(value) - (size_t) n, "\n0");
	for (int i = 0; i < SLOTS && n + 16 < NAME; i++) {
		if (p->actor[i].alive && p->actor[i].pid == ppid)
			n += snprintf(
			    value + n, sizeof(value) - (size_t) n, "\n%d", p->actor[i].tid);
	}
	fact_add(f, tid, "ppid", "%s", value);
}

static void
add_ids(const struct play *p, struct facts *f, const struct actor *a, const char *folder)
{
	char path[NAME], text[8192];
	const char *at;
	const pid_t tid = a->tid;
	int ppid = 0, pgid = 0, sid = 0;

	(void) snprintf(path, sizeof(path), "%s/stat", folder);
	(void) read_file(path, text, sizeof(text));
	at = strrchr(text, ')');
	if (at != NULL)
		(void) sscanf(at, ") %*c %d %d %d", &ppid, &pgid, &sid); /* NOLINT(cert-err34-c) */
	add_parent(p, f, tid, ppid);
	fact_add(f, tid, "pgid", "%d", pgid);
	fact_add(f, tid, "sid", "%d", sid);
	(void) snprintf(path, sizeof(path), "%s/status", folder);
	(void) read_file(path, text, sizeof(text));
	fact_add(f, tid, "uid", "%lu", number_of(text, "\nUid:", 2, 10));
	fact_add(f, tid, "gid", "%lu", number_of(text, "\nGid:", 2, 10));
	add_caps(f, a, text);
}

static void
add_command(struct facts *f, pid_t tid, const char *folder)
{
	char path[NAME], text[4096];
	size_t n, first;

	(void) snprintf(path, sizeof(path), "%s/cmdline", folder);
	n = read_file(path, text, sizeof(text));
	first = strlen(text) + 1;
	fact_add(f, tid, "exe", "%s", text);
	for (size_t i = first; i + 1 < n; i++)
		text[i] = text[i] == '\0' ? ' ' : text[i];
	fact_add(f, tid, "args", "%s", n > first ? text + first : "");
}

static void
add_place(const struct play *p, struct facts *f, pid_t tid, const char *folder, const char *key,
    const char *file, const char *after)
{
	char path[NAME], link[NAME], value[4096] = "";

	(void) snprintf(path, sizeof(path), "%s/%s", folder, file);
	(void) read_link(path, link);
	offer_path(p, value, sizeof(value), "", link, strcmp(link, "/") == 0 ? "" : after);
	fact_add(f, tid, key, "%s", value);
}

static size_t
threads_of(const struct play *p, pid_t pid)
{
	size_t n = 0;

	for (int i = 0; i < SLOTS; i++)
		n += p->actor[i].alive && p->actor[i].pid == pid;
	return n;
}

static void
add_thread(const struct play *p, struct facts *f, const struct actor *a)
{
	char folder[64], path[NAME], text[64], link[NAME];

	(void) snprintf(folder, sizeof(folder), "/proc/%d/task/%d", a->pid, a->tid);
	fact_add(f, a->tid, "pid", "%d", a->pid);
	fact_add(f, a->tid, "threads", "%zu", threads_of(p, a->pid));
	add_ids(p, f, a, folder);
	(void) snprintf(path, sizeof(path), "%s/loginuid", folder);
	(void) read_file(path, text, sizeof(text));
	fact_add(f, a->tid, "loginuid", "%s", strcmp(text, "4294967295") == 0 ? "" : text);
	(void) snprintf(path, sizeof(path), "%s/comm", folder);
	(void) read_file(path, text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	/* as in Falco, a thread that names itself keeps the name of its program */
	fact_add(f, a->tid, "comm", "%s", a->named ? "*" : text);
	add_command(f, a->tid, folder);
	add_place(p, f, a->tid, folder, "exepath", "exe", "");
	add_place(p, f, a->tid, folder, "cwd", "cwd", "/");
	(void) snprintf(path, sizeof(path), "%s/root", folder);
	(void) read_link(path, link);
	fact_add(f, a->tid, "root", "%s", link);
}

/* ---- files ---- */

static const struct {
	const char *link, *type;
} kinds[] = {
	{ "pipe:[", "pipe" },
	{ "anon_inode:[eventfd]", "event" },
	{ "anon_inode:[eventpoll]", "eventpoll" },
	{ "anon_inode:inotify", "inotify" },
	{ "anon_inode:[timerfd]", "timerfd" },
	{ "anon_inode:[signalfd]", "signalfd" },
	{ "anon_inode:[userfaultfd]", "userfaultfd" },
	{ "anon_inode:[pidfd]", "pidfd" },
	{ "pidfd:[", "pidfd" },
	{ "anon_inode:[io_uring]", "io_uring" },
	{ "anon_inode:bpf-map", "bpf" },
};

static void
describe_file(const struct play *p, char *value, size_t max, char *link, unsigned long flags)
{
	static const char deleted[] = " (deleted)";
	const char *cloexec = flags & O_CLOEXEC ? "true" : "false";
	size_t n = strlen(link);
	struct stat st;
	char before[64];
	char *slash;

	if (n > sizeof(deleted) && strcmp(link + n - sizeof(deleted) + 1, deleted) == 0)
		link[n - sizeof(deleted) + 1] = '\0';
	if (strncmp(link, "/memfd:", 7) == 0) {
		(void) snprintf(value, max, "memfd %s %s", cloexec, link + 7);
		return;
	}
	(void) snprintf(before, sizeof(before), "%s %s ",
	    flags & O_DIRECTORY && (flags & O_TMPFILE) != O_TMPFILE ? "directory" : "file",
	    cloexec);
	slash = strrchr(link, '/');
	if (slash != NULL &&
	    slash[1] == '#') { /* O_TMPFILE: called after its folder, by its opener */
		offer_path(p, value, max, before, link, "");
		*slash = '\0';
	}
	offer_path(p, value, max, before, link, "");
	/* A folder opened without O_DIRECTORY is a file in the opener's event, and a folder in a
	 * descriptor that is passed on. */
	if (!(flags & O_DIRECTORY) && stat(link, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void) snprintf(before, sizeof(before), "directory %s ", cloexec);
		offer_path(p, value, max, before, link, "");
	}
}

/* "1.2.3.4:5" */
static void
end_text(const struct sockaddr_storage *a, char to[64])
{
	const struct sockaddr_in *in = (const void *) a;
	char text[INET_ADDRSTRLEN] = "";

	(void) inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
	(void) snprintf(to, 64, "%s:%u", text, ntohs(in->sin_port));
}

/* Since Linux 6.9 a thread can be opened whose main thread has exited; without that, its sockets
 * are not compared. */
static int
open_thread(const struct actor *a)
{
	const unsigned thread = O_EXCL; /* PIDFD_THREAD */
	const int fd = (int) syscall(SYS_pidfd_open, a->tid, thread);

	return fd >= 0 ? fd : (int) syscall(SYS_pidfd_open, a->pid, 0);
}

static const char *
family_of(int fd)
{
	socklen_t n = sizeof(int);
	int family = 0;

	(void) getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &n);
	switch (family) {
	case AF_INET:
		return "ipv4";
	case AF_INET6:
		return "ipv6";
	case AF_UNIX:
		return "unix";
	case AF_NETLINK:
		return "netlink";
	default:
		return "?";
	}
}

/* The name of an IPv4 socket: its connection, either end first; or what it is bound to, of which
 * the collector knows the port that the caller asked for. */
static void
describe_ipv4(char *value, size_t max, int fd, const char *cloexec)
{
	struct sockaddr_storage here = { 0 }, there = { 0 };
	socklen_t n = sizeof(here), m = sizeof(there);
	char from[64], to[64], asked[64];

	(void) getsockname(fd, (void *) &here, &n);
	end_text(&here, from);
	if (getpeername(fd, (void *) &there, &m) == 0) {
		end_text(&there, to);
		(void) snprintf(value, max, "ipv4 %s %s->%s\nipv4 %s %s->%s", cloexec, from, to,
		    cloexec, to, from);
		return;
	}
	((struct sockaddr_in *) (void *) &here)->sin_port = 0;
	end_text(&here, asked);
	if (strcmp(asked, "0.0.0.0:0") == 0)
		asked[0] = '\0';
	(void) snprintf(value, max, "ipv4 %s %s\nipv4 %s %s", cloexec, from, cloexec, asked);
}

/* The socket itself says what it is. Only names of IPv4 sockets are compared. */
static void
describe_socket(char *value, size_t max, const struct actor *a, int fd, const char *cloexec)
{
	const int pidfd = open_thread(a);
	const int copy = (int) syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	const char *family = family_of(copy);

	(void) snprintf(value, max, "%s %s *", family, cloexec);
	if (copy < 0) {
		(void) snprintf(value, max, "*");
	} else if (strcmp(family, "unix") == 0) { /* socketpair() is captured without its flags */
		offer(value, max, "unix false *", "", "");
	} else if (strcmp(family, "ipv4") == 0) {
		describe_ipv4(value, max, copy, cloexec);
	}
	(void) close(copy);
	(void) close(pidfd);
}

static void
add_file(const struct play *p, struct facts *f, const struct actor *a, const char *fd)
{
	char path[NAME], link[NAME], text[1024], key[24], value[4096] = "";
	const char *cloexec;
	unsigned long flags;

	(void) snprintf(path, sizeof(path), "/proc/%d/task/%d/fdinfo/%s", a->pid, a->tid, fd);
	(void) read_file(path, text, sizeof(text));
	flags = number_of(text, "flags:", 1, 8);
	cloexec = flags & O_CLOEXEC ? "true" : "false";
	(void) snprintf(path, sizeof(path), "/proc/%d/task/%d/fd/%s", a->pid, a->tid, fd);
	(void) read_link(path, link);
	(void) snprintf(key, sizeof(key), "fd %s", fd);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (strncmp(link, kinds[i].link, strlen(kinds[i].link)) == 0) {
			const char *type = kinds[i].type;

			/* timerfd_create() is captured without its flags */
			fact_add(f, a->pid, key, "%s %s %s", type, cloexec,
			    strcmp(type, "timerfd") == 0 ? "\ntimerfd false " : "");
			return;
		}
	}
	if (strncmp(link, "socket:", 7) == 0)
		describe_socket(value, sizeof(value), a, (int) strtol(fd, NULL, 10), cloexec);
	else if (link[0] == '/')
		describe_file(p, value, sizeof(value), link, flags);
	else
		(void) snprintf(value, sizeof(value), "? %s", link);
	fact_add(f, a->pid, key, "%s", value);
}

static void
add_files(const struct play *p, struct facts *f, const struct actor *a)
{
	const struct dirent *e;
	char path[64];
	DIR *d;

	(void) snprintf(path, sizeof(path), "/proc/%d/task/%d/fd", a->pid, a->tid);
	d = opendir(path);
	if (d == NULL)
		die(p, "%s: %m", path);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.')
			add_file(p, f, a, e->d_name);
	}
	(void) closedir(d);
}

/* Is this the actor whose descriptors stand for its process? Those of the main thread, if it
 * lives. */
static bool
stands_for(const struct play *p, int i)
{
	int first = -1;

	for (int k = 0; k < SLOTS; k++) {
		const struct actor *a = &p->actor[k];

		if (!a->alive || a->pid != p->actor[i].pid)
			continue;
		if (a->tid == a->pid)
			return k == i;
		if (first < 0)
			first = k;
	}
	return first == i;
}

void
facts_from_proc(const struct play *p, struct facts *f, bool init_known)
{
	f->init = init_known;
	for (int i = 0; i < SLOTS; i++) {
		if (!p->actor[i].alive)
			continue;
		add_thread(p, f, &p->actor[i]);
		if (stands_for(p, i))
			add_files(p, f, &p->actor[i]);
	}
}
