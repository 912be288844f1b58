/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter.h"
#include "collector/filter/filter_int.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>

static int
compile(const char *text, struct arena *a, struct filter **ret, struct diag *d)
{
	struct expr *e = NULL;
	int r = expr_parse(slice_str(text), a, &e, d);

	return r < 0 ? r : filter_compile(e, a, ret, d);
}

static const struct {
	const char *text;
	unsigned line, col;
	const char *msg;
} bad[] = {
	{ "proc.nmae = x", 1, 1, "unknown field 'proc.nmae'; did you mean 'proc.name'?" },
	{ "a.b = x", 1, 1, "unknown field 'a.b'" },
	{ "proc.name = x and\n proc.nmae = y", 2, 2, "unknown field 'proc.nmae'" },
	{ "fd.name[1] = x", 1, 1, "'fd.name' takes no argument" },
	{ "evt.arg = x", 1, 1, "'evt.arg' needs an argument" },
	{ "evt.arg.nope = x", 1, 1, "unknown event argument 'nope'" },
	{ "evt.arg[res] = 1", 1, 1, "the argument of 'evt.arg': 'res' is not a valid number" },
	{ "evt.arg[-1] = 1", 1, 1, "the argument of 'evt.arg' may not be negative" },
	{ "proc.aname[x] = y", 1, 1, "the argument of 'proc.aname': 'x' is not a valid number" },
	{ "thread.cgroup[cpu] = y", 1, 1,
	    "'thread.cgroup' takes no argument in brackets: write it after a dot" },
	{ "evt.type.is.nope = 1", 1, 1, "unknown event type 'nope'" },
	{ "evt.outputtime = x", 1, 1, "'evt.outputtime' can only be printed" },
	{ "evt.type = nope", 1, 12, "unknown event type 'nope'" },
	{ "evt.type in (open, nope)", 1, 20, "unknown event type 'nope'" },
	{ "evt.type contains nope", 1, 19, "unknown event type 'nope'" },
	{ "evt.num contains 1", 1, 9, "'contains' operator not supported for numeric filters" },
	{ "evt.is_io > 1", 1, 11, "'>' operator not supported for numeric filters" },
	{ "fd.ip startswith 1", 1, 7,
	    "'startswith' operator not supported for ip address and network filters" },
	{ "fd.net startswith anyof (1)", 1, 8,
	    "'startswith' with modifier not supported for ip address and network filters" },
	{ "evt.buffer icontains x", 1, 12,
	    "'icontains' operator not supported for buffer filters" },
	{ "proc.name bcontains 00", 1, 11,
	    "'bcontains' operator not supported for string filters" },
	{ "fd.types = file", 1, 10, "'=' operator not supported for list filters" },
	{ "fd.types = oneof (file)", 1, 10, "'=' with modifier not supported for list filters" },
	{ "fd.num = 0x4", 1, 10, "'0x4' is not a valid integer for 'fd.num'" },
	{ "fd.num = 4abc", 1, 10, "'4abc' is not a valid integer for 'fd.num'" },
	{ "fd.num > 443.0", 1, 10, "'443.0' is not a valid integer for 'fd.num'" },
	{ "fd.num in (1, 2,\n x)", 2, 2, "'x' is not a valid integer for 'fd.num'" },
	{ "fd.num = 99999999999999999999", 1, 10, "'99999999999999999999' is not a valid integer" },
	{ "evt.is_io = True", 1, 13, "'True' is not a valid boolean for 'evt.is_io'" },
	{ "fd.port = 65536", 1, 11, "unrecognized protocol '65536'" },
	{ "fd.port = nosuchservice", 1, 11, "unrecognized protocol 'nosuchservice'" },
	{ "fd.sip = 1.2.3", 1, 10, "unrecognized IPv4 address '1.2.3'" },
	{ "fd.sip = localhost", 1, 10, "unrecognized IPv6 address 'localhost'" },
	{ "fd.snet = 10.0.0.0", 1, 11, "'10.0.0.0' is not a network" },
	{ "fd.snet = 10.0.0.0/33", 1, 11, "invalid netmask '33'" },
	{ "fd.snet = ::/0", 1, 11, "invalid netmask '0'" },
	{ "fd.snet = 10.0.0/8", 1, 11, "unrecognized IPv4 address '10.0.0'" },
	{ "evt.buffer bcontains 0g", 1, 22, "bcontains and bstartswith operator support hex" },
	{ "evt.buffer bstartswith 012", 1, 24, "bcontains and bstartswith operator support hex" },
	{ "proc.name = \"a\\x00b\"", 1, 13, "a value of 'proc.name' may not hold a NUL byte" },
	{ "proc.name pmatch (\"a\\x00b\")", 1, 19,
	    "a value of 'proc.name' may not hold a NUL byte" },
	{ "evt.type pmatch (opn)", 1, 18, "unknown event type 'opn'" },
	{ "proc.name regex '['", 1, 17, "invalid regular expression: missing ]" },
	{ "proc.name = val(proc.pid)", 1, 17,
	    "field 'proc.name' has type 'text' while the right-hand side field 'proc.pid' has" },
	{ "proc.pid = val(proc.name)", 1, 16, "field 'proc.pid' has type 'integer' while" },
	{ "proc.name in val(fd.types)", 1, 18, "'fd.types' cannot stand on the right side" },
	{ "fd.name pmatch val(proc.name)", 1, 20, "'pmatch' needs a constant on its right side" },
	{ "fd.name regex val(proc.name)", 1, 19, "'regex' needs a constant on its right side" },
	{ "proc.aname = val(proc.name)", 1, 18,
	    "'proc.aname' can only be compared with constants" },
	{ "proc.name = val(proc.aname)", 1, 17, "'proc.aname' cannot stand on the right side" },
	{ "toupper(proc.aname) = X", 1, 9, "'proc.aname' cannot be transformed" },
	{ "toupper(proc.pid) = X", 1, 9, "'toupper' does not take 'proc.pid' (integer)" },
	{ "join(\"-\", \"a\") = X", 1, 1, "join() second argument must be a list" },
	{ "concat(proc.name) = X", 1, 1, "concat() requires at least 2 arguments" },
	{ "getopt(proc.args, \"n\") in (n)", 1, 1, "getopt() first argument must be a list" },
	{ "getopt((\"-n\"), \"n\")[nn] = n", 1, 1,
	    "getopt() field argument must be a single option character" },
	{ "toupper(proc.name)[x] = X", 1, 1, "'toupper' takes no argument in brackets" },
	{ "evt.around[1] > 2", 1, 15, "'evt.around' takes '=' and milliseconds" },
	{ "some_macro", 1, 1, "Undefined macro 'some_macro' used in filter." },
};

