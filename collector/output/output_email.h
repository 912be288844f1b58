/* SPDX-License-Identifier: Apache-2.0 */
/* output_email.h - shared by output_email.c and email_conf.c only. */
#ifndef MEWS_COLLECTOR_OUTPUT_OUTPUT_EMAIL_H
#define MEWS_COLLECTOR_OUTPUT_OUTPUT_EMAIL_H

#include "collector/output/email_msg.h"
#include "collector/output/output.h"
#include <curl/curl.h>

#define EMAIL_ROWS 1000
#define RCPT_MAX   50
#define SECRET_MAX 512

enum sending { NOTHING, PENDING, TEST };

struct email_state {
	char *server, *from, *user, *password_file, *starttls, *ca, *cert, *key, *subject, *body;
	struct opt_list to;
	struct template *by_subject, *by_body; /* or NULL */
	uint64_t interval_ms, timeout_ms;
	bool tls;       /* required after EHLO, or from the start */
	char host[256]; /* of the server */

	CURL *easy;
	CURLM *multi;
	struct curl_slist *rcpt;
	struct buf message;
	size_t read; /* of 'message', by libcurl */
	enum sending sending;
	struct email_digest digest, test;
	uint64_t rows[EMAIL_ROWS];
	size_t n;            /* rows in the digest */
	uint64_t not_before; /* monotonic ns: the interval is over */
	uint64_t paused, pause;
	_Atomic uint64_t until; /* monotonic ns: by then nothing may block; 0: not yet known */
	output_done_fn *done;
	void *arg;
	char reply[256]; /* the server's latest line */
	char said[300];
	char error[CURL_ERROR_SIZE];
	char trouble[512];
};

#define EMAIL_OPTS 13
extern const struct opt email_opts[EMAIL_OPTS];
/* Check the options. -EINVAL and *d. */
int email_conf(struct email_state *st, struct cfg *cfg, struct diag *d) MUST_CHECK;
/* Read the password's file. -EINVAL and *d. */
int email_password(const struct email_state *st, char ret[SECRET_MAX], struct diag *d) MUST_CHECK;

#endif
