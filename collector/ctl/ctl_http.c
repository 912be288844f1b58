/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_http.h"
#include "collector/ctl/ctl.h"
#include "common/clock.h"
#include "common/escape.h"
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { TIMEOUT_S = 30, BODY_MAX = 64 << 20 };

struct ctl_target
ctl_target(void)
{
	bool socket = access(CTL_SOCKET, R_OK | W_OK) == 0;

	return (struct ctl_target){ .url = socket ? "unix:" CTL_SOCKET : CTL_COLLECTOR };
}

/* ---- a request ---- */

struct request {
	const struct ctl_target *target;
	const char *path;
	bool post;
	const struct ctl_token *token; /* NULL: none */
	bool withheld;                 /* the token was not sent, nor was the request */
	struct buf *body;              /* of the answer */
	long error;                    /* errno of a failed connection to a unix socket; 0: none */
	long status;
};

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	struct buf *b = arg;

	if (b->n + size * n > BODY_MAX)
		return 0;
	buf_add(b, p, size * n);
	return b->failed ? 0 : size * n;
}

/* Connected; nothing has been sent yet. */
static int
on_connected(void *arg, char *remote, char *local, int remote_port, int local_port UNUSED)
{
	struct request *q = arg;

	q->withheld = !ctl_token_may_go(q->token, local, remote, remote_port);
	return q->withheld ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static const char *
remedy(CURLcode rv, const struct request *q)
{
	const struct ctl_target *t = q->target;

	if (q->error == EACCES)
		return "be root, the collector's user, or in a group that may write to the socket "
		       "and "
		       "enter its folders";
	if (rv == CURLE_PEER_FAILED_VERIFICATION || rv == CURLE_SSL_CACERT_BADFILE)
		return "is its authority the one that --ca names?";
	if (rv == CURLE_GOT_NOTHING)
		return "does it need https://?";
	if (rv == CURLE_SSL_CONNECT_ERROR)
		return "does it need http://?";
	return strncmp(t->url, "unix:", 5) == 0
		   ? "is it running, and does it use this http.socket? (--collector URL)"
		   : "is it running, and does it use this http.listen? (--collector URL)";
}

static int
say_failed(const struct request *q, CURLcode rv, const char *detail)
{
	if (q->withheld)
		return ctl_fail(
		    "the token was not sent: %s does not belong to a collector of this machine, "
		    "or another user listens there; give --token-file FILE if it is right",
		    q->target->url);
	return ctl_fail("cannot reach the collector at %s: %s; %s", q->target->url,
	    detail[0] == '\0' ? curl_easy_strerror(rv) : detail, remedy(rv, q));
}

/* For a unix socket libcurl's own text names a port of localhost. */
static void
say_os_error(CURL *c, struct request *q, char detail[CURL_ERROR_SIZE])
{
	if (curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &q->error) == CURLE_OK && q->error != 0)
		(void) snprintf(detail, CURL_ERROR_SIZE, "%s", strerrordesc_np((int) q->error));
}

static void
set_options(CURL *c, struct request *q, struct curl_slist *headers, char *detail)
{
	const struct ctl_target *t = q->target;

	if (strncmp(t->url, "unix:", 5) == 0)
		(void) curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, t->url + 5);
	/* no proxy of the user's environment: the collector is not behind it, and must not get the
	 * token */
	(void) curl_easy_setopt(c, CURLOPT_PROXY, "");
	(void) curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	(void) curl_easy_setopt(c, CURLOPT_TIMEOUT, (long) TIMEOUT_S);
	(void) curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	(void) curl_easy_setopt(c, CURLOPT_WRITEDATA, q->body);
	(void) curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void) curl_easy_setopt(c, CURLOPT_ERRORBUFFER, detail);
	(void) curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	if (t->ca != NULL)
		(void) curl_easy_setopt(c, CURLOPT_CAINFO, t->ca);
	if (q->post)
		(void) curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
	if (q->token != NULL && q->token->found) {
		(void) curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_connected);
		(void) curl_easy_setopt(c, CURLOPT_PREREQDATA, q);
	}
}

static int
perform(struct request *q)
{
	CLEANUP(buf_fini) struct buf url = BUF_INIT;
	struct curl_slist *headers = NULL;
	char detail[CURL_ERROR_SIZE] = "";
	CURL *c = curl_easy_init();
	CURLcode rv;

	buf_str(
	    &url, strncmp(q->target->url, "unix:", 5) == 0 ? "http://localhost" : q->target->url);
	buf_str(&url, q->path);
	if (q->token != NULL)
		headers = curl_slist_append(NULL, q->token->header);
	if (c == NULL || buf_ok(&url) < 0 || (q->token != NULL && headers == NULL)) {
		curl_slist_free_all(headers);
		curl_easy_cleanup(c);
		return ctl_fail("no memory");
	}
	(void) curl_easy_setopt(c, CURLOPT_URL, url.p);
	set_options(c, q, headers, detail);
	buf_clear(q->body);
	q->error = 0;
	rv = curl_easy_perform(c);
	(void) curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &q->status);
	if (rv == CURLE_COULDNT_CONNECT && strncmp(q->target->url, "unix:", 5) == 0)
		say_os_error(c, q, detail);
	curl_easy_cleanup(c);
	curl_slist_free_all(headers);
	return rv == CURLE_OK ? CTL_OK : say_failed(q, rv, detail);
}

/* ---- an answer ---- */

