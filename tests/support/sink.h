/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink.h - a server for tests of outputs: takes what it is sent, and keeps it.
 *
 * A thread of its own serves any number of connections. It listens at a new address each time,
 * on loopback or below tmpdir.
 */
#ifndef MEWS_TESTS_SUPPORT_SINK_H
#define MEWS_TESTS_SUPPORT_SINK_H

#include <stdbool.h>
#include <stddef.h>

enum sink_kind { SINK_UNIX, SINK_UDP, SINK_TCP };

struct sink;

/* Start one; a failure ends the test. */
struct sink *sink_start(enum sink_kind kind);
void sink_stop(struct sink *s);

/* "unix:PATH", "udp://127.0.0.1:PORT", "tcp://127.0.0.1:PORT"; valid until sink_stop(). */
const char *sink_address(const struct sink *s);

/* Read on, or leave everything in the kernel. */
void sink_pause(struct sink *s, bool pause);

/* Close all connections, with a reset where something is unread; new ones are accepted. */
void sink_cut(struct sink *s);

/* How many connections it has accepted. */
size_t sink_connections(struct sink *s);

/* Copy what has come so far, each datagram with a newline after it; returns its length. */
size_t sink_text(struct sink *s, char *ret, size_t size);

#endif
