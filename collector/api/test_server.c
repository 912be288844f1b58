/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_server.c - the server, through real sockets: valid and invalid requests; slow, idle and too
 * many clients; a lack of descriptors; listening sockets.
 */
#include "collector/api/test_api_kit.h"
#include "collector/shard/ps.h"
#include <errno.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- requests ---- */

static const struct expected requests[] = {
	{ "GET", "/healthz", NULL, 200, "ok\n" },
	{ "GET", "/readyz", NULL, 503, "not today\n" },
	{ "GET", "/metrics", NULL, 200, "metrics\n" },
	{ "GET", "/api/v1/status", NULL, 200, "{}\n" },
	{ "GET", "/api/v1/rules?x", NULL, 200, "[]\n" },
	{ "GET", "/", NULL, 404, "{\"error\":\"no such resource\"}\n" },
	{ "GET", "/api/v1/alerts/", NULL, 404, "{\"error\":\"no such resource\"}\n" },
	{ "POST", "/api/v1/status", "", 405, "{\"error\":\"this path takes only GET\"}\n" },
	{ "GET", "/api/v1/rules/reload", NULL, 405, "{\"error\":\"this path takes only POST\"}\n" },
	{ "GET", "/api/v1/alerts?limit=x", NULL, 400,
	    "{\"error\":\"'limit' must be a whole number of at most 2147483647, not 'x'\"}\n" },
	{ "GET", "/api/v1/alerts?colour=%22red%22", NULL, 400,
	    "{\"error\":\"unknown parameter 'colour'\"}\n" },
	{ "GET", "/api/v1/alerts?rule", NULL, 400, "{\"error\":\"'rule' has no value\"}\n" },
	{ "GET", "/api/v1/alerts?rule=a%00b", NULL, 400,
	    "{\"error\":\"'rule' has a NUL in it\"}\n" },
	{ "GET", "/api/v1/coverage?rule=a%20b&since=12&node=n", NULL, 200, "a b|-|n|-|12" },
	{ "GET", "/api/v1/coverage?event=e&since=0&cluster=c", NULL, 200, "-|e|-|c|0" },
	{ "GET", "/api/v1/coverage?since=12", NULL, 400,
	    "{\"error\":\"one of 'rule' and 'event' must be given\"}\n" },
	{ "GET", "/api/v1/coverage?rule=a&event=e&since=12", NULL, 400,
	    "{\"error\":\"one of 'rule' and 'event' must be given\"}\n" },
	{ "GET", "/api/v1/coverage?rule=a&since=-1", NULL, 400,
	    "{\"error\":\"'since' must be a time in nanoseconds since 1970\"}\n" },
	{ "GET", "/api/v1/processes?cluster=k&node=gone", NULL, 404,
	    "{\"error\":\"no such node is known: 'cluster' and 'node' must say which\"}\n" },
	{ "GET", "/api/v1/processes?node=here", NULL, 404,
	    "{\"error\":\"no such node is known: 'cluster' and 'node' must say which\"}\n" },
	{ "GET", "/api/v1/processes?cluster=k&node=here&pid=x", NULL, 400,
	    "{\"error\":\"'pid', 'after', 'files' and 'threads' must be whole numbers\"}\n" },
	{ "GET", "/api/v1/processes?cluster=k&node=here&after=-1", NULL, 400,
	    "{\"error\":\"'pid', 'after', 'files' and 'threads' must be whole numbers\"}\n" },
	{ "GET", "/api/v1/processes?cluster=k&node=here", NULL, 503,
	    "{\"error\":\"the thread that owns the node is busy: ask again in a second\"}\n" },
	{ "GET", "/api/v1/nodes/forget?cluster=k&node=gone", NULL, 405,
	    "{\"error\":\"this path takes only POST\"}\n" },
	{ "POST", "/api/v1/nodes/forget?cluster=k&node=here", "", 409,
	    "{\"error\":\"its sensor is connected: stop the sensor first\"}\n" },
	{ "POST", "/api/v1/nodes/forget?cluster=&node=gone", "", 404,
	    "{\"error\":\"no such node is known\"}\n" },
	{ "POST", "/api/v1/nodes/forget?node=gone", "", 400,
	    "{\"error\":\"'cluster' and 'node' must say which node\"}\n" },
};

