/* SPDX-License-Identifier: Apache-2.0 */
/* test_syslog_msg.c - the messages of syslog, whatever an alert contains. */
#include "collector/output/syslog_msg.h"
#include "tests/support/test.h"
#include <errno.h>
#include <jansson.h>
#include <unistd.h>

#define AT   1795361065353780313ULL /* 2026-11-22T15:24:25.353780313Z */
#define X10  "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define ID   "00000001-0000-8000-8000-000000000000"
#define SD(n)                                                                    \
	"[mews@32473 id=\"" ID "\" rule=\"Read\" priority=\"Warning\" node=\"" n \
	"\" "                                                                    \
	"cluster=\"c\"]"

static const struct {
	enum syslog_header header;
	unsigned facility;
	const char *sd_id;
	enum text_format format;
	const char *node, *rule, *body;
	const char *want;
} cases[] = {
	{ SYSLOG_5424, 16, "mews@32473", TEXT_JSON_SAFE, "web-1", "Read", "{\"a\":1}",
	    "<132>1 2026-11-22T15:24:25.353780Z web-1 mews - alert " SD("web-1") " {\"a\":1}" },
	{ SYSLOG_5424, 1, NULL, TEXT_JSON_SAFE, "web-1", "Read", "{\"a\":1}",
	    "<12>1 2026-11-22T15:24:25.353780Z web-1 mews - alert - {\"a\":1}" },
	{ SYSLOG_5424, 1, NULL, TEXT_BARE, "web-1", "Read",
	    "{\"output\":\"15:24:25.353780313: Warning file=/etc/shadow\"}",
	    "<12>1 2026-11-22T15:24:25.353780Z web-1 mews - alert - Read: file=/etc/shadow" },
	{ SYSLOG_BSD, 4, "mews@32473", TEXT_JSON_SAFE, "web-1", "Read", "{\"a\":1}",
	    "<36>Nov 22 15:24:25 web-1 mews[PID]: {\"a\":1}" },
	{ SYSLOG_LOCAL, 4, "mews@32473", TEXT_JSON_SAFE, "web-1", "Read", "{\"a\":1}",
	    "<36>Nov 22 15:24:25 mews[PID]: {\"a\":1}" },
	/* a node's name can add no field, and an empty one leaves none out */
	{ SYSLOG_5424, 1, NULL, TEXT_JSON_SAFE, "a b\n\xc3\xa9", "Read", "{}",
	    "<12>1 2026-11-22T15:24:25.353780Z a_b___ mews - alert - {}" },
	{ SYSLOG_BSD, 1, NULL, TEXT_JSON_SAFE, "", "Read", "{}",
	    "<12>Nov 22 15:24:25 - mews[PID]: {}" },
	/* nor can a value end the structured data, or the line */
	{ SYSLOG_5424, 1, "x@1", TEXT_JSON_SAFE, "n", "a\"] [y@1 b=\"\\\n\x1b", "{}",
	    "<12>1 2026-11-22T15:24:25.353780Z n mews - alert [x@1 id=\"" ID
	    "\" rule=\"a\\\"\\] [y@1 b=\\\"\\\\\\\\x0a\\\\x1b\" priority=\"Warning\" node=\"n\" "
	    "cluster=\"c\"] {}" },
	{ SYSLOG_LOCAL, 1, NULL, TEXT_JSON_SAFE, "n", "Read", "{\"a\":\"\xc2\x9b\xe2\x80\xae\"}",
	    "<12>Nov 22 15:24:25 mews[PID]: {\"a\":\"\\u009b\\u202e\"}" },
	{ SYSLOG_LOCAL, 1, NULL, TEXT_BARE, "n", "a\nb", "{\"output\":\"x\\n<0>y\\u0000\"}",
	    "<12>Nov 22 15:24:25 mews[PID]: a\\x0ab: x\\x0a<0>y\\x00" },
	{ SYSLOG_LOCAL, 1, NULL, TEXT_CEF, "n", "Read", "{\"output\":\"a=b\"}",
	    "<12>Nov 22 15:24:25 mews[PID]: CEF:0|Mews|Mews|" MEWS_VERSION
	    "|Read|Read|6|rt=1795361065353 externalId=" ID
	    " dvchost=n deviceFacility=internal cs6=c cs6Label=cluster msg=a\\=b" },
};

static void
of_pid(const char *text, char *ret, size_t size)
{
	const char *at = strstr(text, "PID");
	size_t n = at == NULL ? strlen(text) : (size_t) (at - text);

	(void) snprintf(ret, size, "%.*s", (int) n, text);
	if (at != NULL)
		(void) snprintf(ret + n, size - n, "%d%s", (int) getpid(), at + strlen("PID"));
}

static struct alert
alert_of(const char *node, const char *rule, const char *body)
{
	struct alert a = { .id = ID, .priority = PRIO_WARNING, .time = AT };

	a.rule = rule;
	a.node = node;
	a.cluster = "c";
	a.json = body;
	a.json_len = strlen(body);
	return a;
}

