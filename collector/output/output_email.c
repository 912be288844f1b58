/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_email.c - alerts as mails, by libcurl: SMTP with STARTTLS, or SMTP over TLS.
 *
 * The first alert is sent at once; what follows within the interval is one mail with a count for
 * each rule and node. Its alerts are not delivered before the server has taken that mail, so a
 * restart repeats some and loses none. A mail has at most EMAIL_ROWS alerts: if there are more, the
 * next one does not wait.
 */
#include "collector/output/output_email.h"
#include "common/clock.h"
#include "common/escape.h"
#include <errno.h>
#include <poll.h>

#define PAUSE_MIN NS_PER_S /* after a failure: a server may lock an account */
#define PAUSE_MAX (300 * NS_PER_S)

static bool
is_empty(const char *s)
{
	return s == NULL || *s == '\0';
}

static int
email_check(void *state, struct cfg *cfg, struct diag *d)
{
	return email_conf(state, cfg, d);
}

/* ---- a mail ---- */

static size_t
on_read(char *to, size_t one, size_t n, void *arg)
{
	struct email_state *st = arg;

	n = MIN(one * n, st->message.n - st->read);
	memcpy(to, st->message.p + st->read, n);
	st->read += n;
	return n;
}

/* Keep the latest line of the server, except its farewell. */
static size_t
on_line(char *line, size_t one, size_t n, void *arg)
{
	struct email_state *st = arg;
	size_t len = one * n;

	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (len >= 3 && memcmp(line, "221", 3) != 0)
		(void) escape_text(st->reply, sizeof(st->reply), (struct slice){ line, len });
	return one * n;
}

/* libcurl blocks until a server has answered the mail itself and QUIT, and asks here meanwhile, at
 * least every second: end it when the collector stops. */
static int
on_progress(void *arg, curl_off_t all, curl_off_t now, curl_off_t up, curl_off_t upto)
{
	struct email_state *st = arg;
	uint64_t until = st->until;

	(void) all;
	(void) now;
	(void) up;
	(void) upto;
	return until != 0 && clock_mono() >= until;
}

static int
set_up(struct email_state *st)
{
	bool bad = false;
	char address[260];
	CURL *c = curl_easy_init();

	st->easy = c;
	if (c == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < st->to.n; i++) {
		struct curl_slist *longer;

		(void) snprintf(address, sizeof(address), "<%s>", st->to.v[i]);
		longer = curl_slist_append(st->rcpt, address);
		if (longer == NULL)
			return -ENOMEM;
		st->rcpt = longer;
	}
	(void) snprintf(address, sizeof(address), "<%s>", st->from);
	bad |= curl_easy_setopt(c, CURLOPT_URL, st->server) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_MAIL_FROM, address) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_MAIL_RCPT, st->rcpt) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps") != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_USE_SSL,
		   (long) (st->tls ? CURLUSESSL_ALL : CURLUSESSL_NONE)) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) != CURLE_OK;
	bad |= curl_easy_setopt(c, CURLOPT_PROXY, "") != CURLE_OK;
	if (!is_empty(st->ca))
		bad |= curl_easy_setopt(c, CURLOPT_CAINFO, st->ca) != CURLE_OK ||
		       curl_easy_setopt(c, CURLOPT_CAPATH, NULL) != CURLE_OK;
	if (!is_empty(st->cert))
		bad |= curl_easy_setopt(c, CURLOPT_SSLCERT, st->cert) != CURLE_OK ||
		       curl_easy_setopt(c, CURLOPT_SSLKEY, st->key) != CURLE_OK;
	(void) curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	(void) curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void) curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L); /* mails are rare */
	(void) curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long) st->timeout_ms);
	(void) curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void) curl_easy_setopt(c, CURLOPT_XFERINFODATA, st);
	(void) curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	/* while it blocks */
	(void) curl_easy_setopt(
	    c, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long) MAX(st->timeout_ms / 1000, 1));
	(void) curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
	(void) curl_easy_setopt(c, CURLOPT_READDATA, st);
	(void) curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_line);
	(void) curl_easy_setopt(c, CURLOPT_HEADERDATA, st);
	(void) curl_easy_setopt(c, CURLOPT_ERRORBUFFER, st->error);
	return bad ? -ENOMEM : 0;
}