static void
test_requests(void **state)
{
	(void) state;
	start(&patient);
	ask_each(requests, ARRAY_SIZE(requests));
	assert_int_equal(ARRAY_SIZE(requests), counts().requests);
}

static void
test_oversize(void **state)
{
	static char big[80000];
	char answer[500];
	int fd;

	(void) state;
	start(&patient);
	memset(big, 'a', sizeof(big) - 1);
	fd = dial(); /* refused before the body comes */
	say(fd, "POST /api/v1/rules/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n");
	(void) hear(fd, answer, sizeof(answer));
	assert_non_null(strstr(answer, "HTTP/1.1 413 "));
	assert_non_null(strstr(answer, "the request's body is too large"));
	(void) close(fd);

	fd = dial(); /* headers without an end */
	say(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: ");
	(void) send(fd, big, sizeof(big) - 1, MSG_NOSIGNAL);
	(void) hear(fd, answer, sizeof(answer));
	if (answer[0] != '\0') /* the server may have closed it at once */
		assert_non_null(strstr(answer, "HTTP/1.1 4"));
	(void) close(fd);

	fd = dial(); /* a body without a size */
	say(fd,
	    "POST /api/v1/rules/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "13880\r\n");
	(void) send(fd, big, sizeof(big) - 1, MSG_NOSIGNAL);
	(void) hear(fd, answer, sizeof(answer));
	(void) close(fd);
	assert_null(atomic_load(&asked));
}

struct asker {
	struct buf body;
	long status;
};

static void *
ask_reload(void *arg)
{
	struct asker *a = arg;

	a->status = ask("POST", "/api/v1/rules/reload", "", &a->body);
	return NULL;
}

static void
test_reload(void **state)
{
	struct api_cfg cfg = patient;
	struct asker asker = { .body = BUF_INIT };
	struct buf other = BUF_INIT;
	struct reload_ask *r;
	pthread_t t;

	(void) state;
	cfg.answer_ms = 1; /* not counted while a reload is under way */
	start(&cfg);
	assert_int_equal(0, pthread_create(&t, NULL, ask_reload, &asker));
	while ((r = atomic_load(&asked)) == NULL)
		(void) usleep(1000);
	assert_int_equal(
	    200, ask("GET", "/healthz", NULL, &other)); /* others are served meanwhile */
	r->done(r, -EINVAL, SLICE("{\"loaded\":false}\n"));
	(void) pthread_join(t, NULL);
	assert_int_equal(422, asker.status);
	assert_string_equal("{\"loaded\":false}\n", asker.body.p);
	atomic_store(&asked, NULL);
	buf_fini(&asker.body);
	buf_fini(&other);
}

/* ---- questions to a shard ---- */

static void *
ask_processes(void *arg)
{
	struct asker *a = arg;

	a->status = ask("GET", "/api/v1/processes?cluster=k&node=here&files=1", NULL, &a->body);
	return NULL;
}

/* Ask in a thread; returns the op that the shard gets. */
static struct op *
begin_processes(struct asker *a, pthread_t *t)
{
	struct op *op;

	atomic_store(&shard_room, true);
	assert_int_equal(0, pthread_create(t, NULL, ask_processes, a));
	while ((op = atomic_exchange(&shard_op, NULL)) == NULL)
		(void) usleep(1000);
	assert_int_equal(OP_PS, op->type);
	return op;
}

static void
end_op(struct op *op)
{
	op->done(op->arg);
	op_free(op);
}

static void
test_processes(void **state)
{
	struct api_cfg cfg = patient;
	struct asker asker = { .body = BUF_INIT };
	struct ps_ask *p;
	struct op *op;
	pthread_t t;

	(void) state;
	cfg.answer_ms = 1; /* not counted while the shard is busy */
	start(&cfg);
	op = begin_processes(&asker, &t);
	p = op->arg;
	assert_true(p->files && !p->threads && p->pid == 0 && p->after == 0);
	p->known = true;
	buf_str(&p->json, "\"processes\":[]");
	end_op(op);
	(void) pthread_join(t, NULL);
	assert_int_equal(200, asker.status);
	assert_string_equal("{\"processes\":[]}\n", asker.body.p);
	buf_clear(&asker.body);
	end_op(begin_processes(&asker, &t)); /* no state */
	(void) pthread_join(t, NULL);
	assert_int_equal(409, asker.status);
	buf_fini(&asker.body);
}

/* A few may wait at a time. A stop does not wait for the shard, which frees what was given up. */
static void
test_processes_waiting(void **state)
{
	struct asker askers[PS_MAX] = { { .body = BUF_INIT } };
	struct op *op[PS_MAX];
	pthread_t t[PS_MAX];
	struct buf b = BUF_INIT;

	(void) state;
	start(&patient);
	for (size_t i = 0; i < PS_MAX; i++)
		op[i] = begin_processes(&askers[i], &t[i]);
	assert_int_equal(503, ask("GET", "/api/v1/processes?cluster=k&node=here", NULL, &b));
	assert_non_null(strstr(b.p, "too many lists of processes"));
	api_stop(running);
	running = NULL;
	for (size_t i = 0; i < PS_MAX; i++) {
		end_op(op[i]);
		(void) pthread_join(t[i], NULL);
		buf_fini(&askers[i].body);
	}
	buf_fini(&b);
}

/* ---- hostile clients ---- */

/* A connection over the limit gets an answer; idle ones make room in the end. */
static void
test_crowd(void **state)
{
	enum { LIMIT = 8, CROWD = 100 };
	struct api_cfg cfg = patient;
	struct buf b = BUF_INIT;
	char answer[500];
	int fd[CROWD], last;

	(void) state;
	cfg.connections = LIMIT;
	start(&cfg);
	for (int i = 0; i < CROWD; i++)
		fd[i] = dial();
	last = dial(); /* answered without a request, so sending one would race */
	(void) hear(last, answer, sizeof(answer));
	assert_non_null(strstr(answer, "HTTP/1.1 503 "));
	assert_non_null(strstr(answer, "\r\nRetry-After: 1\r\n"));
	assert_non_null(strstr(answer, "\r\n\r\n{\"error\":\"too many connections now\"}"));
	(void) close(last);
	assert_true(counts().connections <= LIMIT);
	assert_int_equal(CROWD + 1 - LIMIT, counts().refused);
	while (ask("GET", "/healthz", NULL, &b) != 200)
		(void) usleep(20000);
	assert_true(counts().ended >= 1);
	for (int i = 0; i < CROWD; i++)
		(void) close(fd[i]);
	buf_fini(&b);
}

/* Headers that arrive a byte at a time are cut off, however regular. */
static void
test_slow_request(void **state)
{
	struct api_cfg cfg = patient;
	struct pollfd p = { 0 };
	char answer[100];
	int idle, slow;

	(void) state;
	cfg.request_ms = 200;
	start(&cfg);
	idle = dial();
	slow = dial();
	say(slow, "GET /healthz HTTP/1.1\r\nX: ");
	p = (struct pollfd){ slow, POLLIN, 0 };
	while (poll(&p, 1, 20) == 0)
		(void) send(slow, "x", 1, MSG_NOSIGNAL);
	assert_int_equal(0, hear(slow, answer, sizeof(answer)));
	assert_int_equal(0, hear(idle, answer, sizeof(answer)));
	assert_int_equal(2, counts().ended);
	(void) close(slow);
	(void) close(idle);
}

/* Without a descriptor nothing is accepted, and that is counted; with one again it continues. */
static void
test_no_descriptor(void **state)
{
	struct rlimit was, low;
	char answer[500];
	int fd, next;

	(void) state;
	start(&patient);
	fd = dial();
	say(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	(void) hear(fd, answer, sizeof(answer));
	(void) close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	next = dup(fd);
	(void) close(next); /* the lowest that is free */
	assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &was));
	low = was;
	low.rlim_cur = (rlim_t) next;
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &low));
	{
		struct sockaddr_un to = { .sun_family = AF_UNIX };

		(void) snprintf(to.sun_path, sizeof(to.sun_path), "%s", sock);
		assert_int_equal(0, connect(fd, (struct sockaddr *) &to, sizeof(to)));
	}
	say(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	while (counts().no_files == 0)
		(void) usleep(10000);
	assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &was));
	(void) hear(fd, answer, sizeof(answer));
	assert_non_null(strstr(answer, "HTTP/1.1 200 "));
	(void) close(fd);
}

