/* SPDX-License-Identifier: Apache-2.0 */
/* live_generic.c - calls without an event of their own. */
#include "tests/driver/live_rows.h"
#include <sched.h>
#include <sys/ipc.h>
#include <sys/resource.h>
#include <unistd.h>

#define BAD 16 /* an address that is never mapped */

/* For calls that fill memory of at most a page: one that works, one whose address is bad. */
#define FILLS(name, first, second)                                       \
	static void t_##name(struct facts *f)                            \
	{                                                                \
		int64_t room = live_mem(f, (char[1024]){ 0 }, 1024);     \
                                                                         \
		(void) room;                                             \
		(void) CALL(f, #name, first, second);                    \
		(void) CALL(f, #name, first == room ? BAD : first, BAD); \
	}

FILLS(sysinfo, room, 0)
FILLS(uname, room, 0)
FILLS(times, room, 0)
FILLS(getrusage, RUSAGE_SELF, room)
FILLS(sched_getparam, 0, room)
FILLS(sched_rr_get_interval, 0, room)
FILLS(getcpu, room, 0)

/* Calls with a thread that exists, and one that does not. */
#define ASKS(name, good, bad)                 \
	static void t_##name(struct facts *f) \
	{                                     \
		(void) CALL(f, #name, good);  \
		(void) CALL(f, #name, bad);   \
	}

ASKS(sched_getscheduler, 0, -1)
ASKS(getsid, 0, 0x7ffffff0)
ASKS(getpgid, 0, 0x7ffffff0)
ASKS(sched_get_priority_max, SCHED_FIFO, 99)

static void
t_getpriority(struct facts *f)
{
	(void) CALL(f, "getpriority", PRIO_PROCESS, 0);
	(void) CALL(f, "getpriority", 99, 0);
}

/* 32-bit programs also reach these by ipc(). */
static void
t_msgget(struct facts *f)
{
	if (unshare(CLONE_NEWIPC) != 0)
		_exit(1);
	(void) CALL(f, "msgget", IPC_PRIVATE, 0600);
	(void) CALL(f, "msgget", 0x6d657773, 0);
}

static void
t_shmget(struct facts *f)
{
	if (unshare(CLONE_NEWIPC) != 0)
		_exit(1);
	(void) CALL(f, "shmget", IPC_PRIVATE, 4096, 0600);
	(void) CALL(f, "shmget", IPC_PRIVATE, 0, 0600);
}

static void
t_sched_yield(struct facts *f)
{
	for (int i = 0; i < 3; i++)
		(void) CALL(f, "sched_yield", 0);
}

const struct live_row generic_rows[] = {
	LIVE_ROW(sysinfo),
	LIVE_ROW(uname),
	LIVE_ROW(times),
	LIVE_ROW(getrusage),
	LIVE_ROW(sched_getparam),
	LIVE_ROW(sched_rr_get_interval),
	LIVE_ROW(getcpu),
	LIVE_ROW(sched_getscheduler),
	LIVE_ROW(getsid),
	LIVE_ROW(getpgid),
	LIVE_ROW(sched_get_priority_max),
	LIVE_ROW(getpriority),
	LIVE_ROW(msgget),
	LIVE_ROW(shmget),
	LIVE_ROW_ONE(sched_yield, "it cannot fail"),
	{ .name = NULL },
};
