/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_peer.h - lines that somebody else can cause, as many as a person can read.
 *
 * Whoever speaks to us over a socket decides how often we have something to say of them. Such a
 * line goes through log_peer(): 10 at once and 1 a second of each peer, 200 at once and 20 a second
 * of all together. What is beyond is counted, and told by log_peer_tick(). Any thread.
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
 * Log, unless there was much of late. 'peer' says who caused it, by a name that the peer cannot
 * choose freely: of a verified certificate, or an address without its port. A line below the
 * program's level costs and counts nothing.
 */
void log_peer(enum log_level level, const char *peer, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Tell what was held back, once in ten seconds per peer. To be called about every second. */
void log_peer_tick(void);

/* The same without waiting, at the program's end. */
void log_peer_flush(void);

/* Lines held back since the start, for a counter. */
uint64_t log_peer_held(void);

#endif
