/* SPDX-License-Identifier: Apache-2.0 */
#include "common/buf.h"
#include "common/config.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct options {
	char *path;
	bool on;
	uint64_t number, size, time;
	struct opt_list list;
};

static const struct opt opts[] = {
	{ "a.path", "/tmp", "Where it is.", OPT_STR, offsetof(struct options, path), 0, 0 },
	{ "a.on", "true", "Whether.", OPT_BOOL, offsetof(struct options, on), 0, 0 },
	{ "a.number", "7", "How many.", OPT_U64, offsetof(struct options, number), 1, 100 },
	{ "a.size", "1MiB", "How large.", OPT_SIZE, offsetof(struct options, size), 1024,
	    64 << 20 },
	{ "a.time", "5s", "How long.", OPT_MSEC, offsetof(struct options, time), 0, 600000 },
	{ "rules", "x,y", "Which.", OPT_LIST, offsetof(struct options, list), 0, 0 },
};

static int
load(const char *yaml, const char *const *over, struct cfg **c, struct options *o, struct diag *d)
{
	int r = cfg_parse("t.yaml", slice_str(yaml), c, d);

	if (r < 0)
		return r;
	for (int i = 0; over != NULL && over[i] != NULL && r == 0; i++)
		r = cfg_override(*c, over[i], d);
	if (r == 0)
		r = cfg_bind(*c, opts, ARRAY_SIZE(opts), o, d);
	if (r == 0)
		r = cfg_check_unknown(*c, d);
	if (r < 0) {
		cfg_free(*c);
		*c = NULL;
	}
	return r;
}

/* Format all bound options as one text. */
static void
show(const struct options *o, struct buf *out)
{
	buf_printf(out, "%s %d %llu %llu %llu", o->path == NULL ? "-" : o->path, o->on,
	    (unsigned long long) o->number, (unsigned long long) o->size,
	    (unsigned long long) o->time);
	for (size_t i = 0; i < o->list.n; i++)
		buf_printf(out, " %s", o->list.v[i]);
}

static const struct {
	const char *yaml;
	const char *over[4];
	const char *want;
} good_cases[] = {
	{ "", { NULL }, "/tmp 1 7 1048576 5000 x y" },
	{ "# nothing\n", { NULL }, "/tmp 1 7 1048576 5000 x y" },
	{ "a: {path: /x, on: no}\n", { NULL }, "/x 0 7 1048576 5000 x y" },
	{ "\xef\xbb\xbf"
	  "a:\n  number: 9\n",
	    { NULL }, "/tmp 1 9 1048576 5000 x y" },
	{ "a:\n", { NULL }, "/tmp 1 7 1048576 5000 x y" }, /* a section without lines */
	{ "a.path: ''\n", { NULL }, " 1 7 1048576 5000 x y" },
	{ "a:\n  number: 100\n  size: 64KiB\n  time: 2m\n", { NULL },
	    "/tmp 1 100 65536 120000 x y" },
	{ "a: {time: 0, size: 1024B}\n", { NULL }, "/tmp 1 7 1024 0 x y" },
	{ "rules: [b, 'c d']\n", { NULL }, "/tmp 1 7 1048576 5000 b c d" },
	{ "rules: []\n", { NULL }, "/tmp 1 7 1048576 5000" },
	{ "rules: one\n", { NULL }, "/tmp 1 7 1048576 5000 one" },
	{ "rules: [a, b]\na: {number: 1}\n", { "rules=c", "rules=d", "a.number=2", NULL },
	    "/tmp 1 2 1048576 5000 c d" },
	{ "", { "a.number=2", "a.number=3", NULL }, "/tmp 1 3 1048576 5000 x y" },
	{ "a: {path: 'x${MEWS_TEST}y'}\n", { NULL }, "xvaluey 1 7 1048576 5000 x y" },
	{ "a: {path: '$${NOT}$'}\n", { NULL }, "${NOT}$ 1 7 1048576 5000 x y" },
	{ "a: {path: '${file:/proc/sys/kernel/ostype}!'}\n", { NULL },
	    "Linux! 1 7 1048576 5000 x y" },
	{ "", { "a.path=${MEWS_TEST}", NULL }, "value 1 7 1048576 5000 x y" },
};