static void
test_refused(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct filter *f = NULL;
		struct diag d = { 0 };
		struct arena a;

		arena_init(&a, 0);
		if (compile(bad[i].text, &a, &f, &d) != -EINVAL)
			fail_msg("%s: accepted", bad[i].text);
		if (strncmp(d.msg, bad[i].msg, strlen(bad[i].msg)) != 0 || d.line != bad[i].line ||
		    d.col != bad[i].col)
			fail_msg("%s: %u:%u: %s", bad[i].text, d.line, d.col, d.msg);
		assert_null(f);
		arena_fini(&a);
	}
}

/* The number of the table's events in the set, and whether one is among them. */
static const struct {
	const char *text;
	unsigned count; /* 0xffff: all */
	int num;
	bool has;
} sets[] = {
	{ "evt.type = execve", 2, EV_EXECVE, true }, /* and the entry event of the same name */
	{ "evt.type = open", 2, EV_OPEN, true },
	{ "evt.type in (execve, close)", 3, EV_CLOSE, true },
	{ "evt.type = execve or evt.type = close", 3, EV_CLOSE, true },
	{ "evt.type = execve and evt.type = close", 0, EV_CLOSE, false },
	{ "evt.type != execve", 199, EV_EXECVE, false },
	{ "not evt.type = execve", 199, EV_EXECVE, false },
	{ "not evt.type != execve", 2, EV_EXECVE, true },
	{ "not (evt.type = execve or evt.type = close)", 198, EV_CLOSE, false },
	{ "not (evt.type = execve and proc.name = a)", 0xffff, EV_EXECVE, true },
	{ "evt.type = execve and not proc.name = a", 2, EV_EXECVE, true },
	{ "evt.type = execve or proc.name = a", 0xffff, EV_CLOSE, true },
	{ "evt.type exists", 0xffff, EV_CLOSE, true },
	{ "not evt.type exists", 0, EV_CLOSE, false },
	{ "not syscall.type exists", 0xffff, EV_PROCEXIT, true },
	{ "evt.type = getrandom", 1, EV_SYSCALL, true },
	{ "evt.type = clock_gettime64", 1, EV_SYSCALL, true }, /* only of 32-bit callers */
	{ "not evt.type = getrandom", 0xffff, EV_SYSCALL, true },
	{ "syscall.type = execve", 2, EV_EXECVE, true },
	{ "not syscall.type != execve", 0xffff, EV_PROCEXIT, true },
	{ "evt.type contains execve", 0xffff, EV_CLOSE, true },
	{ "evt.num = 0", 0, EV_CLOSE, false },
	{ "evt.num < 1", 0, EV_CLOSE, false },
	{ "evt.num <= 0", 0, EV_CLOSE, false },
	{ "evt.num in (0)", 0, EV_CLOSE, false },
	{ "evt.num >= 1", 0xffff, EV_CLOSE, true },
	{ "not evt.num > 0", 0, EV_CLOSE, false },
	{ "not evt.num != 0", 0, EV_CLOSE, false },
	{ "not evt.num in (0)", 0xffff, EV_CLOSE, true },
	{ "not evt.num = 0", 0xffff, EV_CLOSE, true },
	{ "evt.type = execve and evt.num = 0", 0, EV_EXECVE, false },
	{ "evt.type = execve or evt.num = 0", 2, EV_EXECVE, true },
	{ "proc.name = a", 0xffff, EV_CLOSE, true },
};

