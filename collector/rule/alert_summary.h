/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_summary.h - one alert for many matches of a rule, with their exact count.
 *
 * It is an alert of that rule like any other: the text and the output_fields are those of the first
 * match, and mews.suppressed.* in output_fields give the number of matches, by whom, when, and the
 * ids that their alerts would have had. All matches of a summary are of one batch. Belongs to the
 * shard thread that evaluates the batch.
 */
#ifndef MEWS_COLLECTOR_RULE_ALERT_SUMMARY_H
#define MEWS_COLLECTOR_RULE_ALERT_SUMMARY_H

#include "collector/rule/rule.h"

#define SUMMARY_BY 48

struct alert_summary {
	const struct rule *rule;
	uint64_t count;                 /* 0: no summary */
	uint64_t first_time, last_time; /* realtime ns */
	uint32_t first, last;           /* index of the event in the batch */
	char by[SUMMARY_BY];            /* "process 4711" */
	struct buf text, fields;        /* of the first match's alert */
	size_t own_end;                 /* in 'fields': where mews.suppressed.* are inserted */
};

/* Count a match. The first one provides the text and 'by'; it is counted even without memory for
 * the text. 's' is initially zero. */
void alert_summary_add(struct alert_summary *s, const struct rule *rule, const struct view *v,
    const struct alert_origin *o, const char *by, struct fscratch *fs);

/* Make the alert, and clear 's'. -ENOMEM: no alert, and 's' is cleared too. */
int alert_summary_end(struct alert_summary *s, const struct alert_origin *o,
    struct alert_scratch *scratch, struct alert **ret) MUST_CHECK;

void alert_summary_fini(struct alert_summary *s);

#endif