static void
good(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(good_cases); i++) {
		struct options o = { 0 };
		struct buf out = BUF_INIT;
		struct cfg *c = NULL;
		struct diag d = { 0 };
		int r = load(good_cases[i].yaml, good_cases[i].over, &c, &o, &d);

		if (r < 0)
			print_message("%s: %s\n", good_cases[i].yaml, d.msg);
		assert_int_equal(0, r);
		show(&o, &out);
		assert_string_equal(good_cases[i].want, out.p);
		buf_fini(&out);
		cfg_free(c);
	}
}

static const struct {
	const char *yaml, *over;
	unsigned line, col;
	const char *msg;
} error_cases[] = {
	{ "a: {number: 0}\n", NULL, 1, 13, "'a.number' must be from 1 to 100, not '0'" },
	{ "a:\n  number: 101\n", NULL, 2, 11, "'a.number' must be from 1 to 100, not '101'" },
	{ "a:\n  number: 99999999999999999999\n", NULL, 2, 11,
	    "'a.number' must be from 1 to 100, not '99999999999999999999'" },
	{ "a: {number: x}\n", NULL, 1, 13, "'a.number' must be a number, not 'x'" },
	{ "a: {number: 3KiB}\n", NULL, 1, 13, "'a.number' must be a number, not '3KiB'" },
	{ "a: {number: -1}\n", NULL, 1, 13, "'a.number' must be a number, not '-1'" },
	{ "a: {size: 1KB}\n", NULL, 1, 11,
	    "'a.size' must be a size, such as 512, 64KiB or 8MiB, not '1KB'" },
	{ "a: {size: 1}\n", NULL, 1, 11, "'a.size' must be from 1KiB to 64MiB, not '1'" },
	{ "a: {size: 99999999999TiB}\n", NULL, 1, 11,
	    "'a.size' must be from 1KiB to 64MiB, not '99999999999TiB'" },
	{ "a: {time: 5}\n", NULL, 1, 11,
	    "'a.time' must be a time, such as 250ms, 10s, 5m, 2h or 7d, not '5'" },
	{ "a: {time: 1d}\n", NULL, 1, 11, "'a.time' must be from 0ms to 10m, not '1d'" },
	{ "a: {on: maybe}\n", NULL, 1, 9, "'a.on' must be true or false, not 'maybe'" },
	{ "a: {on: [true]}\n", NULL, 1, 10, "'a.on' takes one value, not a list" },
	{ "a:\n  path:\n", NULL, 2, 8,
	    "'a.path' has no value; leave the line out for the default" },
	{ "a:\n  paht: x\n", NULL, 2, 3, "unknown key 'a.paht'; did you mean 'a.path'?" },
	{ "quite_another: x\n", NULL, 1, 1, "unknown key 'quite_another'" },
	{ "b:\n", NULL, 1, 1, "unknown key 'b'" },
	{ "a: {path: x}\na.path: y\n", NULL, 2, 1, "'a.path' is given twice" },
	{ "a: {path: x}\na: {on: no}\n", NULL, 2, 1, "'a' is given twice" },
	{ "- a\n", NULL, 1, 1, "the file must hold 'key: value' lines" },
	{ "text\n", NULL, 1, 1, "the file must hold 'key: value' lines" },
	{ "a: {path: x}\n---\na: {}\n", NULL, 2, 1, "only one YAML document is read" },
	{ "rules: [[x]]\n", NULL, 1, 9,
	    "the list 'rules' may hold only plain values and mappings" },
	{ "rules: [{x: y}]\n", NULL, 1, 10, "unknown key 'rules.0.x'" },
	{ "rules: [{x: y, x: z}]\n", NULL, 1, 16, "'rules.0.x' is given twice" },
	{ "rules: [~]\n", NULL, 1, 9, "the list 'rules' may hold only plain values and mappings" },
	{ "a: &x {path: y}\nb: *x\n", NULL, 2, 4, "aliases are not supported here" },
	{ "[x]: y\n", NULL, 1, 1, "a key must be a plain text" },
	{ "'': y\n", NULL, 1, 1, "a key may not be empty" },
	{ "a: {path: \"x\\0y\"}\n", NULL, 1, 11, "a value may not contain a NUL" },
	{ "a:\n\tpath: x\n", NULL, 2, 1,
	    "not valid YAML: found character that cannot start any token" },
	{ "a: {path: x\n", NULL, 2, 1, "not valid YAML: did not find expected ',' or '}'" },
	{ "a: \xff\n", NULL, 0, 0, "not UTF-8 text: byte 3" },
	{ "a: {path: '${MEWS_NO_SUCH}'}\n", NULL, 1, 11,
	    "environment variable 'MEWS_NO_SUCH' is not set" },
	{ "a: {path: '${x'}\n", NULL, 1, 11, "'${' without '}'; a plain one is written '$${'" },
	{ "a: {path: '${}'}\n", NULL, 1, 11,
	    "'${...}' needs a variable's name or 'file:' and a path" },
	{ "a: {path: '${file:/no/such}'}\n", NULL, 1, 11,
	    "cannot read '/no/such': No such file or directory" },
	{ "a: {path: '${file:/}'}\n", NULL, 1, 11, "cannot read '/': Is a directory" },
	{ "", "nothing", 0, 0, "'nothing' is not of the form key=value" },
	{ "", "=x", 0, 0, "'=x' is not of the form key=value" },
	{ "", "list[]=x", 0, 0, "'list[]' takes a mapping, such as {rule: NAME}, not 'x'" },
	{ "", "list[]={a: ", 0, 0, "'list[]': not valid YAML: did not find expected node content" },
	{ "", "a.nmber=3", 0, 0, "unknown key 'a.nmber'; did you mean 'a.number'?" },
	{ "", "a.number=0", 0, 0, "'a.number' must be from 1 to 100, not '0'" },
	{ "1: {1: {1: {1: {1: {1: {1: {1: {1: {1: {1: {1: {1: {1: {1: {1: {1: 1}}}}}}}}}}}}}}}}}\n",
	    NULL, 1, 64, "nested too deeply" },
};