static void
test_events(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		unsigned n = 0,
			 want = sets[i].count == 0xffff ? (unsigned) schema_nevents : sets[i].count;
		struct filter *f = NULL;
		struct event_set s;
		struct diag d = { 0 };
		struct arena a;

		arena_init(&a, 0);
		if (compile(sets[i].text, &a, &f, &d) < 0)
			fail_msg("%s: %s", sets[i].text, d.msg);
		filter_events(f, &s);
		for (size_t k = 0; k < schema_nevents; k++)
			n += event_set_has(&s, schema_events[k].num);
		if (n != want || event_set_has(&s, (unsigned) sets[i].num) != sets[i].has)
			fail_msg("%s: %u events", sets[i].text, n);
		arena_fini(&a);
	}
}

/* Of the generic event only the calls that can match. */
static const struct {
	const char *text;
	int call;
	bool has, other; /* the call; getrandom */
} calls[] = {
	{ "evt.type = sysinfo", SC_sysinfo, true, false },
	{ "evt.type in (open, sysinfo, getrandom)", SC_sysinfo, true, true },
	{ "evt.type = sysinfo or evt.type = open", SC_sysinfo, true, false },
	{ "evt.type = sysinfo and evt.type = getrandom", SC_sysinfo, false, false },
	{ "evt.type = sysinfo and proc.name = a", SC_sysinfo, true, false },
	{ "evt.type != sysinfo", SC_sysinfo, false, true },
	{ "not evt.type in (sysinfo, open)", SC_sysinfo, false, true },
	{ "not evt.type != sysinfo", SC_sysinfo, true, false },
	{ "evt.type = open", SC_sysinfo, false, false },
	{ "evt.type != open", SC_sysinfo, true, true },
	{ "evt.type = syscall", SC_UNNAMED, true, true },
	{ "evt.type != syscall", SC_sysinfo, false, false },
	{ "evt.type != sysinfo", SC_UNNAMED, true, true },
	{ "proc.name = a", SC_UNNAMED, true, true },
	{ "evt.type startswith open", SC_UNNAMED, true, true },
};

