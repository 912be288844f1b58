/* SPDX-License-Identifier: Apache-2.0 */
/* live_storm.c - a user with very many requests of io_uring that never complete. */
#include "common/clock.h"
#include "tests/driver/live.h"
#include "tests/driver/raw_uring.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 100 };

/* Start a process that waits for MANY connections, which never come. */
static pid_t
start_storm(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int ready[2], fd;
	struct ring r;
	pid_t pid;
	char c;

	if (pipe(ready) != 0)
		abort();
	pid = fork();
	if (pid == 0) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(fd, (struct sockaddr *) &sa, sizeof(sa)) != 0 || listen(fd, 1) != 0)
			_exit(1);
		ring_open(&r, 128, 0);
		for (unsigned i = 0; i < MANY; i++)
			ring_put(&r, &(struct io_uring_sqe){
					 .opcode = IORING_OP_ACCEPT, .fd = fd, .user_data = i });
		ring_enter(&r, MANY, 0);
		(void) !write(ready[1], "x", 1);
		for (;;)
			(void) pause();
	}
	(void) !read(ready[0], &c, 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

struct one_open {
	pid_t pid;
	bool seen, whole; /* with its result */
};

static int
see_open(void *arg, const struct ev_hdr *rec)
{
	struct one_open *o = arg;

	if (rec->type == EV_OPENAT && rec->pid == (uint32_t) o->pid && (rec->flags & EVF_URING)) {
		o->seen = true;
		o->whole = (rec->present >> EVP_OPENAT_fd & 1) &&
			   record_num(rec, schema_get(EV_OPENAT), EVP_OPENAT_fd) == -ENOENT;
	}
	return 0;
}

/* Is there memory for a request of that user? */
static bool
open_of(void *st, uid_t uid)
{
	struct one_open o = { .pid = fork() };
	uint64_t end = clock_mono() + 10 * NS_PER_S;
	struct ring r;

	if (o.pid == 0) {
		if (setuid(uid) != 0)
			_exit(1);
		ring_open(&r, 1, 0);
		_exit(
		    ring_path(&r, IORING_OP_OPENAT, AT_FDCWD, "/no/such", 0, O_RDONLY) != -ENOENT);
	}
	(void) waitpid(o.pid, NULL, 0);
	while (!o.seen && clock_mono() < end)
		(void) source_bpf.poll(st, 100, 0, false, see_open, &o);
	return o.whole;
}

void
live_storm(struct live *l)
{
	struct source_opts o = { .ring_bytes = 16 << 20, .requests_max = MANY };
	uint64_t end = clock_mono() + 20 * NS_PER_S;
	struct source_stats before, after;
	void *st = live_open(&o);
	unsigned failed = l->failed;
	bool free_again = false;
	pid_t pid;

	live_begin(l, "a storm of requests of io_uring");
	live_all(st);
	source_bpf.stats(st, &before);
	pid = start_storm();
	source_bpf.stats(st, &after);
	live_that(l, after.unstashed - before.unstashed >= MANY / 4,
	    "a user who has half of the memory gets no more");
	live_that(l, !open_of(st, getuid()), "nor does another process of that user");
	live_that(l, open_of(st, 54321), "another user does");
	(void) kill(pid, SIGKILL);
	(void) waitpid(pid, NULL, 0);
	while (!free_again && clock_mono() < end) /* the kernel cancels them some time later */
		free_again = open_of(st, getuid());
	live_that(l, free_again, "when they are cancelled, it is free again");
	live_close(st);
	printf("%s %s\n", l->failed == failed ? "ok  " : "BAD ", l->name);
}
