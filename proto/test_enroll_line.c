/* SPDX-License-Identifier: Apache-2.0 */
/* test_enroll_line.c - addresses and lines: what is read, what is refused and why. */
#include "proto/enroll_line.h"
#include "tests/support/test.h"
#include <errno.h>

#define S "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define A "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static const struct {
	const char *text, *host, *port; /* host NULL: refused */
} addresses[] = {
	{ "enroll.example", "enroll.example", ENROLL_PORT },
	{ "enroll.example:1", "enroll.example", "1" },
	{ "192.0.2.1:65535", "192.0.2.1", "65535" },
	{ "[2001:db8::1]", "2001:db8::1", ENROLL_PORT },
	{ "[2001:db8::1]:80", "2001:db8::1", "80" },
	{ "", NULL, NULL },
	{ ":80", NULL, NULL },
	{ "a:", NULL, NULL },
	{ "a:0", NULL, NULL },
	{ "a:65536", NULL, NULL },
	{ "a:1000000", NULL, NULL },
	{ "a:8x", NULL, NULL },
	{ "a/b", NULL, NULL },
	{ "a b", NULL, NULL },
	{ "[", NULL, NULL },
	{ "[]:80", NULL, NULL },
	{ "[::1]80", NULL, NULL },
	{ "[::1]:", NULL, NULL },
	{ "[a", NULL, NULL },
	{ "[a]", NULL, NULL },
	{ "[%]:4", NULL, NULL },
};

static void
test_addresses(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct enroll_address a;
		struct diag d = { 0 };
		int r = enroll_address_parse(slice_str(addresses[i].text), &a, &d);

		if (r != (addresses[i].host == NULL ? -EINVAL : 0))
			fail_msg("'%s': %d", addresses[i].text, r);
		if (r < 0) {
			assert_non_null(strstr(d.msg, "is not an address"));
			continue;
		}
		assert_string_equal(addresses[i].host, a.host);
		assert_string_equal(addresses[i].port, a.port);
	}
}

static const struct {
	const char *text, *why; /* NULL: accepted */
} lines[] = {
	{ "mews-enroll/1/h:7444/" S "/" A, NULL },
	{ "mews-enroll/1/h/" S "/" A " \r\n", NULL },
	{ "mews-enroll/1/[::1]:7444/" S "/" A, NULL },
	{ "", "no enrolment line" },
	{ "\n", "no enrolment line" },
	{ "rm -rf /", "no enrolment line" },
	{ "mews-enroll/2/h/" S "/" A, "newer version" },
	{ "mews-enroll/1/", "cut off" },
	{ "mews-enroll/1/h/" S, "cut off" },
	{ "mews-enroll/1/h/" S "/", "cut off" },
	{ "mews-enroll/1/h:0/" S "/" A, "cut off" },
	{ "mews-enroll/1/h/" S "0/" A, "cut off" },
	{ "mews-enroll/1/h/" S "/" A "0", "cut off" },
	{ "mews-enroll/1/h/" S "/" S "/" A, "cut off" },
	{ "mews-enroll/1/h/G" A "/" S, "cut off" },
};

static void
test_lines(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char again[ENROLL_LINE_MAX];
		struct enroll_line l, m;
		struct diag d = { 0 };
		int r = enroll_line_parse(slice_str(lines[i].text), &l, &d);

		if (r != (lines[i].why == NULL ? 0 : -EINVAL) ||
		    (r < 0 && strstr(d.msg, lines[i].why) == NULL))
			fail_msg("'%s': %d %s", lines[i].text, r, d.msg);
		assert_null(strstr(d.msg, "0011")); /* no message has the secret */
		if (r < 0)
			continue;
		enroll_line_print(&l, again);
		assert_int_equal(0, enroll_line_parse(slice_str(again), &m, &d));
		assert_string_equal(l.at.host, m.at.host);
		assert_string_equal(S, m.secret);
		assert_string_equal(A, m.authority);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
