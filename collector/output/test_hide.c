/* SPDX-License-Identifier: Apache-2.0 */
/* test_hide.c - which parts of URLs and headers are secrets, and that none is shown. */
#include "collector/output/hide.h"
#include "common/macros.h"
#include "tests/support/test.h"

static const struct {
	const char *url, *header, *text, *want;
} cases[] = {
	{ NULL, NULL, "nothing is secret", "nothing is secret" },
	{ "https://h.example/services/T0AAAAAAAAAA/B0AAAAAAAAAA/xyzxyzxyzxyz", NULL,
	    "404: no /services/T0AAAAAAAAAA/B0AAAAAAAAAA/xyzxyzxyzxyz",
	    "404: no /services/(not shown)/(not shown)/(not shown)" },
	{ "https://h.example/a?token=0123456789ab&b=c", NULL, "0123456789ab0123456789ab token b",
	    "(not shown)(not shown) token b" },
	{ "https://h.example/bot1:AAAAAAAAAAAAAA/sendMessage", NULL,
	    "bot1:AAAAAAAAAAAAAA/sendMessage", "(not shown)/sendMessage" },
	{ "http://me:pw@h.example.org/", NULL, "me and pw at h.example.org",
	    "(not shown) and (not shown) at h.example.org" },
	{ "http://h.example.org", NULL, "h.example.org", "h.example.org" },
	{ "", NULL, "x", "x" },
	{ NULL, "Authorization: Bearer t0ken", "no t0ken; Bearer t0ken",
	    "no (not shown); (not shown)" },
	{ NULL, "X-Key:k3y0", "k3y0k3y", "(not shown)k3y" },
	{ NULL, "X-Short: ab", "ab", "ab" },
	{ NULL, "X-Empty:", "X-Empty", "X-Empty" },
};

static void
secrets_are_not_shown(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct hide h = { 0 };
		struct buf b = BUF_INIT;

		hide_url(&h, cases[i].url);
		if (cases[i].header != NULL)
			hide_header(&h, cases[i].header);
		hide_text(&h, slice_str(cases[i].text), &b);
		assert_int_equal(0, buf_ok(&b));
		assert_string_equal(cases[i].want, b.p);
		buf_fini(&b);
	}
}

/* With more secrets than there is room for, nothing is shown. */
static void
too_many_hide_all(void **state)
{
	struct hide h = { 0 };
	struct buf b = BUF_INIT;

	(void) state;
	for (unsigned i = 0; i <= HIDE_MAX; i++)
		hide_add(&h, SLICE("secret"), 1);
	hide_text(&h, SLICE("text"), &b);
	hide_text(&h, SLICE(""), &b);
	hide_text(NULL, SLICE(" secret"), &b);
	assert_string_equal("(not shown) secret", b.p);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secrets_are_not_shown),
		cmocka_unit_test(too_many_hide_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
