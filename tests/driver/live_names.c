/* SPDX-License-Identifier: Apache-2.0 */
/* live_names.c - the name of an opened file or a started program, whatever path led to it. */
#include "tests/driver/live.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEEP  300 /* folders */
#define RACES 100

static void
must(bool ok)
{
	if (!ok)
		_exit(1);
}

static void
make_file(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0700);

	must(fd >= 0);
	(void) close(fd);
}

/* "DIR/name" in the case's folder. */
static const char *
in_dir(const struct facts *f, const char *name)
{
	static char path[2][512];
	static unsigned k;

	(void) snprintf(path[++k % 2], sizeof(path[0]), "%s/%s", f->dir, name);
	return path[k % 2];
}

static void
open_how(const char *dir, const char *path, unsigned long long resolve)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = resolve };
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void) syscall(SYS_openat2, fd, path, &how, sizeof(how));
	(void) close(fd);
}

/* Each open is openat2(), which nothing else here uses: record k belongs to opened[k]. */
static void
d_opened(struct facts *f)
{
	int memfd = memfd_create("ghost", 0), pipes[2], out = open("/", O_RDONLY | O_DIRECTORY);
	char path[64];

	must(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	must(mkdir("real", 0700) == 0 && mkdir("bound", 0700) == 0 && mkdir("other", 0700) == 0);
	make_file("real/file");
	must(symlink("real/file", "link") == 0 && symlink("/file", "real/absolute") == 0);
	must(mount("real", "bound", NULL, MS_BIND, NULL) == 0);
	must(mount("t", "other", "tmpfs", 0, NULL) == 0);
	make_file("other/file");
	must(pipe(pipes) == 0);
	open_how(".", in_dir(f, "real/file"), 0);
	open_how(".", "real/file", 0);
	open_how(".", in_dir(f, "link"), 0);
	open_how(".", in_dir(f, "bound/file"), 0);
	open_how(".", in_dir(f, "real/../other/file"), 0);
	open_how("real", "/file", RESOLVE_IN_ROOT);
	open_how("real", "absolute", RESOLVE_IN_ROOT);
	open_how("real", "file", RESOLVE_BENEATH);
	(void) snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	open_how(".", path, 0);
	(void) snprintf(path, sizeof(path), "/proc/self/fd/%d", pipes[0]);
	open_how(".", path, 0);
	must(chroot("real") == 0);
	open_how("/", "/file", 0);
	must(fchdir(out) == 0 && chroot(".") == 0);
}

static void
c_opened(struct live *l)
{
	static const struct {
		const char *name; /* below the folder; NULL: the parameter is absent */
	} opened[] = { { NULL }, { "real/file" }, { "real/file" }, { "real/file" },
		{ "other/file" }, { "real/file" }, { "real/file" }, { "real/file" },
		{ "memfd:ghost" }, { NULL }, { "real/file" } };

	live_that(l, WIFEXITED(l->status) && WEXITSTATUS(l->status) == 0, "the files were made");
	for (unsigned k = 0; k < ARRAY_SIZE(opened); k++) {
		const struct ev_hdr *r = live_rec(l, EV_OPENAT2, k);

		live_that(l,
		    r == NULL || record_num(r, schema_get(EV_OPENAT2), EVP_OPENAT2_fd) >= 0,
		    "it was opened");
		if (opened[k].name == NULL)
			live_absent(l, r, "realname");
		else
			live_text(l, r, "realname",
			    strchr(opened[k].name, ':') != NULL ? opened[k].name
								: in_dir(l->f, opened[k].name));
	}
}

/* Whole paths of up to PATH_MAX - 1 bytes; and, opened from its folder, a longer one. */
static const unsigned lengths[] = { 4092, 4093, 4094, 4095, 4096, 4097, 4098, 4099, 4200 };

static void
d_longest(struct facts *f)
{
	static const char name[] = "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghij";
	char at[256], deep[4097] = "";
	size_t n = strlen(f->dir), tail;
	int top = open(f->dir, O_RDONLY | O_DIRECTORY);

	must(n < sizeof(at));
	(void) memcpy(deep, f->dir, n);
	while (n < 4000) {
		must(mkdir(name, 0700) == 0 && chdir(name) == 0);
		deep[n] = '/';
		memcpy(deep + n + 1, name, sizeof(name));
		n += sizeof(name);
	}
	for (unsigned k = 0; k < ARRAY_SIZE(lengths); k++) {
		tail = lengths[k] - n - 1;
		memset(at, 'z', sizeof(at));
		at[tail] = '\0';
		make_file(at);
		if (lengths[k] >= sizeof(deep) - 1) {
			open_how(".", at, 0);
			continue;
		}
		deep[n] = '/';
		memcpy(deep + n + 1, at, tail + 1);
		open_how(".", deep, 0);
	}
	must(fchdir(top) == 0);
}

static void
c_longest(struct live *l)
{
	live_that(l, WIFEXITED(l->status) && WEXITSTATUS(l->status) == 0, "the files were made");
	for (unsigned k = 0; k < ARRAY_SIZE(lengths); k++) {
		const struct ev_hdr *r = live_rec(l, EV_OPENAT2, k);
		struct slice real = { NULL, 0 };
		bool whole = lengths[k] <= 4096;

		if (r != NULL)
			real = record_text(r, schema_get(EV_OPENAT2), EVP_OPENAT2_realname);
		live_that(l, r != NULL && whole == !(r->flags & EVF_CUT),
		    "marked as cut if something is missing");
		live_that(l, !whole || real.n == lengths[k], "a whole path is whole");
		live_that(l, real.n > 3 && (whole ? *real.p == '/' : memcmp(real.p, "...", 3) == 0),
		    "a part of a path begins with dots");
	}
}

/*
 * A path that cannot be read at entry, because its page is not resident, and that has changed
 * before the exit: only the file shows what was opened. The FIFO holds the call until the path is
 * changed.
 */
struct race {
	const char *fifo;
	int page, tid;
};

static void *
change_and_release(void *arg)
{
	struct race *a = arg;
	char path[64], state[16];
	int fd;

	(void) snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", a->tid);
	do { /* until the other thread sleeps in its call */
		fd = open(path, O_RDONLY);
		memset(state, 0, sizeof(state));
		must(read(fd, state, sizeof(state) - 1) > 0 && close(fd) == 0);
	} while (strtol(state, NULL, 10) != SYS_open || state[0] == 'r');
	must(pwrite(a->page, "innocent", 9, 0) == 9);
	fd = open(a->fifo, O_WRONLY);
	must(fd >= 0);
	(void) close(fd);
	return NULL;
}

static bool
race(struct race *a)
{
	const char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, a->page, 0);
	size_t n = strlen(a->fifo) + 1;
	pthread_t t;
	long fd;

	must(p != MAP_FAILED && pwrite(a->page, a->fifo, n, 0) == (ssize_t) n);
	must(pthread_create(&t, NULL, change_and_release, a) == 0);
	fd = syscall(SYS_open, p, O_RDONLY, 0);
	(void) pthread_join(t, NULL);
	(void) close((int) fd);
	(void) munmap((void *) (uintptr_t) p, 4096);
	return fd >= 0;
}

