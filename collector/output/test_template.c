/* SPDX-License-Identifier: Apache-2.0 */
/* test_template.c - bodies of JSON that keep their structure, whatever an alert contains. */
#include "collector/output/template.h"
#include "tests/support/test.h"
#include <errno.h>
#include <jansson.h>

#define AT 1795361065353780313ULL /* 2026-11-22T15:24:25.353780313Z */

static const char *
param(void *arg, const char *name)
{
	(void) arg;
	return strcmp(name, "key") == 0 ? "k\"1" : NULL;
}

#define BODY                                                                                       \
	"{\"output\":\"15:24:25.353780313: Error a \\\"b\\\" <!channel> "                          \
	"@here\",\"output_fields\":{"                                                              \
	"\"proc.pid\":7,\"proc.name\":\"x\\\"},{\\n\",\"proc.aname[2]\":\"up\",\"evt.none\":null," \
	"\"evt.list\":[1,\"a\"]}}"

static const struct {
	const char *text, *escape, *want;
} cases[] = {
	{ "{\"a\":\"%alert.rule/%alert.node\"}", "plain", "{\"a\":\"R\\\"1/n\"}" },
	{ "[%alert.rule, %alert.severity, \"%alert.severity\"]", "plain",
	    "[\"R\\\"1\", 3, \"3\"]" },
	{ "[\"100%%\", \"%alert.id.\"]", "plain", "[\"100%\", \"i1.\"]" },
	{ "[\"%proc.pid\", %proc.pid, %evt.none, %no.such, \"%no.such\"]", "plain",
	    "[\"7\", 7, null, null, \"\"]" },
	{ "[\"%[proc.aname[2]]\", \"%proc.aname[2]\", %proc.aname[2]]", "plain",
	    "[\"up\", \"up\", \"up\"]" },
	{ "[\"%proc.aname[]\", \"%alert.node[2]\", \"%proc.pid[[]\"]", "plain",
	    "[\"[]\", \"n[2]\", \"7[[]\"]" },
	{ "[\"%proc.name\", %proc.name]", "plain", "[\"x\\\"},{\\n\", \"x\\\"},{\\n\"]" },
	{ "[\"%alert.cef\"]", "slack",
	    "[\"CEF:0|Mews|Mews|" MEWS_VERSION
	    "|R\\\"1|R\\\"1|7|rt=1795361065353 externalId=i1 dvchost=n deviceFacility=internal "
	    "spid=7 sproc=x\\\"},{\\\\\\\\x0a cs6=c cs6Label=cluster msg=a \\\"b\\\" "
	    "&lt;!channel&gt; "
	    "@here\"]" },
	{ "[%evt.list, \"%evt.list\"]", "plain", "[[1,\"a\"], \"[1,\\\"a\\\"]\"]" },
	{ "[\"%alert.action %alert.key %alert.state\"]", "plain", "[\"trigger i1 alerting\"]" },
	{ "[\"%alert.title\", \"%alert.urgency\"]", "plain", "[\"R\\\"1 on n\", \"P2\"]" },
	{ "[%alert.count, \"%alert.ids\", \"%alert.id_range\", \"x%alert.repeats\"]", "plain",
	    "[1, \"i1\", \"i1\", \"x\"]" },
	{ "[\"%alert.output\"]", "plain", "[\"a \\\"b\\\" <!channel> @here\"]" },
	{ "[\"%alert.output\"]", "slack", "[\"a \\\"b\\\" &lt;!channel&gt; @here\"]" },
	{ "[\"%alert.output\"]", "markdown",
	    "[\"a \\\"b\\\" \\\\<\\\\!channel\\\\> @\xe2\x80\x8bhere\"]" },
	{ "[\"%alert.output\"]", "html",
	    "[\"a &quot;b&quot; &lt;!channel&gt; @\xe2\x80\x8bhere\"]" },
	{ "[\"<%alert.priority>\", \"%alert.level\", \"%alert.colour\", %alert.colour_number]",
	    "slack", "[\"<Error>\", \"error\", \"#e8710a\", 15233290]" },
	{ "[\"%alert.time\", %alert.epoch, \"%alert.epoch_ns\"]", "slack",
	    "[\"2026-11-22T15:24:25.353780313Z\", 1795361065.353780313, \"1795361065353780313\"]" },
	{ "[\"%alert.when\"]", "slack", "[\"2026-11-22 15:24:25 UTC\"]" },
	{ "[\"%param.key\", %param.key]", "slack", "[\"k\\\"1\", \"k\\\"1\"]" },
	{ "{\"a\":1}\n{\"b\":%alert.json}\n", "plain", "{\"a\":1}\n{\"b\":" BODY "}\n" },
	{ "[\"\\\"%alert.node\\\\\", \"\\u0025\"]", "plain", "[\"\\\"n\\\\\", \"\\u0025\"]" },
};

