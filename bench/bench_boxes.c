/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_boxes.c - start containers at a rate, as a runtime does: a bundle, its command line, a
 * control group, a first act; and beside each the same act outside.
 *
 *	bench_boxes BUNDLES GROUP SECONDS RATE
 *
 * The acts are "true inside-N" and "true outside-N", the container is box-N. Prints how many were
 * started, in how many seconds, and by how much the slowest was behind.
 */
#include "common/clock.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
die(const char *what)
{
	fprintf(stderr, "bench_boxes: %s: %s\n", what, strerrordesc_np(errno));
	_exit(1);
}

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	(void) close(fd);
}

/* Run /bin/true with these arguments, in a control group unless that is NULL. */
static void
run(const char *group, const char *const *argv)
{
	pid_t pid;

	if (group == NULL) {
		if (posix_spawn(&pid, "/bin/true", NULL, NULL, (char *const *) argv, environ) != 0)
			die("/bin/true");
	} else {
		pid = fork();
		if (pid == 0) {
			int fd = open(group, O_WRONLY | O_CLOEXEC);

			if (fd >= 0 && write(fd, "0", 1) == 1)
				(void) execv("/bin/true", (char *const *) argv);
			_exit(127);
		}
	}
	if (pid < 0 || waitpid(pid, NULL, 0) < 0)
		die("waitpid");
}

static void
start_box(const char *bundles, const char *group, unsigned n)
{
	char id[65], bundle[512], path[600], at[600], act[32], text[512];
	uint8_t random[32];

	if (getrandom(random, sizeof(random), 0) != (ssize_t) sizeof(random))
		die("getrandom");
	for (size_t i = 0; i < sizeof(random); i++)
		(void) snprintf(id + 2 * i, 3, "%02x", random[i]);
	(void) snprintf(bundle, sizeof(bundle), "%s/%s", bundles, id);
	(void) snprintf(path, sizeof(path), "%s/config.json", bundle);
	(void) snprintf(text, sizeof(text),
	    "{\"process\":{\"args\":[\"true\"]},\"linux\":{\"namespaces\":[]},\"annotations\":{"
	    "\"io.kubernetes.cri.container-type\":\"container\","
	    "\"io.kubernetes.cri.container-name\":\"box-%u\","
	    "\"io.kubernetes.cri.image-name\":\"r.example/box:1\"}}",
	    n);
	if (mkdir(bundle, 0755) < 0)
		die(bundle);
	put(path, text);
	run(NULL, (const char *[]){ "true", "create", "--bundle", bundle, id, NULL });
	(void) snprintf(at, sizeof(at), "%s/%s", group, id);
	if (mkdir(at, 0755) < 0)
		die(at);
	(void) snprintf(path, sizeof(path), "%s/cgroup.procs", at);
	(void) snprintf(act, sizeof(act), "inside-%u", n);
	run(path, (const char *[]){ "true", act, NULL });
	(void) rmdir(at);
	(void) snprintf(act, sizeof(act), "outside-%u", n);
	run(NULL, (const char *[]){ "true", act, NULL });
}

int
main(int argc, char **argv)
{
	uint64_t begun = clock_mono(), late = 0;
	unsigned long seconds, rate;

	if (argc != 5) {
		fputs("usage: bench_boxes BUNDLES GROUP SECONDS RATE\n", stderr);
		return 2;
	}
	seconds = strtoul(argv[3], NULL, 10);
	rate = strtoul(argv[4], NULL, 10);
	for (unsigned n = 0; n < seconds * rate; n++) {
		uint64_t due = begun + n * (NS_PER_S / rate), now = clock_mono();
		struct timespec ts = { .tv_nsec = 0 };

		if (now < due) {
			ts.tv_sec = (time_t) ((due - now) / NS_PER_S);
			ts.tv_nsec = (long) ((due - now) % NS_PER_S);
			(void) nanosleep(&ts, NULL);
		} else if (now - due > late) {
			late = now - due;
		}
		start_box(argv[1], argv[2], n);
	}
	printf("%lu containers in %.1f s (at most %.0f ms behind)\n", seconds * rate,
	    (double) (clock_mono() - begun) / (double) NS_PER_S,
	    (double) late / (double) NS_PER_MS);
	return 0;
}
