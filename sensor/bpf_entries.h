/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_entries.h - the hooks at the entries of system calls: a tracepoint for each call whose
 * arguments could change before its exit.
 *
 * An attached hook costs each such call time, wanted or not: so only those of wanted calls
 * are attached. The kernel takes up to 0.1 s to remove one: a thread waits for that. All functions
 * are for one thread.
 */
#ifndef MEWS_SENSOR_BPF_ENTRIES_H
#define MEWS_SENSOR_BPF_ENTRIES_H

#include "common/macros.h"
#include "driver/abi.h"
#include "sensor/bpf_pin.h"
#include "sensor/bpf_progs.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define ENTRIES_MAX      (DRV_CAPTURE_MAX / 2) /* rows of captures.def */
#define ENTRIES_KEPT_MAX (2 * ENTRIES_MAX)

struct entry;

/* Zeroed, and entries_find() before anything else. */
struct entries {
	uint64_t points[ENTRIES_MAX];  /* tracepoint for each row; 0: none */
	struct entry *at[ENTRIES_MAX]; /* attached hook for each row; NULL: none */
	pthread_mutex_t lock;          /* for the rest */
	pthread_cond_t closed;         /* 'closing' has changed */
	struct entry *dropped;         /* to be detached, */
	struct entry *closing;         /* and the one that the thread is detaching */
	pthread_t thread;              /* if 'started' */
	bool ready, started, running;  /* entries_find() was called; the thread, once; still */
	struct pin *pin;               /* borrowed; NULL: nothing is pinned */
};

/* Find the tracepoints of all calls with something to read at entry: tracefs, so as root. -errno;
 * -ENOENT: the kernel has none of them. */
int entries_find(struct entries *e) MUST_CHECK;

/* Attach the programs enter_1 to enter_6 at the entries wanted, where not attached yet. On an
 * error, those already attached stay so. -errno. */
int entries_attach(
    struct entries *e, const struct progs *progs, const struct drv_control *wanted) MUST_CHECK;

/* Take over the hooks that an earlier process has pinned, after entries_find(). */
void entries_adopt(struct entries *e);

/* Pin all hooks. */
void entries_pin(struct entries *e);

/* Detach from all other entries, without waiting. */
void entries_drop(struct entries *e, const struct drv_control *wanted);

/* Is something dropped not detached yet? */
bool entries_busy(struct entries *e);

/* Wait until everything dropped is detached. */
void entries_wait(struct entries *e);

/* Detach one, and wait for it. Any thread. */
void entry_free(struct entry *en);

/* Detach from all entries, and wait for it. */
void entries_detach(struct entries *e);

/* At how many entries is a program attached? */
unsigned entries_count(const struct entries *e);

/* Write to 'fds' the descriptors of all links that are not removed yet, at most 'max' of them.
 * Returns how many. */
size_t entries_fds(struct entries *e, int *fds, size_t max);

#endif
