/* SPDX-License-Identifier: Apache-2.0 */
/* Several files: each must be complete together with earlier ones, and the set contains all of
 * them. */
#include "collector/rule/rule.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 3 };

#define RULE(name, condition) \
	"- rule: " name "\n  desc: d\n  condition: " condition "\n  output: x\n  priority: INFO\n"
#define MACRO(name, condition) "- macro: " name "\n  condition: " condition "\n"
#define LIST(name, items)      "- list: " name "\n  items: [" items "]\n"

static const struct rule_options all = { .min_priority = PRIO_DEBUG };

/* Load the texts as files "0.yaml", ... of one folder. */
static int
load(const char *const *texts, size_t n, struct ruleset **s, struct rule_log *l)
{
	const char *const paths[] = { tmpdir };
	char path[FILES][TMPDIR_SIZE + 16];
	int r;

	for (size_t i = 0; i < n; i++) {
		FILE *f;

		(void) snprintf(path[i], sizeof(path[i]), "%s/%zu.yaml", tmpdir, i);
		f = fopen(path[i], "w");
		assert_non_null(f);
		assert_true(fputs(texts[i], f) >= 0);
		assert_int_equal(0, fclose(f));
	}
	r = ruleset_load(paths, 1, &all, s, l);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(0, unlink(path[i]));
	return r;
}

/* Changes in the last file apply to rules of the first: their final conditions. */
static const struct {
	const char *files[FILES];
	const char *exact; /* of the first rule */
} reach[] = {
	{ { RULE("r", "evt.type=open and m") }, NULL },
	{ { MACRO("m", "proc.name=a") RULE("r", "m"), MACRO("m", "proc.name=b") },
	    "proc.name = b" },
	{ { LIST("l", "a") MACRO("m", "proc.name in (l)") MACRO("n", "m") RULE("r", "n"), "",
	      LIST("l", "b") },
	    "proc.name in (b)" },
	{ { LIST("k", "a") LIST("l", "k") RULE("r", "proc.name in (l)"), LIST("k", "b") },
	    "proc.name in (b)" },
	{ { RULE("r", "proc.name in (l)"), LIST("l", "b") }, "proc.name in (b)" },
	{ { MACRO("m", "proc.name=l") RULE("r", "m"), LIST("l", "b") }, "proc.name = b" },
	{ { RULE("r", "evt.type=open") "  exceptions:\n  - name: e\n    fields: proc.name\n"
				       "    values: [l]\n",
	      LIST("l", "b") },
	    "(evt.type = open and not (proc.name in (b)))" },
	{ { RULE("r", "evt.type=open"), "- rule: r\n  condition: and fd.num=1\n  append: true\n" },
	    "(evt.type = open and fd.num = 1)" },
	/* a file that is incomplete even with the files before it */
	{ { RULE("r", "m"), MACRO("m", "proc.name=b") }, NULL },
	{ { RULE("r", "fd.nmae=x"), RULE("r", "fd.name=x") }, NULL },
	{ { MACRO("m", "fd.nmae=x") RULE("r", "m"), MACRO("m", "fd.name=x") }, NULL },
	{ { MACRO("m", "fd.name=x") RULE("r", "m"), MACRO("m", "fd.nmae=x"),
	      MACRO("m", "fd.name=x") },
	    NULL },
};

static void
reached(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(reach); i++) {
		const struct rule *const *rules;
		struct ruleset *s = NULL;
		struct rule_log l;
		size_t n = 0;
		int r;

		while (n < FILES && reach[i].files[n] != NULL)
			n++;
		r = load(reach[i].files, n, &s, &l);
		if (r != (reach[i].exact == NULL ? -EINVAL : 0))
			fail_msg("%zu: %d", i, r);
		assert_int_equal(reach[i].exact == NULL, l.errors);
		if (r == 0) {
			assert_int_equal(1, ruleset_rules(s, &rules));
			assert_string_equal(reach[i].exact, rules[0]->exact);
		}
		rule_log_fini(&l);
		ruleset_unref(s);
	}
}

/* ---- the same set as from one file with all of them ---- */

static unsigned seed = 1;
static const char base[] =
    LIST("l0", "a") LIST("l1", "b") LIST("l2", "c") MACRO("m0", "proc.name in (l0)")
	MACRO("m1", "m0") MACRO("m2", "m1") RULE("r0", "m0") RULE("r1", "m1") RULE("r2", "m2");

static unsigned
pick(unsigned n)
{
	return (unsigned) rand_r(&seed) % n;
}

static void
random_check(struct buf *b)
{
	switch (pick(6)) {
	case 0:
		buf_printf(b, "m%u", pick(3));
		break;
	case 1:
		buf_printf(b, "not m%u", pick(3));
		break;
	case 2:
		buf_printf(b, "proc.name in (l%u, x)", pick(3));
		break;
	case 3:
		buf_printf(b, "proc.name=l%u", pick(3));
		break;
	case 4:
		buf_str(b, "evt.dir=<"); /* a warning */
		break;
	default:
		buf_printf(b, "fd.num=%u", pick(9));
	}
}

