/* SPDX-License-Identifier: Apache-2.0 */
/* live_args.c - arguments and environments longer than the limit cannot hide anything. */
#include "tests/driver/live.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HUGE 100000

/* Make a string of n bytes, all c. */
static char *
filled(size_t n, char c)
{
	char *p = malloc(n + 1);

	if (p == NULL)
		abort();
	memset(p, c, n);
	p[n] = '\0';
	return p;
}

/* Pass the same arguments to a missing program and to an existing one. */
static void
exec_both(char **argv, char **env)
{
	(void) syscall(SYS_execve, "/no/such", argv, env);
	(void) execve("/bin/true", argv, env);
	_exit(1);
}

/* The expected result for a list: pieces, one after the other. */
struct list {
	char p[8192];
	size_t n;
};

static void
add_filled(struct list *l, size_t n, char c)
{
	memset(l->p + l->n, c, n);
	l->n += n;
	l->p[l->n++] = '\0';
}

static void
add_string(struct list *l, const char *s)
{
	memcpy(l->p + l->n, s, strlen(s) + 1);
	l->n += strlen(s) + 1;
}

/* Check that parameter 'param' of the k-th execve is this list, and is marked as cut. */
static void
check_list(struct live *l, unsigned k, const char *param, const struct list *want)
{
	const struct ev_hdr *r = live_rec(l, EV_EXECVE, k);

	live_num(l, r, "res", k == 0 ? -ENOENT : 0);
	live_bytes(l, r, param, want->p, want->n);
	live_that(l, r != NULL && (r->flags & EVF_CUT), "it was cut, and says so");
}

static void
d_first(struct facts *f)
{
	char *argv[] = { filled(5000, 'z'), filled(2, 'c'), filled(4, 'e'), NULL };
	char *env[] = { NULL };

	(void) f;
	exec_both(argv, env);
}

static void
c_first(struct live *l)
{
	struct list args = { .n = 0 }, exe = { .n = 0 };

	add_filled(&exe, 4096, 'z');
	exe.n--;
	add_filled(&args, 2, 'c');
	add_filled(&args, 4, 'e');
	for (unsigned k = 0; k < 2; k++) {
		check_list(l, k, "exe", &exe);
		check_list(l, k, "args", &args);
	}
}

/* No part of a long argv[0] is an argument. */
static void
d_only(struct facts *f)
{
	char *argv[] = { filled(5000, 'z'), NULL }, *env[] = { NULL };

	(void) f;
	exec_both(argv, env);
}

static void
c_only(struct live *l)
{
	struct list none = { .n = 0 };

	check_list(l, 0, "args", &none);
	check_list(l, 1, "args", &none);
}

static void
d_second(struct facts *f)
{
	char *argv[] = { filled(1, 'x'), filled(HUGE, 'p'), filled(4, 'e'), NULL };
	char *env[] = { NULL };

	(void) f;
	exec_both(argv, env);
}

static void
c_second(struct live *l)
{
	struct list attempt = { .n = 0 }, args = { .n = 0 };

	add_filled(&attempt, 2047, 'p');
	add_filled(&attempt, 4, 'e');
	check_list(l, 0, "args", &attempt);
	add_filled(&args, 1535, 'p');
	add_filled(&args, 4, 'e');
	check_list(l, 1, "args", &args);
}

/* A script's long arguments keep their beginning and end. */
static void
d_script(struct facts *f)
{
	char *script = filled(9000, '#'),
	     *argv[] = { filled(2, 's'), filled(2, 'c'), script, NULL };
	char *env[] = { NULL };

	(void) f;
	memcpy(script + 9000 - 4, (const char[]){ 'e', 'v', 'i', 'l' }, 4);
	exec_both(argv, env);
}

static void
c_script(struct live *l)
{
	struct list args = { .n = 0 };

	add_filled(&args, 2, 'c');
	add_filled(&args, 1533, '#');
	memset(args.p + args.n, '#', 4096 - args.n - 5);
	args.n = 4096 - 5;
	add_string(&args, "evil");
	check_list(l, 1, "args", &args);
}

/* 60 of 99 bytes: 30 from the beginning, the others from the end. */
static void
d_many(struct facts *f)
{
	char *argv[62] = { filled(5, 'f') }, *env[61];

	(void) f;
	for (int i = 1; i < 61; i++) {
		argv[i] = filled(99, 'a');
		env[i - 1] = argv[i];
	}
	argv[60] = filled(99, 'z');
	argv[61] = env[60] = NULL;
	exec_both(argv, env);
}

static void
c_many(struct live *l)
{
	struct list attempt = { .n = 0 }, args = { .n = 0 }, env = { .n = 0 };

	for (int i = 0; i < 41; i++)
		add_filled(&attempt, 99, 'a');
	attempt.n = 4096;
	check_list(l, 0, "args", &attempt);
	for (int i = 0; i < 30; i++)
		add_filled(&args, 99, 'a');
	add_filled(&args, 95, 'a'); /* of the first, only the end */
	for (int i = 0; i < 9; i++)
		add_filled(&args, 99, 'a');
	add_filled(&args, 99, 'z');
	check_list(l, 1, "args", &args);
	for (int i = 0; i < 40; i++)
		add_filled(&env, 99, 'a');
	check_list(l, 1, "env", &env); /* only whole ones */
}

static void
d_env(struct facts *f)
{
	char *argv[] = { filled(1, 'x'), NULL }, *pad = filled(HUGE, 'e');
	char *env[] = { pad, filled(3, 'v'), pad, filled(3, 'w'), NULL };

	(void) f;
	exec_both(argv, env);
}

static void
c_env(struct live *l)
{
	struct list env = { .n = 0 };

	add_filled(&env, 1535, 'e');
	add_filled(&env, 3, 'v');
	add_filled(&env, 765, 'e');
	add_filled(&env, 3, 'w');
	check_list(l, 1, "env", &env);
}

const struct live_case args_cases[] = {
	{ "execve with a long argv[0]", d_first, c_first, NULL },
	{ "execve with nothing but a long argv[0]", d_only, c_only, NULL },
	{ "execve with a long argument", d_second, c_second, NULL },
	{ "execve with a long script", d_script, c_script, NULL },
	{ "execve with too many arguments", d_many, c_many, NULL },
	{ "execve with a long environment", d_env, c_env, NULL },
	{ NULL, NULL, NULL, NULL },
};
