/* SPDX-License-Identifier: Apache-2.0 */
/* test_email_msg.c - alerts as a mail: counts, headers, hostile texts, addresses. */
#include "collector/output/email_msg.h"
#include "common/clock.h"
#include "tests/support/test.h"
#include <stdlib.h>

static struct email_digest m;

static void
add(const char *rule, const char *node, enum priority p, const char *output, uint64_t s)
{
	CLEANUP(buf_fini) struct buf json = BUF_INIT;
	struct alert a = { .priority = p, .time = s * NS_PER_S, .rule = rule, .node = node };

	buf_str(&json, "{\"output\":");
	buf_json(&json, slice_str(output));
	buf_str(&json, "}");
	(void) snprintf(a.id, sizeof(a.id), "%08lx-0000-8000-8000-000000000000", (unsigned long) s);
	a.cluster = "prod";
	a.json = json.p;
	a.json_len = json.n;
	email_add(&m, &a);
}

static const char *const to[] = { "a@example.org", "b@example.org" };

static char *
message(void)
{
	struct buf b = BUF_INIT;

	email_message(&m, "mews@example.org", to, 2, 1764326407 * NS_PER_S, &b);
	buf_char(&b, '\0');
	assert_int_equal(0, buf_ok(&b));
	return b.p;
}

static char *
text_by(void (*make)(const struct email_digest *, struct buf *))
{
	struct buf b = BUF_INIT;

	make(&m, &b);
	buf_char(&b, '\0');
	assert_int_equal(0, buf_ok(&b));
	return b.p;
}

static void
one_alert(void **state)
{
	char *s;

	(void) state;
	email_clear(&m);
	add("Sensitive file read", "web-1", PRIO_WARNING, "10:31:07.520: Warning read /etc/shadow",
	    1764326400);
	s = text_by(email_subject);
	assert_string_equal("[Mews] Warning: Sensitive file read on web-1", s);
	free(s);
	s = text_by(email_plain);
	assert_string_equal(
	    "1 alert, 2025-11-28 10:40:00 UTC\n"
	    "\n1 x Warning: Sensitive file read\nnode prod/web-1, "
	    "2025-11-28 10:40:00 UTC\nread /etc/shadow\n"
	    "\nAll of them: mewsctl alerts. First id: "
	    "69297c00-0000-8000-8000-000000000000\n",
	    s);
	free(s);
	s = message();
	assert_ptr_equal(
	    s, strstr(s,
		   "Date: Fri, 28 Nov 2025 10:40:07 +0000\r\nFrom: mews@example.org\r\n"
		   "To: a@example.org,\r\n b@example.org\r\nSubject: =?UTF-8?B?"));
	assert_non_null(
	    strstr(s, "Message-ID: <69297c00-0000-8000-8000-000000000000.1@example.org>\r\n"));
	free(s);
}

/* The counts add up, also beyond the groups that a mail has room for. */
static void
counts_add_up(void **state)
{
	uint64_t sum;
	char rule[32], *s;

	(void) state;
	email_clear(&m);
	for (unsigned i = 0; i < 1000; i++) {
		(void) snprintf(rule, sizeof(rule), "rule %u", i * i % 97);
		add(rule, i % 2 == 0 ? "n1" : "n2", i % 5 == 0 ? PRIO_CRITICAL : PRIO_NOTICE,
		    "text", i + 1);
	}
	assert_int_equal(EMAIL_GROUPS, m.n);
	assert_int_equal(1000, m.count);
	assert_true(m.others > 0);
	sum = m.others;
	for (size_t i = 0; i < m.n; i++)
		sum += m.group[i].count;
	assert_int_equal(1000, sum);
	assert_int_equal(1 * NS_PER_S, m.first);
	assert_int_equal(1000 * NS_PER_S, m.last);
	s = text_by(email_subject);
	assert_string_equal("[Mews] Critical: 1000 alerts", s);
	free(s);
	email_clear(&m);
	add("r", "n", PRIO_NOTICE, "text", 7);
	add("r", "n", PRIO_NOTICE, "text", 8);
	s = text_by(email_subject);
	assert_string_equal("[Mews] Notice: r on n (2 alerts)", s);
	free(s);
}

/* The summary of a storm counts as its matches. */
static void
a_summary_counts(void **state)
{
	static const char body[] =
	    "{\"output\":\"x\",\"output_fields\":{\"mews.suppressed.count\":41,"
	    "\"mews.suppressed.first_time\":3,\"mews.suppressed.last_time\":9}}";
	const struct alert a = { .priority = PRIO_NOTICE,
		.time = 3,
		.rule = "r",
		.node = "n",
		.cluster = "prod",
		.json = body,
		.json_len = sizeof(body) - 1 };
	char *s;

	(void) state;
	email_clear(&m);
	email_add(&m, &a);
	add("r", "n", PRIO_NOTICE, "text", 7);
	assert_int_equal(42, m.count);
	assert_int_equal(42, m.group[0].count);
	assert_int_equal(3, m.group[0].first);
	assert_int_equal(7 * NS_PER_S, m.last);
	s = text_by(email_subject);
	assert_string_equal("[Mews] Notice: r on n (42 alerts)", s);
	free(s);
	email_clear(&m);
	email_add(&m, &a);
	assert_int_equal(9, m.last);
}

