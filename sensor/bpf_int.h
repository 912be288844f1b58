/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_int.h - the state of source_bpf, shared by source_bpf.c and the files named bpf_*.c.
 */
#ifndef MEWS_SENSOR_BPF_INT_H
#define MEWS_SENSOR_BPF_INT_H

#include "sensor/bpf_entries.h"
#include "sensor/ring.h"
#include "sensor/source.h"
#include <bpf/libbpf.h>
#include <mews.skel.h>
#include <stdbool.h>

#define LINKS_MAX 8  /* on_* */
#define MAPS_MAX  24 /* of the driver */

/* The links that keep an object's programs attached. */
struct hooks {
	int links[LINKS_MAX]; /* -1: it could not be attached again */
	enum prog progs[LINKS_MAX];
	unsigned kinds[LINKS_MAX]; /* enum drv_canary, as a bit; 0: none */
	unsigned n;
	struct entries entries;
	struct pin *pin; /* borrowed; NULL: nothing is pinned */
};

/* A counter of the driver that is not 0: events of a type, dropped for a cause. */
struct drop_count {
	uint32_t type, cause;
	uint64_t count;
};

/* A map of the driver. */
struct driver_map {
	char name[32];
	int fd;
};

struct source_state {
	struct mews_bpf *skel; /* while loading; of a taken over driver: maps alone, no programs */
	struct progs progs;
	struct driver_map driver_maps[MAPS_MAX];
	unsigned ndriver_maps;
	struct mews_bpf__bss *vars; /* of the driver; shared with it */
	struct pin *pin;            /* NULL: nothing is pinned */
	bool taken;                 /* the driver is an earlier process's */
	bool alone;                 /* nothing else is pinned: bpf_pins_of_others() was called */
	bool left;                  /* and there was something: bpf_unread() is this process's */
	struct journal *journal;    /* with 'pin' */
	int journal_fd;
	struct source_opts o;
	struct ring_set rings;
	size_t page;
	uint64_t ring_bytes;
	int *ring_fds;
	void **maps; /* for each ring: the consumer's page, then the producer's page and the data */
	uint64_t *percpu;         /* a per-CPU value being read */
	struct drop_count *drops; /* as last read: one for each event and cause */
	size_t ndrops;
	struct drv_hole holes[DROP_CAUSES]; /* when they were, by cause */
	uint64_t missed, missed_at; /* runs that the kernel skipped; when that was last read */
	unsigned ncpu;              /* possible CPUs */
	int epoll_fd, wake_fd;
	struct hooks hooks;
	int enter;         /* the link of the general entry hook; -1: not attached */
	bool uring;        /* operations of io_uring are captured */
	bool opened;       /* the descriptors above are open */
	unsigned misses;   /* on how many CPUs, over all kinds */
	uint64_t silences; /* the same of all checks so far, before anything was mended */
	unsigned silent;   /* kinds of hooks found silent, as bits: bpf_canary() */
	uint64_t blind;    /* BLIND_*, as last found */
	bool checked;      /* bpf_canary() was called */
	bool hot;          /* the last drain found records: wait before the next */
	uint64_t news_at;  /* news before this time (boot ns) may be in the rings; 0: none */
};

/*
 * Load the programs, or take over those that an earlier process of the same build and options has
 * pinned. -errno. bpf_unload() is safe on half of it.
 */
int bpf_load(struct source_state *s) MUST_CHECK;
void bpf_unload(struct source_state *s);

/* The descriptor of a map of the loaded driver, which keeps it. */
int bpf_driver_map(const struct source_state *s, const char *name);

/* After attaching: pin everything, unless it was taken over. Failure is logged: then nothing is
 * pinned. */
void bpf_pin_all(struct source_state *s);

#define JOURNAL_VERSION 4 /* of the layout of 'struct journal'; part of the hash of bpf_pin.h */

/* Map the pinned journal. -ENOENT: there is none; -ESTALE: it is another one; -errno. */
int journal_take(struct source_state *s) MUST_CHECK;
void journal_close(struct source_state *s);

/* After capture has begun: count what a sensor of another version or with other options has not
 * read from its rings, and detach what it has left pinned. */
void bpf_pins_of_others(struct source_state *s);

/* The former, in the journal: it is this driver's as long as that is taken over. NULL: no
 * journal. */
struct lost_kept *bpf_unread(const struct source_state *s);

/* See source.h. */
bool bpf_past(void *st, struct source_past *ret);
void bpf_resume(void *st, uint64_t seq, struct source_mark *ret);
bool bpf_mark(void *st, const struct source_mark *m);
const struct account_kept *bpf_account(void *st, unsigned *ncpu);
struct lost_kept *bpf_losses(void *st);
void bpf_settle(void *st, bool saved);
bool bpf_crowded(void *st);
bool bpf_kept(void *st);
void bpf_unpin(void *st);

/* Before loading: compute the size of the rings and allocate their state. -ENOMEM. */
int bpf_rings_new(struct source_state *s) MUST_CHECK;

/* After loading: create the rings, and the epoll instance that watches them. -errno. */
int bpf_rings_open(struct source_state *s) MUST_CHECK;

/* Undo whatever of the two above was done. */
void bpf_rings_close(struct source_state *s);

/* See source.h. */
int bpf_poll(void *st, int timeout_ms, uint64_t rest_ns, bool news, source_emit_fn *emit,
    void *arg) MUST_CHECK;
void bpf_wake(void *st);

/* Attach the programs on_*. On an error, programs already attached
 * stay so until hooks_detach(). */
int hooks_attach(struct hooks *h, const struct progs *progs, struct diag *d) MUST_CHECK;

/* Detach the hooks of these kinds (enum drv_canary, as bits) and attach them again. Returns whether
 * any was attached. */
bool hooks_renew(struct hooks *h, const struct progs *progs, unsigned kinds);

/* Detach everything, also at the entries of calls. */
void hooks_detach(struct hooks *h);

/* The same, but another process waits for the kernel, which takes up to 0.1 s for each hook at a
 * call's entry: there are dozens. */
void hooks_leave(struct hooks *h);

/* Attach all hooks but those at the entries of calls. -errno, and *d says which one failed. */
int bpf_attach_all(struct source_state *s, struct diag *d) MUST_CHECK;

/*
 * Attach what is missing at the entries of calls for the interest 'wanted', before it is in force;
 * if that fails, the hook on all entries instead. -errno. Once it is in force, detach the others.
 */
int bpf_attach_entries(struct source_state *s, const struct drv_control *wanted) MUST_CHECK;
void bpf_detach_entries(struct source_state *s, const struct drv_control *wanted);

/* Check all hooks, as source_ops.canary. */
uint64_t bpf_canary(void *st);
bool bpf_unsettled(void *st);

/* Attach the hook on all entries, also of 32-bit callers, if it is not attached yet. */
int bpf_attach_enter_all(struct source_state *s) MUST_CHECK;

#endif
