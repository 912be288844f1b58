/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile_recording FILE: write a recording of a program whose name, arguments and file try to take
 * over the terminal of the person who reads about them.
 */
#include "common/clock.h"
#include "tests/support/tape.h"

/* Escape sequences, a forged line, C1 as a byte and in UTF-8, invalid UTF-8, characters that change
 * the direction of text or are invisible. */
static const char hostile[] =
    "/tmp/\033[2J\033]0;owned\a\nFORGED line\r\b\x7f\x9b"
    "2J\xff\xc0\xaf\xc2\x9b"
    "2J\xc2\x85\xe2\x80\xae"
    "gnp\xe2\x81\xa6\xe2\x80\xa8\xe2\x80\x8b\xef\xbb\xbf\xf3\xa0\x80\x81\xed\xa0\x80";
static const char hostile_comm[] = "\033c\n\x9b\xc2\x9b\xe2\x80\xae\xff";

static void
put_program(struct tape *t)
{
	char argv[2][sizeof(hostile)];
	Wire__Snapshot snapshot = WIRE__SNAPSHOT__INIT;

	memcpy(argv[0], hostile, sizeof(hostile));
	memcpy(argv[1], hostile, sizeof(hostile));
	snapshot.id = snapshot.last = 1;
	evb_begin(&t->e, EV_TASK, 10, NS_PER_S);
	evb_num(&t->e, "ppid", 1);
	evb_text(&t->e, "comm", hostile_comm);
	evb_bytes(&t->e, "argv", argv, sizeof(argv));
	evb_text(&t->e, "exepath", hostile);
	evb_text(&t->e, "cwd", "/");
	tape_add(t);
	tape_batch(t, &snapshot);
}

static void
put_open(struct tape *t)
{
	evb_begin(&t->e, EV_OPENAT, 10, 2 * NS_PER_S);
	evb_num(&t->e, "fd", 3);
	evb_text(&t->e, "name", hostile);
	tape_add(t);
	tape_batch(t, NULL);
}

int
main(int argc, char **argv)
{
	struct tape t;

	if (argc != 2) {
		(void) fprintf(stderr, "usage: hostile_recording FILE\n");
		return 2;
	}
	tape_begin(&t, argv[1], "hostile");
	put_program(&t);
	put_open(&t);
	return tape_end(&t);
}
