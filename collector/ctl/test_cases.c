/* SPDX-License-Identifier: Apache-2.0 */
/* test_cases.c - files of rule tests: meaning of values, messages about mistakes. */
#include "collector/ctl/case_file.h"
#include "collector/ctl/case_value.h"
#include "common/hex.h"
#include "proto/batch.h"
#include "tests/support/put_file.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* hex: the expected bytes of a text, else NULL. */
static const struct {
	unsigned type;
	const char *param, *text;
	int64_t number;
	const char *hex;
	bool refused;
} values[] = {
	{ EV_OPENAT, "fd", "3", 3, NULL, false },
	{ EV_OPENAT, "fd", "-2", -2, NULL, false },
	{ EV_OPENAT, "fd", "ENOENT", -2, NULL, false },
	{ EV_OPENAT, "fd", "ENOTHING", 0, NULL, true },
	{ EV_OPENAT, "dirfd", "AT_FDCWD", -100, NULL, false },
	{ EV_OPENAT, "mode", "0644", 0644, NULL, false },
	{ EV_OPENAT, "ino", "18446744073709551615", -1, NULL, false },
	{ EV_OPENAT, "ino", "18446744073709551616", 0, NULL, true },
	{ EV_OPENAT, "flags", "O_RDWR|O_CREAT", 0x7, NULL, false },
	{ EV_OPENAT, "flags", "0x7", 7, NULL, false },
	{ EV_OPENAT, "flags", "O_RDWR|", 0, NULL, true },
	{ EV_OPENAT, "flags", "", 0, NULL, true },
	{ EV_OPENAT, "flags", "o_rdwr", 0, NULL, true },
	{ EV_OPENAT, "name", "/etc/x", 0, "2f6574632f78", false },
	{ EV_OPENAT, "name", "", 0, "", false },
	{ EV_KILL, "sig", "SIGKILL", 9, NULL, false },
	{ EV_KILL, "sig", "SIGNONE", 0, NULL, true },
	{ EV_CONNECT, "addr", "10.0.0.1:443", 0, "020a000001bb01", false },
	{ EV_CONNECT, "addr", "[::1]:53", 0, "0a000000000000000000000000000000013500", false },
	{ EV_CONNECT, "addr", "/run/x", 0, "012f72756e2f78", false },
	{ EV_CONNECT, "addr", "10.0.0.1", 0, NULL, true },
	{ EV_CONNECT, "addr", "10.0.0.1:65536", 0, NULL, true },
	{ EV_CONNECT, "addr", "10.0.0.1:-1", 0, NULL, true },
	{ EV_CONNECT, "addr", "10.0.0.1:", 0, NULL, true },
	{ EV_CONNECT, "addr", "host:80", 0, NULL, true },
	{ EV_CONNECT, "tuple", "1.2.3.4:1->5.6.7.8:2", 0, "02010203040100050607080200", false },
	{ EV_CONNECT, "tuple", "/x", 0, "01000000000000000000000000000000002f78", false },
	{ EV_CONNECT, "tuple", "::1:1->::ffff:1.2.3.4:2", 0,
	    "0a00000000000000000000000000000001010000000000000000000000ffff010203040200", false },
	{ EV_CONNECT, "tuple", "a1->fFff0 /x", 0, "01a100000000000000f0ff0f00000000002f78", false },
	{ EV_CONNECT, "tuple", "a1->x /x", 0, NULL, true },
	{ EV_CONNECT, "tuple", "a1-> /x", 0, NULL, true },
	{ EV_CONNECT, "tuple", "12345678901234567->1 /x", 0, NULL, true },
	{ EV_CONNECT, "tuple", "1.2.3.4:1->[::1]:2", 0, NULL, true },
	{ EV_CONNECT, "tuple", "", 0, NULL, true },
	{ EV_CONNECT, "tuple", "1.2.3.4:1", 0, NULL, true },
	{ EV_CONNECT, "tuple", "1.2.3.4:1->", 0, NULL, true },
	{ EV_TASK_FILE_SOCKET_INET, "local_ip", "127.0.0.1", 0x0100007f, NULL, false },
	{ EV_TASK_FILE_SOCKET_INET, "local_ip", "127.0.0", 0, NULL, true },
	{ EV_TASK_FILE_SOCKET_INET6, "local_ip", "::1", 0, "00000000000000000000000000000001",
	    false },
	{ EV_TASK_FILE_SOCKET_INET6, "local_ip", "127.0.0.1", 0, NULL, true },
};