static void
errors(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(error_cases); i++) {
		const char *over[] = { error_cases[i].over, NULL };
		struct options o = { 0 };
		struct cfg *c = NULL;
		struct diag d = { 0 };

		assert_int_equal(-EINVAL, load(error_cases[i].yaml, over, &c, &o, &d));
		assert_null(c);
		assert_string_equal(error_cases[i].msg, d.msg);
		if (error_cases[i].line != d.line || error_cases[i].col != d.col)
			print_message("%s: at %u:%u\n", d.msg, d.line, d.col);
		assert_int_equal(error_cases[i].line, d.line);
		assert_int_equal(error_cases[i].col, d.col);
		if (d.line > 0) {
			assert_string_equal("t.yaml", d.file);
			assert_true(d.line > 1 || d.text[0] != '\0');
		}
	}
}

static void
files(void **state)
{
	char path[] = "/tmp/mews-test-config-XXXXXX";
	struct cfg *c = NULL;
	struct diag d = { 0 };
	int fd = mkstemp(path);

	(void) state;
	assert_true(fd >= 0);
	assert_int_equal(8, write(fd, "rules: x", 8));
	assert_int_equal(0, cfg_load(path, &c, &d));
	assert_true(cfg_has(c, "rules"));
	assert_false(cfg_has(c, "rule"));
	cfg_place(c, "rules", &d);
	assert_int_equal(1, d.line);
	assert_int_equal(8, d.col);
	assert_string_equal(path, d.file);
	cfg_free(c);

	c = NULL;
	assert_int_equal(0, ftruncate(fd, (4 << 20) + 1));
	assert_int_equal(-EINVAL, cfg_load(path, &c, &d));
	assert_string_equal("larger than 4 MiB, the limit for a configuration", d.msg);
	assert_int_equal(0, close(fd));
	assert_int_equal(0, unlink(path));
	assert_int_equal(-ENOENT, cfg_load(path, &c, &d));
	assert_string_equal("cannot read it: No such file or directory", d.msg);
	assert_string_equal(path, d.file);
	assert_int_equal(-EISDIR, cfg_load("/", &c, &d));
	assert_string_equal("cannot read it: Is a directory", d.msg);
	assert_null(c);

	/* the usual file may be missing, but not unreadable; a requested one may be neither */
	assert_int_equal(-ENOENT, cfg_open(path, "/", &c, &d));
	assert_int_equal(-EISDIR, cfg_open(NULL, "/", &c, &d));
	assert_null(c);
	assert_int_equal(0, cfg_open(NULL, path, &c, &d));
	assert_string_equal("", d.msg);
	assert_false(cfg_has(c, "rules"));
	cfg_free(c);
}

