/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_peer.h - rate-limited log lines about peers.
 *
 * A peer can cause lines as often as it likes. Such a line goes through log_peer(): a burst of 10
 * and 1 a second per peer, a burst of 200 and 20 a second overall. Lines beyond are counted, and
 * log_peer_tick() reports them. Any thread.
 */
#ifndef MEWS_COMMON_LOG_PEER_H
#define MEWS_COMMON_LOG_PEER_H

#include "common/log.h"
#include <stdint.h>

#define LOG_PEER_BURST 10
#define LOG_PEER_PER_S 1
#define LOG_ALL_BURST  200
#define LOG_ALL_PER_S  20

/*
 * Log, unless there were too many lines. 'peer' identifies the cause by a name that the peer cannot
 * choose freely: that of a verified certificate, or an address without its port. A line below the
 * program's level is free and not counted.
 */
void log_peer(enum log_level level, const char *peer, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Report held back lines, at most every ten seconds per peer. Call it about every second. */
void log_peer_tick(void);

/* The same at once, at the program's end. */
void log_peer_flush(void);

/* Lines held back since the start, for a counter. */
uint64_t log_peer_held(void);

#endif