/* A template is the text: one line, cut to fit; an alert without fields has the format's. */
static const struct {
	size_t max;
	const char *body, *want;
} lines[] = {
	{ 1000, "{\"output_fields\":{\"proc.name\":\"a\\n<0>b\"}}", "Read by a\\x0a<0>b, " },
	{ 1000, "no JSON", "no JSON" },
	{ 180, "{\"output_fields\":{\"proc.name\":\"" X100 X100 "\"}}", "Read by " X100 },
};

static void
a_template_is_the_text(void **state)
{
	struct template *t = NULL;
	struct diag d = { 0 };

	(void) state;
	assert_int_equal(0, template_line_new("%alert.rule by %proc.name, %fd.name", "t", &t, &d));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const struct syslog_form f = { SYSLOG_LOCAL, 1, "mews", NULL, TEXT_JSON_SAFE, t,
			lines[i].max };
		CLEANUP(buf_fini) struct buf b = BUF_INIT;
		struct alert a = alert_of("n", "Read", lines[i].body);
		const char *text;

		assert_int_equal(0, syslog_msg(&f, &a, &b));
		assert_in_range(b.n, 1, lines[i].max);
		buf_char(&b, '\0');
		text = strstr(b.p, "]: ");
		assert_non_null(text);
		assert_int_equal(
		    0, strncmp(lines[i].want, text + strlen("]: "), strlen(lines[i].want)));
	}
	template_free(t);
}

static void
an_alert_is_one_message(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct syslog_form f = { .app = "mews", .max = 8192 };
		struct alert a = alert_of(cases[i].node, cases[i].rule, cases[i].body);
		struct buf b = BUF_INIT;
		char want[512];

		f.header = cases[i].header;
		f.facility = cases[i].facility;
		f.sd_id = cases[i].sd_id;
		f.format = cases[i].format;
		of_pid(cases[i].want, want, sizeof(want));
		assert_int_equal(0, syslog_msg(&f, &a, &b));
		assert_string_equal(want, b.p);
		buf_fini(&b);
	}
}

/* A body of 'n' characters that take more room when they are escaped. */
static char *
long_body(size_t n)
{
	struct buf b = BUF_INIT;

	buf_str(&b, "{\"output\":\"");
	for (size_t i = 0; i < n; i++)
		buf_str(&b, i % 2 == 0 ? "\xc3\xa9" : "\xe2\x80\xae");
	buf_str(&b, "\",\"output_fields\":{}}");
	assert_int_equal(0, buf_ok(&b));
	return b.p;
}

static const struct {
	size_t body, max;
	int r;
} sizes[] = {
	{ 10, 480, 0 },
	{ 1000, 480, 0 },
	{ 1000, 2048, 0 },
	{ 100000, 8192, 0 },
	{ 100000, 260, -EMSGSIZE }, /* the header is 175 bytes long */
	{ 10, 100, -EMSGSIZE },
};

static void
a_message_fits(void **state)
{
	(void) state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		struct syslog_form f = { .app = "mews", .sd_id = "mews@32473" };
		char *body = long_body(sizes[i / 2].body);
		struct alert a = alert_of("n", "Read", body);
		struct buf b = BUF_INIT;
		json_t *root;

		f.max = sizes[i / 2].max;
		f.format = i % 2 == 0 ? TEXT_JSON_SAFE : TEXT_BARE;
		buf_str(&b, "kept");
		assert_int_equal(sizes[i / 2].r, syslog_msg(&f, &a, &b));
		assert_memory_equal("kept<12>", b.p - 0, 5);
		if (sizes[i / 2].r == 0) {
			assert_true(b.n - strlen("kept") <= f.max);
			if (f.format == TEXT_JSON_SAFE) {
				root = json_loads(strstr(b.p, "] {") + 2, 0, NULL);
				assert_non_null(root);
				json_decref(root);
			}
		}
		buf_fini(&b);
		free(body);
	}
}

static const struct {
	const char *name;
	int number;
} facility_cases[] = {
	{ "kern", 0 },
	{ "user", 1 },
	{ "authpriv", 10 },
	{ "local0", 16 },
	{ "local7", 23 },
	{ "local8", -EINVAL },
	{ "USER", -EINVAL },
	{ "", -EINVAL },
};

static const struct {
	const char *name;
	bool app, sd_id;
} name_cases[] = {
	{ "mews", true, true },
	{ "", false, false },
	{ "a b", false, false },
	{ "mews@32473", true, true },
	{ "a]", false, false },
	{ "a:", false, true },
	{ "a=", true, false },
	{ "a\"", true, false },
	{ "\xc3\xa9", false, false },
	{ "123456789012345678901234567890123", true, false },
	{ "1234567890123456789012345678901234567890123456789", false, false },
};

static void
names_are_checked(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(facility_cases); i++)
		assert_int_equal(
		    facility_cases[i].number, syslog_facility_of(facility_cases[i].name));
	for (size_t i = 0; i < ARRAY_SIZE(name_cases); i++) {
		assert_int_equal(name_cases[i].app, syslog_app_ok(name_cases[i].name));
		assert_int_equal(name_cases[i].sd_id, syslog_sd_id_ok(name_cases[i].name));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_is_one_message),
		cmocka_unit_test(a_template_is_the_text),
		cmocka_unit_test(a_message_fits),
		cmocka_unit_test(names_are_checked),
	};

	(void) setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
