/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_shape.c - golden/alerts.jsonl in each format, compared with golden/alerts.FORMAT.
 *
 * There "@VERSION@" is the version of Mews. 'test_shape --write' writes those files again;
 * tests/outputs/formats.py judges them by the definitions of each format.
 */
#include "collector/output/shape.h"
#include "collector/output/shape_int.h"
#include "collector/output/text.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>

#define AT     1795361065353780313ULL /* 2026-11-22T15:24:25.353780313Z */
#define GOLDEN "collector/output/golden/alerts."

static const struct {
	const char *file;
	enum text_format format;
} formats[] = {
	{ GOLDEN "ocsf", TEXT_OCSF },
	{ GOLDEN "ecs", TEXT_ECS },
	{ GOLDEN "cloudevents", TEXT_CLOUDEVENTS },
	{ GOLDEN "cef", TEXT_CEF },
	{ GOLDEN "leef", TEXT_LEEF },
};

/* The alert of a line; its texts live as long as *root. */
static struct alert
alert_of(const char *line, json_t **root)
{
	struct alert a = { .time = AT, .cluster = "production", .json = line };
	const char *priority;

	*root = json_loads(line, 0, NULL);
	assert_non_null(*root);
	priority = json_string_value(json_object_get(*root, "priority"));
	a.priority = (enum priority) priority_of(priority);
	a.rule = json_string_value(json_object_get(*root, "rule"));
	a.node = json_string_value(json_object_get(*root, "hostname"));
	a.json_len = strlen(line);
	(void) snprintf(
	    a.id, sizeof(a.id), "%s", json_string_value(json_object_get(*root, "uuid")));
	return a;
}

/* Replace each 'from' in a text. */
static void
replace(struct buf *b, const char *from, const char *to)
{
	struct buf out = BUF_INIT;
	const char *p = b->p, *found;

	for (; (found = strstr(p, from)) != NULL; p = found + strlen(from)) {
		buf_add(&out, p, (size_t) (found - p));
		buf_str(&out, to);
	}
	buf_str(&out, p);
	buf_fini(b);
	*b = out;
}

/* All alerts in a format. */
static void
shape_all(enum text_format format, struct buf *ret)
{
	FILE *f = fopen(GOLDEN "jsonl", "re");
	char *line = NULL;
	size_t cap = 0;
	json_t *root;

	assert_non_null(f);
	while (getline(&line, &cap, f) > 0) {
		struct alert a;

		line[strcspn(line, "\n")] = '\0';
		a = alert_of(line, &root);
		text_alert(ret, &a, format);
		json_decref(root);
	}
	free(line);
	(void) fclose(f);
	assert_int_equal(0, buf_ok(ret));
	replace(ret, MEWS_VERSION, "@VERSION@");
}

static void
read_file(const char *path, struct buf *ret)
{
	FILE *f = fopen(path, "re");
	char piece[4096];
	size_t n;

	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(ret, piece, n);
	(void) fclose(f);
	buf_char(ret, '\0');
}

static void
alerts_have_the_golden_shapes(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct buf got = BUF_INIT, want = BUF_INIT;

		shape_all(formats[i].format, &got);
		read_file(formats[i].file, &want);
		assert_string_equal(want.p, got.p);
		buf_fini(&got);
		buf_fini(&want);
	}
}

static int
write_golden(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct buf got = BUF_INIT;
		FILE *f = fopen(formats[i].file, "we");

		if (f == NULL)
			return 1;
		shape_all(formats[i].format, &got);
		(void) fwrite(got.p, 1, got.n, f);
		(void) fclose(f);
		buf_fini(&got);
	}
	return 0;
}

/* An alert that is not JSON loses its fields, no more; and texts need not be UTF-8. */
static void
bad_alerts_have_a_shape(void **state)
{
	static const char *const bodies[] = { "no json", "[1]", "{\"output_fields\":7,\"tags\":8}",
		"{\"output\":1,\"source\":2,\"tags\":[3]}", "" };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(formats); k++) {
			struct alert a = {
				.id = "0", .rule = "r\xff", .cluster = "c\xc3", .node = "n"
			};
			struct buf b = BUF_INIT;

			a.json = bodies[i];
			a.json_len = strlen(bodies[i]);
			text_alert(&b, &a, formats[k].format);
			assert_int_equal(0, buf_ok(&b));
			assert_int_equal('\n', b.p[b.n - 1]);
			assert_null(memchr(b.p, '\n', b.n - 1));
			buf_fini(&b);
		}
	}
}

