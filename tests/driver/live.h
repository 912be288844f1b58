/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live.h - tests of the capture programs on the running kernel.
 *
 * A case is a trigger, which runs in a separate process and notes in struct facts its actions and
 * their results, and a check, which compares that process's records with the facts, with errno,
 * stat() or /proc. Most calls need no such case: a trigger and a LIVE_ROW() are enough
 * (live_rows.h).
 */
#ifndef MEWS_TESTS_DRIVER_LIVE_H
#define MEWS_TESTS_DRIVER_LIVE_H

#include "proto/schema.h"
#include "sensor/source.h"
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* A list of strings as execve() wants it. */
#define STRINGS(...) ((char **) (const char *[]){ __VA_ARGS__ })

#define FACT_TEXT 8192

/* A call made by the trigger of a row: live_rows.h. */
struct live_made {
	int64_t res; /* -errno */
	int64_t tid;
	char want[512];
};

/* Checks of an event, or of a call without one. */
struct live_tally {
	const char *name; /* of the call */
	unsigned passed, total;
};

/* Shared between the trigger and its check; at an address that a 32-bit pointer can hold. */
struct facts {
	int64_t n[64];
	char s[6][FACT_TEXT];
	char dir[256]; /* the trigger's working folder, initially empty; removed afterwards */
	struct live_made made[64];
	size_t nmade;
	char mem[16384]; /* for arguments of calls */
	size_t nmem;
};

struct live {
	void *st; /* of source_bpf */
	struct facts *f;
	pid_t child;
	int status;                 /* of the child, as waitpid() returns it */
	struct ev_hdr *recs[16384]; /* of the child and its descendants */
	unsigned unkept;            /* records of them for which recs had no room */
	size_t nrecs;
	const char *name;                      /* of the case */
	FILE *dump;                            /* NULL: none */
	unsigned passed, failed;               /* checks, of all cases */
	struct live_tally checks[EV_TYPE_MAX]; /* of the parameters of each event */
	struct live_tally calls[32];           /* of the generic event, by call */
	size_t ncalls;
	uint64_t end;  /* time limit of the trigger, monotonic ns */
	uint64_t lost; /* records so far */
	int threads;   /* threads of the case seen to start and not yet to end */
	bool begun;    /* the trigger, after its process was prepared */
	bool seen_exit;
	const char *only; /* run the cases with this in their names; NULL: all */
};

typedef void live_fn(struct live *l);

struct live_case {
	const char *name;
	void (*trigger)(struct facts *f);
	live_fn *check;
	live_fn *meanwhile; /* runs in the parent during the trigger; NULL: nothing */
};

extern const struct live_case file_cases[], entry_cases[], names_cases[], proc_cases[],
    args_cases[], net_cases[], msg_cases[], mmsg_cases[], passed_cases[], race_cases[],
    compat_cases[], uring_cases[], uring_net_cases[], uring_io_cases[];
live_fn live_tasks, live_files;      /* output of the iterators */
live_fn live_parents, live_lean;     /* a clone's parent; what only process state needs */
live_fn live_uring_lean;             /* the same through rings */
unsigned live_seen(void *st);        /* how often this process occurs among the tasks */
void live_mechanics(struct live *l); /* separate sources: drops, exclusion, refusals */

void live_canary(struct live *l); /* hooks that are silent */
void live_news(struct live *l);   /* which records are news */
void live_storm(struct live *l);  /* requests of io_uring without end */

/* Load with these options and capture every event, but no call by name only, and of a clone the
 * child's side; exits the program on failure. */
void *live_open(const struct source_opts *o);
void live_all(void *st);
void live_all_and(void *st, unsigned call); /* and a call by name: SC_* */
void live_only(void *st, uint16_t event);   /* capture one event */
void live_close(void *st);

/* The case of that name begins: if no other has begun after a time limit, the program says so and
 * fails. A number: another limit. */
void live_begin(struct live *l, const char *name);
void live_begin_for(struct live *l, const char *name, unsigned seconds);

/* Run one case. */
void live_run(struct live *l, const struct live_case *c);

/* A copy of bytes in a page that was not touched. Exits the process on failure. */
void *live_cold(const void *p, size_t n);

/* Has the trigger's process ended, or timed out? Functions that run during it must ask, and
 * return. */
bool live_gone(const struct live *l);

/* Forget the records of the last case. */
void live_forget(struct live *l);

/* Write the case's records as text, so that two runs can be compared. */
void live_dump(const struct live *l, FILE *to);

/* Return the k-th record of that type, of any process of the case; of thread 'tid'. NULL: a
 * failure. */
const struct ev_hdr *live_rec(struct live *l, uint16_t type, unsigned k);
const struct ev_hdr *live_rec_of(struct live *l, uint16_t type, int64_t tid);
/* The same, of those submitted through io_uring. */
const struct ev_hdr *live_by_ring(struct live *l, uint16_t type, unsigned k);

unsigned live_count(const struct live *l, uint16_t type);

/* Check a record's parameter by name; does nothing if the record is NULL. */
int live_param(struct live *l, const struct ev_hdr *r, const char *param); /* its index, or -1 */
void live_fail(struct live *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
void live_num(struct live *l, const struct ev_hdr *r, const char *param, int64_t want);
void live_range(
    struct live *l, const struct ev_hdr *r, const char *param, int64_t min, int64_t max);
void live_text(struct live *l, const struct ev_hdr *r, const char *param, const char *want);
void live_bytes(
    struct live *l, const struct ev_hdr *r, const char *param, const void *want, size_t n);
void live_absent(struct live *l, const struct ev_hdr *r, const char *param);
void live_that(struct live *l, bool ok, const char *what);
void live_counted(struct live *l, const struct ev_schema *s); /* a record without parameters */

/* Count the checks of the generic event since 'before' as those of a call. */
void live_by_name(struct live *l, const char *call, struct live_tally before);

#endif
