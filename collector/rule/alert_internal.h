/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_internal.h - an alert that no rule raised: Mews reports about itself.
 *
 * For what blinds or harms detection: lost events, a damaged outbox. It has the shape of every
 * other alert, so outputs and queries treat it like any; its source is "internal", its tags are
 * "mews" and "internal". Pure functions, any thread.
 */
#ifndef MEWS_COLLECTOR_RULE_ALERT_INTERNAL_H
#define MEWS_COLLECTOR_RULE_ALERT_INTERNAL_H

#include "collector/alert/alert.h"
#include <stdbool.h>

/* One of output_fields; 'text' NULL: the number. */
struct alert_internal_field {
	const char *name; /* "mews.rows_lost" */
	const char *text;
	uint64_t number;
};

/* All texts are borrowed for the call. */
struct alert_internal {
	const char *rule; /* in place of a rule's name: "Mews outbox damaged" */
	enum priority priority;
	const char *cluster, *node; /* the affected node; or the collector's own name */
	uint64_t time;              /* realtime ns */
	const char *output;         /* one sentence, without time and priority */
	const struct alert_internal_field *fields; /* after evt.time and mews.cluster */
	size_t nfields;
	/* Identifies the occasion, so that raising it again gives the same id: a UUID from the
	 * SHA-256 of cluster, node, rule and this text. */
	const char *identity;
};

struct alert_json; /* rule.h: parts of an alert that the configuration leaves out or adds */

/* Make the alert. 'shape' NULL: Falco's defaults. -ENOMEM. */
int alert_internal(const struct alert_internal *from, const struct alert_json *shape,
    struct alert **ret) MUST_CHECK;

#endif
