/* SPDX-License-Identifier: Apache-2.0 */
/* test_redact.c - which values are replaced: text in, text out; '|' stands for a NUL. */
#include "proto/event.h"
#include "proto/redact.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define R   REDACT_MARK
#define JWT "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"
#define GHP "ghp_0123456789abcdefghijklmnopqrstuvwx"

static const struct {
	enum redact_kind kind;
	const char *program, *in, *want; /* want NULL: unchanged */
} cases[] = {
	/* options with their value */
	{ REDACT_ARGS, "x", "--password=hunter2|-v|", "--password=" R "|-v|" },
	{ REDACT_ARGS, "x", "--password=a b&c,d|-v|", "--password=" R "|-v|" },
	{ REDACT_ARGS, "x", "--password|hunter2|-v|", "--password|" R "|-v|" },
	{ REDACT_ARGS, "x", "--db-Password|hunter2|", "--db-Password|" R "|" },
	{ REDACT_ARGS, "x", "--password|-v|", NULL }, /* it will be asked for */
	{ REDACT_ARGS, "x", "--password=|x|", NULL },
	{ REDACT_ARGS, "x", "--password|", NULL },
	{ REDACT_ARGS, "x", "password|x|", NULL }, /* no option */
	{ REDACT_ARGS, "x", "--token-file|/x|--tokens=7|", NULL },
	{ REDACT_ARGS, "x", "--api-key=k|--api_key=k|--apiKey=k|",
	    "--api-key=" R "|--api_key=" R "|--apiKey=" R "|" },
	{ REDACT_ARGS, "x", "--db-pass=k|--bypass=k|--compass|n|",
	    "--db-pass=" R "|--bypass=k|--compass|n|" },
	/* names with '=' anywhere */
	{ REDACT_ARGS, "x", "token=abc|", "token=" R "|" },
	{ REDACT_ARGS, "sh", "-c|PGPASSWORD=x psql; rm -rf /|",
	    "-c|PGPASSWORD=" R " psql; rm -rf /|" },
	{ REDACT_ARGS, "sh", "-c|TOKEN=x;rm -rf /|", "-c|TOKEN=" R ";rm -rf /|" },
	{ REDACT_ARGS, "sh", "-c|x --password 'a b' -y|", "-c|x --password '" R "' -y|" },
	{ REDACT_ARGS, "sh", "-c|x --password \"a b\"|", "-c|x --password \"" R "\"|" },
	{ REDACT_ARGS, "sh", "-c|secret = \"a b\"|", "-c|secret = \"" R "\"|" },
	{ REDACT_ARGS, "sh", "-c|TOKEN=$(nc -l 1) x|", "-c|TOKEN=" R "(nc -l 1) x|" },
	{ REDACT_ARGS, "sh", "-c|x --secret \"open", "-c|x --secret \"" R },
	{ REDACT_ARGS, "mount", "-o|username=u,password=p,uid=0|",
	    "-o|username=u,password=" R ",uid=0|" },
	{ REDACT_ARGS, "x", "password=a,b|", "password=" R "|" },
	{ REDACT_ARGS, "x", "Server=h;Password=p;Database=d|",
	    "Server=h;Password=" R ";Database=d|" },
	{ REDACT_ARGS, "x", "h?access_token=t&x=y|", "h?access_token=" R "&x=y|" },
	/* JSON and headers */
	{ REDACT_ARGS, "x", "{\"password\": \"p\", \"user\": \"u\"}|",
	    "{\"password\": \"" R "\", \"user\": \"u\"}|" },
	{ REDACT_ARGS, "x", "{\"token\":17}|", "{\"token\":" R "|" },
	{ REDACT_ARGS, "x", "{\\\"secret\\\":\\\"p\\\",\\\"a\\\":1}|",
	    "{\\\"secret\\\":\\\"" R "\\\",\\\"a\\\":1}|" },
	{ REDACT_ARGS, "curl", "-H|Authorization: Bearer abc.def|u|",
	    "-H|Authorization: Bearer " R "|u|" },
	{ REDACT_ARGS, "curl", "-H|authorization:Basic dXNlcg==|",
	    "-H|authorization:Basic " R "|" },
	{ REDACT_ARGS, "curl", "-H|Authorization: abcdef|", "-H|Authorization: " R "|" },
	{ REDACT_ARGS, "curl", "-H|X-Api-Key: k 1|", "-H|X-Api-Key: " R "|" },
	{ REDACT_ARGS, "sh", "-c|curl -H 'Cookie: a=b; c=d' http://h/|",
	    "-c|curl -H 'Cookie: " R "' http://h/|" },
	{ REDACT_ARGS, "sh", "-c|echo Bearer abc|", "-c|echo Bearer " R "|" },
	{ REDACT_ARGS, "docker", "run|-v|my-secret:/run/x|", NULL },
	{ REDACT_ARGS, "x", "password: hunter2|", "password: " R "|" },
	/* URLs */
	{ REDACT_ARGS, "x", "https://u:p@h:1/a?b=c|", "https://u:" R "@h:1/a?b=c|" },
	{ REDACT_ARGS, "x", "redis://:p@a@h/0|", "redis://:" R "@h/0|" },
	{ REDACT_ARGS, "x", "http://u@h:80/x:y@z|http://h:80/|://@|a://:@h|", NULL },
	{ REDACT_ARGS, "x", "https://" GHP "@github.com/|", "https://" R "@github.com/|" },
	/* words that are secrets by their form */
	{ REDACT_ARGS, "x", "AKIAIOSFODNN7EXAMPLE|", R "|" },
	{ REDACT_ARGS, "x", "AKIAIOSFODNN7EXAMPL|AKIAIOSFODNN7EXAMPLES|", NULL },
	{ REDACT_ARGS, "x", JWT "|", R "|" },
	{ REDACT_ARGS, "x", "-i|" GHP ",x|", "-i|" R ",x|" },
	{ REDACT_TEXT, NULL, "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----",
	    "-----BEGIN RSA PRIVATE KEY-----" R "-----END RSA PRIVATE KEY-----" },
	{ REDACT_TEXT, NULL, "-----BEGIN CERTIFICATE-----\nMII\n", NULL },
	/* a program's own options */
	{ REDACT_ARGS, "/usr/bin/mysql", "-u|root|-psecret|db|", "-u|root|-p" R "|db|" },
	{ REDACT_ARGS, "mysql", "-p|db|", NULL },
	{ REDACT_ARGS, "sshpass", "-p|x|ssh|h|", "-p|" R "|ssh|h|" },
	{ REDACT_ARGS, "sshpass", "-px|ssh|h|", "-p" R "|ssh|h|" },
	{ REDACT_ARGS, "curl", "-u|me:x|h|", "-u|me:" R "|h|" },
	{ REDACT_ARGS, "curl", "-ume:x|h|", "-ume:" R "|h|" },
	{ REDACT_ARGS, "curl", "-u|me|h|", NULL },
	{ REDACT_ARGS, "mkdir", "-p|x|-psecret|", NULL },
	/* environments: the whole rest, and what is in other values */
	{ REDACT_ENV, NULL, "HOME=/|AWS_SECRET_ACCESS_KEY=a/b+c; d|PWD=/root|",
	    "HOME=/|AWS_SECRET_ACCESS_KEY=" R "|PWD=/root|" },
	{ REDACT_ENV, NULL, "GITHUB_TOKEN=x|MYSQL_PWD=x|OLDPWD=/|TOKENS=4|",
	    "GITHUB_TOKEN=" R "|MYSQL_PWD=" R "|OLDPWD=/|TOKENS=4|" },
	{ REDACT_ENV, NULL, "DATABASE_URL=postgres://u:p@h/d|",
	    "DATABASE_URL=postgres://u:" R "@h/d|" },
	{ REDACT_ENV, NULL, "SSH_ASKPASS=/usr/bin/ask|TOKEN=|=x|", NULL },
	/* hostile bytes, and what has been redacted already */
	{ REDACT_ARGS, "x", "--password=\x1b\n\xff|", "--password=" R "|" },
	{ REDACT_ARGS, "x", "--password=" R "|TOKEN=" R "|", NULL },
	{ REDACT_ARGS, "", "", NULL },
	{ REDACT_ARGS, "x", "||=|:|://|--|-|\"|\\|", NULL },
};

