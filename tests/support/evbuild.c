/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/evbuild.h"
#include <stdio.h>
#include <stdlib.h>

_Noreturn static void
die(const struct evb *b, const char *what, const char *name)
{
	fprintf(stderr, "evbuild: %s: %s %s\n", b->c.schema == NULL ? "?" : b->c.schema->name, what,
	    name);
	abort();
}

static unsigned
param(const struct evb *b, const char *name, bool text)
{
	const struct ev_schema *s = b->c.schema;

	for (unsigned i = 0; i < s->nparams; i++) {
		if (strcmp(s->params[i].name, name) != 0)
			continue;
		if (ptype_is_text(s->params[i].type) != text)
			die(b, text ? "is a number:" : "is a text:", name);
		return i;
	}
	die(b, "has no parameter", name);
}

void
evb_begin(struct evb *b, unsigned type, uint32_t tid, uint64_t ts)
{
	const struct ev_schema *s = schema_get(type);

	if (s == NULL)
		die(b, "no such event", "");
	compose_begin(&b->c, s);
	b->c.hdr.ts = ts;
	b->c.hdr.tid = tid;
	evb_task(b, tid, 1);
}

void
evb_task(struct evb *b, uint32_t pid, uint64_t start)
{
	b->c.hdr.pid = pid;
	b->c.hdr.start = start;
}

void
evb_num(struct evb *b, const char *name, int64_t v)
{
	compose_num(&b->c, param(b, name, false), v);
}

void
evb_text(struct evb *b, const char *name, const char *text)
{
	compose_text(&b->c, param(b, name, true), slice_str(text));
}

void
evb_bytes(struct evb *b, const char *name, const void *p, size_t n)
{
	compose_text(&b->c, param(b, name, true), (struct slice){ p, n });
}

const struct ev_hdr *
evb_end(struct evb *b)
{
	if (compose_end(&b->c, &b->rec) < 0)
		die(b, "is longer than EV_RECORD_MAX", "");
	if (record_check(b->rec.bytes, b->rec.hdr.len) < 0)
		die(b, "record_check() refuses what evbuild built", "");
	return &b->rec.hdr;
}

void
evb_add(struct evb *b)
{
	if ((b->enc == NULL && batch_enc_new(&b->enc) < 0) || batch_enc_add(b->enc, evb_end(b)) < 0)
		die(b, "cannot be added to the batch", "");
}

struct batch *
evb_batch(struct evb *b)
{
	struct batch *batch = NULL;
	struct buf data = BUF_INIT;
	const char *why = "no memory";
	Wire__Body body;

	if (b->enc == NULL && batch_enc_new(&b->enc) < 0)
		die(b, "no memory", "");
	if (batch_enc_finish(b->enc, 0, &data, &body) < 0 ||
	    batch_decode(&body, NULL, &batch, &why) < 0)
		die(b, "does not decode:", why);
	buf_fini(&data);
	return batch;
}

void
evb_fini(struct evb *b)
{
	batch_enc_free(b->enc);
	b->enc = NULL;
}

static unsigned
index_of(const struct event *ev, const char *name)
{
	for (unsigned i = 0; i < ev->schema->nparams; i++) {
		if (strcmp(ev->schema->params[i].name, name) == 0)
			return i;
	}
	fprintf(stderr, "evbuild: %s has no parameter %s\n", ev->schema->name, name);
	abort();
}

const char *
evb_str(const struct batch *b, const struct event *ev, const char *name)
{
	static _Thread_local char text[EV_RECORD_MAX];
	struct slice s = ev_text(b, ev, index_of(ev, name));

	if (s.p == NULL)
		return NULL;
	(void) snprintf(text, sizeof(text), "%.*s", SLICE_ARG(s));
	return text;
}

int64_t
evb_int(const struct event *ev, const char *name)
{
	return ev_num(ev, index_of(ev, name));
}
