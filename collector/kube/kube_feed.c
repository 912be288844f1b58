/* SPDX-License-Identifier: Apache-2.0 */
/* kube_feed.c - the requests of a feed: one page of a list after the other, then watches. */
#include "collector/kube/kube_int.h"
#include "common/log.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>

static const struct {
	const char *resource, *path;
	bool whole;
} kinds[] = {
#define KUBE(ID, resource, path, whole) { resource, path, whole },
#include "collector/kube/kube.def"
};

#define METADATA "Accept: application/json;as=PartialObjectMetadata"

void
feed_fini(struct feed *f)
{
	if (f->step != FEED_REST)
		(void) curl_multi_remove_handle(f->kube->multi, f->easy);
	curl_easy_cleanup(f->easy);
	curl_slist_free_all(f->headers);
	free(f->more);
	buf_fini(&f->in);
	f->easy = NULL;
	f->headers = NULL;
	f->more = NULL;
}

/* ---- answers, as they come ---- */

static void
take_lines(struct feed *f)
{
	uint64_t now = clock_mono();
	size_t at = 0;

	while (f->end == END_NONE && at < f->in.n) {
		const char *end = memchr(f->in.p + at, '\n', f->in.n - at);
		size_t n;

		if (end == NULL)
			break;
		n = (size_t) (end - f->in.p) - at;
		if (n > 0)
			feed_line(f, (struct slice){ f->in.p + at, n }, now);
		at += n + 1;
	}
	f->in.n -= at;
	if (f->in.n > 0 && at > 0)
		(void) memmove(f->in.p, f->in.p + at, f->in.n);
}

/* curl's callback. Any other result than 'n' ends the request. */
static size_t
on_data(char *data, size_t one, size_t n, void *arg)
{
	struct feed *f = arg;
	long status = 0;
	size_t limit = f->step == FEED_LIST ? PAGE_MAX : LINE_MAX_;

	(void) one;
	(void) curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		buf_add(&f->in, data, f->in.n + n > ERROR_MAX ? 0 : n);
		return n;
	}
	if (f->in.n + n > limit) {
		f->end = END_TOO_LARGE;
		return 0;
	}
	buf_add(&f->in, data, n);
	if (buf_ok(&f->in) < 0)
		return 0;
	if (f->step == FEED_WATCH)
		take_lines(f);
	return f->end == END_NONE ? n : 0;
}

/* A peer that is gone is noticed within half a minute. */
static int
on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	const struct {
		int level, name, value;
	} v[] = { { SOL_SOCKET, SO_KEEPALIVE, 1 }, { IPPROTO_TCP, TCP_KEEPIDLE, 10 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 }, { IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 25000 } };

	(void) arg;
	(void) purpose;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		(void) setsockopt(fd, v[i].level, v[i].name, &v[i].value, sizeof(v[i].value));
	return CURL_SOCKOPT_OK;
}

/* ---- requests ---- */

static uint64_t
random_below(struct kube *k, uint64_t n)
{
	k->seed = k->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return n == 0 ? 0 : (k->seed >> 33) % n;
}

static bool
set_header(struct feed *f, const char *line)
{
	struct curl_slist *longer = curl_slist_append(f->headers, line);

	if (longer != NULL)
		f->headers = longer;
	return longer != NULL;
}

static bool
set_headers(struct feed *f, const struct kube_server *s)
{
	struct buf b = BUF_INIT;
	bool good;

	curl_slist_free_all(f->headers);
	f->headers = NULL;
	if (kinds[f->kind].whole)
		good = set_header(f, "Accept: application/json");
	else if (f->step == FEED_LIST)
		good = set_header(f, METADATA "List;g=meta.k8s.io;v=v1,application/json");
	else
		good = set_header(f, METADATA ";g=meta.k8s.io;v=v1,application/json");
	if (s->token.n > 0) {
		buf_str(&b, "Authorization: Bearer ");
		buf_slice(&b, buf_get(&s->token));
		good = good && buf_ok(&b) == 0 && set_header(f, b.p);
	}
	if (b.p != NULL)
		explicit_bzero(b.p, b.n);
	buf_fini(&b);
	return good && curl_easy_setopt(f->easy, CURLOPT_HTTPHEADER, f->headers) == CURLE_OK;
}

static bool
set_blob(CURL *c, CURLoption option, const struct buf *b)
{
	struct curl_blob blob = { b->p, b->n, CURL_BLOB_COPY };

	return b->n == 0 || curl_easy_setopt(c, option, &blob) == CURLE_OK;
}

