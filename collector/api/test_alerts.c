/* SPDX-License-Identifier: Apache-2.0 */
/* test_alerts.c - the history of a real outbox, read page by page through the real server. */
#include "collector/api/test_api_kit.h"
#include "common/clock.h"
#include "tests/support/outbox_kit.h"
#include <curl/curl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ALERTS = 50000, BATCH = 500, ANSWER_MAX = 10000, JSON_SIZE = 1000 };

static json_t *
get_json(const char *path)
{
	struct buf b = BUF_INIT;
	json_error_t where;
	json_t *j;

	assert_int_equal(200, ask("GET", path, NULL, &b));
	j = json_loadb(b.p, b.n, 0, &where);
	if (j == NULL)
		fail_msg("%s: %s", path, where.text);
	buf_fini(&b);
	return j;
}

static json_int_t
num(const json_t *j, const char *key)
{
	return json_integer_value(json_object_get(j, key));
}

static bool
more(const json_t *j)
{
	return json_is_true(json_object_get(j, "more"));
}

/* ---- the history ---- */

/* Alerts 1 to ALERTS: {"n":N,...}; every 5,000th is of the rule "rare". */
static void
fill(void)
{
	static char pad[JSON_SIZE];

	memset(pad, 'x', sizeof(pad) - 1);
	for (unsigned n = 0; n < ALERTS;) {
		struct alert *list = NULL, **tail = &list;

		for (unsigned k = 0; k < BATCH; k++) {
			struct alert a = { .priority = PRIO_WARNING, .time = ++n };
			char json[JSON_SIZE + 64];

			a.json_len = (size_t) snprintf(
			    json, sizeof(json), "{\"n\":%u,\"pad\":\"%s\"}", n, pad);
			(void) snprintf(a.id, sizeof(a.id), "%08x-0000-8000-8000-000000000000", n);
			a.rule = n % 5000 == 0 ? "rare" : "a b&c";
			a.cluster = "prod";
			a.node = "n";
			a.json = json;
			assert_int_equal(0, alert_new(&a, tail));
			tail = &(*tail)->next;
		}
		assert_int_equal(0, put(outbox, &node1, n / BATCH, list));
	}
}

static int
begin(void **state)
{
	if (tmpdir_begin(state) < 0 || kit_begin(state) < 0 || kit_setup(state) < 0)
		return -1;
	(void) snprintf(sock, sizeof(sock), "%s/api.sock", tmpdir);
	outbox = open_it(0, 0);
	fill();
	return 0;
}

static int
end(void **state)
{
	outbox_close(outbox);
	return tmpdir_end(state) | kit_end(state);
}

/* Every alert is returned once, in order, in answers of at most ANSWER_MAX. */
static void
test_all(void **state)
{
	json_int_t last = 0, want = 1;
	unsigned answers = 0;
	bool go_on = true;

	(void) state;
	start(&patient);
	while (go_on) {
		char path[100];
		json_t *j, *list;

		(void) snprintf(
		    path, sizeof(path), "/api/v1/alerts?limit=0&after=%lld", (long long) last);
		j = get_json(path);
		list = json_object_get(j, "alerts");
		assert_true(json_array_size(list) <= ANSWER_MAX);
		for (size_t i = 0; i < json_array_size(list); i++)
			assert_int_equal(want++, num(json_array_get(list, i), "n"));
		last = num(j, "last");
		go_on = more(j);
		answers++;
		json_decref(j);
	}
	assert_int_equal(ALERTS + 1, want);
	assert_int_equal(ALERTS / ANSWER_MAX, answers);
	assert_int_equal(ALERTS, last);
}

static void
test_newest(void **state)
{
	json_t *j;

	(void) state;
	start(&patient);
	j = get_json("/api/v1/alerts?order=newest&limit=3");
	assert_int_equal(3, json_array_size(json_object_get(j, "alerts")));
	assert_int_equal(ALERTS, num(json_array_get(json_object_get(j, "alerts"), 0), "n"));
	assert_int_equal(ALERTS, num(j, "last"));
	assert_int_equal(ALERTS - 2, num(j, "first"));
	assert_true(more(j));
	json_decref(j);
	j = get_json("/api/v1/alerts?order=newest&limit=5&before=4");
	assert_int_equal(3, json_array_size(json_object_get(j, "alerts")));
	assert_int_equal(3, num(json_array_get(json_object_get(j, "alerts"), 0), "n"));
	assert_false(more(j));
	json_decref(j);
}

static const struct {
	const char *query;
	size_t alerts;
	bool more;
} selections[] = {
	{ "rule=rare", 10, false },
	{ "rule=rare&limit=4", 4, true },
	{ "rule=a+b%26c", 100, true },
	{ "rule=nothing", 0, false },
	{ "rule=nothing&order=newest", 0, false },
	{ "rule=nothing&rule=rare", 10, false },
	{ "id=00000100-0000-8000-8000-000000000000", 1, false },
	{ "since=49991", 10, false },
	{ "until=6", 5, false },
	{ "after=49990&limit=0", 10, false },
	{ "after=60000", 0, false },
	{ "before=11", 10, false },
	{ "before=1", 0, false },
	{ "limit=99999999&node=n&cluster=prod&priority=warning", ANSWER_MAX, true },
	{ "priority=error", 0, false },
};

