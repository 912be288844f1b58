/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert.h - an alert: made by a shard, kept by the outbox, sent by the outputs.
 */
#ifndef MEWS_COLLECTOR_ALERT_ALERT_H
#define MEWS_COLLECTOR_ALERT_ALERT_H

#include "common/macros.h"
#include <stddef.h>
#include <stdint.h>

#define ALERT_ID_SIZE 37 /* a UUID, 36 characters, and a NUL */

/* Falco's priorities; the number is syslog's. */
enum priority {
	PRIO_EMERGENCY,
	PRIO_ALERT,
	PRIO_CRITICAL,
	PRIO_ERROR,
	PRIO_WARNING,
	PRIO_NOTICE,
	PRIO_INFORMATIONAL,
	PRIO_DEBUG,
};

const char *priority_name(enum priority p);   /* "Warning" */
int priority_of(const char *name) MUST_CHECK; /* any case, "info" too; or -EINVAL */

/*
 * One alert. Complete once alert_new() returns, and not changed after; owned by the holder of the
 * pointer (shard -> outbox), freed with alert_free().
 */
struct alert {
	struct alert *next;     /* in the outbox transaction it belongs to */
	char id[ALERT_ID_SIZE]; /* deterministic: see alert_id() */
	enum priority priority;
	uint64_t time; /* realtime ns of the event */
	const char *rule;
	const char *cluster, *node;
	const char *json; /* Falco's alert shape, one line, no newline */
	size_t json_len;
	/* the texts follow in the same allocation */
};

/* Make an alert with copies of the texts. -ENOMEM. */
int alert_new(const struct alert *from, struct alert **ret) MUST_CHECK;
void alert_free(struct alert *a);

#endif