/* false: no memory. */
static bool
set_url(struct feed *f, const struct kube_server *s, uint64_t watch_s)
{
	struct buf b = BUF_INIT;
	char *more = NULL;
	bool good;

	buf_printf(&b, "%s%s?", s->url, kinds[f->kind].path);
	if (f->step == FEED_WATCH) {
		buf_printf(&b,
		    "watch=true&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=%llu",
		    f->version, (unsigned long long) watch_s);
	} else {
		buf_printf(&b, "limit=%u", f->page);
		if (f->more != NULL) {
			more = curl_easy_escape(f->easy, f->more, 0);
			buf_printf(&b, "&continue=%s", more == NULL ? "" : more);
		}
	}
	good = buf_ok(&b) == 0 && (f->more == NULL || f->step == FEED_WATCH || more != NULL) &&
	       curl_easy_setopt(f->easy, CURLOPT_URL, b.p) == CURLE_OK;
	curl_free(more);
	buf_fini(&b);
	return good;
}

static bool
set_up(struct feed *f, const struct kube_server *s)
{
	uint64_t watch_s = WATCH_S + random_below(f->kube, WATCH_S / 2);
	CURL *c = f->easy;

	curl_easy_reset(c);
	f->error[0] = '\0';
	(void) curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void) curl_easy_setopt(c, CURLOPT_TIMEOUT,
	    f->step == FEED_WATCH ? (long) watch_s + WATCH_S / 4 : (long) LIST_S);
	(void) curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 10L);
	(void) curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	(void) curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
	(void) curl_easy_setopt(c, CURLOPT_SOCKOPTFUNCTION, on_socket);
	(void) curl_easy_setopt(c, CURLOPT_ERRORBUFFER, f->error);
	(void) curl_easy_setopt(c, CURLOPT_PRIVATE, f);
	/* one stream for each connection: a watch that stands still delays no other */
	(void) curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	(void) curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, f->step == FEED_LIST ? "" : NULL);
	return curl_easy_setopt(c, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_USERAGENT, "mews-collector/" MEWS_VERSION) == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(c, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2) ==
		   CURLE_OK &&
	       set_blob(c, CURLOPT_CAINFO_BLOB, &s->ca) &&
	       set_blob(c, CURLOPT_SSLCERT_BLOB, &s->cert) &&
	       set_blob(c, CURLOPT_SSLKEY_BLOB, &s->key) && set_headers(f, s) &&
	       set_url(f, s, watch_s) && curl_multi_add_handle(f->kube->multi, c) == CURLM_OK;
}

/* ---- what comes next ---- */

static void
rest(struct feed *f, uint64_t due)
{
	f->step = FEED_REST;
	f->due = due;
	buf_clear(&f->in);
}

static void
say(struct feed *f, const char *why)
{
	struct kube *k = f->kube;

	pthread_mutex_lock(&k->lock);
	(void) snprintf(k->trouble, sizeof(k->trouble), "%s: %s", kinds[f->kind].resource, why);
	pthread_mutex_unlock(&k->lock);
}

/* Try again later: after 1, 2, 4 ... s, or when the server says. */
static void
fail(struct feed *f, const char *why, uint64_t pause_s, uint64_t now)
{
	uint64_t s = f->fails < 5 ? 1ULL << f->fails : BACKOFF_MAX_S;

	counter_add(&f->kube->errors, 1);
	f->fails++;
	if (f->failing == 0)
		f->failing = now;
	s = MAX(MIN(s, BACKOFF_MAX_S), MIN(pause_s, 10 * BACKOFF_MAX_S));
	rest(f, now + s * NS_PER_S * 3 / 4 + random_below(f->kube, s * NS_PER_S / 2));
	say(f, why);
}

static void
works(struct feed *f)
{
	f->fails = 0;
	f->failing = 0;
}

void
feed_tick(struct feed *f, uint64_t now)
{
	long status = 0;

	if (f->step != FEED_WATCH || f->failing == 0 || now - f->began < NS_PER_S)
		return;
	(void) curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		works(f);
}

/* Begin anew: the version is too old, or what came cannot be trusted. */
static void
list_again(struct feed *f)
{
	f->version[0] = '\0';
	free(f->more);
	f->more = NULL;
}

