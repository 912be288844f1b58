/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_http.h"
#include "collector/ctl/ctl.h"
#include <curl/curl.h>
#include <unistd.h>

enum { TIMEOUT_S = 30, BODY_MAX = 64 << 20 };

const char *
ctl_collector(void)
{
	return access(CTL_SOCKET, R_OK | W_OK) == 0 ? "unix:" CTL_SOCKET : CTL_COLLECTOR;
}

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	struct buf *b = arg;

	if (b->n + size * n > BODY_MAX)
		return 0;
	buf_add(b, p, size * n);
	return b->failed ? 0 : size * n;
}

/* The collector's own words, if it sent any. */
static void
say_http_error(const char *base, long status, struct slice body)
{
	json_t *j = json_loadb(body.p == NULL ? "" : body.p, body.n, 0, NULL);
	const char *why = ctl_str(j, "error");

	(void) ctl_fail("%s answered %ld%s%s", base, status, why[0] == '\0' ? "" : ": ", why);
	json_decref(j);
}

/* The answer's body and status. CTL_FAIL, said why: there is none. */
static int
ask(const char *base, const char *path, bool post, struct buf *body, long *status)
{
	CLEANUP(buf_fini) struct buf url = BUF_INIT;
	const char *socket = strncmp(base, "unix:", 5) == 0 ? base + 5 : NULL;
	CURL *c = curl_easy_init();
	CURLcode rv;

	buf_str(&url, socket != NULL ? "http://localhost" : base);
	buf_str(&url, path);
	if (c == NULL || buf_ok(&url) < 0) {
		curl_easy_cleanup(c);
		return ctl_fail("no memory");
	}
	(void) curl_easy_setopt(c, CURLOPT_URL, url.p);
	if (socket != NULL) {
		(void) curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, socket);
		(void) curl_easy_setopt(c, CURLOPT_PROXY, "");
	}
	(void) curl_easy_setopt(c, CURLOPT_TIMEOUT, (long) TIMEOUT_S);
	(void) curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	(void) curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
	(void) curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	if (post)
		(void) curl_easy_setopt(c, CURLOPT_POSTFIELDS, "");
	rv = curl_easy_perform(c);
	(void) curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, status);
	curl_easy_cleanup(c);
	if (rv == CURLE_OK)
		return CTL_OK;
	return ctl_fail(
	    "cannot ask the collector at %s: %s; is it running, and is this its "
	    "http.listen or http.socket? (--collector URL)",
	    base, curl_easy_strerror(rv));
}

static json_t *
parse(const char *base, const struct buf *body)
{
	json_error_t where;
	json_t *j = json_loadb(body->p == NULL ? "" : body->p, body->n, 0, &where);

	if (j == NULL)
		(void) ctl_fail("%s did not answer in JSON: %s", base, where.text);
	return j;
}

json_t *
ctl_get(const char *base, const char *path)
{
	CLEANUP(buf_fini) struct buf body = BUF_INIT;
	long status = 0;

	if (ask(base, path, false, &body, &status) != CTL_OK)
		return NULL;
	if (status == 200)
		return parse(base, &body);
	say_http_error(base, status, buf_get(&body));
	return NULL;
}

json_t *
ctl_post(const char *base, const char *path, long *status)
{
	CLEANUP(buf_fini) struct buf body = BUF_INIT;

	if (ask(base, path, true, &body, status) != CTL_OK)
		return NULL;
	return parse(base, &body);
}

void
ctl_query(struct buf *path, const char *key, const char *value)
{
	char *text = curl_easy_escape(NULL, value, 0);

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