static int
collect(void *arg, const char *rest, const char *value, struct diag *d)
{
	if (strcmp(rest, "bad") == 0)
		return diag_fail(d, 0, 0, "no");
	buf_printf(arg, "%s=%s;", rest, value);
	return 0;
}

static void
each(void **state)
{
	struct cfg *c = NULL;
	struct diag d = { 0 };
	struct buf out = BUF_INIT;

	(void) state;
	assert_int_equal(0,
	    cfg_parse("t.yaml",
		SLICE("kafka:\n  properties: {queue.ms: 5, acks: all}\n  property: 1\n"), &c, &d));
	assert_int_equal(0, cfg_override(c, "kafka.properties.acks=1", &d));
	assert_int_equal(0, cfg_each(c, "kafka.properties", collect, &out, &d));
	assert_string_equal("queue.ms=5;acks=all;acks=1;", out.p);
	assert_int_equal(-EINVAL, cfg_check_unknown(c, &d));
	assert_string_equal("unknown key 'kafka.property'", d.msg);
	cfg_free(c);

	assert_int_equal(0, cfg_parse("t.yaml", SLICE("p:\n  bad: x\nq:\nr: 1\n"), &c, &d));
	assert_int_equal(-EINVAL, cfg_each(c, "p", collect, &out, &d));
	assert_int_equal(2, d.line);
	assert_int_equal(8, d.col);
	assert_int_equal(0, cfg_each(c, "q", collect, &out, &d));
	assert_int_equal(-EINVAL, cfg_each(c, "r", collect, &out, &d));
	assert_string_equal("'r' must hold 'key: value' lines", d.msg);
	cfg_free(c);
	buf_fini(&out);
}

static void
count_unknown(void *arg, const struct diag *d)
{
	buf_printf(arg, "%u:%u %s;", d->line, d->col, d->msg);
}

static void
unknown(void **state)
{
	struct options o = { 0 };
	struct cfg *c = NULL;
	struct diag d = { 0 };
	struct buf out = BUF_INIT;

	(void) state;
	assert_int_equal(0, cfg_parse("t.yaml", SLICE("a:\n  pathh: x\nrules: y\nq: 1\n"), &c, &d));
	assert_int_equal(0, cfg_bind(c, opts, ARRAY_SIZE(opts), &o, &d));
	assert_int_equal(-EINVAL, cfg_tell_unknown(c, count_unknown, &out));
	assert_string_equal(
	    "2:3 unknown key 'a.pathh'; did you mean 'a.path'?;4:1 unknown key 'q';", out.p);
	cfg_free(c);
	buf_fini(&out);
}

static const struct {
	const char *yaml;
	unsigned line; /* 0: not Falco's */
} foreign_cases[] = {
	{ "listen: x\nappend_output:\n - match: {}\n", 0 },
	{ "", 0 },
	{ "engines: 1\nmy:\n  engine: 1\n", 0 },
	{ "# Falco\nrules_files:\n  - a\n", 2 },
	{ "append_output: []\nengine:\n  kind: modern_ebpf\n", 3 },
	{ "plugins:\n  - name: k8saudit\n", 2 },
};

static void
foreign(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(foreign_cases); i++) {
		struct cfg *c = NULL;
		struct diag d = { 0 };

		assert_int_equal(0, cfg_parse("t.yaml", slice_str(foreign_cases[i].yaml), &c, &d));
		assert_int_equal(
		    foreign_cases[i].line == 0 ? 0 : -EINVAL, cfg_check_foreign(c, &d));
		assert_int_equal(foreign_cases[i].line, d.line);
		cfg_free(c);
	}
}

