/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log.h"
#include "common/escape.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *name;
	const char *colour;
	int priority; /* syslog's */
} levels[] = {
	[LOG_ERROR] = { "error", "\033[1;31m", 3 },
	[LOG_WARN] = { "warn", "\033[33m", 4 },
	[LOG_INFO] = { "info", "", 6 },
	[LOG_DEBUG] = { "debug", "\033[2m", 7 },
};

static struct {
	const char *program;
	enum log_level level;
	bool journal, colour;
} conf = { .program = "mews", .level = LOG_INFO };

void
log_init(const char *program, enum log_level level)
{
	conf.program = program;
	conf.level = level;
	conf.journal =
	    getenv("JOURNAL_STREAM") != NULL; /* NOLINT(concurrency-mt-unsafe): before threads */
	conf.colour = !conf.journal && isatty(STDERR_FILENO);
}

int
log_level_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
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

void
log_vline(enum log_level level, const char *fmt, va_list ap)
{
	char raw[2048], msg[2 * sizeof(raw)], when[40];
	struct timespec ts;
	struct tm tm;

	if (!log_enabled(level))
		return;
	(void) vsnprintf(raw, sizeof(raw), fmt, ap);
	(void) escape_text(msg, sizeof(msg), slice_str(raw));
	if (conf.journal) {
		fprintf(stderr, "<%d>%s\n", levels[level].priority, msg);
		return;
	}
	(void) clock_gettime(CLOCK_REALTIME, &ts);
	(void) localtime_r(&ts.tv_sec, &tm);
	(void) strftime(when, sizeof(when), "%H:%M:%S", &tm);
	fprintf(stderr, "%s%s.%03ld %s %s: %s%s\n", conf.colour ? levels[level].colour : "", when,
	    ts.tv_nsec / 1000000, conf.program, levels[level].name, msg,
	    conf.colour ? "\033[0m" : "");
}

void
log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vline(level, fmt, ap);
	va_end(ap);
}
