/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_start.c - the time from the start of a sensor to the first event that it captures.
 *
 *   bench_start FOLDER COMMAND...
 *
 * Runs COMMAND, a sensor, and opens FOLDER/etc/shadow, which a default rule reports, every
 * millisecond, until standard input brings its alert as JSON. evt.time of that alert is the
 * kernel's timestamp of the first captured event. Then stops the sensor.
 *
 * Prints the seconds from just before the exec to that timestamp.
 */
#include "common/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE (30 * NS_PER_S)

struct bench {
	char path[512];
	uint64_t *started; /* realtime ns, shared with the child */
	char line[1 << 20];
	size_t used;
};

_Noreturn static void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench_start: %s: %s\n", what, why);
	_exit(EXIT_FAILURE);
}

static void
prepare(struct bench *b, const char *folder)
{
	int fd;

	(void) snprintf(b->path, sizeof(b->path), "%s", folder);
	(void) mkdir(b->path, 0700);
	(void) snprintf(b->path, sizeof(b->path), "%s/etc", folder);
	(void) mkdir(b->path, 0700);
	(void) snprintf(b->path, sizeof(b->path), "%s/etc/shadow", folder);
	fd = open(b->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	b->started = mmap(
	    NULL, sizeof(*b->started), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fd < 0 || b->started == MAP_FAILED)
		die(b->path, strerrordesc_np(errno));
	(void) close(fd);
}

static pid_t
start(struct bench *b, char **command)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork", strerrordesc_np(errno));
	if (pid > 0)
		return pid;
	*b->started = clock_real();
	(void) execv(command[0], command);
	die(command[0], strerrordesc_np(errno));
}

static void
probe(const struct bench *b)
{
	int fd = open(b->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(b->path, strerrordesc_np(errno));
	(void) close(fd);
}

/* Return evt.time of the first complete line with our path; 0: none yet. */
static uint64_t
stamp(struct bench *b)
{
	static const char key[] = "\"evt.time\":";
	char *from = b->line, *end, *at;
	uint64_t found = 0;

	b->line[b->used] = '\0';
	while (found == 0 && (end = strchr(from, '\n')) != NULL) {
		*end = '\0';
		at = strstr(from, b->path) == NULL ? NULL : strstr(from, key);
		if (at != NULL)
			found = strtoull(at + sizeof(key) - 1, NULL, 10);
		from = end + 1;
	}
	b->used -= (size_t) (from - b->line);
	memmove(b->line, from, b->used);
	return found;
}

static uint64_t
first_event(struct bench *b)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t until = clock_mono() + PATIENCE, found = 0;

	while (found == 0) {
		probe(b);
		if (clock_mono() > until)
			die("the sensor", "no event captured in 30 seconds");
		if (poll(&in, 1, 1) <= 0)
			continue;
		ssize_t n = read(STDIN_FILENO, b->line + b->used, sizeof(b->line) - 1 - b->used);

		if (n <= 0)
			die("standard input", "the alerts ended, or one is too long");
		b->used += (size_t) n;
		found = stamp(b);
	}
	return found;
}

int
main(int argc, char **argv)
{
	static struct bench b;
	uint64_t found;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: bench_start FOLDER COMMAND... <ALERTS\n", stderr);
		return 2;
	}
	prepare(&b, argv[1]);
	pid = start(&b, argv + 2);
	found = first_event(&b);
	(void) kill(pid, SIGTERM);
	(void) waitpid(pid, NULL, 0);
	printf("%.3f\n", ((double) found - (double) *b.started) / 1e9);
	return EXIT_SUCCESS;
}
