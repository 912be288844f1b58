/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - one sensor process on one boot of one node, as the collector knows it.
 *
 * The registry creates a stream at its first Welcome and keeps it, so that a sensor that reconnects
 * finds it again and 'status' shows a disconnected node. It drops a stream when the same node
 * connects with another one and on request (streams_forget()); of disconnected nodes it keeps the
 * STREAMS_GONE last seen. Nodes that the outbox remembers from an earlier collector are in it from
 * the start (streams_remember()). Ingest advances 'received', the shard 'evaluated', the outbox
 * 'durable'; they are atomics, so that a reply reads them without a lock. Locking: the registry's
 * mutex guards the table and 'info'.
 */
#ifndef MEWS_COLLECTOR_STREAM_STREAM_H
#define MEWS_COLLECTOR_STREAM_STREAM_H

#include "collector/alert/loss.h"
#include "collector/outbox/outbox.h"
#include "collector/stream/balance.h"
#include "collector/stream/coverage.h"
#include "collector/stream/skew.h"
#include "common/clock.h"
#include "common/macros.h"
#include "proto/batch.h"
#include "proto/wire.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct node;
struct streams; /* the registry */

#define STREAMS_GONE 65536 /* disconnected nodes, about: each bucket keeps its share */

/* Whether a node is seen. */
enum sight {
#define SIGHT(name, text) SIGHT_##name,
#include "collector/stream/sight.def"
	SIGHT_MAX,
};

const char *sight_name(enum sight s); /* the name in sight.def */
const char *sight_text(enum sight s); /* for people; a clause without a full stop */

/* What was done to a sensor. */
enum harm {
#define HARM(name, text) HARM_##name,
#include "collector/stream/harm.def"
	HARM_MAX,
};

const char *harm_name(enum harm h); /* the name in harm.def */
const char *harm_text(enum harm h); /* for people; a clause without a full stop */

/* What a sensor reports of that: when it was done last, realtime ns by the node's clock; 0: it was
 * not. */
struct harm_seen {
	_Atomic uint64_t at[HARM_MAX];
	_Atomic uint32_t tracer; /* the process id */
};

/* The state of the watch over the nodes (lookout.h) for a stream; main thread only, carried over
 * from the node's earlier stream. Monotonic ns. */
struct stream_told {
	_Atomic bool lost;                       /* the node is reported as not seen ... */
	_Atomic bool owed;                       /* ... and the alert about it is still owed */
	_Atomic uint64_t since;                  /* ... since then */
	_Atomic uint64_t alerted;                /* the last alert; 0: none */
	_Atomic uint64_t losses;                 /* since that alert */
	_Atomic uint64_t blind;                  /* 'blind' of the stream as last logged */
	_Atomic uint64_t harm[HARM_MAX];         /* 'harm.at' of the last alert about it ... */
	_Atomic uint64_t harm_alerted[HARM_MAX]; /* ... which was raised then; 0: none */
	_Atomic uint64_t unstashed,
	    unstashed_at; /* 'unstashed' of the stream as last logged, when */
};

/* Events dropped, by EV_*; 0: of unknown type. */
struct type_drops {
	_Atomic uint64_t n[EV_TYPE_MAX];
};

/* What came of each type, by EV_*: when the newest event was, realtime ns by the node's clock; 0:
 * none. And, shard thread only, how many were decoded. */
struct type_seen {
	_Atomic uint64_t at[EV_TYPE_MAX];
	uint64_t n[EV_TYPE_MAX];
};

/* The sensor's report about itself, for people. */
struct stream_info {
	char version[64], kernel[128], arch[32];
	uint64_t spool_bytes, spool_batches, spool_disk_bytes, spool_oldest_ms, spool_errors;
	uint64_t excluded, cpu_ns, rss_bytes, reconnects;
	uint64_t containers, containers_late, containers_refused;
};

struct stream {
	struct stream_id id;        /* constant */
	struct node *node;          /* shard thread only: its record of the node */
	uint64_t put;               /* shard thread only: batches given to the outbox, or durable */
	uint64_t quiet;             /* shard thread only: durable, not yet reported to the outbox */
	struct stream *quiet_next;  /* shard thread only: held */
	bool restarted;             /* shard thread only: an earlier sensor ran on this boot ... */
	enum loss_cause before;     /* constant: ... ended so, ... */
	uint64_t before_seen;       /* constant: ... last heard of then, realtime ns */
	uint64_t began;             /* constant: 'durable' when first seen */
	struct peer_schema *schema; /* constant: of the first Hello; NULL: the same as ours */
	_Atomic uint64_t received;  /* batches given to the shard; a gap is a jump of seq */
	_Atomic uint64_t evaluated; /* batches that rules have seen */
	_Atomic uint64_t durable;   /* batches whose alerts are committed */
	_Atomic uint64_t
	    state_seq; /* the state after this batch is on disk (checkpoint.h); 0: none */
	_Atomic uint64_t state_at;      /* when it was written, monotonic ns; 0: not yet */
	_Atomic uint64_t events, bytes; /* handed to the shard */
	_Atomic uint64_t drops;      /* events that the sensor reports lost: stream_set_drops() */
	_Atomic uint64_t gaps;       /* batches that never came */
	_Atomic uint64_t suppressed; /* matches reported in summaries */
	_Atomic uint64_t rereads, unstashed, unreadable, blind, silences,
	    redacted; /* SensorStats */
	struct harm_seen harm;
	_Atomic uint64_t duplicates, malformed; /* batches */
	_Atomic uint64_t state_bytes;           /* of the node, as state_stats.bytes */
	_Atomic uint64_t last_seen; /* realtime ns; of an ended sensor: its newest batch */
	_Atomic uint64_t heard;   /* monotonic ns: the last message; 0: remembered, not seen yet */
	_Atomic uint64_t idle_ns; /* between polls of its sensor when idle; 0: a second */
	struct stream_told told;
	_Atomic bool kept, kept_stopped; /* main thread only: as reported to the outbox */
	struct loss_shown loss;          /* of the node: carried over from an earlier stream */
	struct coverage coverage;
	_Atomic uint64_t snapshot_id; /* the wanted snapshot: stream_want_snapshot(); 0: none */
	_Atomic uint64_t cert_since, cert_until; /* realtime ns: its certificate's term; 0: none */
	_Atomic uint32_t interest;               /* the version that the sensor confirmed */
	struct skew skew;                        /* by the connection's thread; skew_of() by any */
	_Atomic bool connected;
	_Atomic bool ended;    /* the sensor has ended; its successor delivers what it left */
	_Atomic bool said_bye; /* the sensor was stopped; it did not die */
	_Atomic int refs;
	_Atomic bool forgotten; /* not in the registry any more: replaced or dropped */
	_Atomic(struct type_drops *) type_drops; /* 'drops' by type; NULL: there are none */
	_Atomic(struct type_seen *) type_seen;   /* NULL: no event yet, or no memory */
	struct accounts accounts;
	struct account_told account; /* shard thread only */
	bool counted; /* shard thread only: type_seen.n has all events since the sensor's start */
	struct stream_info info; /* stream_info_get(), stream_info_set() */
	struct stream *next;     /* used by the registry */
	uint64_t hash;           /* constant: stream_node_hash() */
};

