/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_link_peer.h - a peer for tests of the link: in memory, with its own clock. It logs the
 * link's requests in one line; the test gives the answers.
 */
#ifndef MEWS_SENSOR_TEST_LINK_PEER_H
#define MEWS_SENSOR_TEST_LINK_PEER_H

#include "common/clock.h"
#include "sensor/link.h"
#include "sensor/message.h"
#include "tests/support/test.h"

#define MS NS_PER_MS

struct peer {
	struct link link;
	struct spool spool;
	uint64_t now;
	char log[4096]; /* "open hello batch1 poll close ..." */
	char note[512];
	int open_fails;
	uint64_t interest, snapshot;
	struct {
		bool busy;
		char what[32];
	} out[LINK_SLOTS];
};

int peer_pack(struct buf *out, Wire__Request__BodyCase kind, void *body);
void peer_begin(struct peer *p);
void peer_end(struct peer *p);
void peer_expect(struct peer *p, const char *want);
void peer_tick(struct peer *p, uint64_t ms);
void peer_after(struct peer *p, uint64_t ms, const char *want); /* tick, and expect */
void peer_add(struct peer *p, int n);
void peer_reply(struct peer *p, const char *what, const Wire__Reply *r);
void peer_ack(
    struct peer *p, const char *what, uint64_t received, uint64_t durable, uint32_t credit);
void peer_reject(struct peer *p, const char *what, Wire__Reject__Code code, bool stream);
void peer_welcome(struct peer *p, const char *what, uint64_t next, uint32_t credit);
void peer_up(struct peer *p, uint64_t next, uint32_t credit);
/* A link that is up, with n batches in the spool. */
void peer_start(struct peer *p, int n, uint32_t credit);

#endif
