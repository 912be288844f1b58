/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ingest_int.h - internals of ingest; for the files of this folder.
 *
 *	ingest.c   create and free; the wanted events
 *	listen.c   NNG: listener, contexts, pipes, the clock   listen_tls.c   its certificates
 *	address.c  the listening address, and checks of it     nng_errno.c    its errors
 *	hangup.c   ending connections             strangers.c   bounding unauthenticated ones
 *	conn.c     connections, and which of them speaks for a node
 *	talk.c     one request in, one reply out
 *	hello.c    the stream of a Hello, and where it continues
 *	flow.c     batches of a welcomed connection, in order, to its shard
 *	trust.c    certificates   check.c  bytes   window.c  order
 *
 * Locking: ingest.lock guards the tables and what a reload replaces; a conn's lock guards the conn.
 * A thread that holds a conn's lock may take ingest.lock, never the other way round; no thread
 * holds two conns' locks.
 */
#ifndef MEWS_COLLECTOR_INGEST_INGEST_INT_H
#define MEWS_COLLECTOR_INGEST_INGEST_INT_H

#include "collector/ingest/check.h"
#include "collector/ingest/ingest.h"
#include "collector/ingest/shown.h"
#include "collector/ingest/trust.h"
#include "collector/ingest/window.h"
#include "common/bucket.h"
#include "common/clock.h"
#include "common/log_peer.h"
#include "proto/event.h"
#include "proto/wire.h"
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
	CONN_BUCKETS = 4096,
	BATCHES_HELD = 2 * WIRE_WINDOW,  /* per connection; also the credit */
	IN_FLIGHT_MAX = 4 * WIRE_WINDOW, /* requests of one connection not yet answered */
	ADMIT_PER_S = 500,               /* Hellos; the handshake before it has cost CPU already */
	ADMIT_BURST = 1000,
	HANDSHAKE_MS = 3, /* of CPU that a new connection over TLS costs */
	SPREAD_MS = 1000, /* shorter times are not sent: sensors spread that much by themselves */
	POLL_US = 100,    /* of CPU that a poll over TLS costs */
	POLL_SHARE = 10,  /* percent of the CPUs, for the polls of idle sensors */
	IDLE_MS = 1000,   /* shorter times are not sent: a sensor polls every second by itself */
	IDLE_MAX_MS = 5000,
};

#define PATIENCE_NS (5 * NS_PER_S)    /* to wait for a missing batch */
#define WELCOME_NS  (30 * NS_PER_S)   /* from connecting to Welcome */
#define SILENCE_NS  (60 * NS_PER_S)   /* a sensor polls every few seconds */
#define LINGER_NS   (1 * NS_PER_S)    /* from a Reject to the connection's end */
#define REPLACED_NS (5 * NS_PER_S)    /* for the sensor to ask, and get the Reject */
#define PEER_TEXT   64                /* bytes of an address */
#define CLOSE_NOW   1                 /* conn.close_at */
#define QUIET_NS    (300 * NS_PER_MS) /* without input, after which no read is under way */
#define NEWS_NS     (250 * NS_PER_MS) /* between two Interests to one connection */

#define VERSIONS_APART 1000 /* more than an earlier collector gave out and did not note */

enum conn_state {
	CONN_FRESH,      /* nothing received */
	CONN_CHALLENGED, /* a nonce was sent */
	CONN_TAKING,     /* authenticated; taking the node over from an older connection */
	CONN_WELCOME,
	CONN_REFUSED, /* or finished: messages are ignored */
};

struct conn {
	uint32_t pipe; /* constant: NNG's number */
	_Atomic int refs;
	_Atomic unsigned in_flight; /* requests being answered */
	_Atomic bool cut;           /* its socket is shut down; NNG has not been told */
	_Atomic bool ended;         /* NNG has been told */
	_Atomic bool replaced;      /* a newer connection speaks for the node */
	_Atomic uint64_t close_at;  /* monotonic ns; 0: stays */
	_Atomic uint64_t heard;     /* monotonic ns: the last message */
	char peer[PEER_TEXT];       /* constant: its address, for the log */
	char host[PEER_TEXT];       /* constant: the same without the port */
	pthread_mutex_t lock;       /* guards all that follows */
	enum conn_state state;
	uint8_t nonce[WIRE_NONCE_SIZE];
	Wire__Request *hello;   /* owned, until Welcome */
	struct stream_id id;    /* from CHALLENGED on, and constant */
	struct buf cert;        /* DER, from Proof on: to check against new revocation lists */
	struct trust_term term; /* of it; 0: no certificate */
	const char *unfit;      /* static: why it is no longer trusted; sent with the next reply */
	struct stream *stream;  /* held, from Welcome on */
	struct stream_info info;
	struct op *first;       /* OP_HELLO that the shard has not taken yet */
	struct op *last;        /* OP_BYE, the same */
	struct window batches;  /* of struct op */
	uint64_t skip_to;       /* batches below it will never come */
	uint64_t news_at;       /* monotonic ns: the last Interest */
	uint32_t interest;      /* the version that the sensor confirmed */
	bool stalled;           /* the shard had no room: credit 0 */
	struct conn *next_pipe; /* ingest.lock */
	struct conn *next_node; /* ingest.lock; only while it speaks for a node */
	bool speaks, gone;      /* ingest.lock */
};

