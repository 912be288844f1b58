/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_exec.c - start a program as often as possible.
 *
 *   bench_exec SECONDS PROCESSES PROGRAM
 *
 * Each process starts PROGRAM, which must end with status 0, and waits for it, again and again.
 * Prints one line: STARTS SECONDS.
 */
#include "common/clock.h"
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn static void
die(const char *what, int err)
{
	(void) fprintf(stderr, "bench_exec: %s: %s\n", what, strerrordesc_np(err));
	_exit(EXIT_FAILURE);
}

static uint64_t
starts_until(uint64_t end, char *program)
{
	char *argv[] = { program, NULL }, *envp[] = { NULL };
	uint64_t n = 0;

	for (; clock_mono() < end; n++) {
		int status = 0;
		pid_t pid;
		int r = posix_spawn(&pid, program, NULL, NULL, argv, envp);

		if (r != 0)
			die(program, r);
		if (waitpid(pid, &status, 0) < 0 || status != 0)
			die("the program fails", ECHILD);
	}
	return n;
}

int
main(int argc, char **argv)
{
	double seconds = argc == 4 ? strtod(argv[1], NULL) : 0;
	unsigned n = argc == 4 ? (unsigned) strtoul(argv[2], NULL, 10) : 0;
	uint64_t start = clock_mono(), end = start + (uint64_t) (seconds * 1e9), sum = 0, *count;
	int status;

	if (seconds <= 0 || n == 0) {
		(void) fputs("usage: bench_exec SECONDS PROCESSES PROGRAM\n", stderr);
		return 2;
	}
	count = mmap(
	    NULL, n * sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (count == MAP_FAILED)
		die("mmap", errno);
	for (unsigned i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork", errno);
		if (pid == 0) {
			count[i] = starts_until(end, argv[3]);
			_exit(EXIT_SUCCESS);
		}
	}
	for (unsigned i = 0; i < n; i++) {
		if (wait(&status) < 0 || status != 0)
			return EXIT_FAILURE;
	}
	for (unsigned i = 0; i < n; i++)
		sum += count[i];
	printf("%lu %.3f\n", (unsigned long) sum, (double) (clock_mono() - start) / 1e9);
	return EXIT_SUCCESS;
}
