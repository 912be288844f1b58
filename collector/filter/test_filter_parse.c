/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_int.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>

static const struct {
	const char *text, *canonical;
} good[] = {
	{ "a", "a" },
	{ " \t\r\n\ba\n", "a" },
	{ "a and b or c and not d", "((a and b) or (c and not d))" },
	{ "a and (b and c)", "(a and (b and c))" },
	{ "(((a)))", "a" },
	{ "(a)and b", "(a and b)" },
	{ "a and(b)", "(a and b)" },
	{ "a and(b) and c", "(a and b and c)" },
	{ "a or (b) and c", "(a or (b and c))" },
	{ "not not a", "a" },
	{ "not(not(a))", "not not a" },
	{ "notz", "notz" },
	{ "notfd.name=x", "notfd.name = x" },
	{ "fd.num in (4)or x", "(fd.num in (4) or x)" },
	{ "fd.num existsand y", "(fd.num exists and y)" },
	{ "fd.name = not", "fd.name = not" },
	{ "fd.name = anyof", "fd.name = anyof" },
	{ "fd.name = proc.name", "fd.name = proc.name" },
	{ "fd.name=a;b", "fd.name = a;b" },
	{ "fd.name = \"a b\"", "fd.name = \"a b\"" },
	{ "fd.name = 'a\"b'", "fd.name = \"a\\\"b\"" },
	{ "fd.name = \"\\x41\\n\\t\\/\"", "fd.name = \"A\\n\\t/\"" },
	{ "fd.name = \"\\ x\"", "fd.name = \"\\\\x\"" },
	{ "fd.name = ''", "fd.name = " },
	{ "fd.name = 'a(b)'", "fd.name = a(b)" },
	{ "fd.name = 'a=b'", "fd.name = \"a=b\"" },
	{ "fd.name = 'a\\\\ b'", "fd.name = \"a\\\\ b\"" },
	{ "fd.name startswith /etc/", "fd.name startswith /etc/" },
	{ "fd.num >= 0x1F", "fd.num >= 0x1F" },
	{ "fd.num < -1.5e+3", "fd.num < -1.5e+3" },
	{ "proc.name in (a, 'b c' ,d)", "proc.name in (a, \"b c\", d)" },
	{ "proc.name in()", "proc.name in ()" },
	{ "proc.name in shells", "proc.name in shells" },
	{ "proc.name pmatch (/a)", "proc.name pmatch (/a)" },
	{ "proc.name = oneof (a, b)", "proc.name = oneof (a, b)" },
	{ "proc.name startswith anyof names", "proc.name startswith anyof names" },
	{ "proc.name = anyof and b", "(proc.name = anyof and b)" },
	{ "proc.aname[2] = x", "proc.aname[2] = x" },
	{ "proc.env['HOME'] = x", "proc.env[HOME] = x" },
	{ "proc.env[\"\"] = x", "proc.env[\"\"] = x" },
	{ "fd.name = val( proc.name )", "fd.name = val(proc.name)" },
	{ "tolower( proc.name ) = tolower(fd.name)", "tolower(proc.name) = tolower(fd.name)" },
	{ "len(proc.name) > 3", "len(proc.name) > 3" },
	{ "getopt(fd.types, \"a:b\")[a] = x", "getopt(fd.types,a:b)[a] = x" },
};

