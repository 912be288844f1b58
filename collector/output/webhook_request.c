/* SPDX-License-Identifier: Apache-2.0 */
/* webhook_request.c - requests of the webhook output: set up, filled, sent. */
#include "collector/output/output_webhook.h"
#include "collector/output/text.h"
#include "common/clock.h"
#include <errno.h>
#include <limits.h>
#include <zlib.h>

#define REPLY_MAX (1 << 20) /* of an answer, the rest is not kept */
#define CUT_LEAST 256       /* an alert cut to less is useless */

void
webhook_note(struct webhook_state *st, const char *why)
{
	(void) snprintf(st->trouble, sizeof(st->trouble), "webhook: %s", why);
}

static size_t
on_reply(char *data, size_t one, size_t n, void *arg)
{
	struct webhook_request *q = arg;

	(void) one;
	if (q->reply.n < REPLY_MAX)
		buf_add(&q->reply, data, n);
	return n;
}

static const char *
unless_empty(const char *s)
{
	return s == NULL || *s == '\0' ? NULL : s;
}

int
webhook_set_up(struct webhook_state *st, struct webhook_request *q)
{
	CURL *c = curl_easy_init();
	bool bad;

	if (c == NULL)
		return -ENOMEM;
	q->easy = c;
	bad = curl_easy_setopt(c, CURLOPT_URL, st->url) != CURLE_OK ||
	      curl_easy_setopt(c, CURLOPT_HTTPHEADER, st->list) != CURLE_OK ||
	      curl_easy_setopt(c, CURLOPT_PROXY, st->proxy == NULL ? "" : st->proxy) != CURLE_OK ||
	      curl_easy_setopt(c, CURLOPT_USERAGENT, "mews/" MEWS_VERSION) != CURLE_OK ||
	      curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") != CURLE_OK ||
	      curl_easy_setopt(c, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) != CURLE_OK;
	if (unless_empty(st->ca) != NULL)
		bad |= curl_easy_setopt(c, CURLOPT_CAINFO, st->ca) != CURLE_OK ||
		       curl_easy_setopt(c, CURLOPT_CAPATH, NULL) != CURLE_OK;
	if (unless_empty(st->cert) != NULL)
		bad |= curl_easy_setopt(c, CURLOPT_SSLCERT, st->cert) != CURLE_OK ||
		       curl_easy_setopt(c, CURLOPT_SSLKEY, st->key) != CURLE_OK;
	(void) curl_easy_setopt(c, CURLOPT_POST, 1L);
	(void) curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void) curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
	(void) curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long) st->timeout_ms);
	(void) curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_reply);
	(void) curl_easy_setopt(c, CURLOPT_WRITEDATA, q);
	(void) curl_easy_setopt(c, CURLOPT_ERRORBUFFER, q->error);
	(void) curl_easy_setopt(c, CURLOPT_PRIVATE, q);
	return bad ? -ENOMEM : 0;
}

int
webhook_fill(struct webhook_state *st, const struct outbox_row *row, const struct repeats *repeats,
    struct buf *body)
{
	CLEANUP(buf_fini) struct buf cut = BUF_INIT;
	const struct alert *a = &row->alert;
	struct slice json = { a->json, a->json_len };
	size_t limit = row->rowid == st->cut_row && row->rowid != 0 ? st->cut_limit : st->max;
	int r;

	if (st->body_template == NULL)
		return text_fit(body, a, st->format, limit);
	if (json.n > limit) {
		r = limit < CUT_LEAST ? -EMSGSIZE : text_cut(json, limit, &cut);
		if (r < 0)
			return r;
		json = buf_get(&cut);
	}
	return template_fill(st->body_template, a, json, repeats, body);
}

/* Read the files of headers again: a secret is replaced without a restart. */
static int
renew_headers(const struct webhook_state *st, struct webhook_request *q, struct diag *d)
{
	struct curl_slist *list = NULL;
	int r;

	if (st->header_files.n == 0)
		return 0;
	r = webhook_headers(st, NULL, &list, d);
	if (r < 0)
		return r;
	if (curl_easy_setopt(q->easy, CURLOPT_HTTPHEADER, list) != CURLE_OK) {
		curl_slist_free_all(list);
		return -ENOMEM;
	}
	curl_slist_free_all(q->headers);
	q->headers = list;
	return 0;
}

void
webhook_put_back(struct webhook_state *st, struct webhook_request *q, const char *why)
{
	for (size_t i = 0; i < q->n; i++)
		st->done(st->arg, q->rows[i], OUTPUT_RETRY, why);
	q->n = 0;
}

/* Compress the body, which is complete. -ENOMEM. */
static int
pack(struct webhook_request *q)
{
	z_stream z = { .next_in = (Bytef *) q->body.p, .avail_in = (uInt) q->body.n };
	uLong room;
	int r;

	if (q->body.n > INT_MAX || deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + 16,
				       MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	room = deflateBound(&z, q->body.n);
	buf_clear(&q->packed);
	r = buf_reserve(&q->packed, room);
	if (r == 0) {
		z.next_out = (Bytef *) q->packed.p;
		z.avail_out = (uInt) room;
		(void) deflate(&z, Z_FINISH); /* there is room enough */
		q->packed.n = z.total_out;
	}
	(void) deflateEnd(&z);
	return r;
}

void
webhook_launch(struct webhook_state *st)
{
	struct webhook_request *q = st->filling;
	const struct buf *body = st->gzip ? &q->packed : &q->body;
	struct diag d = { 0 };

	st->filling = NULL;
	buf_str(&q->body, st->after);
	buf_clear(&q->reply);
	q->error[0] = '\0';
	if (renew_headers(st, q, &d) == -EINVAL) {
		webhook_note(st, d.msg);
		webhook_put_back(st, q, d.msg);
		return;
	}
	if (buf_ok(&q->body) < 0 || (st->gzip && pack(q) < 0) ||
	    curl_easy_setopt(q->easy, CURLOPT_POSTFIELDS, body->p) != CURLE_OK ||
	    curl_easy_setopt(q->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) body->n) !=
		CURLE_OK ||
	    curl_multi_add_handle(st->multi, q->easy) != CURLM_OK) {
		webhook_put_back(st, q, "no memory");
		return;
	}
	q->busy = true;
	st->busy++;
}

struct webhook_request *
webhook_taker(struct webhook_state *st)
{
	if (st->filling != NULL)
		return st->filling;
	for (size_t i = 0; i < st->parallel; i++) {
		struct webhook_request *q = &st->request[i];

		if (q->busy)
			continue;
		q->n = 0;
		buf_clear(&q->body);
		buf_str(&q->body, st->before);
		return q;
	}
	return NULL;
}
