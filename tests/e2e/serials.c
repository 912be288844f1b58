/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serials.c - a program each of whose deeds carries a serial number, for faults.sh.
 *
 *   serials FOLDER PER_SECOND
 *
 * Opens FOLDER/open/SERIAL, and reads one byte at SERIAL of the file FOLDER/old, which it has had
 * open since its start, so many times a second until SIGTERM. Then prints one line for each serial
 * number: the number and the wall clock in ns just before.
 */
#include "common/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SERIALS_MAX 1000000u

static uint64_t when[SERIALS_MAX];
static volatile sig_atomic_t stop;

static void
on_term(int sig)
{
	(void) sig;
	stop = 1;
}

_Noreturn static void
die(const char *what)
{
	fprintf(stderr, "serials: %s: %s\n", what, strerrordesc_np(errno));
	_exit(EXIT_FAILURE);
}

static void
deed(int folder, int old, uint32_t serial)
{
	char name[16];
	char byte;
	struct iovec one = { &byte, 1 };
	int fd;

	(void) snprintf(name, sizeof(name), "open/%u", serial);
	when[serial] = clock_real();
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die(name);
	(void) close(fd);
	if (unlinkat(folder, name, 0) < 0)
		die(name);
	if (preadv(old, &one, 1, serial) < 0)
		die("old");
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };
	double rate = argc == 3 ? strtod(argv[2], NULL) : 0;
	uint64_t start = clock_mono();
	uint32_t n = 0;
	int folder, old;

	if (rate <= 0) {
		fputs("usage: serials FOLDER PER_SECOND\n", stderr);
		return 2;
	}
	folder = open(argv[1], O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || (mkdirat(folder, "open", 0700) < 0 && errno != EEXIST))
		die(argv[1]);
	old = openat(folder, "old", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
	if (old < 0 || sigaction(SIGTERM, &sa, NULL) < 0)
		die("old");
	while (!stop && n + 1 < SERIALS_MAX) {
		uint64_t at = start + (uint64_t) (n * 1e9 / rate);
		struct timespec t = { (time_t) (at / NS_PER_S), (long) (at % NS_PER_S) };

		(void) clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		if (!stop)
			deed(folder, old, ++n);
	}
	for (uint32_t i = 1; i <= n; i++)
		printf("%u %lu\n", i, (unsigned long) when[i]);
	return EXIT_SUCCESS;
}