/* ---- sockets ---- */

static int
try_start(const char *listen, const char *path, struct diag *d)
{
	struct api_cfg cfg = {
		.listen = listen,
		.socket = path,
		.token_file = token_file,
		.insecure = true,
		.connections = 4,
	};
	struct api_view v = { .outbox = outbox };
	struct api *a = NULL;
	int r = api_start(&cfg, &v, &a, d);

	if (r == 0)
		api_stop(a);
	return r;
}

static void
test_socket(void **state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct diag d = { 0 };
	char path[300];
	struct stat st;
	int fd;

	(void) state;
	start(&patient);
	assert_int_equal(0, stat(sock, &st));
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(0600, st.st_mode & 07777);
	assert_int_equal(-EADDRINUSE, try_start(NULL, sock, &d));
	assert_non_null(strstr(d.msg, "is in use"));
	assert_int_equal(0, stat(sock, &st)); /* the refused start removed nothing */
	(void) stop(state);
	assert_int_equal(-1, stat(sock, &st));

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); /* left by a killed process */
	(void) snprintf(to.sun_path, sizeof(to.sun_path), "%s", sock);
	assert_int_equal(0, bind(fd, (struct sockaddr *) &to, sizeof(to)));
	(void) close(fd);
	assert_int_equal(0, try_start(NULL, sock, &d));

	(void) snprintf(path, sizeof(path), "%s/file", tmpdir);
	(void) fclose(fopen(path, "w"));
	assert_int_equal(-EEXIST, try_start(NULL, path, &d));
	assert_non_null(strstr(d.msg, "is not a socket"));
	assert_int_equal(0, unlink(path));

	(void) snprintf(path, sizeof(path), "%s/none/api.sock", tmpdir);
	assert_int_equal(-ENOENT, try_start(NULL, path, &d));
	assert_non_null(strstr(d.msg, "its folder"));

	(void) snprintf(path, sizeof(path), "%s/%0120d", tmpdir, 0);
	assert_int_equal(-EINVAL, try_start(NULL, path, &d));
	assert_non_null(strstr(d.msg, "too long: a socket's path has at most 107 bytes"));
}

