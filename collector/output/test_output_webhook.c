/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_webhook.c - requests, and answers of every kind. */
#include "collector/output/output_webhook.h"
#include "collector/output/test_output_kit.h"
#include "common/clock.h"
#include "tests/support/httpd.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct httpd *web;

static int
setup(void **state)
{
	(void) state;
	web = httpd_start();
	(void) snprintf(bench_path, sizeof(bench_path), "%s", httpd_url(web));
	return 0;
}

static int
teardown(void **state)
{
	(void) state;
	httpd_stop(web);
	return 0;
}

static void
write_file(const char *name, const char *text, mode_t mode)
{
	char path[128];
	int fd;

	(void) snprintf(path, sizeof(path), "%s/%s", tmpdir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
	assert_int_equal((ssize_t) strlen(text), write(fd, text, strlen(text)));
	assert_int_equal(0, fchmod(fd, mode));
	assert_int_equal(0, close(fd));
}

/* "outputs: { webhook: { url: '@', MORE } }", where %s in MORE is the temporary folder. */
static struct bench *
hook(const char *more)
{
	char text[400], rest[300];
	const char *at = strstr(more, "%s");

	(void) snprintf(rest, sizeof(rest), "%.*s%s%s",
	    at == NULL ? (int) strlen(more) : (int) (at - more), more, at == NULL ? "" : tmpdir,
	    at == NULL ? "" : at + 2);
	(void) snprintf(text, sizeof(text), "outputs: { webhook: { url: '@', %s } }", rest);
	return bench_open(&output_webhook, text);
}

static void
each_alert_is_a_request_by_default(void **state)
{
	struct bench *b;

	(void) state;
	write_file("secret", "X-Secret: s3\n", 0600);
	b = hook("header_files: '%s/secret'");
	bench_submit_all(b, 1, 50);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(50, b->delivered);
	assert_int_equal(50, httpd_count(web));
	assert_int_equal(1, httpd_connections(web)); /* kept alive */
	for (unsigned n = 1; n <= 50; n++) {
		char want[64];

		(void) snprintf(want, sizeof(want), "{\"output\":\"alert %u\"}", n);
		assert_string_equal(want, httpd_body(web, n - 1));
	}
	assert_string_equal("application/json", httpd_header(web, 0, "Content-Type"));
	assert_string_equal("s3", httpd_header(web, 49, "X-Secret"));
	bench_close(b);
}

static void
a_body_may_be_compressed(void **state)
{
	struct bench *b;

	(void) state;
	b = hook("compression: gzip");
	bench_submit_all(b, 1, 2);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(2, b->delivered);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal("gzip", httpd_header(web, i, "Content-Encoding"));
		assert_memory_equal("\x1f\x8b", httpd_body(web, i), 2);
	}
	bench_close(b);
}

/* A new secret counts from the next request on; without a usable one the alerts wait. */
static void
a_file_of_headers_is_read_again(void **state)
{
	struct bench *b;

	(void) state;
	write_file("secret", "X-Secret: old\n", 0600);
	b = hook("header_files: '%s/secret'");
	bench_submit_all(b, 1, 1);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_string_equal("old", httpd_header(web, 0, "X-Secret"));
	write_file("secret", "X-Secret: new\n", 0644); /* everybody could read it */
	bench_submit_all(b, 2, 2);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(1, b->retry);
	assert_int_equal(1, httpd_count(web));
	assert_non_null(strstr(b->ops->trouble(b->st), "/secret"));
	assert_null(strstr(b->ops->trouble(b->st), "new"));
	write_file("secret", "X-Secret: new\n", 0600);
	bench_submit_all(b, 3, 3);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(2, b->delivered);
	assert_string_equal("new", httpd_header(web, 1, "X-Secret"));
	assert_null(b->ops->trouble(b->st));
	bench_close(b);
}

static void
a_preset_may_send_several(void **state)
{
	struct bench *b;

	(void) state;
	write_file("batch.yaml",
	    "before: '['\nbetween: ','\nafter: ']'\nbatch: 3\nbody: '\"%alert.output %param.p\"'\n",
	    0644);
	b = hook("preset: '%s/batch.yaml', params: { p: x }");
	bench_submit_all(b, 1, 7);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(7, b->delivered);
	assert_int_equal(3, httpd_count(web));
	assert_string_equal("[\"alert 1 x\",\"alert 2 x\",\"alert 3 x\"]", httpd_body(web, 0));
	assert_string_equal("[\"alert 7 x\"]", httpd_body(web, 2));
	bench_close(b);
}

