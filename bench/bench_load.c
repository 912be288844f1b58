/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_load.c - make captured system calls at a given rate, and count them.
 *
 *   bench_load EVENTS_PER_SECOND SECONDS PROCESSES FILE
 *
 * Each process opens and closes FILE: two events. It opens with open(), which programs do not call
 * any more (the C library's open() is openat): so the count of events of that type must match
 * exactly. Paced in slices of a millisecond; a process that falls behind catches up. If bench_load
 * is killed, they end too; after SIGTERM they stop early, and the line is printed.
 *
 * Prints one line: OPENS CLOSES SECONDS, where SECONDS is until the last of them was done.
 */
#include "common/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t *stop; /* shared by all processes */

static void
on_term(int sig)
{
	(void) sig;
	*stop = 1;
}

struct count {
	uint64_t opens, closes, end; /* monotonic ns */
};

_Noreturn static void
die(const char *what)
{
	fprintf(stderr, "bench_load: %s: %s\n", what, strerrordesc_np(errno));
	_exit(EXIT_FAILURE);
}

static long
open_file(const char *path)
{
#ifdef SYS_open
	return syscall(SYS_open, path, O_RDONLY);
#else
	return open(path, O_RDONLY);
#endif
}

/* Make 'pairs' pairs from 'start' on, 'rate' a second. */
static void
make(struct count *c, const char *path, double rate, uint64_t pairs, uint64_t start)
{
	for (uint64_t slice = start; c->opens < pairs && !*stop; slice += NS_PER_MS) {
		struct timespec at = { (time_t) (slice / NS_PER_S), (long) (slice % NS_PER_S) };
		uint64_t due = (uint64_t) ((double) (slice - start + NS_PER_MS) / 1e9 * rate);

		(void) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		for (due = due < pairs ? due : pairs; c->opens < due; c->opens++) {
			long fd = open_file(path);

			if (fd < 0)
				die(path);
			(void) close((int) fd);
			c->closes++;
		}
	}
	c->end = clock_mono();
}

int
main(int argc, char **argv)
{
	double rate = argc == 5 ? strtod(argv[1], NULL) / 2 : 0;
	double seconds = argc == 5 ? strtod(argv[2], NULL) : 0;
	unsigned n = argc == 5 ? (unsigned) strtoul(argv[3], NULL, 10) : 0;
	struct sigaction sa = { .sa_handler = on_term, .sa_flags = SA_RESTART };
	struct count *c, sum = { 0 };
	uint64_t start;
	int status;

	if (rate <= 0 || seconds <= 0 || n == 0) {
		fputs("usage: bench_load EVENTS_PER_SECOND SECONDS PROCESSES FILE\n", stderr);
		return 2;
	}
	c = mmap(NULL, n * sizeof(*c) + sizeof(*stop), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c == MAP_FAILED)
		die("mmap");
	stop = (volatile sig_atomic_t *) &c[n];
	if (sigaction(SIGTERM, &sa, NULL) < 0)
		die("sigaction");
	start = clock_mono() + 10 * NS_PER_MS;
	for (unsigned i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
				die("prctl");
			make(&c[i], argv[4], rate / n, (uint64_t) (rate / n * seconds), start);
			_exit(EXIT_SUCCESS);
		}
	}
	for (unsigned i = 0; i < n; i++) {
		if (wait(&status) < 0 || status != 0)
			return EXIT_FAILURE;
	}
	for (unsigned i = 0; i < n; i++) {
		sum.opens += c[i].opens;
		sum.closes += c[i].closes;
		sum.end = sum.end > c[i].end ? sum.end : c[i].end;
	}
	printf("%lu %lu %.3f\n", (unsigned long) sum.opens, (unsigned long) sum.closes,
	    (double) (sum.end - start) / 1e9);
	return EXIT_SUCCESS;
}