static void
value(unsigned k)
{
	const struct ev_schema *s = schema_get(values[k].type);
	int i = schema_param(s, slice_str(values[k].param));
	char hex[128] = "";
	const char *why = NULL;
	struct composer c;
	struct arena a;
	int r;

	assert_true(i >= 0);
	arena_init(&a, 0);
	compose_begin(&c, s);
	r = case_value(&c, (unsigned) i, slice_str(values[k].text), &a, &why);
	assert_int_equal(values[k].refused ? -EINVAL : 0, r);
	if (values[k].refused) {
		assert_non_null(why);
	} else if (values[k].hex == NULL) {
		assert_int_equal(values[k].number, c.num[i]);
	} else {
		hex_encode(hex, c.text[i].p, c.text[i].n);
		assert_string_equal(values[k].hex, hex);
	}
	assert_int_equal(!values[k].refused, c.hdr.present >> i & 1);
	arena_fini(&a);
}

static void
test_values(void **state UNUSED)
{
	for (unsigned k = 0; k < ARRAY_SIZE(values); k++)
		value(k);
}

#define CASE(body)  "cases:\n  - name: n\n" body
#define EVENT(text) CASE("    alerts: []\n    events:\n      - " text "\n")

/* say NULL: accepted. */
static const struct {
	const char *yaml, *say;
	unsigned line;
} files[] = {
	{ "cases: []\n", NULL, 0 },
	{ "", "there are no cases", 0 },
	{ "- a\n", "the file is a mapping", 1 },
	{ "case: []\n", "the file has no 'case'", 1 },
	{ "rules: []\n", "the file has its 'cases'", 1 },
	{ "cases: {\n", "YAML: ", 2 },
	{ "cases: 1\n", "'cases' is a list", 1 },
	{ "rules: 1\ncases: []\n", "'rules' is a list", 1 },
	{ "rules: [[]]\ncases: []\n", "'rules' are paths", 1 },
	{ CASE("    events: []\n"), "a case has a 'name', 'events' and 'alerts'", 2 },
	{ CASE("    evnts: []\n"), "a case has no 'evnts'", 3 },
	{ EVENT("close: {fd: 3}"), NULL, 0 },
	{ EVENT("close: {fd: 3}\n        by: 7"), NULL, 0 },
	{ EVENT("close: {fd: 3}\n        by: {tid: 8, pid: 7}"), NULL, 0 },
	{ EVENT("close: {fd: 3}\n        by: {tid: 8}"), "'by' is a tid, or {tid: N, pid: N}", 6 },
	{ EVENT("close: {fd: 3}\n        by: me"), "'by' is a number", 6 },
	{ EVENT("closed: {fd: 3}"), "unknown event 'closed'", 5 },
	{ EVENT("close: {file: 3}"), "event close has no parameter 'file', but res, fd", 5 },
	{ EVENT("close: {fd: three}"), "'fd' of close is a number, not 'three'", 5 },
	{ EVENT("close: 3"), "the parameters of close are a mapping", 5 },
	{ EVENT("close: {fd: [3]}"), "a number, not a list", 5 },
	{ EVENT("execve: {args: [a, [b]]}"), "a list of texts", 5 },
	{ EVENT("execve: {args: !hex 6100}"), NULL, 0 },
	{ EVENT("execve: {args: !hex 610}"), "!hex takes pairs of hexadecimal digits", 5 },
	{ EVENT("{close: {}, open: {}}"), "an event has one name, and 'by'", 5 },
	{ CASE("    events: []\n    alerts: [{}]\n"), "an alert has its 'rule'", 4 },
	{ CASE("    events: []\n    alerts: [{rule: r, file: x}]\n"), "an alert has no 'file'", 4 },
	{ CASE("    events: []\n    alerts: []\n    processes: [{comm: x}]\n"),
	    "a process has a 'pid'", 5 },
	{ CASE("    events: []\n    alerts: []\n    processes: [{pid: 1, files: [{door: {}}]}]\n"),
	    "a file is regular, directory, pipe", 5 },
	{ CASE("    events: []\n    alerts: []\n    processes: [{pid: 1, files: [{pipe: {fd: "
	       "1}}]}]\n"),
	    NULL, 0 },
};

