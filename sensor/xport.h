/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xport.h - connections over NNG: REQ sockets with contexts, one socket per connection.
 *
 * NNG's callbacks run on its own threads; they only post what happened and wake the loop, which
 * takes it in xport_dispatch(). Everything here is called by the loop thread, but for what wake()
 * does. Connecting blocks, and so does closing: threads of this module do both. A connection that
 * was given up is closed behind the scenes; nothing of it is delivered any more.
 *
 * NNG neither sends again nor reconnects by itself here: both are the link's.
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

/* What is delivered, by xport_dispatch(). After closed() call xport_close(), from within or soon
 * after: until then a lost connection may be told more than once. 'why' is one sentence; 'absent':
 * nothing answers there, so that trying again costs nobody much. */
struct xport_events {
	void (*opened)(void *arg);
	void (*closed)(void *arg, const char *why, bool absent);
	void (*reply)(void *arg, unsigned slot, const void *msg, size_t n);
};

/* 'dialers': how many connect at the same time. wake() is called from any thread. -ENOMEM, -EAGAIN.
 */
int xport_new(unsigned dialers, void (*wake)(void *arg), void *arg, struct xport **ret) MUST_CHECK;

/* Ends are freed before. Waits until NNG has let go of every connection; if it does not for three
 * seconds, everything is left as it is, for the end of the process. */
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

/* Connect; opened() or closed() follows. 'id' is held; NULL without TLS. */
int xport_open(struct xport_end *e, struct identity *id) MUST_CHECK;

/* Give the connection up, if there is one. Does not block; nothing of it is delivered any more. */
void xport_close(struct xport_end *e);

/*
 * Is the collector's certificate still good? Its expiry, which costs nothing; and, with 'id' not
 * NULL, everything: whether it is of the authority of 'id', and not revoked. False: 'why' is one
 * sentence, and the connection should be given up. True without a connection, or without TLS.
 */
bool xport_trusts(struct xport_end *e, const struct identity *id, char *why, size_t n) MUST_CHECK;

/* Send a copy on a slot that has no request out; reply() follows, or closed(). */
int xport_send(struct xport_end *e, unsigned slot, const void *msg, size_t n) MUST_CHECK;

/* Deliver what was posted. */
void xport_dispatch(struct xport *x);

#endif