static const char *const hostile[] = {
	"x\r\nBcc: evil@example.org\r\n\r\nbody",
	"x\n.\r\nQUIT\r\n",
	"<script>alert(1)</script><img src=x onerror=y>",
	"\" onload='x' & \\ `",
	"--mews-part--\r\n",
	"=?UTF-8?Q?=0d=0aBcc:_evil@example.org?=",
	"\xff\xfe\x80 \xe2\x80\xae\x1b[2J",
	"\xc3\xa4 \xf0\x9f\x94\xa5 a subject of several words \xe2\x82\xac",
};

/* Each line of the head is one of ours, or the continuation of one. */
static void
check_head(const char *s)
{
	static const char *const names[] = { "Date: ", "From: ", "To: ", "Subject: ",
		"Message-ID: ", "Auto-Submitted: ", "MIME-Version: ", "Content-Type: ", " " };
	const char *end = strstr(s, "\r\n\r\n");

	assert_non_null(end);
	while (s < end) {
		const char *eol = strstr(s, "\r\n");
		size_t known = 0;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			known += strncmp(s, names[i], strlen(names[i])) == 0;
		assert_int_equal(1, known);
		for (; s < eol; s++)
			assert_true(*s >= ' ' && *s <= '~');
		s = eol + 2;
	}
}

static void
no_event_adds_a_header_or_markup(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		char *s;

		email_clear(&m);
		add(hostile[i], hostile[i], PRIO_ERROR, hostile[i], 1);
		s = message();
		check_head(s);
		assert_null(strstr(s, "Bcc"));
		for (const char *p = s; (p = strchr(p, '\n')) != NULL; p++)
			assert_int_equal('\r', p[-1]);
		free(s);
		s = text_by(email_html);
		assert_null(strstr(s, "<script"));
		assert_null(strstr(s, "<img"));
		assert_null(strstr(s, "onload='"));
		free(s);
	}
}

static const struct {
	const char *text;
	bool good;
} addresses[] = {
	{ "ops@example.org", true },
	{ "o.p+s-1@mail.example", true },
	{ "root@localhost", true },
	{ "", false },
	{ "ops", false },
	{ "@example.org", false },
	{ "ops@", false },
	{ "a@b@c", false },
	{ "a b@example.org", false },
	{ "a@example.org\r\nBcc: x@y", false },
	{ "<a@example.org>", false },
	{ "a@example.org, b@example.org", false },
	{ "\xc3\xa4@example.org", false },
};

static void
addresses_are_checked(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		if (email_is_address(addresses[i].text) != addresses[i].good)
			fail_msg("%s", addresses[i].text);
	}
}

/* Templates of the subject and of the text, in which no event adds a header or markup. */
static void
templates_are_filled_in(void **state)
{
	struct template *subject = NULL, *body = NULL;
	struct diag d = { 0 };
	char *s;

	(void) state;
	assert_int_equal(
	    0, template_line_new("%alert.level %alert.rule: %alert.output", "t", &subject, &d));
	assert_int_equal(0, template_line_new("it said \"%alert.output\"", "t", &body, &d));
	m.subject = subject;
	m.body = body;
	email_clear(&m);
	add("r", "n", PRIO_NOTICE, "a\r\nBcc: evil@example.org <b>", 7);
	s = text_by(email_subject);
	assert_string_equal("info r: a\\x0d\\x0aBcc: evil@example.org <b>", s);
	free(s);
	s = message();
	check_head(s);
	free(s);
	s = text_by(email_html);
	assert_non_null(
	    strstr(s, ">it said &quot;a\\x0d\\x0aBcc: evil@example.org &lt;b&gt;&quot;</div>"));
	free(s);
	add("r", "n", PRIO_NOTICE, "other", 8);
	s = text_by(email_subject);
	assert_string_equal("info r: a\\x0d\\x0aBcc: evil@example.org <b> (2 alerts)", s);
	free(s);
	add("other", "n", PRIO_ERROR, "other", 9); /* several rules have the usual subject */
	s = text_by(email_subject);
	assert_string_equal("[Mews] Error: 3 alerts", s);
	free(s);
	email_clear(&m);
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		email_clear(&m);
		add(hostile[i], hostile[i], PRIO_ERROR, hostile[i], 1);
		s = message();
		check_head(s);
		free(s);
	}
	m.subject = m.body = NULL;
	template_free(subject);
	template_free(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_are_filled_in),
		cmocka_unit_test(one_alert),
		cmocka_unit_test(counts_add_up),
		cmocka_unit_test(a_summary_counts),
		cmocka_unit_test(no_event_adds_a_header_or_markup),
		cmocka_unit_test(addresses_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