static size_t
bytes_of(const char *text, char out[EV_TEXT_MAX])
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		out[i] = text[i];
	for (char *p = memchr(out, '|', n); p != NULL; p = memchr(out, '|', n))
		*p = '\0';
	return n;
}

static void
test_table(void **state)
{
	struct redact *r = NULL;
	struct diag d = { 0 };

	(void) state;
	assert_int_equal(0, redact_new(NULL, 0, &r, &d));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char in[EV_TEXT_MAX], want[EV_TEXT_MAX], out[EV_TEXT_MAX];
		struct redact_edit v[REDACT_MAX];
		size_t n = bytes_of(cases[i].in, in);
		struct slice list = { in, n };
		bool cut = false;
		size_t found = redact_find(r, list, cases[i].kind,
		    slice_str(cases[i].program == NULL ? "" : cases[i].program), v);

		if ((cases[i].want == NULL) != (found == 0))
			fail_msg("%s: %zu values", cases[i].in, found);
		if (cases[i].want == NULL)
			continue;
		n = redact_apply(list, v, found, out, sizeof(out), &cut);
		if (n != bytes_of(cases[i].want, want) || memcmp(out, want, n) != 0)
			fail_msg("%s: %.*s", cases[i].in, (int) n, out);
		assert_false(cut);
	}
	redact_free(r);
}