/* Report the collector's own message, if it sent one. */
static void
say_http_error(const struct request *q)
{
	struct slice body = buf_get(q->body);
	json_t *j = json_loadb(body.p == NULL ? "" : body.p, body.n, 0, NULL);
	const char *why = ctl_str(j, "error");

	if (q->status == 401)
		(void) ctl_fail(
		    "%s: %s; --token-file FILE names a file with such a token, and root on the "
		    "collector's machine needs none",
		    q->target->url, why);
	else
		(void) ctl_fail("%s answered %ld%s%s", q->target->url, q->status,
		    why[0] == '\0' ? "" : ": ", why);
	json_decref(j);
}

/* Get the answer's body and status. A token is sent once the collector asks for it, or if the user
 * gave one. CTL_FAIL, reported: no answer, or no token. */
static int
ask(struct ctl_target *t, struct request *q)
{
	struct ctl_token token;
	int r;

	q->target = t;
	if (t->token_file != NULL || t->use_token) {
		if (ctl_token_read(t, &token) != CTL_OK)
			return CTL_FAIL;
		q->token = &token;
	}
	r = perform(q);
	if (r == CTL_OK && q->status == 401 && q->token == NULL &&
	    ctl_token_read(t, &token) == CTL_OK) {
		t->use_token = true;
		q->token = &token;
		r = perform(q);
	}
	if (r == CTL_OK && q->status == 401) {
		say_http_error(q);
		r = CTL_FAIL;
	}
	q->token = NULL;
	return r;
}

static void
escape_string(json_t *s)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	escape_add(&b, (struct slice){ json_string_value(s), json_string_length(s) });
	if (buf_ok(&b) < 0 || json_string_setn(s, b.p == NULL ? "" : b.p, b.n) < 0)
		(void) json_string_set(s, "");
}

/* Escape every string in it. */
static void
escape_all(json_t *j)
{
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach(j, key, v) escape_all(v);
	json_array_foreach(j, i, v) escape_all(v);
	if (json_is_string(j))
		escape_string(j);
}

static json_t *
parse(const struct request *q)
{
	json_error_t where;
	json_t *j =
	    json_loadb(q->body->p == NULL ? "" : q->body->p, q->body->n, JSON_ALLOW_NUL, &where);

	if (j == NULL)
		(void) ctl_fail("%s did not answer with JSON: %s", q->target->url, where.text);
	else if (!q->target->json)
		escape_all(j);
	return j;
}

json_t *
ctl_get(struct ctl_target *t, const char *path)
{
	CLEANUP(buf_fini) struct buf body = BUF_INIT;
	struct request q = { .path = path, .body = &body };

	if (ask(t, &q) != CTL_OK)
		return NULL;
	if (q.status == 200)
		return parse(&q);
	say_http_error(&q);
	return NULL;
}

json_t *
ctl_post(struct ctl_target *t, const char *path, long *status)
{
	CLEANUP(buf_fini) struct buf body = BUF_INIT;
	struct request q = { .path = path, .body = &body, .post = true };

	if (ask(t, &q) != CTL_OK)
		return NULL;
	*status = q.status;
	return parse(&q);
}

/* ---- text and numbers ---- */

void
ctl_dump(const json_t *j, size_t flags)
{
	char *text = json_dumps(j, flags);

	if (text == NULL)
		(void) ctl_fail("no memory");
	else
		(void) ctl_print_json(slice_str(text)); /* the error is reported already */
	free(text);
}

void
ctl_query(struct buf *path, const char *key, const char *value)
{
	char *text;

	if (value == NULL)
		return;
	text = curl_easy_escape(NULL, value, 0);
	buf_char(path, memchr(path->p, '?', path->n) == NULL ? '?' : '&');
	buf_str(path, key);
	buf_char(path, '=');
	if (text == NULL)
		path->failed = true;
	else
		buf_str(path, text);
	curl_free(text);
}

const char *
ctl_count(uint64_t n, char buf[16])
{
	static const char units[] = { ' ', 'k', 'M', 'G', 'T', 'P' };
	double v = (double) n;
	size_t u = 0;

	while (v >= 1000 && u + 1 < sizeof(units)) {
		v /= 1000;
		u++;
	}
	if (u == 0)
		(void) snprintf(buf, 16, "%lu", (unsigned long) n);
	else
		(void) snprintf(buf, 16, "%.1f%c", v, units[u]);
	return buf;
}

const char *
ctl_age(uint64_t seconds, char buf[16])
{
	static const struct {
		uint64_t least, seconds;
		char unit;
	} units[] = { { 172800, 86400, 'd' }, { 7200, 3600, 'h' }, { 120, 60, 'm' },
		{ 0, 1, 's' } };
	size_t i = 0;

	while (seconds < units[i].least)
		i++;
	(void) snprintf(
	    buf, 16, "%lu%c", (unsigned long) (seconds / units[i].seconds), units[i].unit);
	return buf;
}

uint64_t
ctl_num(const json_t *o, const char *key)
{
	return (uint64_t) json_integer_value(json_object_get(o, key));
}

const char *
ctl_str(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? "" : s;
}

int
ctl_seconds(const char *text, uint64_t *ret)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(text, &end, 10);
	for (size_t i = 0; errno == 0 && end != text && i < ARRAY_SIZE(units); i++) {
		if (*end == units[i].unit && end[1] == '\0' && v < 1000000) {
			*ret = v * units[i].seconds;
			return 0;
		}
	}
	return -EINVAL;
}

int
ctl_since(const char *age, char ret[CTL_SINCE])
{
	uint64_t back = 0, now = clock_real();
	int r = ctl_seconds(age, &back);

	back *= NS_PER_S;
	if (r == 0)
		(void) snprintf(
		    ret, CTL_SINCE, "%lu", (unsigned long) (now > back ? now - back : 0));
	return r;
}
