/* SPDX-License-Identifier: Apache-2.0 */
/* test_grpc.c - servers that answer well, badly, or not at all. */
#include "common/clock.h"
#include "sensor/container_read.h"
#include "sensor/containerd.pb-c.h"
#include "sensor/grpc.h"
#include "tests/support/test.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETTINGS "\0\0\0\4\0\0\0\0\0"
#define HEADERS  "\0\0\1\1\4\0\0\0\1\x88"
#define TRAILERS "\0\0\1\1\5\0\0\0\1\x88"
#define PING     "\0\0\10\6\0\0\0\0\0abcdefgh"
#define TEN      "\0\0\0\0\2hi"

/* Octal escapes end after three digits, so lengths are written as the bytes that they are. */
#define ROW(bytes, result, text)                       \
	{                                              \
		bytes, sizeof(bytes) - 1, result, text \
	}

static const struct {
	const char *bytes;
	size_t n;
	int result;
	const char *text;
} answers[] = {
	ROW(SETTINGS HEADERS "\0\0\7\0\0\0\0\0\1" TEN TRAILERS, 0, "hi"),
	ROW(SETTINGS PING HEADERS "\0\0\7\0\1\0\0\0\1" TEN, 0, "hi"),
	ROW(SETTINGS HEADERS "\0\0\6\0\0\0\0\0\1\0\0\0\0\2h\0\0\1\0\1\0\0\0\1i", 0, "hi"),
	ROW(SETTINGS HEADERS "\0\0\12\0\11\0\0\0\1\2" TEN "\0\0", 0, "hi"), /* padded */
	ROW(SETTINGS TRAILERS, -ENOENT, ""), /* an error of the service */
	ROW(SETTINGS HEADERS "\0\0\7\0\1\0\0\0\1\1\0\0\0\2hi", -ENOENT, ""), /* compressed */
	ROW(SETTINGS HEADERS "\0\0\7\0\1\0\0\0\1\0\0\0\0\3hi", -ENOENT, ""), /* cut */
	ROW(SETTINGS HEADERS "\0\0\1\0\11\0\0\0\1\1", -EBADMSG, ""),  /* more padding than bytes */
	ROW(SETTINGS HEADERS "\0\0\7\0\1\0\0\0\3" TEN, -EBADMSG, ""), /* of another stream */
	ROW("\0\377\377\0\1\0\0\0\1" TEN, -EBADMSG, ""),
	ROW("HTTP/1.1 400 Bad Request\r\n\r\n", -EBADMSG, ""),
	ROW(SETTINGS "\0\0\4\3\0\0\0\0\1\0\0\0\2", -ENOENT, ""),              /* reset */
	ROW(SETTINGS "\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\0", -ECONNRESET, ""), /* going away */
	ROW(SETTINGS HEADERS, -ECONNRESET, ""),                               /* and closes */
	ROW("", -ECONNRESET, ""),
};

static const struct grpc_header space = { "containerd-namespace", "default" };

/* Call a server that says these bytes. What it heard is in 'heard'. */
static int
call(struct slice says, bool closes, uint64_t wait_ns, struct buf *answer, struct buf *heard)
{
	int pair[2], r;
	ssize_t got;

	assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
	assert_int_equal(says.n, write(pair[1], says.p, says.n));
	if (closes)
		(void) shutdown(pair[1], SHUT_WR);
	r = grpc_call(pair[0], clock_mono() + wait_ns, "/a.B/C", &space, SLICE("ask"), answer);
	(void) close(pair[0]);
	assert_int_equal(0, buf_reserve(heard, 4096));
	got = read(pair[1], heard->p, 4096);
	heard->n = (size_t) MAX(got, 0);
	(void) close(pair[1]);
	return r;
}

static void
t_answers(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		CLEANUP(buf_fini) struct buf answer = BUF_INIT, heard = BUF_INIT;
		int r = call((struct slice){ answers[i].bytes, answers[i].n }, true, 60 * NS_PER_S,
		    &answer, &heard);

		if (r != answers[i].result ||
		    !slice_eq(buf_get(&answer), slice_str(answers[i].text)))
			fail_msg("row %zu: %d, '%.*s'", i, r, (int) answer.n,
			    answer.p == NULL ? "" : answer.p);
	}
}

