/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/scanner.h"
#include "sensor/container_read.h"
#include "sensor/privilege.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FDS        3           /* passed with an order: the output, tasks, files */
#define SND_BYTES  (32 << 10)  /* limit for records in flight: they must not grow stale */
#define SND_ANSWER (128 << 10) /* holds an answer about a container */
#define BURY_MS    200         /* how often to reap dead workers */

struct scanner {
	pid_t keeper;
	int ctl;
};

/* ---- the keeper ---- */

struct worker {
	pid_t pid;       /* 0: none */
	bool containers; /* it reads about containers; else it scans */
};

struct keeper {
	const char *host_root;
	pid_t parent;
	struct worker worker[SCANNER_STUCK_MAX]; /* the newest of each kind, and stuck ones */
	bool running;                            /* there may be live workers */
};

/* Receive an order and its descriptors. False: the sensor is gone. */
static bool
receive(int ctl, struct scan_order *o, int fd[FDS])
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(FDS * sizeof(int))];
	} u;
	struct iovec v = { o, sizeof(*o) };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u)
	};
	const struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(ctl, &m, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	c = n == (ssize_t) sizeof(*o) ? CMSG_FIRSTHDR(&m) : NULL;
	if (c == NULL || c->cmsg_len != CMSG_LEN(FDS * sizeof(int)))
		return false;
	memcpy(fd, CMSG_DATA(c), FDS * sizeof(int));
	return true;
}

/* Reap dead workers. Return a free place, or NULL if stuck workers hold all. */
static struct worker *
clear_workers(struct keeper *k)
{
	struct worker *free_place = NULL;

	for (unsigned i = 0; i < SCANNER_STUCK_MAX; i++) {
		struct worker *w = &k->worker[i];

		if (w->pid != 0 && waitpid(w->pid, NULL, WNOHANG) != 0)
			w->pid = 0;
		if (w->pid == 0)
			free_place = w;
	}
	return free_place;
}

/* Kill the workers of a kind. */
static void
end_workers(const struct keeper *k, bool containers)
{
	for (unsigned i = 0; i < SCANNER_STUCK_MAX; i++) {
		if (k->worker[i].pid != 0 && k->worker[i].containers == containers)
			(void) kill(k->worker[i].pid, SIGKILL);
	}
}

/* Wait for an order or the end of the sensor; reap meanwhile. */
static void
await(struct keeper *k)
{
	struct pollfd p = { .fd = 3, .events = POLLIN };

	while (poll(&p, 1, k->running ? BURY_MS : -1) <= 0) {
		(void) clear_workers(k);
		k->running = false;
		for (unsigned i = 0; i < SCANNER_STUCK_MAX; i++)
			k->running |= k->worker[i].pid != 0;
	}
}

/* End this process with its parent, also if that has already ended. */
static void
end_with(pid_t parent)
{
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != parent)
		_exit(1);
}

static void
work(const struct keeper *k, const struct scan_order *o, const int fd[FDS], pid_t keeper)
{
	end_with(keeper);
	if (o->step == SCAN_CONTAINERS)
		_exit(container_serve(k->host_root, fd[0]) == 0 ? 0 : 1);
	_exit(scan_run(k->host_root, o, fd[1], fd[2], fd[0]) == 0 ? 0 : 1);
}

static void
keep(struct keeper *k, int ctl)
{
	struct diag d = { 0 };
	pid_t self = getpid();
	struct scan_order o;
	int fd[FDS];

	end_with(k->parent);
	(void) prctl(PR_SET_NAME, "mews-scanner", 0, 0, 0);
	(void) signal(SIGPIPE, SIG_IGN);
	if (dup2(ctl, 3) != 3 || close_range(4, ~0U, 0) < 0 ||
	    privilege_drop(PRIVILEGE_SCAN, &d) < 0)
		_exit(1);
	while (receive(3, &o, fd)) {
		bool containers = o.step == SCAN_CONTAINERS;
		struct worker *place;
		pid_t pid;

		end_workers(k, containers);
		place = clear_workers(k);
		pid = place == NULL ? -1 : fork();
		if (pid == 0)
			work(k, &o, fd, self);
		if (pid > 0)
			*place = (struct worker){ pid, containers };
		k->running |= pid > 0;
		for (unsigned i = 0; i < FDS; i++)
			(void) close(fd[i]);
		await(k);
	}
	_exit(0);
}

/* ---- the sensor's side ---- */

int
scanner_start(const char *host_root, struct scanner **ret)
{
	struct keeper k = { .host_root = host_root, .parent = getpid() };
	struct scanner *s = calloc(1, sizeof(*s));
	int ctl[2], r;

	if (s == NULL)
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ctl) < 0) {
		r = -errno;
		free(s);
		return r;
	}
	s->ctl = ctl[0];
	s->keeper = fork();
	if (s->keeper == 0)
		keep(&k, ctl[1]);
	r = s->keeper < 0 ? -errno : 0;
	(void) close(ctl[1]);
	if (r < 0) {
		(void) close(ctl[0]);
		free(s);
		return r;
	}
	*ret = s;
	return 0;
}

uint32_t
scanner_pid(const struct scanner *s)
{
	return (uint32_t) s->keeper;
}

static int
order(const struct scanner *s, const struct scan_order *o, const int fd[FDS])
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(FDS * sizeof(int))];
	} u = { 0 };
	struct iovec v = { (void *) o, sizeof(*o) };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u)
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(FDS * sizeof(int));
	memcpy(CMSG_DATA(c), fd, FDS * sizeof(int));
	return sendmsg(s->ctl, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int
begin(const struct scanner *s, const struct scan_order *o, int type, int tasks, int files)
{
	int end[2], bytes = type == SOCK_STREAM ? SND_BYTES : SND_ANSWER, r;

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, end) < 0)
		return -errno;
	(void) setsockopt(end[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	r = fcntl(end[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
	if (r == 0)
		r = order(s, o, (const int[]){ end[1], tasks, files });
	(void) close(end[1]);
	if (r < 0) {
		(void) close(end[0]);
		return r;
	}
	return end[0];
}

int
scanner_begin(struct scanner *s, const struct scan_order *o, int tasks, int files)
{
	return begin(s, o, SOCK_STREAM, tasks, files);
}

int
scanner_containers(struct scanner *s)
{
	const struct scan_order o = { .step = SCAN_CONTAINERS };

	return begin(s, &o, SOCK_SEQPACKET, s->ctl, s->ctl);
}

void
scanner_stop(struct scanner *s)
{
	if (s == NULL)
		return;
	(void) kill(s->keeper, SIGKILL);
	(void) close(s->ctl);
	(void) waitpid(s->keeper, NULL, 0);
	free(s);
}