static int
email_open(void *state, struct cfg *cfg, output_done_fn *done, void *arg, struct diag *d)
{
	struct email_state *st = state;
	int r = email_conf(st, cfg, d);

	st->done = done;
	st->arg = arg;
	if (r < 0)
		return r;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return diag_fail(d, 0, 0, "outputs.email: libcurl cannot be used");
	st->multi = curl_multi_init();
	return st->multi == NULL ? -ENOMEM : set_up(st);
}

static void
end_rows(struct email_state *st, enum output_result result, const char *why)
{
	size_t n = st->n;

	st->n = 0;
	email_clear(&st->digest);
	for (size_t i = 0; i < n; i++)
		st->done(st->arg, st->rows[i], result, why);
}

/* The mail has ended. */
static void
end_mail(struct email_state *st, enum output_result result, const char *why)
{
	enum sending sent = st->sending;
	uint64_t now = clock_mono();

	st->sending = NOTHING;
	st->trouble[0] = '\0';
	if (result == OUTPUT_DELIVERED) {
		st->pause = st->paused = 0;
	} else {
		(void) snprintf(st->trouble, sizeof(st->trouble), "email: %s", why);
		st->pause = st->pause == 0 ? PAUSE_MIN : MIN(st->pause * 2, PAUSE_MAX);
		st->paused = now + st->pause;
	}
	if (sent == TEST) {
		st->done(st->arg, 0, result, why);
		return;
	}
	if (result != OUTPUT_RETRY)
		st->not_before = now + st->interval_ms * NS_PER_MS;
	end_rows(st, result, why);
}

static int
log_in(struct email_state *st, struct diag *d)
{
	char password[SECRET_MAX];
	int r;

	if (is_empty(st->user))
		return 0;
	r = email_password(st, password, d);
	if (r == 0 && (curl_easy_setopt(st->easy, CURLOPT_USERNAME, st->user) != CURLE_OK ||
			  curl_easy_setopt(st->easy, CURLOPT_PASSWORD, password) != CURLE_OK))
		r = diag_fail(d, 0, 0, "no memory");
	explicit_bzero(password, sizeof(password));
	return r;
}

static void
launch(struct email_state *st, enum sending what)
{
	struct diag d = { 0 };

	st->sending = what;
	st->read = 0;
	st->reply[0] = st->error[0] = '\0';
	buf_clear(&st->message);
	email_message(what == TEST ? &st->test : &st->digest, st->from,
	    (const char *const *) st->to.v, st->to.n, clock_real(), &st->message);
	if (log_in(st, &d) < 0)
		end_mail(st, OUTPUT_RETRY, d.msg);
	else if (buf_ok(&st->message) < 0 ||
		 curl_easy_setopt(st->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) st->message.n) !=
		     CURLE_OK ||
		 curl_multi_add_handle(st->multi, st->easy) != CURLM_OK)
		end_mail(st, OUTPUT_RETRY, "no memory");
}

static const char *
reason(const struct email_state *st, CURLcode code, long status)
{
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return "the collector stopped before it answered";
	if (code == CURLE_LOGIN_DENIED)
		return "it does not accept outputs.email.username and its password";
	if (code == CURLE_USE_SSL_FAILED)
		return "it offers no STARTTLS; use smtps://, or outputs.email.starttls: no";
	if (code == CURLE_OPERATION_TIMEDOUT)
		return "no answer within outputs.email.timeout";
	if (status >= 400 && st->reply[0] != '\0')
		return st->reply;
	return st->error[0] != '\0' ? st->error : curl_easy_strerror(code);
}

static void
finish(struct email_state *st, CURLcode code)
{
	bool whole = st->read == st->message.n;
	char why[512];
	long status = 0;

	(void) curl_easy_getinfo(st->easy, CURLINFO_RESPONSE_CODE, &status);
	(void) curl_multi_remove_handle(st->multi, st->easy);
	if (code == CURLE_OK) {
		(void) snprintf(st->said, sizeof(st->said), "%s", st->reply);
		end_mail(st, OUTPUT_DELIVERED, NULL);
		return;
	}
	(void) snprintf(why, sizeof(why), "%s: %s", st->host, reason(st, code, status));
	/* 5xx to the mail itself: it would be refused again; before, a person can mend it */
	end_mail(st, whole && status >= 500 ? OUTPUT_REFUSED : OUTPUT_RETRY, why);
}

