/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/enroll_proxy.h"
#include "common/file.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

enum { ANSWER_MAX = 8192, LOGIN_MAX = 512 };

/* The first of two variables that is set, and not empty. */
static const char *
variable(const char *name, const char *other)
{
	const char *v = getenv(name); /* NOLINT(concurrency-mt-unsafe): one thread */

	if (v == NULL || *v == '\0')
		v = getenv(other); /* NOLINT(concurrency-mt-unsafe): the same */
	return v == NULL ? "" : v;
}

/* ---- which ---- */

/* Does the list of hosts and domains have this host? */
static bool
is_listed(const char *list, const char *host)
{
	size_t n = strlen(host);

	while (*list != '\0') {
		size_t len = strcspn(list, ", "), skip = list[0] == '.';
		const char *name = list + skip;
		size_t m = len - MIN(skip, len);

		if (len == 1 && list[0] == '*')
			return true;
		if (m > 0 && m <= n && strncasecmp(host + n - m, name, m) == 0 &&
		    (m == n || host[n - m - 1] == '.'))
			return true;
		list += len;
		list += strspn(list, ", ");
	}
	return false;
}

static int
read_login(struct enroll_proxy *ret, struct diag *d)
{
	struct buf b = BUF_INIT;
	const char *path = variable("MEWS_PROXY_PASSWORD_FILE", "MEWS_PROXY_PASSWORD_FILE");
	int r = 0;

	if (*path == '\0')
		return 0;
	r = file_read(path, "proxy's password (MEWS_PROXY_PASSWORD_FILE)", true, &b, d);
	while (r == 0 && b.n > 0 && b.p[b.n - 1] == '\n')
		b.n--;
	if (r == 0 && (b.n == 0 || b.n > LOGIN_MAX || memchr(b.p, ':', b.n) == NULL ||
			  memchr(b.p, '\n', b.n) != NULL))
		r = diag_fail(d, 0, 0, "%s is not one line USER:PASSWORD", path);
	if (r == 0)
		(void) EVP_EncodeBlock(
		    (unsigned char *) ret->login, (const unsigned char *) b.p, (int) b.n);
	if (b.p != NULL)
		OPENSSL_cleanse(b.p, b.cap);
	buf_fini(&b);
	return r;
}

int
enroll_proxy_find(const char *host, struct enroll_proxy *ret, struct diag *d)
{
	const char *url = variable("https_proxy", "HTTPS_PROXY");
	struct slice s = slice_str(url), scheme = SLICE("http://");
	int r;

	*ret = (struct enroll_proxy){ .login = "" };
	if (s.n == 0 || is_listed(variable("no_proxy", "NO_PROXY"), host))
		return 0;
	if (slice_starts(s, scheme))
		s = (struct slice){ s.p + scheme.n, s.n - scheme.n };
	if (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	if (memchr(s.p, '@', s.n) != NULL)
		return diag_fail(d, 0, 0,
		    "https_proxy has a password, which others can see: put USER:PASSWORD into a "
		    "file of "
		    "mode 0600, and its name into MEWS_PROXY_PASSWORD_FILE");
	if (memchr(s.p, ':', s.n) == NULL || enroll_address_parse(s, &ret->at, d) < 0)
		return diag_fail(d, 0, 0, "https_proxy must be http://HOST:PORT");
	r = read_login(ret, d);
	return r < 0 ? r : 1;
}

/* ---- the connection ---- */

static int
read_answer(int fd, char *text, size_t size)
{
	size_t n = 0;

	/* not a byte more: the rest is the server's */
	while (n + 1 < size) {
		ssize_t got = read(fd, text + n, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -EAGAIN;
		text[++n] = '\0';
		if (n >= 4 && memcmp(text + n - 4, "\r\n\r\n", 4) == 0)
			return 0;
	}
	return -EPROTO;
}

/* 200, or why not. */
static int
judge(
    const char *text, const struct enroll_proxy *p, const struct enroll_address *to, struct diag *d)
{
	unsigned code = 0;

	if (strncmp(text, "HTTP/1.", 7) == 0 && strlen(text) > 12 && text[8] == ' ')
		code = (unsigned) strtoul(text + 9, NULL, 10);
	if (code / 100 == 2)
		return 0;
	if (code == 407) {
		diag_set(d, 0, 0,
		    p->login[0] == '\0'
			? "the proxy %s wants a user and a password: put USER:PASSWORD into a file "
			  "of mode "
			  "0600, and its name into MEWS_PROXY_PASSWORD_FILE"
			: "the proxy %s does not accept the user and the password of "
			  "MEWS_PROXY_PASSWORD_FILE",
		    p->at.host);
		return -EACCES;
	}
	if (code == 0)
		diag_set(d, 0, 0, "what answers at %s port %s is not an HTTP proxy", p->at.host,
		    p->at.port);
	else
		diag_set(d, 0, 0,
		    "the proxy %s does not connect to %s port %s: it answers %u; is CONNECT to "
		    "this port "
		    "allowed there?",
		    p->at.host, to->host, to->port, code);
	return code == 403 || code == 405 ? -EACCES : -EAGAIN;
}

int
enroll_proxy_connect(
    int fd, const struct enroll_proxy *p, const struct enroll_address *to, struct diag *d)
{
	struct buf b = BUF_INIT;
	const char *open = strchr(to->host, ':') == NULL ? "" : "[",
		   *close = *open == '\0' ? "" : "]";
	char text[ANSWER_MAX] = "";
	int r;

	buf_printf(&b, "CONNECT %s%s%s:%s HTTP/1.1\r\nHost: %s%s%s:%s\r\n", open, to->host, close,
	    to->port, open, to->host, close, to->port);
	if (p->login[0] != '\0')
		buf_printf(&b, "Proxy-Authorization: Basic %s\r\n", p->login);
	buf_str(&b, "\r\n");
	r = buf_ok(&b);
	if (r == 0 && fd_write_all(fd, buf_get(&b)) < 0)
		r = -EAGAIN;
	if (b.p != NULL)
		OPENSSL_cleanse(b.p, b.cap);
	buf_fini(&b);
	if (r == 0)
		r = read_answer(fd, text, sizeof(text));
	if (r == -EAGAIN)
		diag_set(d, 0, 0, "the proxy %s port %s does not answer", p->at.host, p->at.port);
	else if (r == -EPROTO)
		text[0] = '\0';
	return r < 0 && r != -EPROTO ? r : judge(text, p, to, d);
}