static const struct {
	const char *v[3];
	int r;
	const char *in, *want;
} configured[] = {
	{ { "licence" }, 0, "--licence=x|", "--licence=" R "|" },
	{ { "x-Corp_Ticket" }, 0, "X-Corp-Ticket: x|", "X-Corp-Ticket: " R "|" },
	{ { "corp_*" }, 0, "corp_abcdef|corp_ab|", R "|corp_ab|" },
	{ { "!token", "!AKIA*" }, 0, "token=x|AKIAIOSFODNN7EXAMPLE|",
	    "token=x|AKIAIOSFODNN7EXAMPLE|" },
	{ { "!token", "token" }, 0, "token=x|", "token=" R "|" },
	{ { "" }, -EINVAL, NULL, "neither a name" },
	{ { "*" }, -EINVAL, NULL, "neither a name" },
	{ { "a b" }, -EINVAL, NULL, "neither a name" },
	{ { "a/*" }, -EINVAL, NULL, "neither a name" },
	{ { "abcdefghijklmnopqrstuvwxyzabcdef" }, -EINVAL, NULL, "longer than 31" },
	{ { "abcdefghijklmnopqrstuvwxyzabcdef*" }, -EINVAL, NULL, "longer than 31" },
	{ { "!nothing" }, -EINVAL, NULL, "'!nothing' is no pattern" },
};

static void
test_configured(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(configured); i++) {
		char in[EV_TEXT_MAX], want[EV_TEXT_MAX], out[EV_TEXT_MAX];
		struct redact_edit v[REDACT_MAX];
		struct redact *r = NULL;
		struct diag d = { 0 };
		bool cut = false;
		size_t n = 0;

		while (n < 3 && configured[i].v[n] != NULL)
			n++;
		assert_int_equal(configured[i].r, redact_new(configured[i].v, n, &r, &d));
		if (configured[i].r < 0) {
			if (strstr(d.msg, configured[i].want) == NULL)
				fail_msg("'%s' does not say '%s'", d.msg, configured[i].want);
			continue;
		}
		n = bytes_of(configured[i].in, in);
		n = redact_apply((struct slice){ in, n }, v,
		    redact_find(r, (struct slice){ in, n }, REDACT_ARGS, slice_str("x"), v), out,
		    sizeof(out), &cut);
		if (n != bytes_of(configured[i].want, want) || memcmp(out, want, n) != 0)
			fail_msg("%s: %.*s", configured[i].in, (int) n, out);
		redact_free(r);
	}
}

/* More values than are kept count of: all that follows is replaced. What is too long is cut. */
static void
test_bounds(void **state)
{
	struct redact_edit v[REDACT_MAX];
	char in[EV_TEXT_MAX], out[EV_TEXT_MAX];
	struct redact *r = NULL;
	struct diag d = { 0 };
	bool cut = false;
	size_t n;

	(void) state;
	for (size_t i = 0; i + 8 <= sizeof(in); i += 8)
		memcpy(in + i, "token=s", 8); /* with its NUL */
	assert_int_equal(0, redact_new(NULL, 0, &r, &d));
	n = redact_find(r, (struct slice){ in, sizeof(in) }, REDACT_ARGS, slice_str("x"), v);
	assert_int_equal(REDACT_MAX, n);
	assert_int_equal(sizeof(in), v[n - 1].to);
	n = redact_apply((struct slice){ in, sizeof(in) }, v, n, out, sizeof(out), &cut);
	assert_int_equal(REDACT_MAX * (6 + sizeof(R)), n);
	assert_false(cut);
	assert_null(memmem(out, n, "=s", 2));
	n = redact_apply((struct slice){ in, 8 }, v, 1, out, 9, &cut);
	assert_true(cut);
	assert_memory_equal("token=<r", out, 9);
	assert_int_equal(9, n);
	redact_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_configured),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
