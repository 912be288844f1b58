/* SPDX-License-Identifier: Apache-2.0 */
/* live_wait.c - calls that wait: futex, poll, select, nanosleep; and positions in large files. */
#include "tests/driver/live_rows.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Wake nobody, and wait for a word that has another value already. */
static void
futex(struct facts *f, const char *call)
{
	int64_t word = live_mem(f, (int[1]){ 7 }, sizeof(int));

	(void) CALL(f, call, word, FUTEX_WAKE_PRIVATE, 1);
	WANT(f, "addr=%ld op=FUTEX_WAKE|FUTEX_PRIVATE_FLAG val=1", (long) word);
	(void) CALL(f, call, word, FUTEX_WAIT_BITSET, -2, 0, 0, 1);
	WANT(f, "addr=%ld op=FUTEX_WAIT_BITSET val=%u", (long) word, -2U);
}

static void
t_futex(struct facts *f)
{
	futex(f, "futex");
}

static void
t_futex_time64(struct facts *f)
{
	futex(f, "futex_time64");
}

/* As the words of a struct timeval or timespec of this kind of caller. */
static int64_t
now(struct facts *f)
{
	return live_words(f, (const int64_t[2]){ 0, 0 }, 2);
}

static void
t_select(struct facts *f)
{
	/* 32-bit programs have an older call, whose arguments are in memory */
	const int64_t words[5] = { 0, 0, 0, 0, now(f) };
	const int64_t bad[5] = { -1, 0, 0, 0, words[4] };

	if (live_wide()) {
		(void) CALL(f, "select", 0, 0, 0, 0, words[4]);
		WANT(f, " ");
		(void) CALL(f, "select", -1, 0, 0, 0, words[4]);
		WANT(f, " ");
		return;
	}
	(void) CALL(f, "select", live_words(f, words, 5));
	WANT(f, " ");
	(void) CALL(f, "select", live_words(f, bad, 5));
	WANT(f, " ");
}

static void
t__newselect(struct facts *f)
{
	(void) CALL(f, "_newselect", 0, 0, 0, 0, now(f));
	WANT(f, " ");
	(void) CALL(f, "_newselect", -1, 0, 0, 0, now(f));
	WANT(f, " ");
}

/* Four descriptors: a pipe that can be written, one that hung up, one that is not open and one that
 * is ignored; and what is stored of them: their number, then each with what happened to it. */
static int64_t
descriptors(struct facts *f, const char **stored)
{
	struct pollfd fds[4] = { { .events = POLLOUT | POLLWRNORM }, { .events = POLLIN },
		{ .fd = 4711, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
	static const uint16_t revents[4] = { 0x204, 0x20, 0x40, 0 }; /* Falco's numbers */
	char bytes[2 + 4 * 10] = { 4 };
	int full[2], empty[2];

	if (pipe(full) != 0 || pipe(empty) != 0 || close(empty[1]) != 0)
		_exit(1);
	fds[0].fd = full[1];
	fds[1].fd = empty[0];
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		int64_t fd = fds[i].fd;

		memcpy(bytes + 2 + i * 10, &fd, sizeof(fd));
		memcpy(bytes + 10 + i * 10, &revents[i], sizeof(revents[i]));
	}
	*stored = live_hex(bytes, sizeof(bytes));
	return live_mem(f, fds, sizeof(fds));
}

static void
t_poll(struct facts *f)
{
	const char *stored;
	int64_t fds = descriptors(f, &stored);

	(void) CALL(f, "poll", fds, 4, -1);
	WANT(f, "fds=hex:%s timeout=-1", stored);
	(void) CALL(f, "poll", 8, 1, 100); /* no memory there */
	WANT(f, "fds=hex:0000 timeout=100");
}

/* 'wide': the call has a timespec of 64 bits for every caller. */
static void
poll_masked(struct facts *f, const char *call, bool wide)
{
	static const int64_t none[2] = { 0, 0 }, bad[2] = { 7, 1000000005 };
	sigset_t set;
	const char *stored;
	int64_t fds = descriptors(f, &stored), at, bad_at, mask;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	mask = live_mem(f, &set, 8);
	at = wide ? live_mem(f, none, sizeof(none)) : live_words(f, none, 2);
	bad_at = wide ? live_mem(f, bad, sizeof(bad)) : live_words(f, bad, 2);
	(void) CALL(f, call, fds, 4, at, mask, 8);
	WANT(f, "fds=hex:%s timeout=0 sigmask=0x4001", stored);
	(void) CALL(f, call, fds, 4, 0, 0, 8);
	WANT(f, "fds=hex:%s timeout=-1 sigmask=0", stored);
	(void) CALL(f, call, 8, 1, bad_at, 0, 8);
	WANT(f, "fds=hex:0000 timeout=8000000005 sigmask=0");
}

static void
t_ppoll(struct facts *f)
{
	poll_masked(f, "ppoll", false);
}

static void
t_ppoll_time64(struct facts *f)
{
	poll_masked(f, "ppoll_time64", true);
}

static void
t_nanosleep(struct facts *f)
{
	(void) CALL(f, "nanosleep", live_words(f, (const int64_t[2]){ 0, 1005 }, 2));
	WANT(f, "interval=1005");
	(void) CALL(f, "nanosleep", live_words(f, (const int64_t[2]){ 3, -7 }, 2));
	WANT(f, "interval=2999999993");
	(void) CALL(f, "nanosleep", 8);
	WANT(f, "interval=-1");
}

static void
t__llseek(struct facts *f)
{
	int64_t room = live_mem(f, (int64_t[1]){ 0 }, 8);
	int fd = memfd_create("far", 0);

	(void) CALL(f, "_llseek", fd, 3, 0x80000001, room, SEEK_SET);
	WANT(f, "fd=%d offset=%ld whence=SEEK_SET", fd, 0x380000001L);
	(void) CALL(f, "_llseek", 4711, -1, -2, room, SEEK_END);
	WANT(f, "fd=4711 offset=-2 whence=SEEK_END");
}

const struct live_row wait_rows[] = {
	LIVE_ROW(futex),
	LIVE_ROW(futex_time64),
	LIVE_ROW(select),
	LIVE_ROW(_newselect),
	LIVE_ROW(poll),
	LIVE_ROW(ppoll),
	LIVE_ROW(ppoll_time64),
	LIVE_ROW(nanosleep),
	LIVE_ROW(_llseek),
	{ .name = NULL },
};
