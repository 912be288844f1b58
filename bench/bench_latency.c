/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_latency.c - the time from a system call to its alert on the collector's standard output.
 *
 *   bench_latency FOLDER SAMPLES GAP_MS [TIMES]
 *
 * Opens FOLDER/N/etc/shadow, which a default rule reports, for N from 0 on, at random times (gaps
 * uniform between 0 and twice GAP_MS, without waiting for the previous alert), and reads alerts
 * from standard input. The path identifies an alert's action. The time is from just before the
 * system call to the return of the read() that completed the alert's line.
 *
 * Prints one line: SAMPLES P50 P99 MAX, milliseconds; into the file TIMES, a line per action: its
 * time and that of its alert, CLOCK_MONOTONIC in nanoseconds. Fails unless each action gave exactly
 * one alert.
 */
#include "common/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 512
#define LAST_NS    (10 * NS_PER_S) /* timeout of the last alert */

struct sample {
	uint64_t acted, took;
	unsigned seen;
};

struct bench {
	char folder[PATH_BYTES];
	struct sample *v;
	unsigned n, acted, arrived;
	char line[1 << 20];
	size_t used;
};

_Noreturn static void
die(const char *what)
{
	fprintf(stderr, "bench_latency: %s: %s\n", what, strerrordesc_np(errno));
	_exit(EXIT_FAILURE);
}

/* The quantile 'share' of the samples, in milliseconds. */
static double
quantile(const struct bench *b, double share)
{
	return (double) b->v[(unsigned) (share * (b->n - 1))].took / 1e6;
}

/* A random number, uniform between 0 and 'max'. */
static uint64_t
random_below(uint64_t max)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x % max;
}

static void
path_of(const struct bench *b, unsigned i, const char *tail, char out[PATH_BYTES])
{
	(void) snprintf(out, PATH_BYTES, "%s/%u%s", b->folder, i, tail);
}

static void
prepare(const struct bench *b)
{
	static const char *const parts[] = { "", "/etc" };
	char path[PATH_BYTES];
	int fd;

	for (unsigned i = 0; i < b->n; i++) {
		for (size_t k = 0; k < 2; k++) {
			path_of(b, i, parts[k], path);
			if (mkdir(path, 0700) < 0 && errno != EEXIST)
				die(path);
		}
		path_of(b, i, "/etc/shadow", path);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600); /* write: no rule applies */
		if (fd < 0)
			die(path);
		(void) close(fd);
	}
}

static void
act(struct bench *b)
{
	struct sample *s = &b->v[b->acted];
	char path[PATH_BYTES];
	int fd;

	path_of(b, b->acted++, "/etc/shadow", path);
	s->acted = clock_mono();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	(void) close(fd);
}

/* A complete line: find its action. */
static void
on_line(struct bench *b, const char *line, uint64_t now)
{
	const char *p = strstr(line, b->folder);
	unsigned long i;
	char *end;

	if (p == NULL)
		return;
	p += strlen(b->folder) + 1;
	i = strtoul(p, &end, 10);
	if (end == p || i >= b->acted || strncmp(end, "/etc/shadow", 11) != 0)
		return;
	b->v[i].took = now - b->v[i].acted;
	b->arrived += b->v[i].seen++ == 0;
}

static void
on_input(struct bench *b)
{
	ssize_t n = read(STDIN_FILENO, b->line + b->used, sizeof(b->line) - 1 - b->used);
	uint64_t now = clock_mono();
	char *from = b->line, *end;

	if (n < 0 && errno != EINTR)
		die("standard input");
	if (n == 0)
		die("the alerts ended, or one is too long");
	b->used += n > 0 ? (size_t) n : 0;
	b->line[b->used] = '\0';
	while ((end = strchr(from, '\n')) != NULL) {
		*end = '\0';
		on_line(b, from, now);
		from = end + 1;
	}
	b->used -= (size_t) (from - b->line);
	memmove(b->line, from, b->used);
}

static void
run(struct bench *b, uint64_t gap_ns)
{
	uint64_t next = clock_mono() + gap_ns, last = UINT64_MAX;
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	while (b->arrived < b->n) {
		uint64_t now = clock_mono(), until = b->acted < b->n ? next : last;
		struct timespec wait;

		if (now >= until && b->acted == b->n)
			return; /* some alerts are missing */
		if (now >= until) {
			act(b);
			next += random_below(2 * gap_ns);
			last = next + LAST_NS;
			continue;
		}
		wait.tv_sec = (time_t) ((until - now) / NS_PER_S);
		wait.tv_nsec = (long) ((until - now) % NS_PER_S);
		if (ppoll(&in, 1, &wait, NULL) > 0)
			on_input(b);
	}
}

static void
write_times(const struct bench *b, const char *path)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		die(path);
	for (unsigned i = 0; i < b->n; i++)
		fprintf(f, "%lu %lu\n", (unsigned long) b->v[i].acted,
		    (unsigned long) (b->v[i].acted + b->v[i].took));
	if (fclose(f) != 0)
		die(path);
}

static int
order(const void *a, const void *b)
{
	uint64_t x = ((const struct sample *) a)->took, y = ((const struct sample *) b)->took;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	static struct bench b;
	unsigned twice = 0;
	uint64_t gap;

	b.n = argc == 4 || argc == 5 ? (unsigned) strtoul(argv[2], NULL, 10) : 0;
	gap = argc == 4 || argc == 5 ? strtoul(argv[3], NULL, 10) * NS_PER_MS : 0;
	if (b.n == 0 || gap == 0) {
		fputs("usage: bench_latency FOLDER SAMPLES GAP_MS [TIMES] <ALERTS\n", stderr);
		return 2;
	}
	(void) snprintf(b.folder, sizeof(b.folder), "%s", argv[1]);
	b.v = calloc(b.n, sizeof(*b.v));
	if (b.v == NULL)
		die("memory");
	prepare(&b);
	run(&b, gap);
	for (unsigned i = 0; i < b.n; i++)
		twice += b.v[i].seen > 1;
	if (b.arrived < b.n || twice > 0) {
		fprintf(stderr, "bench_latency: of %u actions %u gave no alert, %u more than one\n",
		    b.n, b.n - b.arrived, twice);
		return EXIT_FAILURE;
	}
	if (argc == 5)
		write_times(&b, argv[4]);
	qsort(b.v, b.n, sizeof(*b.v), order);
	printf("%u %.3f %.3f %.3f\n", b.n, quantile(&b, 0.5), quantile(&b, 0.99), quantile(&b, 1));
	free(b.v);
	return EXIT_SUCCESS;
}
