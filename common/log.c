/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"
#include "common/diag.h"
#include "common/escape.h"
#include "common/journal.h"
#include "common/log_int.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *name;
	const char *colour;
	int priority; /* syslog's */
} levels[] = {
	[LOG_AUDIT] = { "audit", "", 5 },
	[LOG_ERROR] = { "error", "\033[1;31m", 3 },
	[LOG_WARN] = { "warn", "\033[33m", 4 },
	[LOG_INFO] = { "info", "", 6 },
	[LOG_DEBUG] = { "debug", "\033[2m", 7 },
};

static struct {
	const char *program;
	enum log_level level;
	bool journal, colour, json;
	int socket; /* the journal's; negative: none */
} conf = { .program = "mews", .level = LOG_INFO, .socket = -1 };

/* Compare stderr with the device and inode in JOURNAL_STREAM. A program whose stderr was redirected
 * inherits the variable, too. */
static bool
to_journal(void)
{
	const char *stream =
	    getenv("JOURNAL_STREAM"); /* NOLINT(concurrency-mt-unsafe): no threads */
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	dev = strtoull(stream, &end, 10);
	if (*end != ':')
		return false;
	ino = strtoull(end + 1, NULL, 10);
	return st.st_dev == dev && st.st_ino == ino;
}

void
log_init(const char *program, enum log_level level)
{
	conf.program = program;
	conf.level = level;
	conf.journal = to_journal();
	conf.colour = !conf.journal && isatty(STDERR_FILENO);
	log_journal(conf.journal ? JOURNAL_SOCKET : NULL);
}

void
log_journal(const char *path)
{
	if (conf.socket >= 0)
		(void) close(conf.socket);
	conf.socket = path != NULL ? journal_open(path) : -1;
}

int
log_format(const char *name)
{
	conf.json = strcmp(name, "json") == 0;
	return conf.json || strcmp(name, "text") == 0 ? 0 : -EINVAL;
}

int
log_level_of(const char *name)
{
	for (size_t i = LOG_ERROR; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(levels[i].name, name) == 0)
			return (int) i;
	}
	return -EINVAL;
}

bool
log_enabled(enum log_level level)
{
	return level <= conf.level;
}

/* Format the local time with its offset from UTC, RFC 3339: "2026-11-28T16:04:25.353+01:00". */
static void
now_text(char ret[40])
{
	struct timespec ts;
	char zone[8];
	struct tm tm;
	size_t n;

	(void) clock_gettime(CLOCK_REALTIME, &ts);
	(void) localtime_r(&ts.tv_sec, &tm);
	n = strftime(ret, 40, "%Y-%m-%dT%H:%M:%S", &tm);
	(void) strftime(zone, sizeof(zone), "%z", &tm);
	(void) snprintf(ret + n, 40 - n, ".%03ld%.3s:%.2s", ts.tv_nsec / 1000000, zone, zone + 3);
}

/* Quote text for JSON that is already escaped. */
static void
quote(char *out, size_t cap, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 2 < cap; text++) {
		if (*text == '"' || *text == '\\')
			out[n++] = '\\';
		out[n++] = *text;
	}
	out[n] = '\0';
}

/* Has the journal got the line, with its fields? */
static bool
sent(enum log_level level, const char *peer, const char *msg)
{
	char who[512];

	if (conf.socket < 0 || conf.json || (peer == NULL && level != LOG_AUDIT))
		return false;
	if (peer != NULL)
		(void) escape_text(who, sizeof(who), slice_str(peer));
	return journal_send(conf.socket, &(struct journal_line){ .priority = levels[level].priority,
					     .program = conf.program,
					     .level = levels[level].name,
					     .peer = peer != NULL ? who : NULL,
					     .message = msg }) == 0;
}

void
log_vabout(enum log_level level, const char *peer, const char *fmt, va_list ap)
{
	char raw[2048], msg[2 * sizeof(raw)], quoted[2 * sizeof(msg)], prefix[8] = "", when[40];

	if (!log_enabled(level))
		return;
	(void) vsnprintf(raw, sizeof(raw), fmt, ap);
	(void) escape_text(msg, sizeof(msg), slice_str(raw));
	if (sent(level, peer, msg))
		return;
	if (conf.journal)
		(void) snprintf(prefix, sizeof(prefix), "<%d>", levels[level].priority);
	if (conf.journal && !conf.json) { /* the journal adds the rest */
		fprintf(stderr, "%s%s\n", prefix, msg);
		return;
	}
	now_text(when);
	if (!conf.json) {
		fprintf(stderr, "%s%s %s %s: %s%s\n", conf.colour ? levels[level].colour : "", when,
		    conf.program, levels[level].name, msg, conf.colour ? "\033[0m" : "");
		return;
	}
	quote(quoted, sizeof(quoted), msg);
	fprintf(stderr,
	    "%s{\"time\":\"%s\",\"level\":\"%s\",\"program\":\"%s\",\"message\":\"%s\"}\n", prefix,
	    when, levels[level].name, conf.program, quoted);
}

void
log_vline(enum log_level level, const char *fmt, va_list ap)
{
	log_vabout(level, NULL, fmt, ap);
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vline(level, fmt, ap);
	va_end(ap);
}

void
log_diag(const struct diag *d)
{
	char place[32] = "";

	if (!conf.journal && !conf.json) {
		diag_print(stderr, d, "error");
		return;
	}
	if (d->line > 0)
		(void) snprintf(place, sizeof(place), ":%u:%u", d->line, d->col);
	log_line(LOG_ERROR, "%s%s%s%s", d->file, place, d->file[0] != '\0' ? ": " : "", d->msg);
}
