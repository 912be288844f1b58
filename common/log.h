/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - log lines on standard error.
 *
 * Programs log; libraries (common, proto, filter, output) return errors. Any thread may call. Level
 * and format are set once, before the first thread starts. A line begins with date, time and zone
 * (RFC 3339), or, if standard error is systemd's journal, with the journal's <priority>. Colours
 * only on a terminal. As JSON, a line is an object with time, level, program and message. Text is
 * always escaped (escape.h): a line stays one line and cannot move the cursor. Lines that others
 * can cause must use log_peer.h.
 */
#ifndef MEWS_COMMON_LOG_H
#define MEWS_COMMON_LOG_H

#include "common/macros.h"
#include <stdarg.h>
#include <stdbool.h>

/* LOG_AUDIT: what somebody changed; written whatever the level. */
enum log_level { LOG_AUDIT, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* 'program' is borrowed and prefixes each line. */
void log_init(const char *program, enum log_level level);

/* Select "text" (the default) or "json". -EINVAL: neither. */
int log_format(const char *name) MUST_CHECK;

/* The level of a name ("error", "warn", "info", "debug"), or -EINVAL; "audit" is none. */
int log_level_of(const char *name) MUST_CHECK;

/* Are lines of this level written? */
bool log_enabled(enum log_level level);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_vline(enum log_level level, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);

struct diag;

/* Log an error in user input: with the line and a caret for people; as one log line for the journal
 * or JSON. */
void log_diag(const struct diag *d);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
