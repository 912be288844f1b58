/* SPDX-License-Identifier: Apache-2.0 */
/*
 * email_msg.h - alerts as a mail: one alert, or many as a digest with a count for each rule and
 * node.
 *
 * The sum of the counts is the number of matches, always: a storm's summary counts as those that it
 * stands for (repeats.h). The bodies, plain and HTML, are base64,
 * and the texts of headers are RFC 2047 words or checked addresses: no event can add a header or
 * markup. One thread.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_EMAIL_MSG_H
#define MEWS_COLLECTOR_OUTPUT_EMAIL_MSG_H

#include "collector/alert/alert.h"
#include "collector/output/template.h"
#include "common/buf.h"
#include "common/macros.h"
#include <stdbool.h>

#define EMAIL_GROUPS 50

/* The alerts of one rule on one node. */
struct email_group {
	char rule[256], node[256], cluster[128];
	char text[1024]; /* output of the first, or its 'body', escaped for display */
	enum priority priority;
	uint64_t count, first, last; /* realtime ns */
};

/* Alerts for a mail; zeroed at first, except for the templates. */
struct email_digest {
	const struct template *subject, *body; /* lines, or NULL: the usual ones */
	char title[256];                       /* the subject of the first alert, if there is one */
	struct email_group group[EMAIL_GROUPS];
	size_t n;
	uint64_t count, others; /* all matches; those of further groups */
	uint64_t first, last;   /* realtime ns */
	enum priority worst;
	char id[ALERT_ID_SIZE]; /* of the first alert: the mail's identity */
};

void email_add(struct email_digest *m, const struct alert *a);
void email_clear(struct email_digest *m);

/* Can it be an address in a header and in SMTP? "ops@example.org", ASCII. */
bool email_is_address(const char *s);

/* Append the mail, with CRLF at the end of each line. 'from' and 'to': checked addresses. 'now':
 * realtime ns. Check buf_ok(). */
void email_message(const struct email_digest *m, const char *from, const char *const *to,
    size_t nto, uint64_t now, struct buf *ret);

/* Append its plain text only. */
void email_plain(const struct email_digest *m, struct buf *ret);
/* Append its HTML only. */
void email_html(const struct email_digest *m, struct buf *ret);
/* Append its subject, not encoded. */
void email_subject(const struct email_digest *m, struct buf *ret);

#endif
