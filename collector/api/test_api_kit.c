/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/api/test_api_kit.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- fake bodies ---- */

struct reload_ask *_Atomic asked;

void
api_metrics(const struct api_view *v, struct buf *out)
{
	(void) v;
	buf_str(out, "metrics\n");
}

void
api_status(const struct api_view *v, struct buf *out)
{
	(void) v;
	buf_str(out, "{}\n");
}

void
api_accounts(const struct api_view *v UNUSED, const char *node UNUSED, const char *cluster UNUSED,
    struct buf *out)
{
	buf_str(out, "{}\n");
}

int
api_coverage(const struct api_view *v, const char *rule, const char *event, const char *node,
    const char *cluster, uint64_t since, struct buf *out)
{
	(void) v;
	buf_printf(out, "%s|%s|%s|%s|%lu", rule == NULL ? "-" : rule, event == NULL ? "-" : event,
	    node == NULL ? "-" : node, cluster == NULL ? "-" : cluster, (unsigned long) since);
	return 0;
}

void
api_rules(const struct api_view *v, struct buf *out)
{
	(void) v;
	buf_str(out, "[]\n");
}

const char *
api_ready(const struct api_view *v)
{
	(void) v;
	return "not today";
}

/* One node is known, "k/gone", and one is connected, "k/here". */
int
streams_forget(struct streams *s, const char *cluster, const char *node)
{
	(void) s;
	if (strcmp(cluster, "k") != 0)
		return -ENOENT;
	return strcmp(node, "gone") == 0 ? 0 : strcmp(node, "here") == 0 ? -EBUSY : -ENOENT;
}

/* The shard of "k/here" is this test: it takes one op at a time, and 'room' says whether it does.
 */
struct op *_Atomic shard_op;
_Atomic bool shard_room;

struct stream *
streams_find(struct streams *s, const char *cluster, const char *node)
{
	static struct stream here;

	(void) s;
	return strcmp(cluster, "k") == 0 && strcmp(node, "here") == 0 ? &here : NULL;
}

void
stream_unref(struct stream *st)
{
	(void) st;
}

struct shard *
shards_of(struct shards *s, const struct stream *st)
{
	(void) s;
	(void) st;
	return NULL;
}

int
shard_put(struct shard *s, struct op *op)
{
	(void) s;
	if (!shard_room)
		return -EAGAIN;
	atomic_store(&shard_op, op);
	return 0;
}

void
op_free(struct op *op)
{
	free(op);
}

/* One output, "hook", whose tests this test answers. */
struct output_test *_Atomic tested;

size_t
outputs_stats(struct outputs *set, struct output_stats *ret, size_t max)
{
	(void) set;
	(void) max;
	ret[0] = (struct output_stats){ .name = "hook",
		.kind = "webhook",
		.delivered = 7,
		.refused = 2,
		.error = "gone",
		.last = "gone",
		.last_at = 5 };
	return 1;
}

int
outputs_test(struct outputs *set, const char *name, struct output_test *t)
{
	struct output_test *none = NULL;

	(void) set;
	if (strcmp(name, "hook") != 0)
		return -ENOENT;
	return atomic_compare_exchange_strong(&tested, &none, t) ? 0 : -EBUSY;
}

int
outputs_retry(struct outputs *set, const char *name, uint64_t rowid)
{
	(void) set;
	return strcmp(name, "hook") != 0 ? -ENOENT : rowid == 9 ? -EBUSY : 0;
}

void
reload_ask(struct reload *r, struct reload_ask *a)
{
	(void) r;
	atomic_store(&asked, a);
}

/* ---- a server and a client ---- */

char sock[108], token_file[64];
struct outbox *outbox;
struct silences *silences;
const struct api_cfg patient = {
	.socket = sock,
	.token_file = token_file,
	.connections = 64,
	.request_ms = 20000,
	.answer_ms = 20000,
};

struct api *running;

void
start(const struct api_cfg *cfg)
{
	struct api_view v = { .outbox = outbox, .silences = silences };
	struct api *a = NULL;
	struct diag d = { 0 };
	int r;

	(void) snprintf(token_file, sizeof(token_file), "%s/api.token", tmpdir);
	r = api_start(cfg, &v, &a, &d);
	if (r < 0)
		fail_msg("%d: %s", r, d.msg);
	running = a;
}

int
stop(void **state)
{
	(void) state;
	api_stop(running);
	running = NULL;
	return 0;
}

struct api_stats
counts(void)
{
	struct api_stats st;

	api_stats(running, &st);
	return st;
}

int
dial(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void) snprintf(a.sun_path, sizeof(a.sun_path), "%s", sock);
	assert_true(fd >= 0);
	assert_int_equal(0, connect(fd, (struct sockaddr *) &a, sizeof(a)));
	return fd;
}

void
say(int fd, const char *text)
{
	assert_int_equal(strlen(text), send(fd, text, strlen(text), MSG_NOSIGNAL));
}

/* Read until the other side closes, or the test has waited too long. */
size_t
hear(int fd, char *to, size_t max)
{
	size_t n = 0;

	while (n + 1 < max) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t got;

		assert_int_equal(1, poll(&p, 1, 30000));
		got = recv(fd, to + n, max - n - 1, 0);
		if (got <= 0)
			break;
		n += (size_t) got;
	}
	to[n] = '\0';
	return n;
}

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	buf_add(arg, p, size * n);
	return size * n;
}

long
answer(CURL *c, struct buf *out)
{
	long status = 0;

	(void) curl_easy_setopt(c, CURLOPT_PROXY, "");
	(void) curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void) curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	(void) curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
	buf_clear(out);
	if (curl_easy_perform(c) == CURLE_OK)
		(void) curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

long
ask(const char *method, const char *path, const char *body, struct buf *out)
{
	CURL *c = curl_easy_init();
	char url[512];
	long status;

	(void) snprintf(url, sizeof(url), "http://x%s", path);
	(void) curl_easy_setopt(c, CURLOPT_URL, url);
	(void) curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, sock);
	(void) curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	if (body != NULL)
		(void) curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	status = answer(c, out);
	curl_easy_cleanup(c);
	return status;
}

void
ask_each(const struct expected *v, size_t n)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(v[i].status, ask(v[i].method, v[i].path, v[i].body, &b));
		assert_string_equal(v[i].text, b.p);
	}
	buf_fini(&b);
}

unsigned
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(0, bind(fd, (struct sockaddr *) &a, sizeof(a)));
	assert_int_equal(0, getsockname(fd, (struct sockaddr *) &a, &n));
	(void) close(fd);
	return ntohs(a.sin_port);
}
