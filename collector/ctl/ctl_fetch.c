/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_fetch.h"
#include "collector/ctl/ctl.h"
#include "common/file.h"
#include <curl/curl.h>

enum { CONNECT_S = 15, WHOLE_S = 600, SLOW_BYTES = 512, SLOW_S = 30, REDIRECTS = 5 };

struct into {
	struct buf *b;
	size_t max;
	bool full;
};

bool
ctl_is_url(const char *text)
{
	return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

static size_t
on_data(char *p, size_t size, size_t n, void *arg)
{
	struct into *to = arg;

	to->full = to->b->n + size * n > to->max;
	if (to->full)
		return 0;
	buf_add(to->b, p, size * n);
	return to->b->failed ? 0 : size * n;
}

static void
set_options(CURL *c, const char *url, const struct ctl_fetch *f, struct into *to, char *detail)
{
	(void) curl_easy_setopt(c, CURLOPT_URL, url);
	(void) curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
	/* what began with TLS goes on with it */
	(void) curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR,
	    strncmp(url, "https:", 6) == 0 ? "https" : "http,https");
	(void) curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
	(void) curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long) REDIRECTS);
	(void) curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
	(void) curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long) CONNECT_S);
	(void) curl_easy_setopt(c, CURLOPT_TIMEOUT, (long) WHOLE_S);
	(void) curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long) SLOW_BYTES);
	(void) curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long) SLOW_S);
	(void) curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) to->max);
	(void) curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	(void) curl_easy_setopt(c, CURLOPT_WRITEDATA, to);
	(void) curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void) curl_easy_setopt(c, CURLOPT_ERRORBUFFER, detail);
	if (f->ca != NULL)
		(void) curl_easy_setopt(c, CURLOPT_CAINFO, f->ca);
}

/* "USER:PASSWORD" and perhaps a newline. */
static int
set_proxy(CURL *c, const struct ctl_fetch *f)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	struct diag d = { 0 };

	if (f->proxy == NULL)
		return CTL_OK;
	if (file_read(f->proxy, "proxy's password", true, &b, &d) < 0)
		return ctl_fail("%s", d.msg);
	if (b.n > 0 && b.p[b.n - 1] == '\n')
		b.p[--b.n] = '\0';
	if (b.n == 0 || memchr(b.p, ':', b.n) == NULL || memchr(b.p, '\n', b.n) != NULL)
		return ctl_fail("%s is not one line USER:PASSWORD", f->proxy);
	return curl_easy_setopt(c, CURLOPT_PROXYUSERPWD, b.p) == CURLE_OK ? CTL_OK
									  : ctl_fail("no memory");
}

int
ctl_fetch(const char *url, const struct ctl_fetch *f, size_t max, struct buf *ret)
{
	struct into to = { .b = ret, .max = max };
	char detail[CURL_ERROR_SIZE] = "", safe[CTL_SAFE], why[CTL_SAFE];
	CURL *c = curl_easy_init();
	CURLcode rv;
	int code;

	if (c == NULL)
		return ctl_fail("no memory");
	set_options(c, url, f, &to, detail);
	code = set_proxy(c, f);
	if (code != CTL_OK) {
		curl_easy_cleanup(c);
		return code;
	}
	rv = curl_easy_perform(c);
	curl_easy_cleanup(c);
	if (to.full || rv == CURLE_FILESIZE_EXCEEDED)
		return ctl_fail("%s is larger than %zu MiB", ctl_safe(url, safe), max >> 20);
	if (rv != CURLE_OK)
		return ctl_fail("cannot fetch %s: %s", ctl_safe(url, safe),
		    ctl_safe(detail[0] == '\0' ? curl_easy_strerror(rv) : detail, why));
	return CTL_OK;
}