static const struct {
	const char *text;
	unsigned line, col;
	const char *msg;
} bad[] = {
	{ "", 1, 1, "the condition is empty" },
	{ "  \n ", 2, 2, "the condition is empty" },
	{ "a and", 1, 6, "expected blank or '(' after 'and'" },
	{ "a\nand b\nor", 3, 3, "expected blank or '(' after 'or'" },
	{ "a or(b) and c", 1, 9, "unexpected token after ')', expecting 'or', 'and'" },
	{ "a b", 1, 3, "unexpected token after 'a', expecting 'or', 'and'" },
	{ "(a", 1, 3, "expected a ')' token" },
	{ "a and )", 1, 7, "expected a '(' token, a field check, or an identifier" },
	{ "fd.name", 1, 8, "expected a valid check operator: one of 'exists'," },
	{ "fd.name ~ x", 1, 9, "expected a valid check operator: one of 'exists'," },
	{ "fd.name contains", 1, 9, "expected a valid check operator: one of 'exists'," },
	{ "fd.name = ", 1, 11, "expected a string value or a field" },
	{ "fd.name < /x", 1, 11, "expected a number value or a field" },
	{ "fd.name = a=b", 1, 12, "unexpected token after 'a'" },
	{ "fd.name = a,b", 1, 12, "unexpected token after 'a'" },
	{ "fd.name = \"ab\\\\\"", 1, 11, "expected a string value" },
	{ "fd.name = \"a\\qb\"", 1, 13, "unsupported string escape sequence: \\q" },
	{ "fd.name = \"a\\xZ0\"", 1, 13, "invalid \\x escape: two hex digits must follow" },
	{ "fd.name = \"a\\'\"", 1, 13, "invalid \\' escape in \"-quoted string" },
	{ "fd.name in (a,,b)", 1, 15, "expected a string value" },
	{ "fd.name in (a b)", 1, 15, "expected a ')' token" },
	{ "fd.name in [a]", 1, 12, "expected a list, an identifier, or a field" },
	{ "evt.arg[] = x", 1, 9, "expected a valid field argument" },
	{ "evt.arg[ 1 ] = x", 1, 9, "expected a valid field argument" },
	{ "evt.arg[1 = x", 1, 10, "expected a ']' token" },
	{ "fd.name = val(x)", 1, 15, "expected a field within 'val()'" },
	{ "fd.name = val(proc.name", 1, 24, "expected a ')' token closing the transformer" },
	{ "tolower(x) = y", 1, 9, "expected field transformer argument" },
	{ "join(\"-\", ((fd.name))) = x", 1, 12, "expected transformer list argument" },
	{ "tolower(proc.name = y", 1, 19, "expected a ')' token closing the transformer" },
};

/* The exact text gives the same tree, which has the same exact text. */
static void
check_exact(const struct expr *e, struct arena *a)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct expr *again = NULL;
	struct diag d = { 0 };

	expr_print_exact(e, &first);
	if (expr_parse(buf_get(&first), a, &again, &d) < 0)
		fail_msg("%s: %u:%u: %s", first.p, d.line, d.col, d.msg);
	expr_print_exact(again, &second);
	assert_string_equal(first.p, second.p);
	buf_fini(&first);
	buf_fini(&second);
}

static void
test_accepted(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct expr *e = NULL;
		struct buf out = BUF_INIT;
		struct diag d = { 0 };
		struct arena a;

		arena_init(&a, 0);
		if (expr_parse(slice_str(good[i].text), &a, &e, &d) < 0)
			fail_msg("%s: %u:%u: %s", good[i].text, d.line, d.col, d.msg);
		expr_print(e, &out);
		assert_int_equal(0, buf_ok(&out));
		assert_string_equal(out.p, good[i].canonical);
		check_exact(e, &a);
		buf_fini(&out);
		arena_fini(&a);
	}
}

static void
test_refused(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct expr *e = NULL;
		struct diag d = { 0 };
		struct arena a;

		arena_init(&a, 0);
		if (expr_parse(slice_str(bad[i].text), &a, &e, &d) != -EINVAL)
			fail_msg("%s: accepted", bad[i].text);
		if (strncmp(d.msg, bad[i].msg, strlen(bad[i].msg)) != 0 || d.line != bad[i].line ||
		    d.col != bad[i].col)
			fail_msg("%s: %u:%u: %s", bad[i].text, d.line, d.col, d.msg);
		assert_null(e);
		arena_fini(&a);
	}
}

static void
test_nul_byte(void **state)
{
	struct expr *e = NULL;
	struct diag d = { 0 };
	struct arena a;

	(void) state;
	arena_init(&a, 0);
	assert_int_equal(-EINVAL, expr_parse((struct slice){ "a or \0b", 7 }, &a, &e, &d));
	assert_string_equal(d.msg, "a condition may not hold a NUL byte");
	assert_int_equal(6, d.col);
	arena_fini(&a);
}

/* n times 'open', a check, n times 'close' */
static int
parse_nested(const char *open, const char *inner, const char *close, unsigned n, struct diag *d)
{
	struct buf text = BUF_INIT, out = BUF_INIT;
	struct expr *e = NULL;
	struct arena a;
	int r;

	for (unsigned i = 0; i < n; i++)
		buf_str(&text, open);
	buf_str(&text, inner);
	for (unsigned i = 0; i < n; i++)
		buf_str(&text, close);
	assert_int_equal(0, buf_ok(&text));
	arena_init(&a, 0);
	r = expr_parse(buf_get(&text), &a, &e, d);
	if (r == 0)
		expr_print(e, &out);
	arena_fini(&a);
	buf_fini(&text);
	buf_fini(&out);
	return r;
}

