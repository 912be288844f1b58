/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/text.h"
#include "common/clock.h"
#include "tests/support/test.h"
#include <errno.h>
#include <jansson.h>

#define AT 1795361065353780313ULL /* 2026-11-22T15:24:25.353780313Z */

static const struct {
	const char *json, *node;
	enum priority prio;
	enum text_format format;
	const char *want;
} lines[] = {
	{ "{\"output\":\"15:24:25.353780313: Warning file=/etc/shadow\"}", "web-1", PRIO_WARNING,
	    TEXT_PLAIN, "2026-11-22 15:24:25.353 Warning  web-1  Read  file=/etc/shadow\n" },
	{ "{\"output\":\"15:24:25.353780313: Warning a=1\"}", "web-1", PRIO_WARNING, TEXT_COLOURED,
	    "15:24:25.353 \033[33mWarning \033[0m web-1  \033[1mRead\033[0m  a=1\n" },
	/* no prefix to remove: another priority, or text that only looks like one */
	{ "{\"output\":\"15:24: Notice a=1\"}", "n", PRIO_WARNING, TEXT_PLAIN,
	    "2026-11-22 15:24:25.353 Warning  n  Read  15:24: Notice a=1\n" },
	{ "{\"output\":\"12 shells\"}", "n", PRIO_ERROR, TEXT_PLAIN,
	    "2026-11-22 15:24:25.353 Error    n  Read  12 shells\n" },
	/* no terminal control characters, neither from text nor from node */
	{ "{\"output\":\"a\\u001b[2J\\nb\\u009bc\\u0000d\\u00e9\"}", "n\033[31m", PRIO_DEBUG,
	    TEXT_PLAIN,
	    "2026-11-22 15:24:25.353 Debug    n\\x1b[31m  Read  "
	    "a\\x1b[2J\\x0ab\\xc2\\x9bc\\x00d\xc3\xa9\n" },
	{ "no json", "n", PRIO_ALERT, TEXT_PLAIN,
	    "2026-11-22 15:24:25.353 Alert    n  Read  no json\n" },
	{ "{\"output\":5}", "n", PRIO_ALERT, TEXT_PLAIN,
	    "2026-11-22 15:24:25.353 Alert    n  Read  {\"output\":5}\n" },
	{ "{\"a\":1}", "n", PRIO_ALERT, TEXT_JSON, "{\"a\":1}\n" },
	{ "{\"a\":\"\xc2\x9b\xe2\x80\xae\xc3\xa9\"}", "n", PRIO_ALERT, TEXT_JSON,
	    "{\"a\":\"\xc2\x9b\xe2\x80\xae\xc3\xa9\"}\n" },
	{ "{\"a\":\"\xc2\x9b\xe2\x80\xae\xc3\xa9\"}", "n", PRIO_ALERT, TEXT_JSON_SAFE,
	    "{\"a\":\"\\u009b\\u202e\xc3\xa9\"}\n" },
};

static void
alerts_become_lines(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct alert a = { .priority = lines[i].prio, .time = AT, .rule = "Read" };
		struct buf b = BUF_INIT;

		a.node = lines[i].node;
		a.json = lines[i].json;
		a.json_len = strlen(lines[i].json);
		text_alert(&b, &a, lines[i].format);
		assert_string_equal(lines[i].want, b.p);
		buf_fini(&b);
	}
}

static void
times_are_rfc3339(void **state)
{
	char at[40];

	(void) state;
	text_time(AT, at);
	assert_string_equal("2026-11-22T15:24:25.353780313Z", at);
	text_time(0, at);
	assert_string_equal("1970-01-01T00:00:00.000000000Z", at);
}

static void
formats_have_names(void **state)
{
	enum text_format f;

	(void) state;
	assert_int_equal(0, text_format_of("json", true, &f));
	assert_int_equal(TEXT_JSON_SAFE, f);
	assert_int_equal(0, text_format_of("json", false, &f));
	assert_int_equal(TEXT_JSON, f);
	assert_int_equal(0, text_format_of("text", true, &f));
	assert_int_equal(TEXT_COLOURED, f);
	assert_int_equal(0, text_format_of("text", false, &f));
	assert_int_equal(TEXT_PLAIN, f);
	assert_int_equal(-EINVAL, text_format_of("xml", false, &f));
}

