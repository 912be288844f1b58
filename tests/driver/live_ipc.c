/* SPDX-License-Identifier: Apache-2.0 */
/* live_ipc.c - semget, semop, semctl: calls that 32-bit programs can also make through ipc(). */
#include "tests/driver/live_rows.h"
#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <unistd.h>

#define KEY 0x6d657773

static void
t_semget(struct facts *f)
{
	long id;

	if (unshare(CLONE_NEWIPC) != 0) /* no earlier run has left its set there */
		_exit(1);
	id = CALL(f, "semget", KEY, 3, IPC_CREAT | IPC_EXCL | 0600);
	WANT(f, "key=%d nsems=3 semflg=IPC_CREAT|IPC_EXCL", KEY);
	(void) CALL(f, "semget", KEY, 3, IPC_CREAT | IPC_EXCL); /* exists already */
	WANT(f, "key=%d nsems=3 semflg=IPC_CREAT|IPC_EXCL", KEY);
	(void) CALL(f, "semget", -2, -1, 0);
	WANT(f, "key=-2 nsems=-1 semflg=0");
	(void) semctl((int) id, 0, IPC_RMID);
}

/* A set of three semaphores. */
static int
semaphores(void)
{
	int id;

	if (unshare(CLONE_NEWIPC) != 0)
		_exit(1);
	id = semget(KEY, 3, IPC_CREAT | 0600);
	if (id < 0)
		_exit(1);
	return id;
}

static void
t_semop(struct facts *f)
{
	struct sembuf steps[2] = { { 0, 3, SEM_UNDO }, { 1, 1, IPC_NOWAIT } };
	struct sembuf down = { 2, -5, IPC_NOWAIT };
	int id = semaphores();

	(void) CALL(f, "semop", id, live_mem(f, steps, sizeof(steps)), 2);
	WANT(f,
	    "nsops=2 sem_num_0=0 sem_op_0=3 sem_flg_0=SEM_UNDO sem_num_1=1 sem_op_1=1 "
	    "sem_flg_1=IPC_NOWAIT semid=%d",
	    id);
	(void) CALL(f, "semop", id, live_mem(f, &down, sizeof(down)), 1);
	WANT(f,
	    "nsops=1 sem_num_0=2 sem_op_0=-5 sem_flg_0=IPC_NOWAIT sem_num_1=0 sem_op_1=0 "
	    "sem_flg_1=0 semid=%d",
	    id);
	(void) semctl(id, 0, IPC_RMID);
}

/* The last argument of semctl(): ipc() takes its address. */
static int64_t
semun(struct facts *f, int v)
{
	return live_carried() ? live_mem(f, &v, sizeof(v)) : v;
}

static void
t_semctl(struct facts *f)
{
	int id = semaphores(), version = live_wide() ? 0 : 0x100; /* of structures */

	(void) CALL(f, "semctl", id, 1, SETVAL | version, semun(f, 7));
	WANT(f, "semid=%d semnum=1 cmd=SETVAL val=7", id);
	(void) CALL(f, "semctl", id, 1, GETVAL | version, semun(f, 8));
	WANT(f, "semid=%d semnum=1 cmd=GETVAL val=0", id);
	(void) CALL(f, "semctl", -2, -3, IPC_RMID | version, semun(f, 0));
	WANT(f, "semid=-2 semnum=-3 cmd=IPC_RMID val=0");
	(void) CALL(f, "semctl", id, 0, IPC_RMID | version, semun(f, 0));
	WANT(f, "semid=%d semnum=0 cmd=IPC_RMID val=0", id);
}

const struct live_row ipc_rows[] = {
	LIVE_ROW(semget),
	LIVE_ROW(semop),
	LIVE_ROW(semctl),
	{ .name = NULL },
};