static const struct alert alert = { .id = "i1",
	.priority = PRIO_ERROR,
	.time = AT,
	.rule = "R\"1",
	.cluster = "c",
	.node = "n",
	.json = BODY,
	.json_len = sizeof(BODY) - 1 };

static void
fields_are_filled_in(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct template *t = NULL;
		struct diag d = { 0 };
		struct buf b = BUF_INIT;
		enum template_escape escape;

		assert_int_equal(0, template_escape_of(cases[i].escape, &escape));
		if (template_new(cases[i].text, "t", escape, param, NULL, &t, &d) != 0)
			fail_msg("%s: %s", cases[i].text, d.msg);
		assert_int_equal(0, template_fill(t, &alert, slice_str(alert.json), NULL, &b));
		assert_string_equal(cases[i].want, b.p);
		buf_fini(&b);
		template_free(t);
	}
}

static const struct {
	const char *text, *msg;
} bad[] = {
	{ "{\"a\":\"%alert.no\"}", "t: an alert has no '%alert.no'" },
	{ "{\"a\":\"%param.no\"}", "t: it needs the parameter 'no'" },
	{ "{\"a\":\"100%\"}", "t: no field follows a '%' (write %% for one)" },
	{ "{\"a\":\"%[x\"}", "t: no field follows a '%'" },
	{ "{\"a\":\"%alert.rule}", "t: it does not make JSON: " },
	{ "{a:%alert.rule}", "t: it does not make JSON: " },
	{ "<p>%alert.rule</p>", "t: it does not make JSON: " },
};

static void
a_bad_template_is_one_sentence(void **state)
{
	enum template_escape e;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct template *t = NULL;
		struct diag d = { 0 };

		assert_int_equal(
		    -EINVAL, template_new(bad[i].text, "t", TEMPLATE_PLAIN, param, NULL, &t, &d));
		if (strncmp(bad[i].msg, d.msg, strlen(bad[i].msg)) != 0)
			assert_string_equal(bad[i].msg, d.msg);
	}
	assert_int_equal(-EINVAL, template_escape_of("none", &e));
}

/* A line of plain text: control characters are escaped, and nothing else is. */
static const struct {
	const char *text, *want;
	bool lacks;
} lines[] = {
	{ "%alert.rule on %alert.node: \"%proc.pid\" 100%%", "R\"1 on n: \"7\" 100%", false },
	{ "%proc.name", "x\"},{\\x0a", false },
	{ "<%no.such>", "<>", true },
	{ "<%evt.none>", "<>", true },
	{ "%evt.list\\%alert.severity", "[1,\"a\"]\\3", false },
	{ "a %alert.json", "a " BODY, false },
	{ "", "", false },
};