static const struct {
	struct httpd_answer answer;
	const char *reply;
	unsigned delivered, refused, retry;
	const char *trouble; /* after the host */
} answers[] = {
	{ { 200, NULL, NULL }, "status", 1, 0, 0, NULL },
	{ { 204, NULL, NULL }, "status", 1, 0, 0, NULL },
	{ { 202, "later", NULL }, "status", 1, 0, 0, NULL },
	{ { 301, NULL, NULL }, "status", 0, 0, 1,
	    "HTTP status 301, a redirection, which is not followed" },
	{ { 400, "no_text", NULL }, "status", 0, 1, 0, NULL },
	{ { 401, "x\x1b[2Jy", NULL }, "status", 0, 0, 1,
	    "HTTP status 401, it does not accept our credentials: x\\x1b[2Jy" },
	{ { 403, NULL, NULL }, "status", 0, 0, 1, "HTTP status 403, it does not let us" },
	{ { 404, NULL, NULL }, "status", 0, 0, 1,
	    "HTTP status 404, check the path of outputs.webhook.url" },
	{ { 422, NULL, NULL }, "status", 0, 1, 0, NULL },
	{ { 413, NULL, NULL }, "status", 0, 1, 0, NULL }, /* nothing is left to cut */
	{ { 429, NULL, NULL }, "status", 0, 0, 1, "HTTP status 429, too many requests" },
	{ { 500, "oops", NULL }, "status", 0, 0, 1, "HTTP status 500: oops" },
	{ { 503, NULL, NULL }, "status", 0, 0, 1, "HTTP status 503" },
	{ { 200, "ok", NULL }, "ok", 1, 0, 0, NULL },
	{ { 200, "{\"ok\":true}", NULL }, "ok", 1, 0, 0, NULL },
	{ { 200, "{\"ok\":false,\"error\":\"e\"}", NULL }, "ok", 0, 0, 1,
	    "it answers 2xx and reports a failure: {\"ok\":false" },
	{ { 200, "{\"code\":0}", NULL }, "code", 1, 0, 0, NULL },
	{ { 200, "{\"code\":9}", NULL }, "code", 0, 0, 1, "it answers 2xx and reports a failure" },
	{ { 200, "{\"items\":[{\"create\":{\"status\":201}}]}", NULL }, "bulk", 1, 0, 0, NULL },
	{ { 200, "{\"items\":[{\"create\":{\"status\":409}}]}", NULL }, "bulk", 1, 0, 0, NULL },
	{ { 200, "{\"items\":[{\"create\":{\"status\":429}}]}", NULL }, "bulk", 0, 0, 1,
	    "HTTP status 429, too many requests" },
	{ { 200, "{\"items\":[{\"create\":{\"status\":400,\"error\":{\"reason\":\"m\"}}}]}", NULL },
	    "bulk", 0, 1, 0, NULL },
	{ { 200, "{\"items\":[]}", NULL }, "bulk", 0, 0, 1, "its answer leaves an alert out" },
	{ { 200, "<html>", NULL }, "bulk", 0, 0, 1,
	    "it answers 2xx and reports a failure: <html>" },
};

static void
an_answer_ends_an_alert(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct bench *b;
		char text[128], want[256];

		(void) snprintf(
		    text, sizeof(text), "body: '[%%alert.json]'\nreply: %s\n", answers[i].reply);
		write_file("reply.yaml", text, 0644);
		b = hook("preset: '%s/reply.yaml'");
		httpd_script(web, &answers[i].answer, 1);
		bench_submit_all(b, 1, 1);
		assert_int_equal(0, b->ops->drain(b->st, 20000));
		assert_int_equal(answers[i].delivered, b->delivered);
		assert_int_equal(answers[i].refused, b->refused);
		assert_int_equal(answers[i].retry, b->retry);
		if (answers[i].trouble == NULL) {
			assert_null(b->ops->trouble(b->st));
		} else {
			(void) snprintf(
			    want, sizeof(want), "webhook: 127.0.0.1: %s", answers[i].trouble);
			assert_memory_equal(want, b->ops->trouble(b->st), strlen(want));
		}
		bench_close(b);
	}
}

