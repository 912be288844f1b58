/* SPDX-License-Identifier: Apache-2.0 */
/* test_join.c - which pieces are held, and what is written together. */
#include "common/macros.h"
#include "common/nng/join.h"
#include "tests/support/test.h"
#include <string.h>

/*
 * A connection: pieces as 'kind size', and the sizes of the writes that they become. Kinds: g, a
 * greeting; l, the length of a message of that size; b, bytes.
 */
static const struct {
	const char *pieces, *writes;
} cases[] = {
	{ "g8", "8" }, { "g8 l12 b4 b8", "8 20" }, { "g8 l12 b12", "8 20" },
	{ "g8 l0 l0", "8 8 8" }, /* empty messages are complete */
	{ "g8 l1000 b4 b996 l5 b5", "8 1008 13" },
	{ "g8 l1000 b500 b490 b10", "8 508 490 10" }, /* long pieces are not held; the end never */
	{ "g8 l1000 b32 b24 b1 b943", "8 65 943" },   /* no room for one more */
	{ "g8 l1000 b32 b1 b967", "8 1008" },
	{ "g9 l12 b4 b8", "9 8 4 8" },                   /* no greeting: passed through */
	{ "g8 b7 l12 b12", "8 7 8 12" },                 /* no length: passed through */
	{ "g8 l10 b11 l12 b12", "8 19 8 12" },           /* longer than announced */
	{ "g8 l18446744073709551615 b4 b4", "8 8 4 4" }, /* impossible */
	{ "g8 l18446744073709551607 b4 b100", "8 112" }, /* the longest */
};

static void
play(const char *pieces, char *out, size_t size)
{
	struct join j = { 0 };
	size_t at = 0;

	while (*pieces != '\0') {
		uint8_t piece[1024] = { 0 };
		char kind = *pieces++, *end = NULL;
		uint64_t v = strtoull(pieces, &end, 10);
		size_t n = kind == 'l' ? 8 : (size_t) v;

		pieces = *end == ' ' ? end + 1 : end;
		for (unsigned i = 0; kind == 'l' && i < 8; i++)
			piece[i] = (uint8_t) (v >> (56 - 8 * i));
		if (join_hold(&j, piece, n))
			continue;
		assert_false(
		    join_hold(&j, piece, n)); /* asked again, after a write that would block */
		at += (size_t) snprintf(out + at, size - at, "%s%zu", at == 0 ? "" : " ", j.n + n);
		join_sent(&j, n);
	}
}

static void
test_pieces(void **state)
{
	char out[256];

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		out[0] = '\0';
		play(cases[i].pieces, out, sizeof(out));
		if (strcmp(out, cases[i].writes) != 0)
			fail_msg("%s: %s, not %s", cases[i].pieces, out, cases[i].writes);
	}
}

/* Held bytes come first and unchanged. */
static void
test_bytes(void **state)
{
	const uint8_t length[8] = { 0, 0, 0, 0, 0, 0, 0, 200 }, head[4] = { 1, 2, 3, 4 };
	struct join j = { .state = JOIN_MESSAGES };

	(void) state;
	assert_true(join_hold(&j, length, 8));
	assert_true(join_hold(&j, head, 4));
	assert_int_equal(12, j.n);
	assert_memory_equal(length, j.held, 8);
	assert_memory_equal(head, j.held + 8, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