static void
json_is_one_line(void **state)
{
	static const char json[] = "{\r\n\t\"a\": 1\n}";
	struct alert a = { .json = json, .json_len = sizeof(json) - 1 };
	struct template *t = NULL;
	struct diag d = { 0 };
	struct buf b = BUF_INIT;
	bool lacks = false;

	(void) state;
	assert_int_equal(0, template_line_new("<%alert.json>", "t", &t, &d));
	assert_int_equal(0, template_line(t, &a, &lacks, &b));
	assert_string_equal("<{   \"a\": 1 }>", b.p);
	template_free(t);
	buf_fini(&b);
}

static void
a_line_is_plain_text(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct template *t = NULL;
		struct diag d = { 0 };
		struct buf b = BUF_INIT;
		bool lacks = false;

		assert_int_equal(0, template_line_new(lines[i].text, "t", &t, &d));
		assert_int_equal(0, template_line(t, &alert, &lacks, &b));
		assert_string_equal(lines[i].want, buf_get(&b).n == 0 ? "" : b.p);
		assert_int_equal(lines[i].lacks, lacks);
		buf_fini(&b);
		template_free(t);
	}
}

static const struct {
	const char *text, *msg;
} bad_lines[] = {
	{ "%alert.no", "t: an alert has no '%alert.no'" },
	{ "%param.key", "t: it needs the parameter 'key'" },
	{ "100%", "t: no field follows a '%' (write %% for one)" },
	{ "a\nb", "t: it must be one line" },
};

static void
a_bad_line_is_one_sentence(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_lines); i++) {
		struct template *t = NULL;
		struct diag d = { 0 };

		assert_int_equal(-EINVAL, template_line_new(bad_lines[i].text, "t", &t, &d));
		assert_string_equal(bad_lines[i].msg, d.msg);
	}
}

/* Every byte in every text: the result is JSON with the same structure. */
static void
no_byte_changes_the_structure(void **state)
{
	struct template *t = NULL;
	struct diag d = { 0 };

	(void) state;
	for (int e = TEMPLATE_PLAIN; e <= TEMPLATE_HTML; e++) {
		assert_int_equal(
		    0, template_new(
			   "{\"a\":\"%alert.rule\",\"b\":%alert.node,\"c\":\"@%alert.cluster\"}",
			   "t", (enum template_escape) e, param, NULL, &t, &d));
		for (int c = 1; c < 256; c++) {
			char text[8] = { 'x', (char) c, (char) c, '"', '}', 0 };
			struct alert a = { .id = "i", .rule = text, .node = text, .cluster = text };
			struct buf b = BUF_INIT;
			json_t *root;

			assert_int_equal(0, template_fill(t, &a, slice_str("{}"), NULL, &b));
			root = json_loadb(b.p, b.n, 0, NULL);
			assert_non_null(root);
			assert_int_equal(3, json_object_size(root));
			json_decref(root);
			buf_fini(&b);
		}
		template_free(t);
	}
}

static void
a_summary_is_short(void **state)
{
	struct template *t = NULL;
	struct diag d = { 0 };
	struct buf b = BUF_INIT, body = BUF_INIT;
	json_t *root;

	(void) state;
	assert_int_equal(
	    0, template_new("[\"%alert.summary\"]", "t", TEMPLATE_PLAIN, param, NULL, &t, &d));
	buf_str(&body, "{\"output\":\"x");
	for (int i = 0; i < 1000; i++)
		buf_str(&body, "\xc3\xa9");
	buf_str(&body, "\"}");
	assert_int_equal(0, template_fill(t, &alert, buf_get(&body), NULL, &b));
	root = json_loadb(b.p, b.n, 0, NULL);
	assert_non_null(root);
	assert_int_equal(699 + 3, json_string_length(json_array_get(root, 0)));
	json_decref(root);
	assert_int_equal(-EBADMSG, template_fill(t, &alert, SLICE("no JSON"), NULL, &b));
	buf_fini(&b);
	buf_fini(&body);
	template_free(t);
}

