/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xport.h - connections over NNG: REQ sockets with contexts, one socket per connection.
 *
 * NNG's callbacks run on its own threads; they only post events and wake the loop, which delivers
 * them in xport_dispatch(). All functions here are called by the loop thread; only wake() runs on
 * other threads. Connecting and closing block, so threads of this module do both. A closed
 * connection is torn down in the background and delivers nothing more.
 *
 * NNG's own resending and reconnecting are off: the link does both.
 */
#ifndef MEWS_SENSOR_XPORT_H
#define MEWS_SENSOR_XPORT_H

#include "common/macros.h"
#include "sensor/identity.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xport;
struct xport_end; /* one node's end */

/* Events, delivered by xport_dispatch(). After closed(), call xport_close(), from within or soon
 * after: until then a lost connection may be reported more than once. 'why' is one sentence;
 * 'absent': nothing answers at the address, so retrying is cheap. */
struct xport_events {
	void (*opened)(void *arg);
	void (*closed)(void *arg, const char *why, bool absent);
	void (*reply)(void *arg, unsigned slot, const void *msg, size_t n);
};

/* 'dialers': number of concurrent connects. wake() is called from any thread. -ENOMEM, -EAGAIN. */
int xport_new(unsigned dialers, void (*wake)(void *arg), void *arg, struct xport **ret) MUST_CHECK;

/* Free all ends first. Waits half a second for NNG to release every connection; after that it
 * leaves everything allocated until the process exits. */
void xport_free(struct xport *x);

struct xport_cfg {
	const char *url;         /* borrowed */
	const char *server_name; /* of the collector's certificate; borrowed */
	unsigned slots;          /* contexts */
	size_t recv_max;         /* bytes of a message from the collector */
};

int xport_end_new(struct xport *x, const struct xport_cfg *cfg, const struct xport_events *ev,
    void *arg, struct xport_end **ret) MUST_CHECK;
void xport_end_free(struct xport_end *e);

/* Connect; opened() or closed() follows. Takes a reference to 'id'; NULL without TLS. */
int xport_open(struct xport_end *e, struct identity *id) MUST_CHECK;

/* Close the connection, if any. Does not block; nothing more is delivered. */
void xport_close(struct xport_end *e);

/*
 * Is the collector's certificate still valid? Checks the expiry, which is cheap; with 'id', also
 * that its authority issued it and has not revoked it. False: 'why' is one sentence, and the
 * connection should be closed. True without a connection, or without TLS.
 */
bool xport_trusts(struct xport_end *e, const struct identity *id, char *why, size_t n) MUST_CHECK;

/* Send a copy on an idle slot; reply() or closed() follows. */
int xport_send(struct xport_end *e, unsigned slot, const void *msg, size_t n) MUST_CHECK;

/* Deliver posted events. */
void xport_dispatch(struct xport *x);

#endif