/* Of a refused batch, each alert is sent alone: only the culprit is refused. */
static void
one_bad_alert_costs_no_other(void **state)
{
	static const struct httpd_answer script[] = { { 400, NULL, NULL }, { 200, NULL, NULL },
		{ 400, NULL, NULL }, { 200, NULL, NULL } };
	struct bench *b;

	(void) state;
	write_file("batch.yaml", "batch: 3\nbody: '[%alert.json]'\n", 0644);
	b = hook("preset: '%s/batch.yaml'");
	httpd_script(web, script, ARRAY_SIZE(script));
	bench_submit_all(b, 1, 3);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(3, b->retry);
	bench_submit_all(b, 1, 3);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(2, b->delivered);
	assert_int_equal(1, b->refused);
	assert_int_equal(4, httpd_count(web));
	bench_submit_all(b, 4, 6); /* together again */
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(5, httpd_count(web));
	bench_close(b);
}

static void
retry_after_is_obeyed(void **state)
{
	static const struct httpd_answer later = { 429, NULL, "1" };
	struct bench *b = hook("timeout: 5s");
	uint64_t at;

	(void) state;
	httpd_script(web, &later, 1);
	bench_submit_all(b, 1, 1);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	at = clock_mono();
	assert_int_equal(-EAGAIN, bench_submit(b, 1));
	bench_submit_all(b, 1, 1);
	assert_true(clock_mono() - at > NS_PER_S / 2);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(1, b->delivered);
	assert_null(b->ops->trouble(b->st));
	bench_close(b);
}

static void
too_large_is_cut(void **state)
{
	static const struct httpd_answer large[] = { { 413, NULL, NULL }, { 413, NULL, NULL } };
	struct bench *b = hook("timeout: 5s");
	struct outbox_row row = { .rowid = 1 };
	char json[8192];

	(void) state;
	(void) snprintf(json, sizeof(json), "{\"output\":\"%04000d\",\"output_fields\":{}}", 0);
	row.alert = (struct alert){ .rule = "r", .cluster = "c", .node = "n", .json = json };
	row.alert.json_len = strlen(json);
	httpd_script(web, large, ARRAY_SIZE(large));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(0, b->ops->submit(b->st, &row));
		assert_int_equal(0, b->ops->drain(b->st, 20000));
	}
	assert_int_equal(2, b->retry);
	assert_int_equal(1, b->delivered);
	assert_true(strlen(httpd_body(web, 2)) <= strlen(json) / 4 + 1);
	assert_non_null(strstr(httpd_body(web, 2), "mews.truncated"));
	bench_close(b);
}

static void
no_answer_is_one_sentence(void **state)
{
	struct bench *b;

	(void) state;
	(void) snprintf(bench_path, sizeof(bench_path), "http://127.0.0.1:1/s3cret");
	b = hook("timeout: 5s");
	bench_submit_all(b, 1, 1);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(1, b->retry);
	assert_memory_equal("webhook: 127.0.0.1: Failed to connect", b->ops->trouble(b->st), 36);
	assert_null(strstr(b->ops->trouble(b->st), "s3cret"));
	bench_close(b);
}

/* The presets that are shipped are JSON, and take their parameters. */
static void
presets_are_valid(void **state)
{
	static const struct {
		const char *name, *params;
		bool batch;
	} presets[] = {
		{ "alertmanager", "", true },
		{ "cloudevents", "", true },
		{ "discord", "", false },
		{ "elasticsearch", "index: i", true },
		{ "loki", "", true },
		{ "mattermost", "", false },
		{ "oncall", "", false },
		{ "opsgenie", "", false },
		{ "pagerduty", "routing_key: k", false },
		{ "slack", "", false },
		{ "splunk", "", true },
		{ "teams", "", false },
		{ "telegram", "chat_id: '-1'", false },
	};

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++) {
		char text[256];
		struct bench *b;
		size_t before = httpd_count(web);

		(void) snprintf(text, sizeof(text),
		    "preset: 'deploy/presets/%s.yaml', params: { %s }", presets[i].name,
		    presets[i].params);
		b = hook(text);
		bench_submit_all(b, 1, 2);
		(void) b->ops->drain(b->st, 20000);
		assert_int_equal(before + (presets[i].batch ? 1 : 2), httpd_count(web));
		bench_close(b);
	}
}