/* What is too long is cut in its longest texts, and is JSON still. */
static void
a_filled_template_is_cut(void **state)
{
	CLEANUP(buf_fini) struct buf body = BUF_INIT;
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	struct template *t = NULL;
	struct diag d = { 0 };
	struct alert a = alert;
	json_t *j;

	(void) state;
	buf_str(&body, "{\"output\":\"");
	for (int i = 0; i < 1000; i++)
		buf_str(&body, "\xc3\xa4\\n");
	buf_str(&body, "\",\"output_fields\":{}}");
	a.json = body.p;
	a.json_len = body.n;
	assert_int_equal(
	    0, template_new("{\"o\":\"%alert.output\"}", "t", TEMPLATE_PLAIN, param, NULL, &t, &d));
	assert_int_equal(0, template_fit(t, &a, 700, &b));
	assert_in_range(b.n, 100, 700);
	j = json_loadb(b.p, b.n, 0, NULL);
	assert_non_null(json_object_get(j, "o"));
	json_decref(j);
	buf_clear(&b);
	buf_str(&b, "x");
	assert_int_equal(-EMSGSIZE, template_fit(t, &a, 20, &b));
	assert_int_equal(1, b.n);
	a.json = "no JSON";
	a.json_len = 7;
	assert_int_equal(-EBADMSG, template_fit(t, &a, 20, &b));
	assert_int_equal(1, b.n);
	template_free(t);
}

/* Of many alerts the first ids are told, or only the first and the last. */
static void
a_notification_tells_ids(void **state)
{
	struct repeats repeats = { 0 };
	struct alert a = alert;
	struct template *t = NULL;
	struct diag d = { 0 };
	struct buf b = BUF_INIT;

	(void) state;
	for (unsigned i = 1; i <= 12; i++) {
		(void) snprintf(a.id, sizeof(a.id), "i%u", i);
		repeats_add(&repeats, &a, NULL);
	}
	assert_int_equal(0, template_new("[\"%alert.ids\", \"%alert.id_range\"]", "t",
				TEMPLATE_PLAIN, param, NULL, &t, &d));
	assert_int_equal(
	    0, template_fill(t, &a, (struct slice){ a.json, a.json_len }, &repeats, &b));
	assert_string_equal("[\"i1 i2 i3 i4 i5 i6 i7 i8 i9 i10 and 2 more\", \"i1 to i12\"]", b.p);
	buf_fini(&b);
	template_free(t);
}

/* An alert that stands for several matches says so by itself. */
static void
a_summary_tells_its_count(void **state)
{
	static const char body[] =
	    "{\"output_fields\":{\"mews.suppressed.count\":37,\"mews.suppressed.first_time\":"
	    "1795361065353780313,\"mews.suppressed.last_time\":1795361067353780313}}";
	struct alert a = alert;
	struct template *t = NULL;
	struct diag d = { 0 };
	struct buf b = BUF_INIT;

	(void) state;
	a.json = body;
	a.json_len = sizeof(body) - 1;
	assert_int_equal(
	    0, template_new("[%alert.count, \"%alert.repeats, %alert.when, %alert.ids\"]", "t",
		   TEMPLATE_PLAIN, param, NULL, &t, &d));
	assert_int_equal(0, template_fill(t, &a, (struct slice){ a.json, a.json_len }, NULL, &b));
	assert_string_equal(
	    "[37, \" (37 times, 15:24:25 to 15:24:27 UTC), "
	    "2026-11-22 15:24:25 to 15:24:27 UTC, i1\"]",
	    b.p);
	buf_fini(&b);
	template_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_filled_in),
		cmocka_unit_test(a_bad_template_is_one_sentence),
		cmocka_unit_test(a_filled_template_is_cut),
		cmocka_unit_test(json_is_one_line),
		cmocka_unit_test(a_line_is_plain_text),
		cmocka_unit_test(a_bad_line_is_one_sentence),
		cmocka_unit_test(no_byte_changes_the_structure),
		cmocka_unit_test(a_summary_is_short),
		cmocka_unit_test(a_notification_tells_ids),
		cmocka_unit_test(a_summary_tells_its_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
