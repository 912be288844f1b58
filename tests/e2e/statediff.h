/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statediff.h - a program of many processes that do random things, one at a time, and the
 * comparison of what the collector knows about them with /proc.
 *
 *	statediff.c         command line, rounds, barriers; the director
 *	statediff_play.c    lets actors act, begin and end
 *	statediff_actor.c   a process or thread that does what the director says
 *	statediff_moves.h   random actions
 *	statediff_proc.c    facts from /proc
 *	statediff_facts.c   facts from the collector; comparison
 *
 * Director and actors share a file mapped at the same address in each, so that the director can
 * prepare every argument of a system call. An actor waits for its turn and makes the call; so a
 * seed gives the same calls in the same order each time. The program is static: it also runs after
 * a chroot().
 *
 * Compared, of each thread: process, parent, session, group, effective uid and gid, login uid,
 * capabilities, comm, exe, exepath, args, cwd, root. Of each process: every descriptor with its
 * number, type, close-on-exec and name.
 *
 * Left out:
 *	a descriptor received by SCM_RIGHTS   its message is captured without it
 *	capabilities after set*id()           known again after the next exec
 *	comm after PR_SET_NAME                stays the program's, as in Falco
 *	the jail's own path in names          a name is known as the process saw it, or as /proc
 *	a file's name after a rename          stays the one it was opened by, or the new one
 *	names of sockets                      only IPv4 connections have one to compare
 *	close-on-exec of socketpair() and
 *	timerfd_create()                      captured without their flags
 *	unshare(), setns()                    not played yet
 *	clone3(), open_by_handle_at(),
 *	io_uring_setup(), bpf()               not played yet
 */
#ifndef MEWS_TESTS_E2E_STATEDIFF_H
#define MEWS_TESTS_E2E_STATEDIFF_H

#include "common/macros.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

enum { SLOTS = 64, DATA = 8192, NAME = 256 };

#define ARENA_AT ((void *) 0x1000000000UL)

enum deed {
	DEED_CALL,   /* one system call, which may be fork() or execve() */
	DEED_THREAD, /* clone() with these flags and a stack of its own */
	DEED_VFORK,  /* vfork(), and in the child execve(arg[0], arg[1], arg[2]) */
};

/* An actor's place in the arena. */
struct slot {
	uint32_t turn;  /* futex: the director adds one for each action */
	uint32_t done;  /* futex: the actor follows */
	uint32_t ready; /* futex: the actor is there */
	enum deed deed;
	long nr, arg[6];
	long result;     /* -errno on failure */
	int child;       /* slot of the process or thread that the call makes */
	char data[DATA]; /* what arguments point to */
};

struct arena {
	pid_t director; /* an actor ends when it is gone */
	struct slot slot[SLOTS];
};

#define ARENA ((struct arena *) ARENA_AT)

/* An argument that is an address. */
static inline void *
address(long arg)
{
	return (void *) arg; /* NOLINT(performance-no-int-to-ptr) */
}

/* ---- statediff_actor.c ---- */

/* Map the file at ARENA_AT; exits on failure. */
void arena_map(const char *path, bool create);
/* Wait while *at is 'value', at most so many seconds. False: it still is. */
bool futex_wait(uint32_t *at, uint32_t value, unsigned seconds);
void futex_wake(uint32_t *at);
/* Do what the director says, until told to exit. */
_Noreturn void actor_run(int slot);

/* ---- statediff_play.c: the director ---- */

enum { PATIENCE_S = 30 };

struct actor {
	bool alive;
	bool jailed; /* its root is the jail */
	bool named;  /* by prctl(), since its last exec */
	bool ids;    /* its capabilities are not compared until its next exec; statediff_proc.c */
	pid_t pid, tid;
};

struct play {
	const char *dir; /* scratch folder: d0 to d3, jail */
	const char *ps;  /* command that prints what the collector knows, as tab-separated lines */
	uint64_t seed, random;
	unsigned long step;  /* actions so far */
	unsigned long names; /* files named so far */
	struct actor actor[SLOTS];
	pid_t past[65536]; /* processes that are gone */
	size_t npast;
	FILE *log; /* each action, for a person */
};

time_t now_s(void);
uint64_t roll(struct play *p, uint64_t n); /* 0 to n-1 */
/* Let actor i act as its slot says, and wait until it has. Returns the result. */
long act(struct play *p, int i, const char *what);
/* The same with a system call. */
long call(struct play *p, int i, const char *what, long nr, const long arg[6]);
/* A slot without an actor; -1: none. */
int slot_free(const struct play *p);
/* The action has made an actor: wait until it is there. */
void actor_new(struct play *p, int i, const struct actor *like);
/* The actor tried to execute a program: wait for the outcome. */
void actor_exec(struct play *p, int i);
/* A thread, or a process with its threads, is ending: wait until it is gone. */
void actor_end(struct play *p, int i, bool all);
_Noreturn void die(const struct play *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- random actions ---- */

void move(struct play *p);
/* What the file that is called so now was called before; NULL: nothing else. */
const char *name_before(const char *name);

/* ---- statediff_facts.c ---- */

/* One thing about a thread; key "fd 3" and the like. 'value' may offer several, each after a
 * newline. Owned. */
struct fact {
	pid_t tid;
	char key[24];
	char *value;
};
struct facts {
	struct fact *v;
	size_t n, cap;
	bool init; /* of the collector: it knows process 1 */
};
void fact_add(struct facts *f, pid_t tid, const char *key, const char *fmt, ...) PRINTF_LIKE(4, 5);
void facts_clear(struct facts *f);
/* What the collector knows; returns whether the mark is among it. */
bool facts_from_collector(const struct play *p, struct facts *f, const char *mark);
/* Print the differences. Returns their number. */
size_t facts_compare(const struct play *p, struct facts *proc, struct facts *known);

/* ---- statediff_proc.c ---- */

void facts_from_proc(const struct play *p, struct facts *f, bool init_known);

#endif
