/* SPDX-License-Identifier: Apache-2.0 */
/* Connections over real NNG, to a peer of ours on a socket in a temporary folder. */
#include "common/clock.h"
#include "sensor/xport.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <fcntl.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_NS (20 * NS_PER_S)

/* Called by LeakSanitizer. NNG 1.5.2 leaks an endpoint whose connection is closed while it is
 * made. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:ipc_ep_";
}

struct seen {
	int opened, closed, replies;
	bool absent; /* when closed */
	char why[512], last[64];
	struct xport *x;
	struct xport_end *end;
};

static char url[128];
static int wake_fd;

static void
wake(void *arg)
{
	uint64_t one = 1;

	(void) arg;
	assert_int_equal(sizeof(one), write(wake_fd, &one, sizeof(one)));
}

static void
on_opened(void *arg)
{
	((struct seen *) arg)->opened++;
}

static void
on_closed(void *arg, const char *why, bool absent)
{
	struct seen *s = arg;

	s->closed++;
	s->absent = absent;
	(void) snprintf(s->why, sizeof(s->why), "%s", why);
	xport_close(s->end); /* as required */
}

static void
on_reply(void *arg, unsigned slot, const void *msg, size_t n)
{
	struct seen *s = arg;

	s->replies++;
	(void) snprintf(s->last, sizeof(s->last), "%u:%.*s", slot, (int) n, (const char *) msg);
}

static const struct xport_events events = { on_opened, on_closed, on_reply };

/* Deliver until the count is reached, for a limited time, so that a failure is no hang. */
static void
until(struct seen *s, const int *count, int want)
{
	uint64_t end = clock_mono() + WAIT_NS;
	struct pollfd p = { .fd = wake_fd, .events = POLLIN };
	uint64_t n;

	for (;;) {
		xport_dispatch(s->x);
		if (*count >= want)
			break;
		assert_true(clock_mono() < end);
		if (poll(&p, 1, 100) > 0)
			(void) !read(wake_fd, &n, sizeof(n));
	}
	assert_int_equal(want, *count);
}

/*
 * The peer is a separate process of this program: NNG 1.5.2 with both ends in one process can
 * deadlock when one end closes. It answers 'answers' requests with their text and a '!', or with
 * too much data if 'answers' is 0, takes one more, and exits.
 */
static int
be_peer(const char *where, int answers)
{
	static char big[4096];
	nng_socket s;
	nng_msg *m;

	if (nng_rep0_open(&s) != 0 || nng_listen(s, where, NULL, 0) != 0 || puts("ready") < 0 ||
	    fflush(stdout) != 0)
		return 1;
	for (int i = 0; answers == 0 || i < answers; i++) {
		if (nng_recvmsg(s, &m, 0) != 0 ||
		    nng_msg_append(m, answers == 0 ? big : "!", answers == 0 ? sizeof(big) : 1) !=
			0 ||
		    nng_sendmsg(s, m, 0) != 0)
			return 1;
	}
	_exit(nng_recvmsg(s, &m, 0) != 0);
}

static pid_t
start_peer(int answers)
{
	char count[16], line[16] = "", self[] = "/proc/self/exe", word[] = "peer";
	char *argv[] = { self, word, url, count, NULL };
	posix_spawn_file_actions_t fa;
	int fds[2];
	pid_t pid;

	(void) unlink(url + strlen("ipc://")); /* left over from a killed peer */
	(void) snprintf(count, sizeof(count), "%d", answers);
	assert_int_equal(0, pipe2(fds, O_CLOEXEC));
	assert_int_equal(0, posix_spawn_file_actions_init(&fa));
	assert_int_equal(0, posix_spawn_file_actions_adddup2(&fa, fds[1], STDOUT_FILENO));
	assert_int_equal(0, posix_spawn(&pid, self, &fa, NULL, argv, environ));
	(void) posix_spawn_file_actions_destroy(&fa);
	(void) close(fds[1]);
	assert_int_equal(6, read(fds[0], line, sizeof(line)));
	assert_string_equal("ready\n", line);
	(void) close(fds[0]);
	return pid;
}