static void
d_raced(struct facts *f)
{
	struct race a = { f->s[0], memfd_create("page", 0), gettid() };

	(void) snprintf(f->s[0], sizeof(f->s[0]), "%.200s/fifo", f->dir);
	must(mkfifo(a.fifo, 0600) == 0 && ftruncate(a.page, 4096) == 0);
	for (unsigned k = 0; k < RACES; k++)
		f->n[0] += race(&a);
}

static void
c_raced(struct live *l)
{
	live_that(
	    l, l->f->n[0] == RACES && live_count(l, EV_OPEN) == RACES, "each FIFO was opened");
	for (unsigned k = 0; k < live_count(l, EV_OPEN); k++) {
		const struct ev_hdr *r = live_rec(l, EV_OPEN, k);

		live_text(l, r, "name", "innocent");
		live_text(l, r, "realname", l->f->s[0]);
		live_that(l, r->flags & EVF_REREAD, "it says that the path was read late");
	}
}

/* Run this program again in its folder, or in its root. */
static void
run_here(const char *root, const char *path)
{
	char **argv = STRINGS("x", NULL), **env = STRINGS(NULL);
	pid_t pid = fork();

	if (pid == 0) {
		must(root == NULL || (chroot(root) == 0 && chdir("/") == 0));
		(void) execve(path, argv, env);
		_exit(127);
	}
	must(waitpid(pid, NULL, 0) == pid);
}