static void
test_files(void **state UNUSED)
{
	char dir[TMPDIR_SIZE], path[TMPDIR_SIZE + 16];

	assert_int_equal(0, tmpdir_make(dir));
	(void) snprintf(path, sizeof(path), "%s/cases.yaml", dir);
	for (unsigned k = 0; k < ARRAY_SIZE(files); k++) {
		struct diag d = { .line = 0 };
		struct case_file f;
		int r;

		put_file(path, files[k].yaml, 0600);
		r = case_file_read(path, &f, &d);
		if (files[k].say == NULL) {
			if (r < 0)
				fail_msg("%s: %s", files[k].yaml, d.msg);
			case_file_fini(&f);
			continue;
		}
		assert_int_equal(-EINVAL, r);
		if (strstr(d.msg, files[k].say) != d.msg || d.line != files[k].line)
			fail_msg("%s: line %u: %s", files[k].yaml, d.line, d.msg);
	}
	assert_int_equal(0, tmpdir_remove(dir));
}

/* Processes and events arrive as written; their threads are filled in. */
static void
test_batches(void **state UNUSED)
{
	static const char yaml[] =
	    "rules: [a.yaml, /b.yaml]\n"
	    "cases:\n"
	    "  - name: n\n"
	    "    processes:\n"
	    "      - {pid: 20, ppid: 10, comm: sh, argv: [sh, -c]}\n"
	    "    events:\n"
	    "      - execve: {res: 0, exe: ls, args: [-l, /]}\n"
	    "    alerts: [r, {rule: s, output: o, fields: {a: b}}]\n";
	char dir[TMPDIR_SIZE], path[TMPDIR_SIZE + 16];
	struct diag d = { .line = 0 };
	struct batch *b = NULL;
	const char *why;
	struct case_file f;

	assert_int_equal(0, tmpdir_make(dir));
	(void) snprintf(path, sizeof(path), "%s/cases.yaml", dir);
	put_file(path, yaml, 0600);
	assert_int_equal(0, case_file_read(path, &f, &d));
	assert_int_equal(2, f.nrules);
	assert_string_equal("/b.yaml", f.rules[1]);
	(void) snprintf(path, sizeof(path), "%s/a.yaml", dir);
	assert_string_equal(path, f.rules[0]);
	assert_string_equal("r", f.cases->alerts->rule);
	assert_string_equal("o", f.cases->alerts->next->output);
	assert_string_equal("b", f.cases->alerts->next->fields->want);
	assert_int_equal(0, batch_decode(f.cases->processes, NULL, &b, &why));
	assert_int_equal(1, b->nev);
	assert_int_equal(10, ev_num(b->ev, EVP_TASK_ppid));
	assert_int_equal(6, ev_text(b, b->ev, EVP_TASK_argv).n);
	batch_free(b);
	assert_int_equal(0, batch_decode(f.cases->events, NULL, &b, &why));
	assert_int_equal(20, b->ev->tid);
	assert_int_equal(20, ev_num(b->ev, EVP_EXECVE_pid));
	assert_int_equal(10, ev_num(b->ev, EVP_EXECVE_ptid));
	batch_free(b);
	case_file_fini(&f);
	assert_int_equal(0, tmpdir_remove(dir));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