static void
test_depth(void **state)
{
	struct diag d = { 0 };

	(void) state;
	assert_int_equal(0, parse_nested("(", "a", ")", FILTER_DEPTH_MAX - 1, &d));
	assert_int_equal(-EINVAL, parse_nested("(", "a", ")", FILTER_DEPTH_MAX, &d));
	assert_string_equal(d.msg, "exceeded max depth limit of 1000");
	assert_int_equal(FILTER_DEPTH_MAX + 1, d.col);
	assert_int_equal(0, parse_nested("a and not(b or ", "c", ")", FILTER_DEPTH_MAX - 1, &d));
	assert_int_equal(-EINVAL, parse_nested("tolower(", "fd.name", ")", 100000, &d));
	assert_int_equal(0, parse_nested("not ", "a", "", 100000, &d));
}

struct macros {
	const char *name[40];
	struct expr *e[40];
	size_t n;
};

static const struct expr *
find_macro(void *arg, struct slice name)
{
	struct macros *m = arg;

	for (size_t i = 0; i < m->n; i++) {
		if (slice_eq(name, slice_str(m->name[i])))
			return m->e[i];
	}
	return NULL;
}

static void
test_resolve(void **state)
{
	struct macros m = { .name = { "shells" }, .n = 1 };
	struct expr *e = NULL;
	struct buf out = BUF_INIT;
	struct diag d = { 0 };
	struct arena a;

	(void) state;
	arena_init(&a, 0);
	assert_int_equal(
	    0, expr_parse(SLICE("proc.name = sh or proc.name = bash"), &a, &m.e[0], &d));
	assert_int_equal(0, expr_parse(SLICE("fd.num = 1 and shells"), &a, &e, &d));
	assert_int_equal(0, expr_resolve(e, find_macro, &m, &a, &d));
	expr_print(e, &out);
	assert_string_equal(out.p, "(fd.num = 1 and (proc.name = sh or proc.name = bash))");
	assert_int_equal(0, expr_parse(SLICE("fd.num = 1 and\n not nope"), &a, &e, &d));
	assert_int_equal(-EINVAL, expr_resolve(e, find_macro, &m, &a, &d));
	assert_string_equal(d.msg, "Undefined macro 'nope' used in filter.");
	assert_int_equal(2, d.line);
	assert_int_equal(6, d.col);
	buf_fini(&out);
	arena_fini(&a);
}

/* Each macro occurs twice in the next: 2^40 checks if expanded. */
static void
test_macro_bomb(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k",
		"l", "m", "n", "o", "p", "q", "r", "s", "t" };
	struct macros m = { 0 };
	struct diag d = { 0 };
	struct arena a;
	char text[32];
	int r = 0;

	(void) state;
	arena_init(&a, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++) {
		(void) snprintf(text, sizeof(text), "%s and %s",
		    i == 0 ? "fd.num = 1" : names[i - 1], i == 0 ? "fd.num = 1" : names[i - 1]);
		assert_int_equal(0, expr_parse(slice_str(text), &a, &m.e[i], &d));
		r = expr_resolve(m.e[i], find_macro, &m, &a, &d);
		m.name[i] = names[i];
		m.n = i + 1;
	}
	assert_int_equal(-EINVAL, r);
	assert_string_equal(d.msg, "the condition is too large once its macros are written out");
	arena_fini(&a);
}

static void
test_no_memory(void **state)
{
	static const char text[] =
	    "(a.b in (x, 'y z') and not c.d[1] = \"q\") or tolower(e.f) = val(g.h) or m";

	(void) state;
	for (unsigned n = 0;; n++) {
		struct expr *e = NULL;
		struct diag d = { 0 };
		struct arena a;
		int r;

		arena_init(&a, 16); /* small blocks: each allocation can fail */
		fault_arm_nth(n);
		r = expr_parse(SLICE(text), &a, &e, &d);
		if (!fault_disarm()) {
			assert_int_equal(0, r);
			arena_fini(&a);
			break;
		}
		assert_int_equal(-ENOMEM, r);
		assert_null(e);
		arena_fini(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_macro_bomb),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