static void
test_selections(void **state)
{
	(void) state;
	start(&patient);
	for (size_t i = 0; i < ARRAY_SIZE(selections); i++) {
		char path[200];
		json_t *j;

		(void) snprintf(path, sizeof(path), "/api/v1/alerts?%s", selections[i].query);
		j = get_json(path);
		if (json_array_size(json_object_get(j, "alerts")) != selections[i].alerts ||
		    more(j) != selections[i].more)
			fail_msg("%s: %zu alerts", selections[i].query,
			    json_array_size(json_object_get(j, "alerts")));
		json_decref(j);
	}
}

static size_t
on_data_dropped(const char *p, size_t size, size_t n, void *arg)
{
	(void) p;
	*(size_t *) arg += size * n;
	return size * n;
}

/* Memory grows neither with the size of the answer (10 MB) nor with the history. */
static void
test_memory(void **state)
{
	struct rusage before, after;
	CURL *c = curl_easy_init();
	struct buf b = BUF_INIT;
	size_t got = 0;

	(void) state;
	start(&patient);
	assert_int_equal(200, ask("GET", "/api/v1/alerts?limit=300", NULL, &b));
	buf_fini(&b);
	(void) getrusage(RUSAGE_SELF, &before);
	(void) curl_easy_setopt(c, CURLOPT_URL, "http://x/api/v1/alerts?limit=0");
	(void) curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, sock);
	(void) curl_easy_setopt(c, CURLOPT_PROXY, "");
	(void) curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void) curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data_dropped);
	(void) curl_easy_setopt(c, CURLOPT_WRITEDATA, &got);
	assert_int_equal(CURLE_OK, curl_easy_perform(c));
	curl_easy_cleanup(c);
	(void) getrusage(RUSAGE_SELF, &after);
	assert_true(got > (size_t) ANSWER_MAX * JSON_SIZE);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* they keep freed memory */
	assert_true(after.ru_maxrss - before.ru_maxrss < 3 * 1024); /* KiB */
#endif
}

/* ---- clients that do not read their answers ---- */

/* An answer that is not read holds its place for a limited time. */
static void
test_slow_taker(void **state)
{
	struct api_cfg cfg = patient;
	struct buf b = BUF_INIT;
	int fd[READS_MAX];

	(void) state;
	cfg.answer_ms = 300;
	start(&cfg);
	for (int i = 0; i < READS_MAX; i++) {
		fd[i] = dial();
		say(fd[i], "GET /api/v1/alerts?limit=0 HTTP/1.1\r\nHost: x\r\n\r\n");
	}
	while (counts().ended < READS_MAX)
		(void) usleep(10000);
	while (ask("GET", "/api/v1/alerts", NULL, &b) != 200)
		(void) usleep(10000);
	for (int i = 0; i < READS_MAX; i++)
		(void) close(fd[i]);
	buf_fini(&b);
}

static void
test_too_many_reads(void **state)
{
	struct buf b = BUF_INIT;
	int fd[READS_MAX];

	(void) state;
	start(&patient);
	for (int i = 0; i < READS_MAX; i++) {
		char first;

		fd[i] = dial();
		say(fd[i], "GET /api/v1/alerts?limit=0 HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_int_equal(1, recv(fd[i], &first, 1, 0));
	}
	assert_int_equal(503, ask("GET", "/api/v1/alerts", NULL, &b));
	assert_non_null(strstr(b.p, "under way"));
	assert_int_equal(200, ask("GET", "/healthz", NULL, &b));
	for (int i = 0; i < READS_MAX; i++)
		(void) close(fd[i]);
	while (ask("GET", "/api/v1/alerts", NULL, &b) != 200)
		(void) usleep(10000);
	buf_fini(&b);
}

static int
count_node(void *arg, const struct outbox_node *n)
{
	*(unsigned *) arg += strcmp(n->id.node, "gone") == 0;
	return 0;
}

/* The outbox writes nodes a moment later. */
static void
wait_for_nodes(unsigned want)
{
	const uint64_t until = clock_mono() + 30 * NS_PER_S;
	unsigned n = !want;

	while (n != want && clock_mono() < until) {
		n = 0;
		assert_int_equal(0, outbox_nodes(outbox, count_node, &n));
	}
	assert_int_equal(want, n);
}

static void
test_forget(void **state)
{
	const struct outbox_node n = { .id = { "k", "gone", "b", 1 }, .seen = 1 };
	struct buf b = BUF_INIT;

	(void) state;
	start(&patient);
	assert_int_equal(0, outbox_node_put(outbox, &n));
	wait_for_nodes(1);
	assert_int_equal(200, ask("POST", "/api/v1/nodes/forget?cluster=k&node=gone", "", &b));
	assert_string_equal("{}\n", b.p);
	wait_for_nodes(0);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		/* first, because it measures the peak of memory */
		cmocka_unit_test_teardown(test_memory, stop),
		cmocka_unit_test_teardown(test_all, stop),
		cmocka_unit_test_teardown(test_newest, stop),
		cmocka_unit_test_teardown(test_selections, stop),
		cmocka_unit_test_teardown(test_slow_taker, stop),
		cmocka_unit_test_teardown(test_too_many_reads, stop),
		cmocka_unit_test_teardown(test_forget, stop),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
