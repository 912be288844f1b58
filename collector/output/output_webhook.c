/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_webhook.c - POST alerts to an HTTP server, by libcurl.
 *
 * A request carries one alert, or several if the service takes them together. An answer ends its
 * alerts: delivered, to be sent again (with the pause that the server asks for), or refused for
 * good. A refused request of several alerts is split: each is sent alone before one is refused.
 * Connections stay open between requests. Redirections are not followed.
 */
#include "collector/output/output_webhook.h"
#include "common/clock.h"
#include <errno.h>

#define BODY_MAX  (1 << 20) /* a request with more takes no further alert */
#define REPLY_MAX (1 << 20) /* of an answer, the rest is not kept */
#define CUT_LEAST 256       /* an alert cut to less is useless */
#define PAUSE_MAX 600       /* s: a longer Retry-After is not obeyed */

static void
trouble(struct webhook_state *st, const char *why)
{
	(void) snprintf(st->trouble, sizeof(st->trouble), "webhook: %s", why);
}

static int
webhook_check(void *state, struct cfg *cfg, struct diag *d)
{
	return webhook_conf(state, cfg, d);
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

/* Set what all requests have in common. */
static int
set_up(struct webhook_state *st, struct webhook_request *q)
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

static int
webhook_open(void *state, struct cfg *cfg, output_done_fn *done, void *arg, struct diag *d)
{
	struct webhook_state *st = state;
	int r = webhook_conf(st, cfg, d);

	st->done = done;
	st->arg = arg;
	if (r < 0)
		return r;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return diag_fail(d, 0, 0, "outputs.webhook: libcurl cannot be used");
	st->multi = curl_multi_init();
	st->request = calloc(st->parallel, sizeof(*st->request));
	if (st->multi == NULL || st->request == NULL)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < st->parallel; i++)
		r = set_up(st, &st->request[i]);
	return r;
}

/* Append an alert to a body. -EMSGSIZE: too large. */
static int
fill(struct webhook_state *st, const struct outbox_row *row, struct buf *body)
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
	return template_fill(st->body_template, a, json, body);
}

/* Show a header's name only: its value may be a secret. */
static void
render_headers(const struct webhook_state *st, struct buf *ret)
{
	for (const struct curl_slist *h = st->list; h != NULL; h = h->next) {
		size_t n = strcspn(h->data, ":");
		bool ours = strncasecmp(h->data, "Content-Type:", n + 1) == 0;

		buf_printf(ret, "%.*s%s\n", (int) n, h->data, ours ? h->data + n : ": (not shown)");
	}
}

static int
webhook_render(void *state, const struct alert *a, struct buf *ret)
{
	struct webhook_state *st = state;
	const struct outbox_row row = { 0, *a };
	int r;

	buf_printf(ret, "POST to %s\n", st->host);
	render_headers(st, ret);
	buf_char(ret, '\n');
	buf_str(ret, st->before);
	r = fill(st, &row, ret);
	buf_str(ret, st->after);
	buf_char(ret, '\n');
	return r;
}

static const char *
webhook_answered(void *state)
{
	const struct webhook_state *st = state;

	return st->said;
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

/* The request cannot be sent: its alerts are submitted again. */
static void
put_back(struct webhook_state *st, struct webhook_request *q, const char *why)
{
	for (size_t i = 0; i < q->n; i++)
		st->done(st->arg, q->rows[i], OUTPUT_RETRY, why);
	q->n = 0;
}

/* Send the request that was filled. */
static void
launch(struct webhook_state *st)
{
	struct webhook_request *q = st->filling;
	struct diag d = { 0 };

	st->filling = NULL;
	buf_str(&q->body, st->after);
	buf_clear(&q->reply);
	q->error[0] = '\0';
	if (renew_headers(st, q, &d) == -EINVAL) {
		trouble(st, d.msg);
		put_back(st, q, d.msg);
		return;
	}
	if (buf_ok(&q->body) < 0 ||
	    curl_easy_setopt(q->easy, CURLOPT_POSTFIELDS, q->body.p) != CURLE_OK ||
	    curl_easy_setopt(q->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) q->body.n) !=
		CURLE_OK ||
	    curl_multi_add_handle(st->multi, q->easy) != CURLM_OK) {
		put_back(st, q, "no memory");
		return;
	}
	q->busy = true;
	st->busy++;
}

/* The request that takes the next alert, or NULL. */
static struct webhook_request *
taker(struct webhook_state *st)
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

static int
cannot(struct webhook_state *st, uint64_t rowid, int r)
{
	if (r == -ENOMEM)
		return r;
	st->done(st->arg, rowid, OUTPUT_REFUSED,
	    r == -EMSGSIZE ? "the alert is too large for the webhook" : "the alert is not JSON");
	return 0;
}

static bool
webhook_people(void *state)
{
	const struct webhook_state *st = state;

	return st->people;
}

static int
webhook_submit(void *state, const struct outbox_row *row)
{
	struct webhook_state *st = state;
	bool alone = row->rowid <= st->solo_until;
	struct webhook_request *q;
	size_t before;
	int r;

	if (clock_mono() < st->not_before || (alone && (st->busy > 0 || st->filling != NULL)))
		return -EAGAIN;
	q = taker(st);
	if (q == NULL)
		return -EAGAIN;
	before = q->body.n;
	if (q->n > 0)
		buf_str(&q->body, st->between);
	r = fill(st, row, &q->body);
	if (r < 0) {
		q->body.n = before;
		q->body.failed = false;
		return cannot(st, row->rowid, r);
	}
	q->rows[q->n++] = row->rowid;
	st->newest = MAX(st->newest, row->rowid);
	st->filling = q;
	if (alone || q->n >= st->batch || q->body.n > BODY_MAX)
		launch(st);
	return 0;
}

