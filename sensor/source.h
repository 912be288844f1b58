/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - sources of a sensor's events. A recording is no source: it holds batches, which
 * replay.c sends unchanged.
 *
 * To add one: write source_<name>.c and end it with 'const struct source_ops source_<name>'. All
 * calls on one instance come from one thread, the capture thread, except wake(). Nothing here but
 * set_interest() allocates after open().
 */
#ifndef MEWS_SENSOR_SOURCE_H
#define MEWS_SENSOR_SOURCE_H

#include "common/diag.h"
#include "common/macros.h"
#include "driver/abi.h"
#include "proto/event.h"
#include "proto/event_set.h"
#include "proto/wire.h"
#include <stddef.h>
#include <stdint.h>

struct account;
struct account_kept;
struct lost_kept;

struct source_opts {
	uint64_t ring_bytes;   /* of one CPU's ring, a power of two; 0: 4 MiB */
	uint64_t rings_bytes;  /* of all rings together: each is halved until they fit; 0: 64 MiB */
	uint64_t slack_ns;     /* how far behind the clock records are emitted; 0: 100 us */
	uint32_t stashes_max;  /* threads whose paths are read at entry; 0: 65536 */
	uint32_t requests_max; /* of io_uring, on their way with short texts; 0: 16384, the most */
	uint32_t exclude_pid;  /* another process to exclude from capture, if it lives; 0: none */
	uint32_t scanner_pid;  /* a process to exclude with all its children; 0: none */
	uint32_t broken_kinds,
	    broken_cpu;  /* for tests: hooks (1 << DRV_CANARY_*) silent on a CPU */
	bool leave;      /* close() returns before the kernel has removed the hooks */
	const char *pin; /* folder on a BPF file system, borrowed; NULL: nothing is pinned */
};

/* Events that a sensor process has lost, by what counts them. */
struct source_lost {
	uint64_t spool_full, quarantined, damaged, bad;
};

/* What the next process has to know of a batch to go on after it. */
struct source_mark {
	uint64_t stream; /* the sensor's start in Hello */
	uint64_t seq;
	uint32_t interest;             /* the version in force */
	struct source_lost lost;       /* until then */
	const struct account *account; /* until then, borrowed; NULL: nothing. Not in resume() */
};

/* What an earlier process has left. */
struct source_past {
	uint64_t stream; /* 0: it made no batch */
	uint64_t seq;    /* its newest batch that is in a file, or was there and is durable */
	bool more;       /* the next one may be in a file, too */
	bool whole;      /* none was in its memory alone: the stream can be continued */
};

/* Totals since open(). */
struct source_stats {
	uint64_t emitted;   /* records taken by emit() */
	uint64_t late;      /* of these, emitted after a record with a later time */
	uint64_t bad;       /* refused by record_check() */
	uint64_t excluded;  /* not captured: from an excluded process */
	uint64_t reread;    /* paths and addresses read only at a call's exit: EVF_REREAD */
	uint64_t unstashed; /* calls without kernel memory for a stash; counted in 'reread' too */
	uint64_t wakeups;   /* waits ended by the kernel */
	uint64_t silences;  /* hooks that canary() found silent, one for each CPU and check */
};

/*
 * Takes a checked record, borrowed until the function returns. 0: taken. -errno: not taken; poll()
 * returns the error and offers the same record again next time.
 */
typedef int source_emit_fn(void *arg, const struct ev_hdr *rec);

/* Receives a total since open() that is not 0. 'type' is EV_*, 'cause' is enum wire_drop. */
typedef void source_drop_fn(void *arg, uint16_t type, uint16_t cause, uint64_t count);

enum source_iter {
	SOURCE_TASKS, /* all threads: struct drv_task */
	SOURCE_FILES, /* all open descriptors: struct drv_file, by process */
};

struct source_ops {
	const char *name;  /* "bpf" */
	size_t state_size; /* private state: the caller allocates it zeroed, passes it as 'st' */

