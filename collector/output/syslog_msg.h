/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syslog_msg.h - an alert as a message of syslog: RFC 5424, or the older BSD format (RFC 3164).
 *
 * The watched programs wrote parts of an alert: nothing of it can end the message or one of its
 * fields, or add one.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_SYSLOG_MSG_H
#define MEWS_COLLECTOR_OUTPUT_SYSLOG_MSG_H

#include "collector/alert/alert.h"
#include "collector/output/template.h"
#include "collector/output/text.h"
#include "common/buf.h"
#include "common/macros.h"
#include <stdbool.h>

enum syslog_header {
	SYSLOG_5424,
	SYSLOG_BSD,   /* with the host: for a remote server */
	SYSLOG_LOCAL, /* BSD without the host: what syslog(3) writes to /dev/log */
};

struct syslog_form {
	enum syslog_header header;
	unsigned facility;
	const char *app;         /* valid: syslog_app_ok() */
	const char *sd_id;       /* of the structured data; valid: syslog_sd_id_ok(); NULL: none */
	enum text_format format; /* of the text: safe on a terminal, or TEXT_BARE */
	const struct template *template; /* of the text, a line; NULL: the format says */
	size_t max;                      /* bytes of a message */
};

int syslog_facility_of(const char *name) MUST_CHECK; /* "local0": 16; or -EINVAL */
bool syslog_app_ok(const char *s);
bool syslog_sd_id_ok(const char *s);

/* Append the message, without framing. If it would be longer than 'max', the alert's longest texts
 * are cut. -EMSGSIZE: too long even so. -ENOMEM. */
int syslog_msg(const struct syslog_form *f, const struct alert *a, struct buf *ret) MUST_CHECK;

#endif
