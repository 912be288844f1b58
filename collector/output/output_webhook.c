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
#define CUT_LEAST 256       /* an alert cut to less is useless */
#define PAUSE_MAX 600       /* s: a longer Retry-After is not obeyed */

static int
webhook_check(void *state, struct cfg *cfg, struct diag *d)
{
	return webhook_conf(state, cfg, d);
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
		r = webhook_set_up(st, &st->request[i]);
	return r;
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
	const struct outbox_row row = { .alert = *a };
	CLEANUP(buf_fini) struct buf body = BUF_INIT;
	struct hide hide = { 0 };
	int r;

	buf_printf(ret, "POST to %s\n", st->host);
	render_headers(st, ret);
	buf_char(ret, '\n');
	buf_str(&body, st->before);
	r = webhook_fill(st, &row, NULL, &body);
	buf_str(&body, st->after);
	webhook_secrets(st, st->list, &hide);
	hide_text(&hide, buf_get(&body), ret);
	ret->failed |= body.failed;
	buf_char(ret, '\n');
	return r;
}

static const char *
webhook_answered(void *state)
{
	const struct webhook_state *st = state;

	return st->said;
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
	q = webhook_taker(st);
	if (q == NULL)
		return -EAGAIN;
	r = st->fold == NULL || alone ? 0 : fold_take(st->fold, row, clock_mono());
	if (r != 0)
		return MIN(r, 0);
	before = q->body.n;
	if (q->n > 0)
		buf_str(&q->body, st->between);
	r = webhook_fill(st, row, NULL, &q->body);
	if (r < 0) {
		q->body.n = before;
		q->body.failed = false;
		return cannot(st, row->rowid, r);
	}
	q->rows[q->n++] = row->rowid;
	st->newest = MAX(st->newest, row->rowid);
	st->filling = q;
	if (alone || q->n >= st->batch || q->body.n > BODY_MAX)
		webhook_launch(st);
	return 0;
}

/* The rows of the notification go into the request; 'why': it cannot be made, so they are sent one
 * by one. */
static void
put_note(struct webhook_state *st, struct webhook_request *q, const char *why)
{
	const struct fold_note *note = st->note;

	fold_sent(st->fold, clock_mono());
	q->n = note->nrows;
	memcpy(q->rows, note->rows, note->nrows * sizeof(q->rows[0]));
	for (size_t i = 0; i < q->n; i++)
		st->newest = MAX(st->newest, q->rows[i]);
	if (why != NULL) {
		st->solo_until = st->newest;
		webhook_put_back(st, q, why);
		return;
	}
	st->filling = q;
	webhook_launch(st);
}

/* Send notifications of repeats that are due. */
static void
send_due(struct webhook_state *st)
{
	struct webhook_request *q;

	while (st->fold != NULL && clock_mono() >= st->not_before &&
	       (q = webhook_taker(st)) != NULL &&
	       fold_due(st->fold, clock_mono(), st->release, st->note)) {
		const struct outbox_row row = { .rowid = st->note->rows[0],
			.alert = *st->note->alert };
		int r = webhook_fill(st, &row, &st->note->repeats, &q->body);

		put_note(st, q, r < 0 ? "the notification of repeats cannot be made" : NULL);
	}
	st->release &= st->fold != NULL && fold_held(st->fold) > 0;
}

static bool
webhook_holds(void *state)
{
	struct webhook_state *st = state;

	return st->fold != NULL && st->busy == 0 && st->filling == NULL &&
	       fold_held(st->fold) > 0 && !fold_due(st->fold, clock_mono(), st->release, NULL);
}

static void
webhook_release(void *state)
{
	struct webhook_state *st = state;

	st->release = true;
}

static void
put_back_row(void *arg, uint64_t rowid)
{
	struct webhook_state *st = arg;

	st->done(st->arg, rowid, OUTPUT_RETRY, "an earlier alert is to be sent first");
}

static void
webhook_purge(void *state)
{
	struct webhook_state *st = state;

	if (st->fold != NULL)
		fold_clear(st->fold, put_back_row, st);
}

