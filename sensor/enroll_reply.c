/* SPDX-License-Identifier: Apache-2.0 */
/* enroll_reply.c - the enroller's answer: bytes from a server that is known. */
#include "common/escape.h"
#include "sensor/enroll_call.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

void
enroll_reply_fini(struct enroll_reply *r)
{
	free(r->certificate);
	free(r->ca);
	free(r->crl);
	free(r->collector);
	*r = (struct enroll_reply){ .ca = NULL };
}

/* "HTTP/1.1 200 OK": the number; 0: this is no answer of HTTP. */
static unsigned
status_of(struct slice http)
{
	unsigned v = 0;

	if (http.n < 13 || memcmp(http.p, "HTTP/1.", 7) != 0 || http.p[8] != ' ')
		return 0;
	for (int i = 9; i < 12; i++) {
		if (http.p[i] < '0' || http.p[i] > '9')
			return 0;
		v = v * 10 + (unsigned) (http.p[i] - '0');
	}
	return v;
}

static struct slice
body_of(struct slice http)
{
	const char *end = memmem(http.p, http.n, "\r\n\r\n", 4);

	if (end == NULL)
		return (struct slice){ http.p, 0 };
	end += 4;
	return (struct slice){ end, (size_t) (http.p + http.n - end) };
}

static char *
copy(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text == NULL ? NULL : strdup(text);
}

int
enroll_reply_parse(struct slice http, struct enroll_reply *ret, struct diag *d)
{
	unsigned status = status_of(http);
	struct slice body = body_of(http);
	json_t *o = status == 0 ? NULL : json_loadb(body.p, body.n, 0, NULL);
	const char *why = json_string_value(json_object_get(o, "error"));
	int r = -EPROTO;

	*ret = (struct enroll_reply){ .ca = NULL };
	if (status == 200) {
		*ret = (struct enroll_reply){ copy(o, "certificate"), copy(o, "ca"), copy(o, "crl"),
			copy(o, "collector") };
		r = ret->ca != NULL && ret->crl != NULL && ret->collector != NULL ? 0 : -EPROTO;
	} else if (why != NULL && why[0] != '\0') {
		diag_set(d, 0, 0, "%.480s", why);
		r = status == 429 || status >= 500 ? -EAGAIN : -EACCES;
	}
	json_decref(o);
	if (r != -EPROTO)
		return r;
	enroll_reply_fini(ret);
	diag_set(d, 0, 0,
	    "what answers there is no enrolment server: check address and port in serve.yaml of "
	    "the enroller");
	return r;
}