/* Copy a program that needs no loader. */
static void
put_program(const char *to)
{
	int in = open(MEWS_COMPAT32, O_RDONLY), out = open(to, O_CREAT | O_WRONLY, 0755);
	struct stat st;

	must(fstat(in, &st) == 0 && sendfile(out, in, NULL, (size_t) st.st_size) == st.st_size);
	must(close(in) == 0 && close(out) == 0);
}

static void
d_started(struct facts *f)
{
	(void) f;
	must(mkdir("jail", 0755) == 0 && mkdir("jail/in", 0755) == 0);
	put_program("jail/in/prog");
	run_here("jail", "/in/prog");
	for (unsigned k = 0; k < DEEP; k++)
		must(mkdir("d", 0755) == 0 && chdir("d") == 0);
	put_program("prog");
	run_here(NULL, "./prog");
	for (unsigned k = 0; k < 20; k++) { /* longer than a path may be */
		char name[256];

		memset(name, 'n', 255);
		name[255] = '\0';
		must(mkdir(name, 0755) == 0 && chdir(name) == 0);
	}
	put_program("prog");
	run_here(NULL, "./prog");
}

/* The k-th successful execve: the program itself tries a failing one. */
static const struct ev_hdr *
started(struct live *l, unsigned k)
{
	for (unsigned i = 0; i < live_count(l, EV_EXECVE); i++) {
		const struct ev_hdr *r = live_rec(l, EV_EXECVE, i);

		if (record_num(r, schema_get(EV_EXECVE), EVP_EXECVE_res) == 0 && k-- == 0)
			return r;
	}
	return live_rec(l, EV_EXECVE, live_count(l, EV_EXECVE));
}

static void
c_started(struct live *l)
{
	const struct ev_schema *s = schema_get(EV_EXECVE);
	const struct ev_hdr *r = started(l, 0);
	char deep[2 * DEEP + 1];
	struct slice text;

	live_that(l, WIFEXITED(l->status) && WEXITSTATUS(l->status) == 0, "the programs ran");
	live_text(l, r, "trusted_exepath", in_dir(l->f, "jail/in/prog"));
	live_text(l, r, "cwd", in_dir(l->f, "jail"));
	for (unsigned k = 0; k < DEEP; k++)
		memcpy(deep + (size_t) 2 * k, "d/", 3);
	r = started(l, 1);
	text = record_text(r, s, EVP_EXECVE_trusted_exepath);
	live_that(l,
	    text.n == strlen(l->f->dir) + 1 + strlen(deep) + 4 &&
		memcmp(text.p, l->f->dir, strlen(l->f->dir)) == 0 &&
		memmem(text.p, text.n, deep, strlen(deep)) != NULL,
	    "a path of 300 folders is whole");
	live_that(l, !(r->flags & EVF_CUT), "and not cut");
	r = started(l, 2);
	text = record_text(r, s, EVP_EXECVE_trusted_exepath);
	live_that(l,
	    text.n > 3800 && memcmp(text.p, ".../nnn", 7) == 0 &&
		memcmp(text.p + text.n - 8, "nnn/prog", 8) == 0,
	    "of a path beyond 4096 bytes the end is kept");
	live_that(l, r->flags & EVF_CUT, "and it says so");
}

const struct live_case names_cases[] = {
	{ "the name of what was opened", d_opened, c_opened, NULL },
	{ "paths of the greatest length", d_longest, c_longest, NULL },
	{ "a path that nobody could read in time", d_raced, c_raced, NULL },
	{ "the name of what was started", d_started, c_started, NULL },
	{ NULL, NULL, NULL, NULL },
};
