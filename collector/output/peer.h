/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.h - a connection of an output to its destination, which never blocks: a unix datagram
 * socket, UDP, TCP, or TLS over TCP.
 *
 * Belongs to one thread. A broken connection is opened again, with a growing pause; only resolving
 * the host's name may take as long as the resolver's time limit. What the destination sends is read
 * and ignored. A stream counts the bytes that the destination's kernel has confirmed, so that its
 * owner knows what a broken connection may have lost.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_PEER_H
#define MEWS_COLLECTOR_OUTPUT_PEER_H

#include "collector/output/peer_tls.h"
#include "common/diag.h"
#include "common/macros.h"
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum peer_kind { PEER_UNIX, PEER_UDP, PEER_TCP, PEER_TLS };

/* Where to connect. Texts are borrowed. */
struct peer_to {
	enum peer_kind kind;
	char host[256]; /* or the path of the unix socket */
	char port[8];
	struct peer_tls tls;
};

enum peer_state { PEER_DOWN, PEER_CONNECTING, PEER_HANDSHAKING, PEER_UP };

struct peer {
	struct peer_to to;
	enum peer_state state;
	int fd1; /* the descriptor plus 1, so that zero means closed */
	SSL *ssl;
	uint64_t sent;     /* bytes that the socket took */
	uint64_t up_at;    /* monotonic ns */
	uint64_t retry_at; /* monotonic ns: not connected before */
	uint64_t give_up;  /* monotonic ns: connecting has failed then */
	unsigned pause_ms;
	char why[400]; /* the reason why it is down, or "" */
};

/* Parse "unix:/dev/log", "udp://HOST:PORT", "tcp://HOST:PORT", "tls://HOST:PORT"; a HOST of IPv6 is
 * in brackets; without :PORT it is 514, 601, 6514. -EINVAL. */
int peer_parse(const char *address, struct peer_to *ret) MUST_CHECK;

/* Check the files of TLS. -EINVAL and *d. */
int peer_check(const struct peer_to *to, struct diag *d) MUST_CHECK;

/* Connect if it is down and the pause is over, or continue to; notice a closed connection. Returns
 * 1: it is up; 0: it is not, see 'why'. -errno: a connection that was up has just broken. */
int peer_go_on(struct peer *p) MUST_CHECK;

/* Send; a datagram whole. Only while it is up. The bytes taken; -EAGAIN: none at the moment;
 * -EMSGSIZE: longer than a datagram can be; another -errno: it is broken, and closed. */
long peer_send(struct peer *p, const void *data, size_t n) MUST_CHECK;

/* How many of the bytes 'sent' the destination's kernel has confirmed; a datagram's are. */
uint64_t peer_confirmed(const struct peer *p);

/* Wait until it can take bytes ('write'), connects, breaks, or the time is over. */
void peer_wait(const struct peer *p, bool write, int timeout_ms);

/* Close; it is connected again after a pause. 'why' may be NULL. */
void peer_break(struct peer *p, const char *why);
void peer_close(struct peer *p);

#endif
