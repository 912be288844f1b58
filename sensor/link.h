/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - the protocol of one node with its collector, as a state machine.
 *
 *   DOWN --(its time)--> DIALING --opened--> HELLO --Challenge--> PROOF --Welcome--> UP
 *    ^                      |                  |  '------------Welcome------------>  |
 *    '---- any failure, reject, time-out: closed, back-off with jitter --------------'
 *   UP --link_stop(), all durable or its deadline--> BYE --> STOPPED
 *
 * It owns no thread, socket or clock: the caller drives it with link_tick() and reports what
 * happened; the link acts through link_ops. So one thread drives a thousand links, and a test
 * drives one with a stub peer. Batches come from the spool, which keeps them until they are
 * durable.
 *
 * Order within UP: batches from where the collector said, within its credit and at most 'window'
 * outstanding requests; polls when there is nothing else. Not thread-safe.
 */
#ifndef MEWS_SENSOR_LINK_H
#define MEWS_SENSOR_LINK_H

#include "common/buf.h"
#include "common/log.h"
#include "common/macros.h"
#include "proto/wire.h"
#include "sensor/spool.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_SLOTS 16 /* requests outstanding, at most */

enum link_state {
	LINK_DOWN,    /* waits for 'retry_at' */
	LINK_DIALING, /* open() was called */
	LINK_HELLO,   /* Hello is out */
	LINK_PROOF,   /* Proof is out */
	LINK_UP,
	LINK_BYE,     /* Bye is out */
	LINK_STOPPED, /* for good */
};

/* Callbacks of a link. 'arg' is the node. */
struct link_ops {
	/* The transport. After open(): link_opened() or link_closed(), later. After close():
	 * nothing more from that connection. send() copies; link_reply() follows for that slot. */
	int (*open)(void *arg);
	void (*close)(void *arg);
	int (*send)(void *arg, unsigned slot, const void *msg, size_t n);

	/* Append a packed request to 'out'. proof(): -ENOKEY when there is no certificate. */
	int (*hello)(void *arg, struct buf *out);
	int (*proof)(void *arg, const Wire__Challenge *c, struct buf *out);
	int (*poll)(void *arg, uint64_t skip_to, struct buf *out);
	int (*bye)(void *arg, struct buf *out);

	/* Requests: capture these events from now on; begin a snapshot with this id. */
	void (*interest)(void *arg, const Wire__Interest *in);
	void (*snapshot)(void *arg, uint64_t id);

	/* Something an operator should know; reported once per cause until the link has been up. */
	void (*note)(void *arg, enum log_level level, const char *text);
};

struct link_cfg {
	unsigned window;       /* requests outstanding; the collector's Welcome may lower it */
	uint64_t timeout_ns;   /* of a reply; connecting may take twice as long */
	uint64_t retry_min_ns; /* back-off: doubles from here ... */
	uint64_t retry_max_ns; /* ... to here */
	uint64_t absent_ns;    /* ... or to here, while nothing answers at the address */
	uint64_t slow_ns;      /* after a reject that needs an operator */
	uint64_t seed;         /* of the jitter */
};

struct link_stats {
	uint64_t batches, bytes; /* sent, resends included */
	uint64_t connects;       /* times it came UP */
	uint64_t timeouts;       /* replies that came too late or not at all */
	uint64_t rejects;
};

struct link_slot {
	enum { SLOT_FREE, SLOT_TALK, SLOT_BATCH, SLOT_POLL } kind;
	uint64_t seq;  /* of a batch */
	uint64_t sent; /* when */
};

struct link {
	const struct link_ops *ops;
	void *arg;
	struct spool *spool; /* borrowed */
	struct link_cfg cfg;
	struct link_stats stats;
	enum link_state state;
	struct link_slot slot[LINK_SLOTS];
	unsigned window, outstanding;
	uint64_t retry_at;  /* DOWN */
	uint64_t since;     /* when the state was entered */
	uint64_t last_sent; /* any request */
	uint64_t last_poll;
	uint64_t backoff;
	uint64_t rng;
	uint64_t send_next; /* the next batch to send */
	uint64_t received;  /* the collector has every batch up to this one */
	uint64_t durable;
	uint64_t hold_until; /* the collector is busy: no batch before; 0: none */
	uint64_t skip_to;    /* a gap to announce before going on; 0: none */
	uint64_t message_max;
	uint64_t spread_ns; /* limit of the reconnect delay while the collector is absent */
	uint64_t idle_ns;   /* between polls when idle, as the collector asks; 0: a second */
	uint32_t credit;
	unsigned held_polls; /* in a row, without credit */
	uint32_t interest;   /* the version in force; 0: our own default */
	uint64_t snap_id;    /* the last snapshot requested and begun; 0: none */
	bool unfit;          /* the collector has refused this stream's events */
	uint64_t stop_at;    /* when to give up stopping; 0: not stopping */
	char said[256];      /* the last note, to report it only once */
	struct buf out;
};

/* 'arg', 'spool', 'ops' are borrowed. The first tick connects. */
void link_init(struct link *l, const struct link_ops *ops, void *arg, struct spool *spool,
    const struct link_cfg *cfg);
void link_fini(struct link *l);

/* Do what is due; return when to call again at the latest. */
uint64_t link_tick(struct link *l, uint64_t now);

/* Events of the connection. 'why' is one sentence, or NULL; 'absent': nothing answers at the
 * address. */
void link_opened(struct link *l, uint64_t now);
void link_closed(struct link *l, uint64_t now, const char *why, bool absent);

/* Connect anew soon, whatever was refused before. */
void link_renew(struct link *l, uint64_t now);
void link_reply(struct link *l, uint64_t now, unsigned slot, const void *msg, size_t n);

/* Can a new batch be sent now? */
bool link_can_send(const struct link *l);

/* End at once, without Bye. */
void link_end(struct link *l, uint64_t now);

/* Finish: send what is left until 'deadline', send Bye, close. */
void link_stop(struct link *l, uint64_t deadline);

#endif