/* Not allowed, or not served: ask again now and then, so that a grant needs no restart. */
static void
deny(struct feed *f, long status, uint64_t now)
{
	if (!f->denied && status == 403)
		log_warn(
		    "kubernetes: we may not list and watch %s: grant 'list' and 'watch'; its "
		    "fields have no value until then",
		    kinds[f->kind].resource);
	f->denied = true;
	if (f->kind == KUBE_POD) { /* without these there is nothing */
		fail(f, status == 403 ? "we may not list and watch them (403)" : "not served (404)",
		    0, now);
		return;
	}
	works(f);
	rest(f, now + DENIED_S * NS_PER_S);
}

static void
refused(struct feed *f, long status, uint64_t now)
{
	curl_off_t pause = 0;
	char why[128];

	if (status == 410) {
		counter_add(&f->kube->expired, 1);
		list_again(f);
		fail(f, "the version to watch from is gone (410)", 0, now);
		return;
	}
	if (status == 403 || status == 404) {
		deny(f, status, now);
		return;
	}
	(void) curl_easy_getinfo(f->easy, CURLINFO_RETRY_AFTER, &pause);
	if (status == 401)
		(void) snprintf(why, sizeof(why), "the server refuses our credentials (401)");
	else
		(void) snprintf(why, sizeof(why), "the server answers with status %ld", status);
	fail(f, why, (uint64_t) MAX(pause, 0), now);
}

/* The answer was cut off by us. */
static void
cut_off(struct feed *f, uint64_t now)
{
	enum feed_end end = f->end;

	if (end == END_EXPIRED) {
		counter_add(&f->kube->expired, 1);
		list_again(f);
		rest(f, now);
		return;
	}
	if (end == END_TOO_LARGE && f->step == FEED_LIST && f->page > 1)
		f->page /= 2;
	if (end == END_ERROR) {
		char why[256];

		(void) snprintf(why, sizeof(why), "the server ended the watch: %.200s", f->error);
		fail(f, why, 0, now);
		return;
	}
	list_again(f);
	fail(f, end == END_TOO_LARGE ? "an answer is too large" : "an answer is not Kubernetes'", 0,
	    now);
}

static void
page_done(struct feed *f, uint64_t now)
{
	int r = feed_page(f, now);

	if (r < 0) {
		list_again(f);
		fail(f, r == -ENOMEM ? "no memory" : "an answer is not Kubernetes'", 0, now);
		return;
	}
	works(f);
	f->denied = false;
	if (f->more == NULL) {
		f->listed = true;
		counter_add(&f->kube->lists, 1);
	}
	rest(f, now);
}

void
feed_done(struct feed *f, CURLcode code, uint64_t now)
{
	long status = 0;

	(void) curl_easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status);
	(void) curl_multi_remove_handle(f->kube->multi, f->easy);
	if (f->end != END_NONE) {
		cut_off(f, now);
	} else if (code != CURLE_OK && !(code == CURLE_OPERATION_TIMEDOUT && status == 200 &&
					   f->step == FEED_WATCH && f->in.n == 0)) {
		fail(f, f->error[0] != '\0' ? f->error : curl_easy_strerror(code), 0, now);
	} else if (status != 200) {
		refused(f, status, now);
	} else if (f->step == FEED_LIST) {
		page_done(f, now);
	} else if (code != CURLE_OK) {
		fail(f, "the watch did not end when it should: is the server stuck?", 0, now);
	} else {
		works(f);
		/* a server that ends each watch at once is not asked in a loop */
		rest(f, MAX(now, f->began + NS_PER_S));
	}
}

void
feed_start(struct feed *f, uint64_t now)
{
	struct kube *k = f->kube;
	struct kube_server s = { .url = "" };
	struct diag d = { 0 };
	char why[256];
	int r;

	if (f->step != FEED_REST || now < f->due)
		return;
	r = kube_server_read(k->kubeconfig, k->context, NULL, k->insecure, &s, &d);
	if (r < 0) {
		(void) snprintf(why, sizeof(why), "%s%s%.180s", d.file,
		    d.file[0] == '\0' ? "" : ": ",
		    d.code == DIAG_NONE ? strerrordesc_np(-r) : d.msg);
		fail(f, why, 0, now);
		return;
	}
	f->step = f->version[0] == '\0' ? FEED_LIST : FEED_WATCH;
	f->end = END_NONE;
	f->began = now;
	if (f->step == FEED_WATCH)
		counter_add(&k->watches, 1);
	if (!set_up(f, &s)) {
		f->step = FEED_REST;
		fail(f, "no memory", 0, now);
	}
	kube_server_fini(&s);
}