static void
test_calls(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct filter *f = NULL;
		struct event_set s;
		struct diag d = { 0 };
		struct arena a;

		arena_init(&a, 0);
		if (compile(calls[i].text, &a, &f, &d) < 0)
			fail_msg("%s: %s", calls[i].text, d.msg);
		filter_events(f, &s);
		if (event_set_has_call(&s, (unsigned) calls[i].call) != calls[i].has ||
		    event_set_has_call(&s, SC_getrandom) != calls[i].other ||
		    event_set_has(&s, EV_SYSCALL) != (calls[i].has || calls[i].other))
			fail_msg("%s: not the calls that can match", calls[i].text);
		arena_fini(&a);
	}
}

static void
count_field(void *arg, const struct field_ref *f)
{
	unsigned *n = arg;

	*n += f->text.n > 0;
}

static void
count_warning(void *arg, const struct diag *d)
{
	unsigned *n = arg;

	*n += d->line > 0;
}

static void
test_fields_and_warnings(void **state)
{
	unsigned nread = 0, warnings = 0;
	struct filter *f = NULL;
	struct diag d = { 0 };
	struct arena a;

	(void) state;
	arena_init(&a, 0);
	assert_int_equal(
	    0, compile("proc.name = fd.name and proc.name in (a, 'tolower(x)') and proc.aname[2] = "
		       "concat(proc.exe, '-', fd.name) and proc.aname[3] regex '.*b' and "
		       "fd.name pmatch (/a, proc.exe) and evt.buffer contains fd.name",
		   &a, &f, &d));
	filter_fields(f, count_field, &nread);
	filter_warnings(f, count_warning, &warnings);
	assert_int_equal(6, nread);
	assert_int_equal(5, warnings);
	arena_fini(&a);
}

/* Constants longer than a task's name; "": no warning. */
static const struct {
	const char *text;
	unsigned col;
	const char *msg;
} long_names[] = {
	{ "proc.name = systemd-journal", 0, "" },
	{ "proc.name = systemd-journald", 13,
	    "'systemd-journald' never matches: 'proc.name' is cut after 15 bytes; write "
	    "'systemd-journal'" },
	{ "not proc.pname in (a, systemd-journald)", 23,
	    "'systemd-journald' never matches: 'proc.pname' is cut after 15 bytes; write "
	    "'systemd-journal'" },
	{ "proc.aname != systemd-journald", 15,
	    "'systemd-journald' never matches: 'proc.aname' is cut after 15 bytes; write "
	    "'systemd-journal'" },
	{ "proc.aname[2] startswith oneof (systemd-journald)", 33,
	    "'systemd-journald' never matches: 'proc.aname' is cut after 15 bytes; write "
	    "'systemd-journal'" },
	{ "tolower(proc.sname) = systemd-journald", 23,
	    "'systemd-journald' never matches: 'proc.sname' is cut after 15 bytes; write "
	    "'systemd-journal'" },
	{ "proc.name contains systemd-journald", 20,
	    "'systemd-journald' never matches: 'proc.name' is cut after 15 bytes; compare the "
	    "executable's path instead" },
	{ "proc.name endswith systemd-journald", 20,
	    "'systemd-journald' never matches: 'proc.name' is cut after 15 bytes; compare the "
	    "executable's path instead" },
	{ "proc.name glob 'systemd-[jn]*tworkd'", 0, "" },
	{ "concat(proc.name, 'x') = systemd-journald", 0, "" },
	{ "proc.exe = systemd-journald and proc.cmdline startswith systemd-journald", 0, "" },
	/* Values that sensors replace. */
	{ "proc.cmdline contains '--password=hunter2'", 23,
	    "'--password=hunter2': sensors replace its secret by <redacted>, so this never "
	    "matches; compare the name before it, or leave the pattern out with redact.patterns "
	    "on the sensors" },
	{ "proc.env[AWS_SECRET_ACCESS_KEY] startswith x", 44,
	    "'x': sensors replace the value of that variable by <redacted>, so this never "
	    "matches; compare the name before it, or leave the pattern out with redact.patterns "
	    "on the sensors" },
	{ "tolower(evt.arg.args) contains x or proc.args contains AKIA", 56,
	    "'AKIA': sensors replace words that begin so by <redacted>, so this never matches; "
	    "compare the name before it, or leave the pattern out with redact.patterns on the "
	    "sensors" },
	{ "proc.cmdline contains '--password=' or proc.args icontains aws_secret_access_key", 0,
	    "" },
	{ "proc.env[HOME] = x or proc.name = 'token=x' or proc.cmdline contains 'token=<redacted>'",
	    0, "" },
};