/* Make a body with a long field, a short one, and characters of three bytes. */
static char *
body(size_t n)
{
	json_t *root = json_pack("{s:s, s:s, s:{s:s, s:i, s:b}}", "uuid", "0123", "output", "short",
	    "output_fields", "proc.cmdline", "", "proc.pid", 42, "mews.loss", 1);
	json_t *fields = json_object_get(root, "output_fields");
	char *text = calloc(1, n + 4), *ret;

	for (size_t i = 0; i < n; i += 3)
		(void) snprintf(text + i, 4, "\xe2\x82\xac");
	(void) json_object_set_new(fields, "proc.cmdline", json_string(text));
	ret = json_dumps(root, JSON_COMPACT);
	json_decref(root);
	free(text);
	return ret;
}

static const struct {
	size_t n, limit;
	int r;
	bool fields;
} cuts[] = {
	{ 300000, 100000, 0, true },
	{ 300000, 300, 0, true },
	{ 300000, 140, 0, false },
	{ 300000, 100, -EMSGSIZE, false },
	{ 30, 300, 0, true },
};

static void
bodies_are_cut_to_fit(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct buf b = BUF_INIT;
		char *text = body(cuts[i].n);
		json_t *root, *fields;

		assert_int_equal(cuts[i].r, text_cut(slice_str(text), cuts[i].limit, &b));
		if (cuts[i].r == 0) {
			assert_true(b.n <= cuts[i].limit);
			root = json_loadb(b.p, b.n, 0, NULL); /* still JSON, and UTF-8 */
			assert_non_null(root);
			assert_string_equal(
			    "0123", json_string_value(json_object_get(root, "uuid")));
			fields = json_object_get(root, "output_fields");
			assert_true(json_is_true(json_object_get(fields, "mews.truncated")));
			assert_true(json_is_true(json_object_get(fields, "mews.loss")));
			assert_int_equal(strlen(text),
			    json_integer_value(json_object_get(fields, "mews.untruncated_size")));
			assert_int_equal(
			    cuts[i].fields, json_object_get(fields, "proc.pid") != NULL);
			json_decref(root);
		}
		buf_fini(&b);
		free(text);
	}
}

static void
what_is_not_an_alert_is_not_cut(void **state)
{
	struct buf b = BUF_INIT;

	(void) state;
	assert_int_equal(-EBADMSG, text_cut(SLICE("nonsense"), 100, &b));
	assert_int_equal(-EBADMSG, text_cut(SLICE("[1]"), 100, &b));
	assert_int_equal(-EBADMSG, text_cut(SLICE("{\"output_fields\":7}"), 100, &b));
	assert_int_equal(0, text_cut(SLICE("{}"), 100, &b));
	buf_fini(&b);
}

static const struct {
	uint64_t first, last; /* s */
	const char *want;
} spans[] = {
	{ 1764326407, 1764326407, "2025-11-28 10:40:07 UTC" },
	{ 1764326407, 1764326408, "2025-11-28 10:40:07 to 10:40:08 UTC" },
	{ 1764326407, 1764412807, "2025-11-28 10:40:07 to 2025-11-29 10:40:07 UTC" },
};

static void
a_span_is_short(void **state)
{
	char text[TEXT_SPAN];

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
		assert_string_equal(spans[i].want,
		    text_span(spans[i].first * NS_PER_S, spans[i].last * NS_PER_S, text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alerts_become_lines),
		cmocka_unit_test(times_are_rfc3339),
		cmocka_unit_test(a_span_is_short),
		cmocka_unit_test(formats_have_names),
		cmocka_unit_test(bodies_are_cut_to_fit),
		cmocka_unit_test(what_is_not_an_alert_is_not_cut),
	};

	(void) setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
