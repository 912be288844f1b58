/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dead_mount.c - processes with files on a file system that has stopped answering.
 *
 *	dead_mount DIR
 *
 * Mounts FUSE on DIR in a new mount namespace, answers until two processes have a file open on it
 * and their working folder there, and then stops. One of them then replaces a mapping whose page it
 * has changed: it waits for that page to be written, and holds its memory's lock meanwhile, so its
 * /proc/PID/cmdline cannot be read. Prints "stuck PID PID" (the second is that one) and waits to be
 * killed, or for the end of its parent. Its end closes the connection's only descriptor, which ends
 * the waiting processes. No other process may hold that descriptor: ps would hang for ever, and so
 * would anything that wants a lock inherited with it. Exit 77: no FUSE here; 75: the lock was not
 * held, because the page had already been written: try again.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILE_NODE 2
#define FILE_SIZE 4096
#define TRIES     2000

static void
die(const char *what)
{
	fprintf(stderr, "dead_mount: %s: %s\n", what, strerrordesc_np(errno));
	exit(1);
}

/* ---- the file system, while it answers ---- */

static struct fuse_attr
attr_of(uint64_t node)
{
	return (struct fuse_attr){ .ino = node,
		.size = node == FILE_NODE ? FILE_SIZE : 0,
		.mode = node == FILE_NODE ? S_IFREG | 0644 : S_IFDIR | 0755,
		.nlink = 1,
		.blksize = 4096 };
}

static void
answer(int fuse, const struct fuse_in_header *in, const void *body, size_t n)
{
	char buf[sizeof(struct fuse_out_header) + FILE_SIZE];
	struct fuse_out_header out = { .len = (uint32_t) (sizeof(out) + n), .unique = in->unique };

	if (body == NULL)
		out.error = -ENOSYS;
	memcpy(buf, &out, sizeof(out));
	if (body != NULL)
		memcpy(buf + sizeof(out), body, n);
	if (write(fuse, buf, out.len) < 0 && errno != ENOENT)
		die("answering");
}

static void
serve(int fuse)
{
	static char buf[FUSE_MIN_READ_BUFFER + (128 << 10)] __attribute__((aligned(8)));
	static const char page[FILE_SIZE];
	const struct fuse_in_header *in = (const void *) buf;
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = 4096,
		.max_background = 16,
		.max_write = 4096 };
	struct fuse_entry_out entry = { .nodeid = FILE_NODE, .attr = attr_of(FILE_NODE) };
	struct fuse_open_out opened = { .fh = 1 };
	struct fuse_attr_out attr = { 0 };

	if (read(fuse, buf, sizeof(buf)) < 0)
		die("reading /dev/fuse");
	switch (in->opcode) {
	case FUSE_INIT:
		answer(fuse, in, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		answer(fuse, in, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		attr.attr = attr_of(in->nodeid);
		answer(fuse, in, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(fuse, in, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		answer(fuse, in, page, sizeof(page));
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		break;
	default:
		answer(fuse, in, NULL, 0);
		break;
	}
}

/* ---- its users ---- */

static void
use(const char *dir, int ready, int go)
{
	char path[4096], byte = 1;
	char *p;
	int fd;

	(void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void) snprintf(path, sizeof(path), "%s/file", dir);
	fd = open(path, O_RDWR);
	if (fd < 0 || chdir(dir) < 0)
		die(path);
	p = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mapping the file");
	if (go >= 0)
		p[0] = 1;
	if (write(ready, &byte, 1) != 1)
		die("the pipe");
	if (go < 0 || read(go, &byte, 1) != 1)
		(void) pause();
	(void) mmap(p, FILE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	(void) pause();
}

static pid_t
start(int fuse, const char *dir, int ready, int go)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		(void) close(fuse);
		use(dir, ready, go);
		exit(0);
	}
	return pid;
}

/* Is its cmdline unreadable? */
static int
holds_its_memory(int fuse, pid_t pid)
{
	const struct timespec ms = { 0, 1000000 };
	pid_t reader = fork();

	if (reader == 0) {
		char path[64], byte;
		int fd;

		(void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void) close(fuse);
		(void) snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
		fd = open(path, O_RDONLY);
		_exit(fd >= 0 && read(fd, &byte, 1) == 1 ? 0 : 1);
	}
	for (int i = 0; i < 500; i++) {
		if (waitpid(reader, NULL, WNOHANG) != 0)
			return 0;
		(void) nanosleep(&ms, NULL);
	}
	(void) kill(reader, SIGKILL);
	return 1;
}

int
main(int argc, char **argv)
{
	const struct timespec ms = { 0, 1000000 };
	int fuse, ready[2], go[2];
	char opts[128], bytes[2];
	size_t done = 0;
	pid_t holder, stuck;

	if (argc != 2) {
		fputs("usage: dead_mount DIR\n", stderr);
		return 2;
	}
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void) close_range(3, ~0U, 0);
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	(void) snprintf(opts, sizeof(opts), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
	if (fuse < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("dead", argv[1], "fuse", 0, opts) < 0) {
		perror("dead_mount: no FUSE here");
		return 77;
	}
	if (pipe(ready) < 0 || pipe(go) < 0)
		die("pipe");
	holder = start(fuse, argv[1], ready[1], -1);
	stuck = start(fuse, argv[1], ready[1], go[0]);
	while (done < 2) {
		struct pollfd p[2] = { { .fd = fuse, .events = POLLIN },
			{ .fd = ready[0], .events = POLLIN } };

		if (poll(p, 2, -1) < 0)
			die("poll");
		if (p[0].revents & POLLIN)
			serve(fuse);
		if (p[1].revents & POLLIN)
			done += (size_t) read(ready[0], bytes, sizeof(bytes));
	}
	if (write(go[1], "g", 1) != 1) /* from here on nothing answers */
		die("the pipe");
	for (int i = 0; !holds_its_memory(fuse, stuck); i++) {
		if (i == TRIES) {
			fputs("dead_mount: the memory's lock was not held\n", stderr);
			return 75;
		}
		(void) nanosleep(&ms, NULL);
	}
	printf("stuck %d %d\n", holder, stuck);
	(void) fflush(stdout);
	for (;;)
		(void) pause();
}