static void
keep_warning(void *arg, const struct diag *d)
{
	struct diag *last = arg;

	*last = *d;
}

static void
test_long_names(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(long_names); i++) {
		struct diag d = { 0 }, last = { 0 };
		struct filter *f = NULL;
		struct arena a;

		arena_init(&a, 0);
		assert_int_equal(0, compile(long_names[i].text, &a, &f, &d));
		filter_warnings(f, keep_warning, &last);
		assert_string_equal(long_names[i].msg, last.msg);
		assert_int_equal(long_names[i].col, last.col);
		arena_fini(&a);
	}
}

static void
test_nested_transformers(void **state)
{
	(void) state;
	for (unsigned n = 32; n <= 33; n++) {
		struct buf text = BUF_INIT;
		struct filter *f = NULL;
		struct diag d = { 0 };
		struct arena a;

		arena_init(&a, 0);
		for (unsigned i = 0; i < n; i++)
			buf_str(&text, "tolower(");
		buf_str(&text, "proc.name");
		for (unsigned i = 0; i < n; i++)
			buf_str(&text, ")");
		buf_str(&text, " = x");
		assert_int_equal(n == 32 ? 0 : -EINVAL, compile(text.p, &a, &f, &d));
		if (n > 32)
			assert_string_equal("transformers are nested more than 32 deep", d.msg);
		buf_fini(&text);
		arena_fini(&a);
	}
}

/* Large conditions compile or are refused, without exhausting stack or time. */
static void
test_large(void **state)
{
	struct buf text = BUF_INIT;
	struct filter *f = NULL;
	struct diag d = { 0 };
	struct arena a;

	(void) state;
	arena_init(&a, 0);
	buf_str(&text, "fd.num in (1");
	for (unsigned i = 0; i < 50000; i++)
		buf_printf(&text, ",%u", i);
	buf_str(&text, ")");
	for (unsigned i = 0; i < FILTER_DEPTH_MAX - 2; i++)
		buf_str(&text, " or not(fd.num = 1 and fd.num = 2");
	for (unsigned i = 0; i < FILTER_DEPTH_MAX - 2; i++)
		buf_str(&text, ")");
	assert_int_equal(0, compile(text.p, &a, &f, &d));
	arena_fini(&a);
	arena_init(&a, 0);
	for (unsigned i = 0; i < FILTER_SIZE_MAX / FILTER_CHECK_SIZE; i++)
		buf_str(&text, " or fd.num = 1");
	assert_int_equal(-EINVAL, compile(text.p, &a, &f, &d));
	assert_string_equal(
	    d.msg, "the condition is too large: more than 100000 checks or 4000000 values");
	buf_fini(&text);
	arena_fini(&a);
}

