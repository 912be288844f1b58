/* SPDX-License-Identifier: Apache-2.0 */
/* test_redactor.c - records whose arguments and environment have secrets. */
#include "sensor/event_build.h"
#include "sensor/redactor.h"
#include "tests/support/test.h"
#include <errno.h>
#include <string.h>

#define LIST(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}
#define R REDACT_MARK

static const struct {
	unsigned type, program, args, env, other, number;
	struct slice in[4];   /* program, arguments, environment, another text */
	struct slice want[4]; /* p NULL: unchanged */
} records[] = {
	{ EV_EXECVE, EVP_EXECVE_exe, EVP_EXECVE_args, EVP_EXECVE_env, EVP_EXECVE_filename,
	    EVP_EXECVE_gid,
	    { LIST("/bin/curl"), LIST("-u\0me:x\0h\0"), LIST("A=1\0API_TOKEN=t\0"),
		LIST("token=x") },
	    { { 0 }, LIST("-u\0me:" R "\0h\0"), LIST("A=1\0API_TOKEN=" R "\0"), { 0 } } },
	{ EV_EXECVEAT, EVP_EXECVEAT_exe, EVP_EXECVEAT_args, EVP_EXECVEAT_env, EVP_EXECVEAT_cwd,
	    EVP_EXECVEAT_gid, { LIST("x --password=p"), LIST("-v\0"), LIST(""), LIST("/") },
	    { LIST("x --password=" R), { 0 }, { 0 }, { 0 } } },
	{ EV_CLONE, EVP_CLONE_exe, EVP_CLONE_args, EV_ABSENT, EVP_CLONE_cwd, EVP_CLONE_gid,
	    { LIST("x"), LIST("--token\0t\0"), { 0 }, LIST("/") },
	    { { 0 }, LIST("--token\0" R "\0"), { 0 }, { 0 } } },
	{ EV_TASK, EV_ABSENT, EVP_TASK_argv, EVP_TASK_env, EVP_TASK_cwd, EVP_TASK_egid,
	    { { 0 }, LIST("mysql\0-psecret\0"), LIST("MYSQL_PWD=x\0"), LIST("/") },
	    { { 0 }, LIST("mysql\0-p" R "\0"), LIST("MYSQL_PWD=" R "\0"), { 0 } } },
	{ EV_CONTAINER_INFO, EVP_CONTAINER_INFO_entry_point, EVP_CONTAINER_INFO_readiness_probe,
	    EVP_CONTAINER_INFO_env, EVP_CONTAINER_INFO_image, EVP_CONTAINER_INFO_traits,
	    { LIST("mysql\0-psecret\0"), LIST("mysql\0-psecret\0"), LIST("MYSQL_PWD=x\0"),
		LIST("/") },
	    { LIST("mysql\0-p" R "\0"), LIST("mysql\0-p" R "\0"), LIST("MYSQL_PWD=" R "\0"),
		{ 0 } } },
	/* clean of one program is not clean of another */
	{ EV_TASK, EV_ABSENT, EVP_TASK_argv, EVP_TASK_env, EVP_TASK_cwd, EVP_TASK_egid,
	    { { 0 }, LIST("mkdir\0-p\0-psecret\0"), LIST("A=1\0"), LIST("/") },
	    { { 0 }, { 0 }, { 0 }, { 0 } } },
	{ EV_EXECVE, EVP_EXECVE_exe, EVP_EXECVE_args, EVP_EXECVE_env, EVP_EXECVE_filename,
	    EVP_EXECVE_gid, { LIST("/bin/mkdir"), LIST("-psecret\0"), LIST("A=1\0"), LIST("/") },
	    { { 0 }, { 0 }, { 0 }, { 0 } } },
	{ EV_EXECVE, EVP_EXECVE_exe, EVP_EXECVE_args, EVP_EXECVE_env, EVP_EXECVE_filename,
	    EVP_EXECVE_gid, { LIST("/bin/mysql"), LIST("-psecret\0"), LIST("A=1\0"), LIST("/") },
	    { { 0 }, LIST("-p" R "\0"), { 0 }, { 0 } } },
	{ EV_EXECVE, EVP_EXECVE_exe, EVP_EXECVE_args, EVP_EXECVE_env, EVP_EXECVE_filename,
	    EVP_EXECVE_gid, { LIST("/bin/ls"), LIST("-l\0"), LIST("A=1\0"), LIST("/bin/ls") },
	    { { 0 }, { 0 }, { 0 }, { 0 } } },
};

