/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - log lines with fields of their own, for systemd's journal (its native protocol).
 *
 * Only for lines of a program that goes on: of a process that has ended meanwhile the journal does
 * not know the unit, which it does know of what came through standard error. Any thread may send.
 */
#ifndef MEWS_COMMON_JOURNAL_H
#define MEWS_COMMON_JOURNAL_H

#include "common/macros.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

struct journal_line {
	int priority;        /* syslog's */
	const char *program; /* SYSLOG_IDENTIFIER */
	const char *level;   /* MEWS_LEVEL */
	const char *peer;    /* MEWS_PEER, without control characters; NULL: none */
	const char *message; /* one line, without control characters */
};

/* A descriptor for the journal's socket at 'path', the caller's to close, or -errno. */
int journal_open(const char *path) MUST_CHECK;

/* Send a line, without waiting. 0, or -errno: the line is not in the journal. */
int journal_send(int fd, const struct journal_line *line) MUST_CHECK;

#endif