	/*
	 * Load and attach; nothing is captured before set_interest(). -errno, and *d says in one
	 * sentence what is missing and what to do. After a failure close() is still called, once.
	 */
	int (*open)(void *st, const struct source_opts *o, struct diag *d);

	/*
	 * Capture exactly these events from now on, of the generic event only the calls in the set,
	 * and of lean ones only what process state needs; not yet capturable events are ignored.
	 * May be called at any time after open(). -errno: arguments are read at the exit of calls
	 * instead of their entry.
	 */
	int (*set_interest)(void *st, const struct interest *wanted);

	/*
	 * Emit available records in time order; if there are none, wait at most 'timeout_ms' (0:
	 * not at all). While records keep coming, let them gather for 'rest_ns' first, or until
	 * there are many, or, if 'news', until one is news (ev_hdr.news). Returns the number of
	 * records emitted, or -errno of emit().
	 */
	int (*poll)(
	    void *st, int timeout_ms, uint64_t rest_ns, bool news, source_emit_fn *emit, void *arg);

	/* End the current or the next wait in poll(). Any thread. */
	void (*wake)(void *st);

	void (*stats)(void *st, struct source_stats *ret);
	void (*drops)(void *st, source_drop_fn *fn, void *arg);

	/* When the newest of them were, by enum wire_drop, as of drops(); others stay unchanged. */
	void (*holes)(void *st, struct drv_hole ret[DROP_CAUSES]);

	/*
	 * Check, by harmless calls that no event reports, that the kernel runs each kind of hook on
	 * each CPU that this process may use; where one is silent, attach it again or take another
	 * kind of hook, and log what is not seen. Returns BLIND_* of proto/wire.h. Takes a
	 * millisecond per CPU; while unsettled(), seconds: a process that it starts inherits the
	 * descriptors of hooks that are being detached, and then waits for the kernel to do so.
	 */
	uint64_t (*canary)(void *st);
	bool (*unsettled)(void *st);

	/* Is this event in the interest that is in force? */
	bool (*wants)(void *st, unsigned type);

	/* Is a ring more than half full? Then what emit() does not take will be lost soon. */
	bool (*filling)(void *st);

	/* Every event before this time (boot ns) has been emitted, or is late. */
	uint64_t (*emitted_to)(void *st);

	/* Return a new descriptor, owned by the caller, that lists the system's current state until
	 * its end. Reading it needs no privilege and never blocks on another process. -errno. */
	int (*iter)(void *st, enum source_iter which);

	/*
	 * With source_opts.pin, which keeps events in the kernel until their batch is in a file:
	 *
	 * past() - true: the driver of an earlier process was taken over with its interest.
	 * resume() - the newest batch in a file is 'seq': poll() begins after it; *ret is its mark.
	 * mark() - before a batch is written: it has all events emitted so far. False: nothing is
	 *          pinned, so it need not be written.
	 * account() - after resume() and before mark(): the earlier process's account up to where
	 * poll() goes on, of so many CPUs. losses() - with mark(): where this process keeps by type
	 * what it has lost in its spool, for the next one of this stream: [0] for lack of room, [1]
	 * refused. settle() - it was written, or ('saved' is false) is in this process's memory
	 * alone. crowded() - poll() waits for a batch. kept() - false: others have removed some of
	 * what was pinned. It is pinned again, or, if that cannot be, nothing is pinned from now
	 * on; either is logged. unpin() - this process ends in order: with it, capture ends.
	 */
	bool (*past)(void *st, struct source_past *ret);
	void (*resume)(void *st, uint64_t seq, struct source_mark *ret);
	bool (*mark)(void *st, const struct source_mark *m);
	const struct account_kept *(*account)(void *st, unsigned *ncpu);
	struct lost_kept *(*losses)(void *st);
	void (*settle)(void *st, bool saved);
	bool (*crowded)(void *st);
	bool (*kept)(void *st);
	void (*unpin)(void *st);

	void (*close)(void *st);
};

extern const struct source_ops source_bpf;

#endif
