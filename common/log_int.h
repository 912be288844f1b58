/* SPDX-License-Identifier: Apache-2.0 */
/* log_int.h - log lines about peers, and where lines with fields go: for log_peer.c and tests. */
#ifndef MEWS_COMMON_LOG_INT_H
#define MEWS_COMMON_LOG_INT_H

#include "common/log.h"

/*
 * As log_vline(), of a line about a peer (NULL: none). In systemd's journal it has the fields
 * MEWS_LEVEL and MEWS_PEER; so have lines of LOG_AUDIT, without a peer.
 */
void log_vabout(enum log_level level, const char *peer, const char *fmt, va_list ap)
    PRINTF_LIKE(3, 0);

/* Send such lines to the journal's socket at 'path' (NULL: to none) in place of standard error, to
 * which they still go if it does not take them. log_init() does this; no thread may log meanwhile.
 */
void log_journal(const char *path);

#endif
