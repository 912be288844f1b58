/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_hold.c - processes with many descriptors, for a snapshot to read.
 *
 *   bench_hold PROCESSES DESCRIPTORS FILE
 *
 * Each process opens FILE so many times. Prints "ready" when all have, and holds them until it is
 * killed; its processes end with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define SPARE 64 /* further descriptors */

_Noreturn static void
die(const char *what)
{
	fprintf(stderr, "bench_hold: %s: %s\n", what, strerrordesc_np(errno));
	_exit(EXIT_FAILURE);
}

_Noreturn static void
hold(const char *path, unsigned long n, int told)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		die("prctl");
	for (unsigned long i = 0; i < n; i++) {
		if (open(path, O_RDONLY | O_CLOEXEC) < 0)
			die(path);
	}
	if (write(told, "", 1) != 1)
		die("pipe");
	for (;;)
		(void) pause();
}

int
main(int argc, char **argv)
{
	unsigned long processes = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long n = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	struct rlimit limit = { .rlim_cur = n + SPARE, .rlim_max = n + SPARE };
	int told[2];
	char byte;

	if (processes == 0 || n == 0) {
		fputs("usage: bench_hold PROCESSES DESCRIPTORS FILE\n", stderr);
		return 2;
	}
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("the limit of descriptors");
	if (pipe2(told, O_CLOEXEC) < 0)
		die("pipe");
	for (unsigned long i = 0; i < processes; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0)
			hold(argv[3], n, told[1]);
	}
	(void) close(told[1]);
	for (unsigned long i = 0; i < processes; i++) {
		if (read(told[0], &byte, 1) != 1)
			die("a process has ended");
	}
	puts("ready");
	if (fflush(stdout) != 0)
		die("standard output");
	for (;;)
		(void) pause();
}
