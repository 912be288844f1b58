/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statediff.c - the director: rounds of random actions, and at barriers the comparison.
 *
 *	statediff play SEED ACTIONS EVERY DIR PS LOG
 *
 * EVERY: actions between two barriers, about. PS: a command that prints what the collector knows.
 * Exit status: 0 no difference, 1 differences are printed, 2 it did not work.
 */
#include "tests/e2e/statediff.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- barriers ---- */

/*
 * Everything before is in the collector once it knows a file that the director opened afterwards.
 * Then compare.
 */
static size_t
barrier(struct play *p)
{
	const time_t until = now_s() + PATIENCE_S;
	struct facts proc = { 0 }, known = { 0 };
	char mark[NAME];
	size_t n;
	int fd;

	(void) snprintf(mark, sizeof(mark), "%s/mark-%lu", p->dir, p->step);
	fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die(p, "%s: %m", mark);
	while (!facts_from_collector(p, &known, mark)) {
		if (now_s() > until)
			die(p, "the collector did not see the mark %s", mark);
	}
	facts_from_proc(p, &proc, known.init);
	n = facts_compare(p, &proc, &known);
	facts_clear(&proc);
	facts_clear(&known);
	(void) close(fd);
	(void) unlink(mark);
	return n;
}

/* ---- play ---- */

static void
make_stage(const struct play *p)
{
	static const char *const dirs[] = { "d0", "d1", "d2", "d3", "jail", "jail/d0", "jail/d1" };
	static const char *const programs[] = { "one", "two", "jail/one", "jail/two",
		"jail/arena" };
	char path[NAME], self[NAME], arena[NAME];

	(void) umask(0);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		(void) snprintf(path, sizeof(path), "%s/%s", p->dir, dirs[i]);
		if (mkdir(path, 0777) < 0)
			die(p, "%s: %m", path);
	}
	(void) snprintf(self, sizeof(self), "%s/program", p->dir); /* put there by the script */
	(void) snprintf(arena, sizeof(arena), "%s/arena", p->dir);
	arena_map(arena, true);
	ARENA->director = getpid();
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		(void) snprintf(path, sizeof(path), "%s/%s", p->dir, programs[i]);
		if (link(i == 4 ? arena : self, path) < 0)
			die(p, "%s: %m", path);
	}
}

static void
first_actor(struct play *p)
{
	pid_t pid = fork();

	if (pid < 0)
		die(p, "fork: %m");
	if (pid == 0) {
		char path[NAME];

		(void) snprintf(path, sizeof(path), "%s/d0", p->dir);
		(void) close_range(3, ~0u, 0);
		if (chdir(path) == 0)
			actor_run(0);
		_exit(1);
	}
	actor_new(p, 0, &(struct actor){ .pid = pid, .tid = pid });
}

static void
end_all(struct play *p)
{
	for (int i = 0; i < SLOTS; i++) {
		if (p->actor[i].alive)
			(void) kill(p->actor[i].pid, SIGKILL);
	}
	for (int i = 0; i < SLOTS; i++) {
		if (p->actor[i].alive)
			actor_end(p, i, true);
	}
}

static int
play(struct play *p, unsigned long actions, unsigned every)
{
	unsigned long next = every;
	unsigned barriers = 0;
	size_t differences = 0;

	make_stage(p);
	first_actor(p);
	while (p->step < actions && differences == 0) {
		p->step++;
		move(p);
		if (p->step == next || p->step == actions) {
			differences = barrier(p);
			barriers++;
			next += 1 + roll(p, 2ul * every);
		}
	}
	end_all(p);
	printf("seed %lu: %lu actions, %u comparisons, %zu differences\n", (unsigned long) p->seed,
	    p->step, barriers, differences);
	return differences == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static struct play p;

	(void) signal(SIGCHLD, SIG_IGN); /* the dead need no parent to wait for them */
	(void) signal(SIGPIPE, SIG_IGN);
	if (argc >= 4 && strcmp(argv[1], "act") == 0) {
		arena_map(argv[3], false);
		actor_run((int) strtol(argv[2], NULL, 10));
	}
	if (argc != 8 || strcmp(argv[1], "play") != 0) {
		(void) fprintf(stderr, "usage: statediff play SEED ACTIONS EVERY DIR PS LOG\n");
		return 2;
	}
	p.seed = strtoul(argv[2], NULL, 10);
	p.random = p.seed * 0x9e3779b97f4a7c15ULL + 1;
	p.dir = argv[5];
	p.ps = argv[6];
	p.log = fopen(argv[7], "we");
	if (p.log == NULL)
		die(&p, "%s: %m", argv[7]);
	return play(&p, strtoul(argv[3], NULL, 10), (unsigned) strtoul(argv[4], NULL, 10));
}