static void
stop_peer(pid_t pid)
{
	(void) kill(pid, SIGKILL);
	assert_int_equal(pid, waitpid(pid, NULL, 0));
}

static void
begin(struct seen *s, unsigned threads, size_t recv_max)
{
	const struct xport_cfg cfg = {
		.url = url, .server_name = "", .slots = 4, .recv_max = recv_max
	};

	*s = (struct seen){ 0 };
	assert_int_equal(0, xport_new(threads, wake, NULL, &s->x));
	assert_int_equal(0, xport_end_new(s->x, &cfg, &events, s, &s->end));
}

static void
finish(struct seen *s)
{
	xport_end_free(s->end);
	xport_free(s->x); /* waits for every connection */
}

static void
test_talk(void **state)
{
	pid_t peer = start_peer(8);
	struct seen s;

	(void) state;
	begin(&s, 2, 1 << 20);
	assert_int_equal(0, xport_open(s.end, NULL));
	until(&s, &s.opened, 1);
	for (unsigned i = 0; i < 8; i++) { /* each slot twice */
		char msg[8];

		(void) snprintf(msg, sizeof(msg), "m%u", i);
		assert_int_equal(0, xport_send(s.end, i % 4, msg, strlen(msg)));
		until(&s, &s.replies, (int) i + 1);
	}
	assert_string_equal("3:m7!", s.last);
	assert_int_equal(0, xport_send(s.end, 1, "a", 1)); /* the peer exits before it answers */
	until(&s, &s.closed, 1);
	stop_peer(peer);
	assert_non_null(strstr(s.why, url));
	assert_int_equal(8, s.replies);
	assert_false(s.absent);
	finish(&s);
}

static void
test_nobody_there(void **state)
{
	struct seen s;

	(void) state;
	(void) unlink(url + strlen("ipc://"));
	begin(&s, 1, 1 << 20);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(0, xport_open(s.end, NULL));
		until(&s, &s.closed, i + 1);
	}
	assert_int_equal(0, s.opened);
	assert_non_null(strstr(s.why, "cannot be reached"));
	assert_true(s.absent);
	finish(&s);
}

/* A connection to a peer that sends too much is closed. */
static void
test_too_large(void **state)
{
	pid_t peer = start_peer(0);
	struct seen s;

	(void) state;
	begin(&s, 1, 1024);
	assert_int_equal(0, xport_open(s.end, NULL));
	until(&s, &s.opened, 1);
	assert_int_equal(0, xport_send(s.end, 0, "x", 1));
	until(&s, &s.closed, 1);
	assert_int_equal(0, s.replies);
	finish(&s);
	stop_peer(peer);
}

/* Closed while connecting, during a request, or at once: nothing is delivered or left behind. */
static void
test_give_up(void **state)
{
	pid_t peer = start_peer(1000);
	struct seen s;

	(void) state;
	begin(&s, 2, 1 << 20);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(0, xport_open(s.end, NULL));
		if (i % 2 == 0) {
			until(&s, &s.opened, i / 2 + 1);
			assert_int_equal(0, xport_send(s.end, 0, "x", 1));
		} else {
			s.opened = i / 2 + 1; /* the result may have come or not: ignored */
		}
		xport_close(s.end);
		xport_close(s.end); /* closing twice does no harm */
		xport_dispatch(s.x);
	}
	assert_int_equal(0, s.closed);
	finish(&s);
	stop_peer(peer);
}

static int
setup(void **state)
{
	if (tmpdir_begin(state) < 0)
		return -1;
	(void) snprintf(url, sizeof(url), "ipc://%s/s", tmpdir);
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return wake_fd < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void) close(wake_fd);
	return tmpdir_end(state);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_give_up),
	};

	if (argc == 4 && strcmp(argv[1], "peer") == 0)
		return be_peer(argv[2], (int) strtol(argv[3], NULL, 10));
	return cmocka_run_group_tests(tests, setup, teardown);
}