static const struct ev_hdr *
build(struct rec *r, size_t i)
{
	unsigned at[] = { records[i].program, records[i].args, records[i].env, records[i].other };

	rec_begin(r, records[i].type, 1, 2, 3, 4);
	rec_num(r, records[i].number, 7);
	for (unsigned p = 0; p < r->schema->nparams; p++) {
		for (size_t k = 0; k < ARRAY_SIZE(at); k++) {
			if (at[k] == p)
				rec_text(r, p, records[i].in[k]);
		}
	}
	return rec_end(r);
}

static void
test_records(void **state)
{
	static struct rec r;
	struct redactor *red = NULL;
	struct diag d = { 0 };
	uint64_t changed = 0;

	(void) state;
	assert_int_equal(0, redactor_new(NULL, 0, &red, &d));
	/* twice: a text that was searched before gives the same */
	for (size_t pass = 0; pass < 2 * ARRAY_SIZE(records); pass++) {
		size_t i = pass % ARRAY_SIZE(records);
		unsigned at[] = { records[i].program, records[i].args, records[i].env,
			records[i].other };
		const struct ev_hdr *h = build(&r, i), *got = redactor_record(red, h);
		bool any = false;

		assert_true(redactor_looks_at(h->type));
		assert_int_equal(0, record_check(got, got->len));
		assert_int_equal(h->present, got->present);
		assert_int_equal(7, record_num(got, r.schema, records[i].number));
		for (size_t k = 0; k < ARRAY_SIZE(at); k++) {
			struct slice want = records[i].want[k], text;

			any |= want.p != NULL;
			if (at[k] == EV_ABSENT)
				continue;
			want = want.p == NULL ? records[i].in[k] : want;
			text = record_text(got, r.schema, at[k]);
			if (!slice_eq(want, text))
				fail_msg("row %zu, text %zu: %.*s", i, k, (int) text.n, text.p);
		}
		assert_int_equal(any ? EVF_REDACTED : 0, got->flags);
		assert_true(any == (got != h));
		changed += any;
		assert_int_equal(changed, redactor_count(red));
	}
	assert_false(redactor_looks_at(EV_OPENAT));
	redactor_free(red);
	assert_int_equal(0, redactor_count(NULL));
}

/* A record that would become too long is cut and marked; a list still ends with a NUL. */
static void
test_full(void **state)
{
	static struct rec r;
	static char big[EV_TEXT_MAX];
	struct redactor *red = NULL;
	struct diag d = { 0 };
	const struct ev_hdr *h;
	struct slice env;

	(void) state;
	for (size_t i = 0; i + 8 <= sizeof(big); i += 8)
		memcpy(big + i, i < 320 ? "token=s" : "other=s", 8);
	assert_int_equal(0, redactor_new(NULL, 0, &red, &d));
	rec_begin(&r, EV_EXECVE, 1, 2, 3, 4);
	for (unsigned p = 0; p < r.schema->nparams; p++) {
		if (ptype_is_text(r.schema->params[p].type) && p < r.schema->nargs)
			rec_text(
			    &r, p, (struct slice){ big, p == EVP_EXECVE_cwd ? 100 : sizeof(big) });
	}
	h = redactor_record(red, rec_end(&r));
	assert_int_equal(0, record_check(h, h->len));
	assert_int_equal(EVF_REDACTED | EVF_CUT, h->flags);
	env = record_text(h, r.schema, EVP_EXECVE_env);
	assert_true(env.n > EV_TEXT_MAX - 8 && env.n <= EV_TEXT_MAX);
	assert_int_equal('\0', env.p[env.n - 1]);
	assert_null(memmem(env.p, env.n, "token=s", 7));
	redactor_free(red);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
