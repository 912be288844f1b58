/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/enroll_line.h"
#include <errno.h>
#include <string.h>

#define PREFIX "mews-enroll/1/"

/* Cut 's' at the first 'c' and return what is in front of it; the whole if there is none. */
static struct slice
take_until(struct slice *s, char c)
{
	const char *at = s->n == 0 ? NULL : memchr(s->p, c, s->n);
	struct slice head = { s->p, at == NULL ? s->n : (size_t) (at - s->p) };
	size_t skip = head.n + (at != NULL);

	*s = (struct slice){ s->p + skip, s->n - skip };
	return head;
}

static bool
all_of(struct slice s, const char *set)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\0' || strchr(set, s.p[i]) == NULL)
			return false;
	}
	return true;
}

static bool
copy(struct slice s, char *ret, size_t size)
{
	if (s.n == 0 || s.n >= size)
		return false;
	memcpy(ret, s.p, s.n);
	ret[s.n] = '\0';
	return true;
}

int
enroll_address_parse(struct slice text, struct enroll_address *ret, struct diag *d)
{
	bool brackets = text.n > 0 && text.p[0] == '[';
	struct slice rest = brackets ? (struct slice){ text.p + 1, text.n - 1 } : text;
	struct slice host = take_until(&rest, brackets ? ']' : ':'), port = rest;
	bool ended = host.n + brackets < text.n, colon = ended; /* at the bracket or the colon */
	long number = 0;

	if (brackets && (!ended || memchr(host.p, ':', host.n) == NULL))
		host.n = 0; /* brackets are for addresses of IPv6 */
	if (brackets) {
		colon = port.n > 0 && port.p[0] == ':';
		if (colon)
			port = (struct slice){ port.p + 1, port.n - 1 };
		else if (port.n > 0)
			host.n = 0;
	}
	if (!colon && port.n == 0)
		port = slice_str(ENROLL_PORT);
	for (size_t i = 0; i < port.n && i < 6; i++)
		number = all_of(port, "0123456789") ? number * 10 + port.p[i] - '0' : 0;
	if (!copy(host, ret->host, sizeof(ret->host)) ||
	    !all_of(host,
		brackets ? "0123456789abcdefABCDEF:.%"
			 : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ||
	    number < 1 || number > 65535 || !copy(port, ret->port, sizeof(ret->port)))
		return diag_fail(
		    d, 0, 0, "'%.*s' is not an address such as HOST:" ENROLL_PORT, SLICE_ARG(text));
	return 0;
}

static bool
take_digits(struct slice s, char ret[ENROLL_DIGITS + 1])
{
	return s.n == ENROLL_DIGITS && all_of(s, "0123456789abcdef") &&
	       copy(s, ret, ENROLL_DIGITS + 1);
}

int
enroll_line_parse(struct slice text, struct enroll_line *ret, struct diag *d)
{
	struct slice s = text, address, secret;

	while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL && s.p[s.n - 1] != '\0')
		s.n--;
	if (!slice_starts(s, SLICE("mews-enroll/")))
		return diag_fail(d, 0, 0,
		    "this is no enrolment line, which begins with mews-enroll/: copy what "
		    "'mewsctl pki token' has printed, whole");
	if (!slice_starts(s, SLICE(PREFIX)))
		return diag_fail(d, 0, 0,
		    "this enrolment line is of a newer version: upgrade mews-sensor, or make the "
		    "token with a mewsctl of this version");
	s = (struct slice){ s.p + sizeof(PREFIX) - 1, s.n - (sizeof(PREFIX) - 1) };
	address = take_until(&s, '/');
	secret = take_until(&s, '/');
	if (enroll_address_parse(address, &ret->at, d) < 0 || !take_digits(secret, ret->secret) ||
	    !take_digits(s, ret->authority))
		return diag_fail(d, 0, 0,
		    "this enrolment line is cut off or damaged: copy what 'mewsctl pki token' has "
		    "printed, whole");
	return 0;
}

void
enroll_line_print(const struct enroll_line *l, char ret[ENROLL_LINE_MAX])
{
	bool brackets = strchr(l->at.host, ':') != NULL;

	(void) snprintf(ret, ENROLL_LINE_MAX, PREFIX "%s%s%s:%s/%s/%s", brackets ? "[" : "",
	    l->at.host, brackets ? "]" : "", l->at.port, l->secret, l->authority);
}
