/* SPDX-License-Identifier: Apache-2.0 */
/* test_token.c - the file of the API's tokens: what it may hold, who holds a token, its creation.
 */
#include "collector/api/token.h"
#include "tests/support/put_file.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN  "0123456789abcdef"
#define OTHER  "another-token-of-some-length"
#define READER "a-token-that-changes-nothing"

static char token_file[128];

static const struct {
	const char *text;
	mode_t mode;
	int r;
	const char *msg; /* NULL: it holds TOKEN and OTHER */
} files[] = {
	{ TOKEN "\n" OTHER "\n", 0600, 0, NULL },
	{ "operate ops " TOKEN "\nread " OTHER "\n", 0600, 0, NULL },
	{ "\toperate \t" TOKEN "\n operate  a.person@example \t" OTHER " \r\n", 0600, 0, NULL },
	{ "# of the dashboard\r\n" TOKEN "\r\n\n \t" OTHER, 0400, 0, NULL },
	{ TOKEN "\n" OTHER "\n", 0640, 0, NULL }, /* a group may share it */
	{ TOKEN "\n", 0644, -EACCES, "chmod 600" },
	{ TOKEN "\n", 0620, -EACCES, "chmod 600" },
	{ "", 0600, -EINVAL, "has no token: remove it" },
	{ "# nothing\n\n", 0600, -EINVAL, "has no token: remove it" },
	{ TOKEN "\nshort\n", 0600, -EINVAL, "line 2: a token has 16 to 256 printable" },
	{ "with a space in it\n", 0600, -EINVAL, "line 1: a token has no spaces, and before it" },
	{ "admin " TOKEN "\n", 0600, -EINVAL, "may be 'read' or 'operate'" },
	{ "none " TOKEN "\n", 0600, -EINVAL, "may be 'read' or 'operate'" },
	{ "read a b " TOKEN "\n", 0600, -EINVAL, "line 1: a token has" },
	{ "read a\"b " TOKEN "\n", 0600, -EINVAL, "line 1: a name has at most 31" },
	{ "read abcdefghijklmnopqrstuvwxyz012345 " TOKEN "\n", 0600, -EINVAL,
	    "line 1: a name has" },
	{ "\n\nread\n", 0600, -EINVAL, "line 3: a token has" },
	{ "0123456789abcde\xc3\xa9\n", 0600, -EINVAL, "line 1: a token has" },
	{ TOKEN "\n" TOKEN "\n" TOKEN "\n" TOKEN "\n" TOKEN "\n" TOKEN "\n" TOKEN "\n" TOKEN
		"\n" TOKEN "\n" TOKEN "\n" TOKEN "\n" TOKEN "\n" TOKEN "\n" TOKEN "\n" TOKEN
		"\n" TOKEN "\n" TOKEN,
	    0600, -EINVAL, "more than 16 tokens" },
};

static const struct {
	const char *given;
	bool match;
} guesses[] = {
	{ TOKEN, true },
	{ OTHER, true },
	{ "", false },
	{ "0123456789abcdeF", false },
	{ "0123456789abcde", false },
	{ TOKEN "0", false },
	{ "another-token-of-some-lengtH", false },
};

static void
test_files(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct tokens t;
		struct diag d = { 0 };
		bool made = false;

		put_file(token_file, files[i].text, files[i].mode);
		assert_int_equal(files[i].r, tokens_check(token_file, false, &d));
		assert_int_equal(files[i].r, tokens_init(&t, token_file, &made, &d));
		assert_false(made);
		if (files[i].msg != NULL)
			assert_non_null(strstr(d.msg, files[i].msg));
		for (size_t k = 0; k < ARRAY_SIZE(guesses) && files[i].msg == NULL; k++)
			assert_int_equal(guesses[k].match,
			    tokens_match(&t, slice_str(guesses[k].given)).role != TOKEN_NONE);
		tokens_fini(&t);
		assert_int_equal(0, unlink(token_file));
	}
}

/* Roles and names, and which token a person sends; who has a token twice has the greater role. */
static void
test_holders(void **state)
{
	static const struct {
		const char *given, *name;
		enum token_role role;
	} want[] = {
		{ TOKEN, "line 2", TOKEN_OPERATE },
		{ OTHER, "ops", TOKEN_OPERATE },
		{ READER, "line 4", TOKEN_READ },
		{ "0123456789abcdeF", "", TOKEN_NONE },
	};
	struct tokens t;
	struct diag d = { 0 };
	bool made = false;

	(void) state;
	put_file(token_file,
	    "read first " OTHER "\n" TOKEN "\noperate ops " OTHER "\nread " READER "\n", 0600);
	assert_int_equal(0, tokens_init(&t, token_file, &made, &d));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		struct holder h = tokens_match(&t, slice_str(want[i].given));

		assert_int_equal(want[i].role, h.role);
		assert_string_equal(want[i].name, h.name);
	}
	assert_true(slice_eq(slice_str(TOKEN), tokens_best(&t)));
	put_file(token_file, "read a " READER "\nread b " OTHER "\n", 0600);
	assert_int_equal(0, tokens_read(&t, token_file, &d));
	assert_true(slice_eq(slice_str(READER), tokens_best(&t)));
	tokens_fini(&t);
	assert_int_equal(0, unlink(token_file));
}

/* The file is made once, readable only by its owner, and different each time. */
static void
test_made(void **state)
{
	struct tokens a, b, c;
	struct diag d = { 0 };
	struct stat st;
	bool made = false;
	char path[128];

	(void) state;
	assert_int_equal(0, tokens_check(token_file, false, &d));
	assert_int_equal(-1, access(token_file, F_OK)); /* the check created nothing */
	assert_int_equal(0, tokens_init(&a, token_file, &made, &d));
	assert_true(made);
	assert_int_equal(0, stat(token_file, &st));
	assert_int_equal(0600, st.st_mode & 07777);
	assert_int_equal(1, a.n);
	assert_int_equal(64, a.v[0].n);
	assert_int_equal(0, tokens_init(&b, token_file, &made, &d));
	assert_false(made);
	assert_memory_equal(a.v[0].text, b.v[0].text, 64);
	assert_int_equal(0, unlink(token_file));
	assert_int_equal(0, tokens_init(&c, token_file, &made, &d));
	assert_memory_not_equal(a.v[0].text, c.v[0].text, 64);
	assert_int_equal(0, unlink(token_file));
	tokens_fini(&a);
	tokens_fini(&b);
	tokens_fini(&c);

	(void) snprintf(path, sizeof(path), "%s/none/api.token", tmpdir);
	assert_int_equal(-ENOENT, tokens_check(path, false, &d));
	assert_non_null(strstr(d.msg, "its folder must exist"));
	assert_int_equal(0, tokens_check(path, true, &d)); /* the outbox reports this itself */
	assert_int_equal(-ENOENT, tokens_init(&a, path, &made, &d));
	assert_non_null(strstr(d.msg, "set http.token_file"));
}

static int
begin(void **state)
{
	if (tmpdir_begin(state) < 0)
		return -1;
	(void) snprintf(token_file, sizeof(token_file), "%s/api.token", tmpdir);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_holders),
		cmocka_unit_test(test_made),
	};

	return cmocka_run_group_tests(tests, begin, tmpdir_end);
}