static const struct {
	const char *listen;
	int r;
	const char *msg; /* NULL: fine */
} addresses[] = {
	{ "127.0.0.1:0", 0, NULL },
	{ "localhost:0", 0, NULL },
	{ ":0", 0, NULL },
	{ "127.0.0.1", -EINVAL, "has no port" },
	{ "127.0.0.1:", -EINVAL, "has no port" },
	{ "127.0.0.1:http-no-such", -EINVAL, "is not an address" },
	{ "no such host:1", -EINVAL, "is not an address" },
	{ "192.0.2.1:1", -EADDRNOTAVAIL, "choose another address" },
};

static void
test_addresses(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct diag d = { 0 };

		assert_int_equal(addresses[i].r, try_start(addresses[i].listen, NULL, &d));
		if (addresses[i].msg != NULL)
			assert_non_null(strstr(d.msg, addresses[i].msg));
	}
}

static int
begin(void **state)
{
	if (tmpdir_begin(state) < 0)
		return -1;
	(void) snprintf(sock, sizeof(sock), "%s/api.sock", tmpdir);
	(void) snprintf(token_file, sizeof(token_file), "%s/api.token", tmpdir);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_requests, stop),
		cmocka_unit_test_teardown(test_oversize, stop),
		cmocka_unit_test_teardown(test_reload, stop),
		cmocka_unit_test_teardown(test_processes, stop),
		cmocka_unit_test_teardown(test_processes_waiting, stop),
		cmocka_unit_test_teardown(test_crowd, stop),
		cmocka_unit_test_teardown(test_slow_request, stop),
		cmocka_unit_test_teardown(test_no_descriptor, stop),
		cmocka_unit_test_teardown(test_socket, stop),
		cmocka_unit_test_teardown(test_addresses, stop),
	};

	return cmocka_run_group_tests(tests, begin, tmpdir_end);
}