static int
add(void *arg, const char *rest, const char *value, struct diag *d)
{
	char *seen = arg;

	(void) d;
	(void) snprintf(seen + strlen(seen), 100 - strlen(seen), "%s=%s ", rest, value);
	return 0;
}

/* Of a list of sections, one at a time is selected. */
static void
elements(void **state)
{
	static const char yaml[] =
	    "a:\n- path: /one\n  props: { x: 1 }\n- on: false\n  props: { y: 2 "
	    "}\nrules: [ r ]\nab: { path: /no }\n";
	struct options o = { 0 };
	struct cfg *c = NULL;
	char seen[100] = "";
	struct diag d = { 0 };

	(void) state;
	assert_int_equal(0, cfg_parse("t.yaml", slice_str(yaml), &c, &d));
	assert_int_equal(0, cfg_override(c, "a.1.path=/two", &d));
	assert_int_equal(2, cfg_elements(c, "a"));
	assert_int_equal(0, cfg_elements(c, "rules"));
	assert_int_equal(0, cfg_elements(c, "ab"));
	assert_int_equal(0, cfg_elements(c, "none"));

	assert_int_equal(0, cfg_bind(c, opts, ARRAY_SIZE(opts), &o, &d));
	assert_string_equal("/tmp", o.path); /* none is selected */
	assert_false(cfg_has(c, "a.props"));
	cfg_select(c, "a", 0);
	assert_int_equal(0, cfg_bind(c, opts, ARRAY_SIZE(opts), &o, &d));
	assert_string_equal("/one", o.path);
	assert_true(o.on);
	assert_string_equal("r", o.list.v[0]); /* other sections are as usual */
	assert_true(cfg_has(c, "a.props"));
	assert_int_equal(0, cfg_each(c, "a.props", add, seen, &d));
	cfg_place(c, "a.path", &d);
	assert_int_equal(2, d.line);
	cfg_select(c, "a", 1);
	assert_int_equal(0, cfg_bind(c, opts, ARRAY_SIZE(opts), &o, &d));
	assert_string_equal("/two", o.path);
	assert_false(o.on);
	assert_int_equal(0, cfg_each(c, "a.props", add, seen, &d));
	assert_string_equal("x=1 y=2 ", seen);
	cfg_place(c, "a.size", &d); /* not given: where the element begins */
	assert_int_equal(4, d.line);
	cfg_select(c, NULL, 0);
	assert_int_equal(-EINVAL, cfg_check_unknown(c, &d));
	assert_string_equal("unknown key 'ab.path'; did you mean 'a.path'?", d.msg);
	cfg_free(c);
}

static void
printing(void **state)
{
	char text[256] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");

	(void) state;
	assert_non_null(f);
	opt_print(f, opts, 2);
	assert_int_equal(0, fclose(f));
	assert_string_equal(
	    "  a.path                       text    Where it is. [/tmp]\n"
	    "  a.on                         bool    Whether. [true]\n",
	    text);
}

static void
memory(void **state)
{
	const char *over[] = { "rules=c", NULL };

	(void) state;
	for (unsigned n = 0;; n++) {
		struct options o = { 0 };
		struct cfg *c = NULL;
		struct diag d = { 0 };
		int r;

		fault_arm_nth(n);
		r = load("a: {path: '${MEWS_TEST}'}\nrules: [a, b]\n", over, &c, &o, &d);
		if (!fault_disarm()) {
			assert_int_equal(0, r);
			cfg_free(c);
			assert_true(n > 5);
			break;
		}
		assert_int_equal(-ENOMEM, r);
		assert_null(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(errors),
		cmocka_unit_test(files),
		cmocka_unit_test(each),
		cmocka_unit_test(unknown),
		cmocka_unit_test(foreign),
		cmocka_unit_test(elements),
		cmocka_unit_test(printing),
		cmocka_unit_test(memory),
	};

	if (setenv("MEWS_TEST", "value", 1) < 0 || unsetenv("MEWS_NO_SUCH") < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