/* No answer: the network, TLS or time. */
static struct webhook_verdict
unanswered(const struct webhook_state *st, const struct webhook_request *q, CURLcode code)
{
	struct webhook_verdict v = { .result = OUTPUT_RETRY };
	const char *what = q->error[0] != '\0' ? q->error : curl_easy_strerror(code);
	bool cut = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR;

	if (code == CURLE_OPERATION_TIMEDOUT)
		what = "no answer within outputs.webhook.timeout";
	/* TLS 1.3: a server that misses our certificate says so after the handshake */
	(void) snprintf(v.why, sizeof(v.why), "%s: %s%s", st->host, what,
	    cut && strncmp(st->url, "https", 5) == 0 && unless_empty(st->cert) == NULL
		? "; does it require a certificate (outputs.webhook.tls.certificate)?"
		: "");
	return v;
}

/* Refused: split the request, cut the alert, or refuse it. */
static void
refuse(struct webhook_state *st, uint64_t rowid, size_t size, bool alone,
    const struct webhook_verdict *v)
{
	if (!alone) {
		st->solo_until = st->newest;
	} else if (v->size && size / 2 >= CUT_LEAST) {
		st->cut_row = rowid;
		st->cut_limit = size / 2;
	} else {
		st->done(st->arg, rowid, OUTPUT_REFUSED, v->why);
		return;
	}
	st->done(st->arg, rowid, OUTPUT_RETRY, v->why);
}

static void
end_rows(struct webhook_state *st, struct webhook_request *q, const struct webhook_verdict *whole)
{
	bool each = whole->result == OUTPUT_DELIVERED && st->reply == WEBHOOK_BULK;
	struct webhook_verdict v = *whole;
	size_t n = q->n;

	st->trouble[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (each)
			v = webhook_judge_item(buf_get(&q->reply), i, st->host);
		if (v.result == OUTPUT_REFUSED)
			refuse(st, q->rows[i], q->body.n, n == 1 || each, &v);
		else
			st->done(st->arg, q->rows[i], v.result,
			    v.result == OUTPUT_DELIVERED ? NULL : v.why);
		if (v.result == OUTPUT_RETRY)
			trouble(st, v.why);
	}
	q->n = 0;
}

static void
finish(struct webhook_state *st, struct webhook_request *q, CURLcode code)
{
	struct webhook_verdict v;
	curl_off_t pause = 0;
	long status = 0;

	(void) curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
	(void) curl_easy_getinfo(q->easy, CURLINFO_RETRY_AFTER, &pause);
	(void) curl_multi_remove_handle(st->multi, q->easy);
	q->busy = false;
	st->busy--;
	if (pause > 0 && (status < 200 || status > 299))
		st->not_before = clock_mono() + (uint64_t) MIN(pause, PAUSE_MAX) * NS_PER_S;
	if (q->n == 1 && q->rows[0] == 0)
		webhook_describe(status, buf_get(&q->reply), st->said, sizeof(st->said));
	v = code == CURLE_OK ? webhook_judge(st->reply, status, buf_get(&q->reply), st->host)
			     : unanswered(st, q, code);
	end_rows(st, q, &v);
}

static void
step(struct webhook_state *st)
{
	CURLMsg *m;
	int n = 0;

	(void) curl_multi_perform(st->multi, &n);
	while ((m = curl_multi_info_read(st->multi, &n)) != NULL) {
		struct webhook_request *q = NULL;

		if (m->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &q) == CURLE_OK)
			finish(st, q, m->data.result);
	}
}

static void
webhook_poll(void *state, int timeout_ms)
{
	struct webhook_state *st = state;

	if (st->filling != NULL)
		launch(st);
	step(st);
	if (timeout_ms <= 0 || (st->busy == 0 && clock_mono() >= st->not_before))
		return;
	(void) curl_multi_poll(st->multi, NULL, 0, timeout_ms, NULL);
	step(st);
}

static long
webhook_drain(void *state, int deadline_ms)
{
	struct webhook_state *st = state;
	uint64_t until = clock_mono() + (uint64_t) deadline_ms * NS_PER_MS;

	do
		webhook_poll(st, 20);
	while (st->busy > 0 && clock_mono() < until);
	return (long) st->busy;
}

static const char *
webhook_trouble(void *state)
{
	struct webhook_state *st = state;

	return st->trouble[0] == '\0' ? NULL : st->trouble;
}

static void
webhook_close(void *state)
{
	struct webhook_state *st = state;

	for (size_t i = 0; st->request != NULL && i < st->parallel; i++) {
		struct webhook_request *q = &st->request[i];

		if (q->busy)
			(void) curl_multi_remove_handle(st->multi, q->easy);
		curl_easy_cleanup(q->easy);
		curl_slist_free_all(q->headers);
		buf_fini(&q->body);
		buf_fini(&q->reply);
	}
	free(st->request);
	st->request = NULL;
	(void) curl_multi_cleanup(st->multi);
	st->multi = NULL;
	webhook_conf_fini(st);
}

const struct output_ops output_webhook = {
	.name = "webhook",
	.state_size = sizeof(struct webhook_state),
	.opts = webhook_opts,
	.nopts = 13,
	.free_keys = WEBHOOK_PARAMS,
	.check = webhook_check,
	.open = webhook_open,
	.render = webhook_render,
	.answered = webhook_answered,
	.people = webhook_people,
	.submit = webhook_submit,
	.poll = webhook_poll,
	.drain = webhook_drain,
	.trouble = webhook_trouble,
	.close = webhook_close,
};