static const struct {
	const char *tag;
	bool is;
	const char *technique, *sub, *tactic;
} tags[] = {
	{ "T1059", true, "T1059", "", NULL },
	{ "T1552.001", true, "T1552", "T1552.001", NULL },
	{ "mitre_impact", true, "", "", "TA0040" },
	{ "T105", false, "", "", NULL },
	{ "T10590", false, "", "", NULL },
	{ "T1059.04", false, "", "", NULL },
	{ "T1059.0040", false, "", "", NULL },
	{ "T1059x", false, "", "", NULL },
	{ "mitre_", false, "", "", NULL },
	{ "TA0002", false, "", "", NULL },
	{ "", false, "", "", NULL },
};

static void
tags_name_attacks(void **state)
{
	struct shape_attack at;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		assert_int_equal(tags[i].is, shape_attack(tags[i].tag, &at));
		assert_string_equal(tags[i].technique, at.technique);
		assert_string_equal(tags[i].sub, at.sub);
		assert_true(tags[i].tactic == NULL ? at.tactic == NULL
						   : strcmp(tags[i].tactic, at.tactic) == 0);
	}
	assert_false(shape_attack(NULL, &at));
}

static const struct {
	const char *cluster, *node, *want;
} sources[] = {
	{ "prod", "web-1", "//prod/web-1" },
	{ "a/b", "c d%\xc3\xa9", "//a%2Fb/c%20d%25%C3%A9" },
	{ "", "", "///" },
	{ "12345678901234567890123456789012345678901234567890", "n",
	    "//1234567890123456789012345678901234/" },
};

static void
sources_are_uris(void **state)
{
	char got[40];

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		shape_source(sources[i].cluster, sources[i].node, got, sizeof(got));
		assert_string_equal(sources[i].want, got);
	}
}

static void
shapes_are_cut_to_fit(void **state)
{
	static const size_t limits[] = { 4096, 2048, 1600 };
	json_t *root, *cut, *fields;
	char text[20000];
	struct alert a;

	(void) state;
	(void) snprintf(text, sizeof(text),
	    "{\"uuid\":\"u\",\"hostname\":\"n\",\"priority\":\"Error\",\"rule\":\"r\",\"output\":"
	    "\"o\","
	    "\"output_fields\":{\"proc.cmdline\":\"%0*d\",\"proc.pid\":5}}",
	    15000, 7);
	a = alert_of(text, &root);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct buf b = BUF_INIT;

		buf_str(&b, "kept");
		assert_int_equal(0, text_fit(&b, &a, TEXT_ECS, limits[i]));
		assert_true(b.n - 4 <= limits[i]);
		assert_memory_equal("kept{", b.p, 5);
		cut = json_loadb(b.p + 4, b.n - 4, 0, NULL);
		fields = json_object_get(json_object_get(cut, "falco"), "fields");
		assert_true(json_is_true(json_object_get(fields, "mews.truncated")));
		json_decref(cut);
		assert_int_equal(-EMSGSIZE, text_fit(&b, &a, TEXT_OCSF, 100));
		buf_fini(&b);
	}
	json_decref(root);
}

/* Every allocation fails once: the buffer says so. */
static void
lack_of_memory_is_told(void **state)
{
	static const char json[] =
	    "{\"output\":\"o\",\"source\":\"s\",\"tags\":[\"T1059\",\"mitre_impact\",\"process\"],"
	    "\"output_fields\":{\"proc.pid\":1,\"fd.name\":\"/"
	    "a\",\"fd.sip\":\"10.0.0.1\",\"fd.l4proto\":"
	    "\"tcp\",\"k8s.ns.name\":\"n\",\"container.id\":\"c\",\"user.uid\":0}}";
	struct alert a = { .id = "0",
		.rule = "r",
		.cluster = "c",
		.node = "n",
		.json = json,
		.json_len = sizeof(json) - 1 };
	size_t nfailed;

	(void) state;
	for (size_t k = 0; k < ARRAY_SIZE(formats); k++) {
		nfailed = 0;
		for (unsigned n = 0;; n++) {
			struct buf b = BUF_INIT;
			bool fired;

			fault_arm_nth(n);
			text_shape(&b, &a, formats[k].format);
			fired = fault_disarm();
			nfailed += buf_ok(&b) < 0;
			buf_fini(&b);
			if (!fired)
				break;
		}
		assert_true(nfailed > 0);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alerts_have_the_golden_shapes),
		cmocka_unit_test(bad_alerts_have_a_shape),
		cmocka_unit_test(tags_name_attacks),
		cmocka_unit_test(sources_are_uris),
		cmocka_unit_test(shapes_are_cut_to_fit),
		cmocka_unit_test(lack_of_memory_is_told),
	};

	if (argc > 1 && strcmp(argv[1], "--write") == 0)
		return write_golden();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
