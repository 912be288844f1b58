/* SPDX-License-Identifier: Apache-2.0 */
/* live_ipc.c - semget: a call that 32-bit programs also reach by ipc(). */
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

const struct live_row ipc_rows[] = {
	LIVE_ROW(semget),
	{ NULL, NULL, NULL },
};