static void
t_request(void **state)
{
	CLEANUP(buf_fini) struct buf answer = BUF_INIT, heard = BUF_INIT;
	static const char data[] = "\0\0\10\0\1\0\0\0\1\0\0\0\0\3ask";

	(void) state;
	assert_int_equal(
	    -ENOENT, call((struct slice){ SETTINGS TRAILERS, sizeof(SETTINGS TRAILERS) - 1 }, true,
			 60 * NS_PER_S, &answer, &heard));
	assert_true(slice_starts(buf_get(&heard), SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")));
	assert_non_null(memmem(heard.p, heard.n, data, sizeof(data) - 1));
	assert_non_null(memmem(heard.p, heard.n, "\0\5:path\6/a.B/C", 14));
	assert_non_null(memmem(heard.p, heard.n, "\24containerd-namespace\7default", 29));
}

/* A server that hangs costs no more than its time. */
static void
t_hangs(void **state)
{
	CLEANUP(buf_fini) struct buf answer = BUF_INIT, heard = BUF_INIT;

	(void) state;
	assert_int_equal(-ETIMEDOUT, call(SLICE(""), false, 20 * NS_PER_MS, &answer, &heard));
	buf_clear(&heard);
	assert_int_equal(-ETIMEDOUT, call((struct slice){ SETTINGS, sizeof(SETTINGS) - 1 }, false,
					 20 * NS_PER_MS, &answer, &heard));
}

/* ---- containerd's message ---- */

static void
t_container(void **state)
{
	static const char answer[] =
	    "\12\63" /* the container */
	    "\12\1x" /* id */
	    "\22\26\12\14nerdctl/name\22\6worker"
	    "\22\6\12\1a\22\1b"
	    "\32\14r.io/web:1.2" /* image, and a field that is skipped */
	    "\40\7";
	struct container_ask ask = { .full = "x" };
	struct container_info c = { .ask = &ask };

	(void) state;
	arena_init(&c.arena, 0);
	container_containerd_answer(&c, (struct slice){ answer, sizeof(answer) - 1 });
	assert_true(slice_eq(c.v[EVP_CONTAINER_INFO_container_name], SLICE("worker")));
	assert_true(slice_eq(c.v[EVP_CONTAINER_INFO_image_repository], SLICE("r.io/web")));
	assert_true(slice_eq(c.v[EVP_CONTAINER_INFO_image_tag], SLICE("1.2")));
	assert_int_equal(
	    0, memcmp(c.v[EVP_CONTAINER_INFO_labels].p, "nerdctl/name=worker\0a=b\0", 24));
	container_info_fini(&c);
}

/* A pod's labels, address and probes, among other extensions of the container. */
static void
t_sandbox(void **state)
{
	static const char json[] =
	    "{\"Version\":\"v1\",\"Metadata\":{\"ID\":\"5a\",\"Config\":{\"labels\":"
	    "{\"app\":\"web\",\"io.kubernetes.pod.uid\":\"u\"},\"annotations\":{"
	    "\"" CONTAINER_APPLIED
	    "\":\"{\\\"spec\\\":{\\\"containers\\\":[{\\\"name\\\":\\\"app\\\","
	    "\\\"readinessProbe\\\":"
	    "{\\\"exec\\\":{\\\"command\\\":[\\\"ready\\\"]}}}]}}\"}},\"IP\":\"10.1.2.3\","
	    "\"CNIResult\":{\"Routes\":null}}}";
	Containerd__Any any = CONTAINERD__ANY__INIT;
	Containerd__Extension of_another = CONTAINERD__EXTENSION__INIT,
			      e = CONTAINERD__EXTENSION__INIT, *list[] = { &of_another, &e };
	Containerd__Container box = CONTAINERD__CONTAINER__INIT;
	Containerd__GetResponse r = CONTAINERD__GET_RESPONSE__INIT;
	struct container_ask ask = { .full = "x" };
	struct container_info c = { .ask = &ask };
	uint8_t bytes[1024];

	(void) state;
	of_another.key = (char *) "x"; /* without a value */
	e.key = (char *) "io.cri-containerd.sandbox.metadata";
	e.value = &any;
	any.value.data = (uint8_t *) json;
	any.value.len = sizeof(json) - 1;
	box.n_extensions = ARRAY_SIZE(list);
	box.extensions = list;
	r.container = &box;
	assert_true(containerd__get_response__get_packed_size(&r) <= sizeof(bytes));
	arena_init(&c.arena, 0);
	c.v[EVP_CONTAINER_INFO_container_name] = SLICE("app");
	c.v[EVP_CONTAINER_INFO_pod_sandbox] = SLICE("5a");
	container_containerd_sandbox(
	    &c, (struct slice){ (const char *) bytes, containerd__get_response__pack(&r, bytes) });
	assert_true(slice_eq(c.v[EVP_CONTAINER_INFO_pod_ip], SLICE("10.1.2.3")));
	assert_true(slice_eq(
	    c.v[EVP_CONTAINER_INFO_pod_labels], (struct slice){ "app=web", sizeof("app=web") }));
	assert_true(slice_eq(
	    c.v[EVP_CONTAINER_INFO_readiness_probe], (struct slice){ "ready", sizeof("ready") }));
	assert_true(slice_eq(c.v[EVP_CONTAINER_INFO_cni], SLICE("{\"Routes\":null}")));
	container_info_fini(&c);
	c = (struct container_info){ .ask = &ask };
	arena_init(&c.arena, 0);
	container_containerd_sandbox(&c, SLICE("\12\6\12\1x\12\1y"));
	assert_int_equal(0, c.v[EVP_CONTAINER_INFO_pod_labels].n);
	container_containerd_sandbox(&c, SLICE("\12\377"));
	container_containerd_answer(&c, SLICE(""));
	assert_true(slice_eq(c.v[EVP_CONTAINER_INFO_container_name], SLICE("x")));
	container_info_fini(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_answers),
		cmocka_unit_test(t_request),
		cmocka_unit_test(t_hangs),
		cmocka_unit_test(t_container),
		cmocka_unit_test(t_sandbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