/* No answer: the network, TLS or time. */
static struct webhook_verdict
unanswered(const struct webhook_state *st, const struct webhook_request *q, CURLcode code)
{
	struct webhook_verdict v = { .result = OUTPUT_RETRY };
	const char *what = q->error[0] != '\0' ? q->error : curl_easy_strerror(code);
	bool cut = code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR;
	long proxy = 0; /* what a proxy has answered to CONNECT */

	if (curl_easy_getinfo(q->easy, CURLINFO_HTTP_CONNECTCODE, &proxy) == CURLE_OK &&
	    proxy >= 300) {
		(void) snprintf(v.why, sizeof(v.why),
		    "%s: the proxy answers %ld%s (outputs.webhook.proxy)", st->host, proxy,
		    proxy == 407 ? ": it wants another user or password" : "");
		return v;
	}
	if (code == CURLE_OPERATION_TIMEDOUT)
		what = "no answer within outputs.webhook.timeout";
	/* TLS 1.3: a server that misses our certificate says so after the handshake */
	(void) snprintf(v.why, sizeof(v.why), "%s: %s%s", st->host, what,
	    cut && strncmp(st->url, "https", 5) == 0 && (st->cert == NULL || *st->cert == '\0')
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
end_rows(struct webhook_state *st, struct webhook_request *q, const struct webhook_verdict *whole,
    const struct hide *hide)
{
	bool each = whole->result == OUTPUT_DELIVERED && st->reply == WEBHOOK_BULK;
	json_t *items = each ? webhook_items(buf_get(&q->reply)) : NULL;
	struct webhook_verdict v = *whole;
	size_t n = q->n;

	st->trouble[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (each)
			v = webhook_judge_item(items, i, st->host, hide);
		if (v.result == OUTPUT_REFUSED)
			refuse(st, q->rows[i], q->body.n, n == 1 || each, &v);
		else
			st->done(st->arg, q->rows[i], v.result,
			    v.result == OUTPUT_DELIVERED ? NULL : v.why);
		if (v.result == OUTPUT_RETRY)
			webhook_note(st, v.why);
	}
	json_decref(items);
	q->n = 0;
}

static void
finish(struct webhook_state *st, struct webhook_request *q, CURLcode code)
{
	struct slice reply = buf_get(&q->reply);
	struct webhook_verdict v;
	struct hide hide = { 0 };
	curl_off_t pause = 0;
	long status = 0;

	webhook_secrets(st, q->headers != NULL ? q->headers : st->list, &hide);
	(void) curl_easy_getinfo(q->easy, CURLINFO_RESPONSE_CODE, &status);
	(void) curl_easy_getinfo(q->easy, CURLINFO_RETRY_AFTER, &pause);
	(void) curl_multi_remove_handle(st->multi, q->easy);
	q->busy = false;
	st->busy--;
	if (pause > 0 && (status < 200 || status > 299))
		st->not_before = clock_mono() + (uint64_t) MIN(pause, PAUSE_MAX) * NS_PER_S;
	if (q->n == 1 && q->rows[0] == 0)
		webhook_describe(status, reply, &hide, st->said, sizeof(st->said));
	v = code == CURLE_OK ? webhook_judge(st->reply, status, reply, st->host, &hide)
			     : unanswered(st, q, code);
	end_rows(st, q, &v, &hide);
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
		webhook_launch(st);
	send_due(st);
	step(st);
	if (timeout_ms <= 0 || (st->busy == 0 && clock_mono() >= st->not_before))
		return;
	(void) curl_multi_poll(st->multi, NULL, 0, timeout_ms, NULL);
	step(st);
}

static size_t
unsent(const struct webhook_state *st)
{
	return st->busy + (st->fold == NULL ? 0 : fold_held(st->fold));
}

static long
webhook_drain(void *state, int deadline_ms)
{
	struct webhook_state *st = state;
	uint64_t until = clock_mono() + (uint64_t) deadline_ms * NS_PER_MS;

	do {
		st->release = true;
		webhook_poll(st, 20);
	} while (unsent(st) > 0 && clock_mono() < until);
	return (long) unsent(st);
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
		buf_fini(&q->packed);
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
	.nopts = WEBHOOK_OPTS,
	.free_keys = WEBHOOK_PARAMS,
	.check = webhook_check,
	.open = webhook_open,
	.render = webhook_render,
	.answered = webhook_answered,
	.people = webhook_people,
	.submit = webhook_submit,
	.poll = webhook_poll,
	.holds = webhook_holds,
	.release = webhook_release,
	.purge = webhook_purge,
	.drain = webhook_drain,
	.trouble = webhook_trouble,
	.close = webhook_close,
};