struct listener; /* NNG's part */
struct strangers;

struct ingest {
	struct ingest_cfg cfg; /* texts borrowed from the caller */
	bool identity;         /* connections must authenticate */
	unsigned cpus;
	struct listener *listener;
	pthread_mutex_t lock; /* guards the following, up to the counters */
	struct conn *by_pipe[CONN_BUCKETS], *by_node[CONN_BUCKETS];
	struct trust *trust; /* NULL without TLS */
	struct interest wanted;
	struct bucket admit;
	uint64_t crl_stamp, warned; /* of ingest_watch_tls(), for one thread */
	_Atomic bool stopping;
	_Atomic uint64_t ending;     /* connections 'ended' but not yet removed */
	_Atomic uint32_t interest;   /* the version of 'wanted' ... */
	uint32_t first;              /* ... and the first that this collector gives out */
	struct strangers *strangers; /* used by the tick */
	struct shown shown;          /* certificates of handshakes whose Proof has not come */
	_Atomic uint64_t strangers_ended, refused_tls;
	_Atomic size_t speaking; /* connections in by_node */
	_Atomic uint64_t connections, refused_identity, refused_protocol, malformed, duplicates,
	    gaps, busy, requests;
};

/* A reply under construction, with storage for its parts. */
struct reply {
	Wire__Reply msg;
	Wire__Challenge challenge;
	Wire__Welcome welcome;
	Wire__Ack ack;
	Wire__Interest interest;
	Wire__Reject reject;
	uint32_t events[EV_TYPE_MAX], lean[EV_TYPE_MAX], quiet[EV_TYPE_MAX], calls[SC_MAX + 1];
	uint8_t nonce[WIRE_NONCE_SIZE];
};

/* ---- ingest.c ---- */

/* Create everything except NNG's part; tests start from here too. */
int ingest_new(const struct ingest_cfg *cfg, struct ingest **ret) MUST_CHECK;
void ingest_free(struct ingest *i);

/* ---- conn.c ---- */

/* Add a connection to the tables, which hold it. -ENOMEM. */
int conn_add(struct ingest *i, uint32_t pipe, const char *peer, uint64_t now) MUST_CHECK;
void conn_remove(struct ingest *i, uint32_t pipe);
struct conn *conn_find(struct ingest *i, uint32_t pipe); /* held, or NULL */
void conn_unref(struct conn *c);

/* Make c speak for its node. Returns the connection that did so before, held, or NULL. */
struct conn *conn_take_node(struct ingest *i, struct conn *c);

/* Free ops held back for the shard. Caller holds the conn's lock. */
void conn_drop_held(struct conn *c);

/* Log a line that a peer can cause: see log_peer.h. Limited by node once it is authenticated. */
void conn_log(const struct conn *c, enum log_level level, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Fill v with connections past their time limit, held, at most 'max'; returns their number. */
unsigned conns_overdue(struct ingest *i, uint64_t now, struct conn **v, unsigned max);

/* Disconnect sensors that 't' no longer trusts. Returns their number. */
unsigned conns_recheck(struct ingest *i, struct trust *t, uint64_t now);

/* ---- hangup.c ---- */

struct sockaddr;
void peer_text(const struct sockaddr *a, char text[PEER_TEXT]);

/* Is this a TCP connection at our address, including the port? Writes its other end, as
 * peer_text(). */
bool connected_to(int fd, const char *local, char peer[PEER_TEXT]);

/* Return the open descriptors one by one, from rewinddir() on; -1: no more. 'fds' belongs to the
 * listener, which opened it at the start: later there may be no descriptor left for it. */
int next_descriptor(DIR *fds);

/* Shut down the TCP connection between that peer (NULL: every peer) and our address, including the
 * port. */
void hang_up(DIR *fds, const char *peer, const char *local);

/* ---- strangers.c ---- */

/* Called every tick by one thread: end unauthenticated connections if they are too many. */
void strangers_look(struct ingest *i, DIR *fds, const char *local, uint64_t now);
void strangers_free(struct strangers *s); /* NULL is nothing */

/* ---- talk.c ---- */

/* Handle one message of 'c' and fill in the answer. Any thread. 'rep' borrows from 'i' and static
 * texts. */
void talk(
    struct ingest *i, struct conn *c, const uint8_t *p, size_t n, uint64_t now, struct reply *rep);

/* ---- hello.c ---- */

/* Set c->stream to the stream of its Hello: *data is the checkpoint from which it continues, or
 * stays empty. 0, or -EBADMSG and *why. Caller holds the conn's lock. */
int hello_stream(
    struct ingest *i, struct conn *c, struct buf *data, struct refusal *why) MUST_CHECK;

/* ---- flow.c; caller holds the conn's lock, in CONN_WELCOME; they take over 'q' ---- */

/* -EBADMSG and *why: refused. */
int flow_batch(struct ingest *i, struct conn *c, Wire__Request *q, size_t bytes, uint64_t now,
    struct refusal *why) MUST_CHECK;
void flow_bye(struct conn *c, Wire__Request *q); /* without memory the node's state stays */

/* Pass on what is in order. Called after each request. */
void flow_pump(struct ingest *i, struct conn *c, uint64_t now);

uint32_t flow_credit(const struct conn *c);

#endif
