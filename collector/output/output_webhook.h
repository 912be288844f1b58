/* SPDX-License-Identifier: Apache-2.0 */
/* output_webhook.h - shared by output_webhook.c, webhook_conf.c and webhook_reply.c only. */
#ifndef MEWS_COLLECTOR_OUTPUT_OUTPUT_WEBHOOK_H
#define MEWS_COLLECTOR_OUTPUT_OUTPUT_WEBHOOK_H

#include "collector/output/fold.h"
#include "collector/output/hide.h"
#include "collector/output/output.h"
#include "collector/output/template.h"
#include "collector/output/text.h"
#include "common/buf.h"
#include <curl/curl.h>
#include <jansson.h>

#define WEBHOOK_BATCH      500 /* most alerts in a request */
#define WEBHOOK_PARALLEL   16
#define WEBHOOK_PARAMS     "outputs.webhook.params"
#define WEBHOOK_PARAMS_MAX 16
#define WEBHOOK_PRESETS    "/usr/share/mews/presets"

/* How the body of a 2xx answer reports failure. */
enum webhook_reply {
	WEBHOOK_STATUS, /* it does not */
	WEBHOOK_OK,     /* the text "ok", or an object with "ok": true: Slack */
	WEBHOOK_CODE,   /* an object with "code": 0: Splunk */
	WEBHOOK_BULK,   /* "items" with a status each: Elasticsearch */
};

struct webhook_request {
	CURL *easy;
	struct curl_slist *headers; /* as last read; NULL: those of the start */
	struct buf body, reply;
	struct buf packed; /* the body, if it is compressed */
	uint64_t rows[WEBHOOK_BATCH];
	size_t n;
	bool busy;
	char error[CURL_ERROR_SIZE];
};

struct webhook_state {
	/* options */
	char *url, *preset, *format_name, *ca, *cert, *key, *proxy;
	struct opt_list headers, header_files;
	uint64_t timeout_ms, parallel, batch, max, fold_ms;
	char *fold_name, *compression;
	struct opt_list fold_by;
	/* from the preset */
	struct cfg *preset_cfg;
	char *content_type, *escape, *body, *before, *between, *after, *reply_name;
	uint64_t preset_batch;
	bool people; /* read it */
	enum webhook_reply reply;
	struct template *body_template; /* NULL: the alert in a format */
	enum text_format format;
	bool gzip;                              /* compress bodies */
	struct curl_slist *list;                /* headers, as read at the start */
	char host[256];                         /* the URL may be a secret: only this is shown */
	struct slice param[WEBHOOK_PARAMS_MAX]; /* the values of parameters */
	size_t nparam;

	struct fold *fold; /* NULL: each alert is sent */
	struct fold_note *note;
	bool release; /* what is held goes now */

	CURLM *multi;
	struct webhook_request *request; /* 'parallel' of them */
	struct webhook_request *filling; /* takes further alerts, or NULL */
	size_t busy;
	uint64_t newest;     /* row submitted last */
	uint64_t solo_until; /* send rows up to here one at a time */
	uint64_t cut_row;    /* send this row with at most cut_limit bytes of JSON */
	size_t cut_limit;
	uint64_t not_before; /* monotonic ns: the server asked us to wait */
	output_done_fn *done;
	void *arg;
	char trouble[512];
	char said[256]; /* the server's answer to the latest test */
};

/* The table of options, and the reading of them, the preset and the headers. -EINVAL and *d. */
#define WEBHOOK_OPTS 17
extern const struct opt webhook_opts[WEBHOOK_OPTS];
int webhook_conf(struct webhook_state *st, struct cfg *cfg, struct diag *d) MUST_CHECK;
/* Make the list of headers; files are read again. 'cfg' may be NULL: then *d has no place. -EINVAL
 * and *d; -ENOMEM. */
int webhook_headers(const struct webhook_state *st, struct cfg *cfg, struct curl_slist **ret,
    struct diag *d) MUST_CHECK;
void webhook_conf_fini(struct webhook_state *st);
/* Collect the secrets that an answer may contain: of the URL, the parameters, and the headers of
 * 'headers'. 'ret' borrows them. */
void webhook_secrets(
    const struct webhook_state *st, const struct curl_slist *headers, struct hide *ret);

/* ---- webhook_request.c ---- */

/* Set what all requests have in common. -ENOMEM. */
int webhook_set_up(struct webhook_state *st, struct webhook_request *q) MUST_CHECK;
/* Get the request that takes the next alert, or NULL: all are under way. */
struct webhook_request *webhook_taker(struct webhook_state *st);
/* Append an alert to a body; 'repeats' as in template_fill(). -EMSGSIZE: too large; -EBADMSG;
 * -ENOMEM. */
int webhook_fill(struct webhook_state *st, const struct outbox_row *row,
    const struct repeats *repeats, struct buf *body) MUST_CHECK;
/* Send the request that was filled. */
void webhook_launch(struct webhook_state *st);
/* A request cannot be sent: its alerts are submitted again. */
void webhook_put_back(struct webhook_state *st, struct webhook_request *q, const char *why);
/* Note the current trouble. */
void webhook_note(struct webhook_state *st, const char *why);

/* ---- webhook_reply.c ---- */

/* How an answer ends an alert. */
struct webhook_verdict {
	enum output_result result;
	bool size; /* refused because it is too large */
	char why[256];
};

int webhook_reply_of(const char *name, enum webhook_reply *ret) MUST_CHECK;

/* Judge an answer: for the request as a whole. What is shown of it has no secret of 'hide', which
 * may be NULL. */
struct webhook_verdict webhook_judge(enum webhook_reply kind, long status, struct slice body,
    const char *host, const struct hide *hide);

/* The same for alert 'i' of a WEBHOOK_BULK answer with status 2xx. */
struct webhook_verdict webhook_judge_item(
    const json_t *items, size_t i, const char *host, const struct hide *hide);
/* The items of an answer that webhook_judge() found delivered; the caller's. NULL: no memory. */
json_t *webhook_items(struct slice body);

/* Describe an answer in a sentence. */
void webhook_describe(
    long status, struct slice body, const struct hide *hide, char *ret, size_t max);

#endif
