/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat32.c - a 32-bit program without a C library: int 0x80, and 32-bit system call numbers.
 *
 * It opens, forks and exits, as live_compat.c expects; live_rows.c makes other calls as a 32-bit
 * caller.
 */
static long
call(long nr, long a, long b, long c, long d, long e)
{
	long r;

	__asm__ volatile("int $0x80"
			 : "=a"(r)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return r;
}

#define P(x) ((long) (x))

static char *bad_argv[] = { "arg0", "arg 1", 0 };
static char *volatile bad_env[] = { "K=V", 0 };

static void
run(void)
{
	long fd;

	for (int i = 0; i < 3; i++) { /* read at exit until the entry hook is attached */
		fd = call(5, P("plain"), 0102, 0640, 0, 0); /* open: O_RDWR | O_CREAT */
		call(6, fd, 0, 0, 0, 0);
	}
	bad_env[1] = 0; /* touches the page: a failing execve does not */
	call(11, P("/no/such"), P(bad_argv), P(bad_env), 0, 0);     /* execve */
	call(358, -100, P("/no/such"), P(bad_argv), P(bad_env), 0); /* execveat */
	call(2, 0, 0, 0, 0, 0) == 0 ? call(1, 3, 0, 0, 0, 0) : call(7, -1, 0, 0, 0, 0); /* fork */
}

__attribute__((noreturn)) void
_start(void)
{
	run();
	for (;;)
		call(252, 5, 0, 0, 0, 0); /* exit_group */
}