static void
step(struct email_state *st)
{
	CURLMsg *m;
	int n = 0;

	(void) curl_multi_perform(st->multi, &n);
	while ((m = curl_multi_info_read(st->multi, &n)) != NULL) {
		if (m->msg == CURLMSG_DONE)
			finish(st, m->data.result);
	}
}

/* ---- the output ---- */

static int
email_render(void *state, const struct alert *a, struct buf *ret)
{
	const struct email_state *st = state;
	struct email_digest *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return -ENOMEM;
	m->subject = st->by_subject;
	m->body = st->by_body;
	email_add(m, a);
	buf_printf(ret, "From: %s\n", st->from);
	for (size_t i = 0; i < st->to.n; i++)
		buf_printf(ret, "To: %s\n", st->to.v[i]);
	buf_str(ret, "Subject: ");
	email_subject(m, ret);
	buf_str(ret, "\n\n");
	email_plain(m, ret);
	buf_str(ret, "\n");
	email_html(m, ret);
	free(m);
	return buf_ok(ret);
}

static const char *
email_answered(void *state)
{
	const struct email_state *st = state;

	return st->said;
}

static bool
email_people(void *state)
{
	(void) state;
	return true;
}

static int
email_submit(void *state, const struct outbox_row *row)
{
	struct email_state *st = state;

	if (st->sending != NOTHING)
		return -EAGAIN;
	if (row->rowid == 0) {
		email_clear(&st->test);
		email_add(&st->test, &row->alert);
		launch(st, TEST);
		return 0;
	}
	if (st->n == EMAIL_ROWS || clock_mono() < st->paused)
		return -EAGAIN;
	email_add(&st->digest, &row->alert);
	st->rows[st->n++] = row->rowid;
	return 0;
}

static bool
email_holds(void *state)
{
	const struct email_state *st = state;

	return st->sending == NOTHING && st->n > 0 && st->n < EMAIL_ROWS &&
	       clock_mono() < st->not_before;
}

static void
email_poll(void *state, int timeout_ms)
{
	struct email_state *st = state;

	if (st->sending == NOTHING && st->n > 0 && !email_holds(st))
		launch(st, PENDING);
	if (st->sending != NOTHING)
		step(st);
	if (timeout_ms <= 0)
		return;
	if (st->sending == NOTHING) {
		(void) poll(NULL, 0, timeout_ms);
		return;
	}
	(void) curl_multi_poll(st->multi, NULL, 0, timeout_ms, NULL);
	step(st);
}

static void
email_release(void *state)
{
	struct email_state *st = state;

	st->not_before = 0;
}

static void
email_hurry(void *state, uint64_t until)
{
	struct email_state *st = state;

	st->until = until;
}

/* The end does not wait for the interval. */
static long
email_drain(void *state, int deadline_ms)
{
	struct email_state *st = state;
	uint64_t until = clock_mono() + (uint64_t) deadline_ms * NS_PER_MS;

	do {
		st->not_before = 0;
		email_poll(st, 20);
	} while ((st->n > 0 || st->sending != NOTHING) && clock_mono() < until);
	return (long) st->n;
}

static void
email_purge(void *state)
{
	struct email_state *st = state;

	if (st->sending != PENDING && st->n > 0)
		end_rows(st, OUTPUT_RETRY, "the mail is put off");
}

static const char *
email_trouble(void *state)
{
	struct email_state *st = state;

	return st->trouble[0] == '\0' ? NULL : st->trouble;
}

static void
email_close(void *state)
{
	struct email_state *st = state;

	if (st->sending != NOTHING)
		(void) curl_multi_remove_handle(st->multi, st->easy);
	curl_easy_cleanup(st->easy);
	(void) curl_multi_cleanup(st->multi);
	curl_slist_free_all(st->rcpt);
	buf_fini(&st->message);
	template_free(st->by_subject);
	template_free(st->by_body);
	st->by_subject = st->by_body = NULL;
	st->easy = NULL;
	st->multi = NULL;
	st->rcpt = NULL;
}

const struct output_ops output_email = {
	.name = "email",
	.state_size = sizeof(struct email_state),
	.opts = email_opts,
	.nopts = EMAIL_OPTS,
	.check = email_check,
	.open = email_open,
	.render = email_render,
	.answered = email_answered,
	.people = email_people,
	.submit = email_submit,
	.poll = email_poll,
	.holds = email_holds,
	.release = email_release,
	.hurry = email_hurry,
	.drain = email_drain,
	.purge = email_purge,
	.trouble = email_trouble,
	.close = email_close,
};