static void
test_no_memory(void **state)
{
	static const char text[] =
	    "(evt.type in (open, getrandom) and not proc.env[A] = \"q\") or tolower(proc.name) = "
	    "val(fd.name) or fd.name pmatch (/a, /b*) or fd.snet in (10.0.0.0/8, ::/1) or "
	    "proc.name in (a, b) or evt.arg.flags contains O_X or evt.buffer bcontains 0011 or "
	    "join(',', (proc.name, 'x')) = proc.pname or proc.name regex anyof (a, b)";

	(void) state;
	for (unsigned n = 0;; n++) {
		struct filter *f = NULL;
		struct diag d = { 0 };
		struct arena a;
		int r;

		arena_init(&a, 16); /* small blocks: each allocation can fail */
		fault_arm_nth(n);
		r = compile(text, &a, &f, &d);
		if (!fault_disarm()) {
			assert_int_equal(0, r);
			arena_fini(&a);
			break;
		}
		assert_int_equal(-ENOMEM, r);
		assert_null(f);
		arena_fini(&a);
	}
}

static const struct {
	const char *text, *field, *rest;
} lookups[] = {
	{ "proc.name", "proc.name", "" },
	{ "proc.namefoo.bar", "proc.name", "foo.bar" },
	{ "fd.name[1]", "fd.name", "[1]" },
	{ "proc.aname[2])", "proc.aname[2]", ")" },
	{ "evt.arg.flags|x", "evt.arg.flags", "|x" },
	{ "evt.arg[0]", "evt.arg[0]", "" },
	{ "proc.env[HOME] x", "proc.env[HOME]", " x" },
	{ "proc.name.", "proc.name", "." },
	{ "evt.time.s", "evt.time.s", "" },
	{ "evt.type.is.open", "evt.type.is.open", "" },
};

static void
test_lookup(void **state)
{
	struct field_ref ref;
	struct diag d = { 0 };
	struct arena a;
	size_t used;

	(void) state;
	arena_init(&a, 0);
	for (size_t i = 0; i < ARRAY_SIZE(lookups); i++) {
		if (field_lookup(slice_str(lookups[i].text), &a, &ref, &used, &d) < 0)
			fail_msg("%s: %s", lookups[i].text, d.msg);
		assert_true(slice_eq(ref.text, slice_str(lookups[i].field)));
		assert_string_equal(lookups[i].rest, lookups[i].text + used);
	}
	assert_int_equal(-EINVAL, field_lookup(SLICE("%"), &a, &ref, &used, &d));
	assert_string_equal("a field name is expected here", d.msg);
	assert_int_equal(-EINVAL, field_lookup(SLICE("fd.nmae and"), &a, &ref, &used, &d));
	assert_string_equal("unknown field 'fd.nmae'; did you mean 'fd.name'?", d.msg);
	arena_fini(&a);
}

/* The table is complete, and every row finds itself. */
static void
test_fields_table(void **state)
{
	unsigned plugin = 0, own = 0;

	(void) state;
	for (size_t i = 0; i < nfields; i++) {
		plugin += strncmp(fields[i].name, "container.", 10) == 0 ||
			  strncmp(fields[i].name, "k8s.", 4) == 0 ||
			  strncmp(fields[i].name, "proc.is_container_", 18) == 0;
		own += strncmp(fields[i].name, "mews.", 5) == 0 ||
		       strncmp(fields[i].name, "k8smeta.", 8) == 0;
		assert_true(strlen(fields[i].help) > 3);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(fields[i].name, fields[k].name);
	}
	assert_int_equal(61, plugin);
	assert_int_equal(233 + 61 + own, nfields);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_fields_and_warnings),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_nested_transformers),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_fields_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