/* The hash of a node: of its cluster and its name, the same in every run. */
uint64_t stream_node_hash(const struct stream_id *id);

int streams_new(struct streams **ret) MUST_CHECK; /* -ENOMEM */
void streams_free(struct streams *s);             /* a held stream stays */

/*
 * Find the stream of this id, or create it (at 'durable', snapshot wanted). *ret is held and
 * connected. 'ended': its sensor has ended, and the node's next one delivers what it left. On 0 the
 * stream has taken over 'schema', or it is freed; on -ENOMEM the caller keeps it.
 */
int stream_get(struct streams *s, const struct stream_id *id, uint64_t durable, bool ended,
    struct peer_schema *schema, struct stream **ret) MUST_CHECK;

/* Does the registry have this stream, and has it been heard? */
bool streams_know(struct streams *s, const struct stream_id *id);

/* A new stream continues from its state on disk, the one after batch 'seq'; 'durable' stays. */
void stream_resume(struct stream *st, uint64_t seq);

/* The stream's sensor was heard; 'captured': when its batch was closed, realtime ns, or 0. */
void stream_heard(struct stream *st, uint64_t now, uint64_t captured);

/* Add a node that an earlier collector knew: 'missing' until its sensor connects. -ENOMEM. */
int streams_remember(struct streams *s, const struct outbox_node *n) MUST_CHECK;

/* Forget a disconnected node. -ENOENT: unknown; -EBUSY: its sensor is connected. */
int streams_forget(struct streams *s, const char *cluster, const char *node) MUST_CHECK;

/* Return the newest stream of a node, held; NULL: the node is unknown. */
struct stream *streams_find(struct streams *s, const char *cluster, const char *node) MUST_CHECK;

/* Return the next stream, held, that the registry dropped because there were too many; NULL:
 * none. */
struct stream *streams_crowded_out(struct streams *s);

/* For how long, ns, a sensor that is well may not be heard: it polls every second, or as rarely as
 * it was told to, whatever else it does. */
uint64_t stream_silent_ns(const struct stream *st);

/* Is the stream's node seen at 'now', monotonic ns? */
enum sight stream_sight(const struct stream *st, uint64_t now);

/* For how long has the sensor not been heard, ns? A step of the clock does not change it, but for a
 * node that this collector has not heard yet. 'now' is monotonic. */
uint64_t stream_unheard_ns(const struct stream *st, uint64_t now);

struct stream *stream_ref(struct stream *st); /* returns st */
void stream_unref(struct stream *st);         /* NULL is nothing */

/* Ask the sensor for a new snapshot with each reply. Any thread; also the shard, when it has lost a
 * node's state or a part of the snapshot. The shard ends it when the snapshot is complete. */
void stream_want_snapshot(struct stream *st);

/* Set what the sensor reports as lost since its start; returns the sum. Late events are not
 * lost. */
uint64_t stream_set_drops(struct stream *st, Wire__Drop *const *v, size_t n);

/* Note what the sensor reports as done to it; NULL: nothing. */
void stream_set_harm(struct stream *st, const Wire__Harm *h);

/* Note for each type of event when the newest was, and how many came; 'offset' makes realtime of
 * their time. Shard thread. Without memory nothing is noted, and type_seen stays NULL. */
void stream_note_seen(struct stream *st, const struct batch *b, uint64_t offset);

/* Continue from these counts of events delivered, by EV_*, and the times of the newest, realtime
 * ns; 'counted': of struct stream. */
void stream_recount(struct stream *st, bool counted, const uint64_t delivered[EV_TYPE_MAX],
    const uint64_t seen_at[EV_TYPE_MAX]);

/* Bring the stream's accounts up to date with a batch whose events are noted. Returns true, and the
 * sum of all types, if the batch has accounts. Shard thread. */
bool stream_account(struct stream *st, const Wire__Batch *batch, struct account_row *sum);

/* Call fn for each stream, newest of each node first. fn may take long: the stream is held, and the
 * registry is not locked meanwhile. */
void streams_each(struct streams *s, void (*fn)(void *arg, struct stream *st), void *arg);

void stream_info_set(struct streams *s, struct stream *st, const struct stream_info *info);
void stream_info_get(struct streams *s, const struct stream *st, struct stream_info *ret);

#endif
