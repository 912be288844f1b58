/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quiet_recording FILE SECONDS [RATE [PROCESSES]]: write a recording of a machine where RATE files
 * (default: 1) are closed per second, for tests that need connected sensors with little to do. With
 * PROCESSES, it begins with a snapshot of so many, each with FILES open files, which the first of
 * them closes one after the other.
 */
#include "common/clock.h"
#include "tests/support/tape.h"

#define FILES 10

static void
put_process(struct tape *t, unsigned pid)
{
	char text[64];

	(void) snprintf(text, sizeof(text), "worker%u", pid);
	evb_begin(&t->e, EV_TASK, pid, NS_PER_S);
	evb_num(&t->e, "ppid", pid == 10 ? 11 : 1);
	evb_text(&t->e, "comm", text);
	evb_bytes(&t->e, "argv", "work\0--quietly", sizeof("work\0--quietly"));
	evb_text(&t->e, "exepath", "/usr/bin/work");
	evb_text(&t->e, "cwd", "/");
	tape_add(t);
	for (unsigned fd = 0; fd < FILES; fd++) {
		(void) snprintf(text, sizeof(text), "/data/%u/%u", pid, fd);
		evb_begin(&t->e, EV_TASK_FILE_REGULAR, pid, NS_PER_S);
		evb_num(&t->e, "fd", fd);
		evb_text(&t->e, "path", text);
		tape_add(t);
	}
}

static void
put_snapshot(struct tape *t, unsigned processes)
{
	Wire__Snapshot snapshot = WIRE__SNAPSHOT__INIT;

	snapshot.id = 1;
	snapshot.last = true;
	snapshot.began_ns = NS_PER_S;
	for (unsigned i = 0; i < processes; i++)
		put_process(t, 10 + i);
	tape_batch(t, &snapshot);
}

int
main(int argc, char **argv)
{
	uint64_t seconds = argc >= 3 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t rate = argc >= 4 ? strtoull(argv[3], NULL, 10) : 1;
	uint64_t processes = argc >= 5 ? strtoull(argv[4], NULL, 10) : 0;
	uint64_t begin = processes > 0 ? 2 : 1;
	struct tape t;

	if (seconds == 0 || rate == 0 || processes > 1000) {
		(void) fprintf(stderr, "usage: quiet_recording FILE SECONDS [RATE [PROCESSES]]\n");
		return 2;
	}
	tape_begin(&t, argv[1], "quiet");
	if (processes > 0)
		put_snapshot(&t, (unsigned) processes);
	for (uint64_t i = 0; i < seconds * rate; i++) {
		evb_begin(&t.e, EV_CLOSE, 10, begin * NS_PER_S + i * NS_PER_S / rate);
		evb_num(&t.e, "res", 0);
		if (processes > 0)
			evb_num(&t.e, "fd", (int64_t) (i % FILES));
		tape_add(&t);
		if ((i + 1) % rate == 0)
			tape_batch(&t, NULL);
	}
	return tape_end(&t);
}