static void
random_item(struct buf *b)
{
	unsigned kind = pick(6), which = pick(3);
	bool append = pick(3) == 0;

	if (kind == 0) {
		buf_printf(b, "- list: l%u\n  items: [l%u, v%u]\n", which, pick(3), pick(9));
	} else if (kind == 1) {
		buf_printf(b, "- macro: m%u\n  condition: %s", which, append ? "or " : "");
		random_check(b);
		buf_char(b, '\n');
	} else if (kind == 2) {
		buf_printf(b, "- rule: r%u\n  enabled: %s\n", which, pick(2) ? "true" : "false");
		return;
	} else if (append) {
		buf_printf(b, "- rule: r%u\n  condition: or ", which);
		random_check(b);
		buf_char(b, '\n');
	} else {
		buf_printf(b,
		    "- rule: r%u\n  desc: d\n  output: x\n  priority: INFO\n  condition: "
		    "evt.type=open and ",
		    which);
		random_check(b);
		buf_char(b, '\n');
		return;
	}
	if (append)
		buf_str(b, "  append: true\n");
}

static void
same_sets(const struct ruleset *a, const struct ruleset *b)
{
	const struct rule *const *x, *const *y;
	size_t n = ruleset_rules(a, &x);

	assert_int_equal(n, ruleset_rules(b, &y));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(x[i]->name, y[i]->name);
		assert_string_equal(x[i]->exact, y[i]->exact);
		assert_int_equal(x[i]->enabled, y[i]->enabled);
		assert_int_equal(x[i]->loaded, y[i]->loaded);
		assert_int_equal(i, x[i]->id);
	}
}

static void
same_warnings(const struct rule_log *a, const struct rule_log *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_ptr_equal(a->v[i].code, b->v[i].code);
		assert_string_equal(a->v[i].item_name, b->v[i].item_name);
		assert_string_equal(a->v[i].diag.msg, b->v[i].diag.msg);
	}
}

static void
as_one_file(void **state)
{
	size_t loaded = 0;

	(void) state;
	for (unsigned round = 0; round < 1000; round++) {
		CLEANUP(buf_fini) struct buf b = BUF_INIT;
		struct ruleset *s = NULL, *one = NULL;
		struct rule_log l, whole;
		char *texts[FILES], *joined;
		int r;

		for (size_t i = 0; i < FILES; i++) {
			buf_clear(&b);
			buf_str(&b, i == 0 ? base : "");
			for (unsigned k = pick(4); k > 0; k--)
				random_item(&b);
			texts[i] = strndup(b.n == 0 ? "" : b.p, b.n);
			assert_non_null(texts[i]);
		}
		r = load((const char *const *) texts, FILES, &s, &l);
		assert_true(asprintf(&joined, "%s%s%s", texts[0], texts[1], texts[2]) >= 0);
		if (r == 0) {
			loaded++;
			assert_int_equal(
			    0, ruleset_parse("one.yaml", slice_str(joined), &all, &one, &whole));
			same_sets(s, one);
			same_warnings(&l, &whole);
			rule_log_fini(&whole);
		} else {
			assert_true(l.errors > 0);
		}
		rule_log_fini(&l);
		ruleset_unref(s);
		ruleset_unref(one);
		free(joined);
		for (size_t i = 0; i < FILES; i++)
			free(texts[i]);
	}
	assert_true(loaded > 300);
}

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	(void) snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(0, fclose(f));
}

/* A bundle in a folder comes before the folder's own files, whatever their names, and what else is
 * in the bundle's folder is not loaded. A replaced rule is told with both files. */
static void
bundles(void **state)
{
	char dir[TMPDIR_SIZE], bundle[64];
	const char *const paths[] = { dir };
	const struct rule *const *rules;
	struct ruleset *s = NULL;
	struct rule_log l;

	(void) state;
	assert_int_equal(0, tmpdir_make(dir));
	(void) snprintf(bundle, sizeof(bundle), "%s/z.bundle", dir);
	assert_int_equal(0, mkdir(bundle, 0700));
	write_file(dir, "0.yaml", RULE("r", "evt.type = open") RULE("own", "evt.type = open"));
	write_file(bundle, "a.yaml", RULE("r", "evt.type = close"));
	write_file(bundle, "b.yaml", RULE("second", "evt.type = close"));
	write_file(bundle, "manifest", "no rules");
	assert_int_equal(0, ruleset_load(paths, 1, &all, &s, &l));
	assert_int_equal(3, ruleset_rules(s, &rules));
	assert_string_equal("r", rules[0]->name);
	assert_string_equal("evt.type = open", rules[0]->condition);
	assert_string_equal("second", rules[1]->name);
	assert_string_equal("own", rules[2]->name);
	assert_int_equal(1, l.nreplaced);
	assert_string_equal("r", l.replaced[0].rule);
	assert_non_null(strstr(l.replaced[0].was, "/z.bundle/a.yaml"));
	assert_non_null(strstr(l.replaced[0].by, "/0.yaml"));
	ruleset_unref(s);
	rule_log_fini(&l);
	assert_int_equal(0, tmpdir_remove(dir));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reached),
		cmocka_unit_test(as_one_file),
		cmocka_unit_test(bundles),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
