/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_ingest_kit.h - shared by the tests of this folder: a recording shard, a fleet's
 * certificates, and a scripted sensor.
 */
#ifndef MEWS_COLLECTOR_INGEST_TEST_INGEST_KIT_H
#define MEWS_COLLECTOR_INGEST_TEST_INGEST_KIT_H

#include "collector/ingest/ingest_int.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <nng/nng.h>

#define KIT_BOOT "01234567-89ab-cdef-0123-456789abcdef"

/* ---- the shard, which records its ops: "H", "B1", "S0", "S2!", "Y" (bye) ---- */

struct shard {
	pthread_mutex_t lock;
	unsigned room;         /* ops that it still takes */
	unsigned out_of_order; /* batches that did not follow their stream's previous one */
	struct {
		const struct stream *stream;
		uint64_t last;
	} seen[16];
	char log[4096];
};

void kit_shard_init(struct shard *s);
void kit_shard_room(struct shard *s, unsigned room);
void kit_shard_log(struct shard *s, char out[4096]);

/* Set the outbox's answer for every stream. */
void kit_outbox(uint64_t durable, int r);

/* ---- an ingest without a network, and one connection to it ---- */

struct room {
	struct shard shard;
	struct streams *streams;
	struct ingest *i;
	struct conn *c;
	uint64_t now; /* monotonic ns; 0: what the clock says */
	uint32_t pipe;
	struct buf out;   /* the message that room_say() sends */
	struct reply rep; /* to it */
};

void room_init(struct room *w, uint64_t now, uint64_t durable);
void room_fini(struct room *w);
void room_connect(struct room *w, const char *peer); /* anew */
void room_say(struct room *w);

/* ---- requests; borrowed from static texts, packed at once ---- */

void kit_hello(struct buf *out, const char *node, const char *cluster, uint64_t start);
void kit_hello_in(
    struct buf *out, uint32_t protocol, const char *node, const char *cluster, uint64_t start);
void kit_hello_unfit(struct buf *out, const char *node); /* its events are none of ours */
void kit_batch(struct buf *out, uint64_t seq, uint32_t interest);
void kit_poll(struct buf *out, uint32_t interest, uint64_t skip_to);
void kit_bye(struct buf *out, uint64_t last_seq);
void kit_pack(const Wire__Request *q, struct buf *out);

/* ---- the fleet: a folder of certificates, made by pki.h; removed by kit_pki_fini() ---- */

struct kit_pki {
	char dir[TMPDIR_SIZE];
};

void kit_pki_init(struct kit_pki *p);
void kit_pki_fini(struct kit_pki *p);
void kit_issue(struct kit_pki *p, int kind, const char *name, int days);
/* "DIR/NAME", in one of a few static buffers. */
const char *kit_file(const struct kit_pki *p, const char *name);

/* ---- a sensor ---- */

struct kit_sensor {
	nng_socket sock;
};

/* Dial; returns NNG's error. 'cert' may be NULL: none is presented. */
int kit_dial(struct kit_sensor *s, const char *url, const char *ca, const char *cert,
    const char *key, const char *server);
void kit_hang_up(struct kit_sensor *s);

/* Send, and wait for the reply; NULL: the connection ended, or nothing came in time. */
Wire__Reply *kit_ask(struct kit_sensor *s, const struct buf *request);

/* The same in its own context: several threads may ask at a time. */
Wire__Reply *kit_ask_ctx(struct kit_sensor *s, const struct buf *request);

/* Make a Proof for this challenge with that certificate and key. */
void kit_proof(struct buf *out, const Wire__Challenge *c, const char *node, const char *cluster,
    const char *cert, const char *key);

struct kit_who {
	const char *url, *ca, *cert, *key, *server, *node, *cluster;
};

/* Connect up to Welcome, as a sensor started at 'start'. False: refused. The caller hangs
 * up in either case. */
bool kit_join(struct kit_sensor *s, const struct kit_who *w, struct buf *out, uint64_t start);

#endif