#define SLACK "preset: deploy/presets/slack.yaml"
#define OK                      \
	{                       \
		200, "ok", NULL \
	}

/* Submit rows as the output's thread would after a retry: all that have not ended, in order. */
static void
again(struct bench *b, unsigned from, unsigned to)
{
	b->ops->purge(b->st);
	assert_int_equal(to - from + 1, b->retry);
	b->retry = 0;
	bench_submit_all(b, from, to);
}

static void
repeats_are_one_notification(void **state)
{
	static const struct httpd_answer good[] = { OK, OK, OK, OK, OK, OK, OK, OK, OK, OK, OK, OK,
		OK, OK };
	struct bench *b;

	(void) state;
	httpd_script(web, good, ARRAY_SIZE(good));
	b = hook(SLACK);
	bench_submit_all(b, 1, 100);
	assert_int_equal(1, b->delivered);
	assert_true(b->ops->holds(b->st));
	assert_int_equal(0, b->ops->drain(b->st, 20000)); /* the end does not wait */
	assert_int_equal(100, b->delivered);
	assert_int_equal(2, httpd_count(web));
	assert_null(strstr(httpd_body(web, 0), "times"));
	assert_non_null(strstr(httpd_body(web, 1), ": r (99 times, 00:00:00 to 00:00:00 UTC)"));
	assert_non_null(strstr(httpd_body(web, 1),
	    "\"00000002-0000-8000-8000-000000000000 to 00000064-0000-8000-8000-000000000000\""));
	bench_submit_all(b, 101, 700); /* more than a notification may hold */
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(700, b->delivered);
	assert_int_equal(4, httpd_count(web));
	bench_close(b);
	b = hook(SLACK ", fold: no");
	bench_submit_all(b, 1, 10);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(14, httpd_count(web));
	bench_close(b);
}

/* One that must be sent again, or is refused, loses and doubles nothing. */
static void
a_notification_may_fail(void **state)
{
	static const struct httpd_answer first[] = { { 500, NULL, NULL }, OK, OK },
					 second[] = { OK, { 500, NULL, NULL }, OK, OK },
					 refused[] = { OK, { 400, "no", NULL }, OK,
						 { 400, "bad", NULL } };
	struct bench *b = hook(SLACK);

	(void) state;
	httpd_script(web, first, ARRAY_SIZE(first));
	bench_submit_all(b, 1, 5);
	again(b, 1, 5);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(5, b->delivered);
	bench_close(b);

	b = hook(SLACK);
	httpd_script(web, second, ARRAY_SIZE(second));
	bench_submit_all(b, 1, 5);
	b->ops->release(b->st);
	while (b->retry == 0)
		b->ops->poll(b->st, 10);
	again(b, 2, 5);
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(5, b->delivered);
	bench_close(b);

	b = hook(SLACK);
	httpd_script(web, refused, ARRAY_SIZE(refused));
	bench_submit_all(b, 1, 3);
	b->ops->release(b->st);
	while (b->retry == 0)
		b->ops->poll(b->st, 10);
	again(b, 2, 3); /* one by one now */
	assert_int_equal(0, b->ops->drain(b->st, 20000));
	assert_int_equal(2, b->delivered);
	assert_int_equal(1, b->refused);
	bench_close(b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_alert_is_a_request_by_default),
		T(a_body_may_be_compressed),
		T(a_file_of_headers_is_read_again),
		T(a_preset_may_send_several),
		T(repeats_are_one_notification),
		T(a_notification_may_fail),
		T(an_answer_ends_an_alert),
		T(one_bad_alert_costs_no_other),
		T(retry_after_is_obeyed),
		T(too_large_is_cut),
		T(no_answer_is_one_sentence),
		T(presets_are_valid),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
