/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine.h"
#include "common/intern.h"
#include "proto/recording.h"
#include "proto/wire.h"
#include <stdlib.h>
#include <zstd.h>

enum { SUFFIX = 10 }; /* what tape_distinct() puts behind a path: ".%09llx" */

static void *
need(void *p)
{
	if (p == NULL)
		engine_die("out of memory");
	return p;
}

static struct batch *
decode(const struct tape *t, const Wire__Batch *b)
{
	struct batch *ret = NULL;
	const char *why = "no memory";

	if (b->body == NULL || batch_decode(b->body, t->schema, &ret, &why) < 0)
		engine_die("batch %llu: %s", (unsigned long long) b->seq, why);
	return ret;
}

static void
count(struct tape *t, const Wire__Batch *b)
{
	struct batch *d = decode(t, b);

	for (size_t i = 0; i < d->nev; i++)
		t->type[d->ev[i].schema->num]++;
	t->events += d->nev;
	batch_free(d);
}

static void
take(struct tape *t, Wire__Request *q)
{
	const char *why = "no memory";

	if ((t->n & (t->n + 1)) == 0) /* room for twice as many and one */
		t->v = need(realloc(t->v, (2 * t->n + 1) * sizeof(*t->v)));
	t->v[t->n++] = q;
	if (q->body_case == WIRE__REQUEST__BODY_BATCH)
		count(t, q->batch);
	else if (q->body_case == WIRE__REQUEST__BODY_HELLO && t->schema == NULL &&
		 peer_schema_new(q->hello->schema, q->hello->n_schema, &t->schema, &why) < 0)
		engine_die("its Hello: %s", why);
}

void
tape_load(struct tape *t, const char *path, uint64_t max)
{
	struct recording *r = NULL;
	Wire__Request *q = NULL;
	const char *why = "";
	int e = recording_open(path, &r);

	if (e < 0)
		engine_die("cannot read %s: %s", path, strerrordesc_np(-e));
	*t = (struct tape){ 0 };
	while ((max == 0 || t->events < max) && (e = recording_next(r, &q, &why)) > 0)
		take(t, q);
	if (e < 0)
		engine_die("%s: %s", path, why);
	if (t->events == 0)
		engine_die("%s holds no events", path);
	recording_close(r);
}

void
tape_free(struct tape *t)
{
	for (size_t i = 0; i < t->n; i++)
		wire__request__free_unpacked(t->v[i], NULL);
	free(t->v);
	peer_schema_free(t->schema);
}

uint64_t
tape_texts(const struct tape *t)
{
	struct intern_stats st;
	struct intern *pool = NULL;

	if (intern_new(UINT64_MAX, &pool) < 0)
		engine_die("out of memory");
	for (size_t i = 0; i < t->n; i++) {
		struct batch *b;

		if (t->v[i]->body_case != WIRE__REQUEST__BODY_BATCH)
			continue;
		b = decode(t, t->v[i]->batch);
		for (size_t k = 1; k < b->ntext; k++)
			(void) intern_put(pool, b->text[k]);
		batch_free(b);
	}
	intern_stats(pool, &st);
	intern_free(pool);
	return st.texts;
}

size_t
tape_frequent(const struct tape *t, const struct ev_schema *ret[TAPE_FREQUENT])
{
	bool taken[EV_TYPE_MAX] = { false };
	size_t n = 0;

	for (; n < TAPE_FREQUENT; n++) {
		unsigned best = 0;

		for (unsigned k = 1; k < EV_TYPE_MAX; k++) {
			if (!taken[k] && t->type[k] > t->type[best])
				best = k;
		}
		if (best == 0)
			break;
		taken[best] = true;
		ret[n] = schema_get(best);
	}
	return n;
}

/* ---- distinct paths ---- */

/* A body's columns with another dictionary under construction. */
struct rewrite {
	Wire__Columns *c;
	ProtobufCBinaryData *dict;
	size_t n;
	uint32_t *kept; /* by old index: the new one; 0: not used yet */
};

static Wire__Columns *
columns_of(const Wire__Body *body)
{
	uint8_t *p = need(malloc(body->size + 1));
	size_t n = body->data.len;
	Wire__Columns *c;

	if (body->encoding == WIRE__BODY__ENCODING__ZSTD)
		n = ZSTD_decompress(p, body->size, body->data.data, n);
	else
		memcpy(p, body->data.data, n);
	c = n == body->size ? wire__columns__unpack(NULL, n, p) : NULL;
	free(p);
	return need(c);
}

static int64_t
keep_text(struct rewrite *w, int64_t k)
{
	if (w->kept[k] == 0) {
		w->dict[w->n++] = w->c->dict[k - 1];
		w->c->dict[k - 1].data = NULL;
		w->kept[k] = (uint32_t) w->n;
	}
	return w->kept[k];
}

/* 'old' is borrowed: a text used twice is there for the second time, too. */
static int64_t
new_path(struct rewrite *w, struct slice old, uint64_t serial)
{
	size_t room = old.n + SUFFIX + 1;
	uint8_t *p = need(malloc(room));

	memcpy(p, old.p, old.n);
	(void) snprintf((char *) p + old.n, room - old.n, ".%09llx", (unsigned long long) serial);
	w->dict[w->n++] = (ProtobufCBinaryData){ old.n + SUFFIX, p };
	return (int64_t) w->n;
}

static bool
is_path(const struct ev_schema *s, size_t i)
{
	return s->params[i].type == PT_FSPATH || s->params[i].type == PT_FSRELPATH;
}

/* One event's parameters; returns how many. 'd' is the batch as it was. */
static size_t
rewrite_event(struct tape *t, struct rewrite *w, const struct batch *d, const struct event *ev,
    int64_t *v, bool again)
{
	for (size_t i = 0; i < ev->schema->nparams; i++) {
		struct slice old;

		if (!ptype_is_text(ev->schema->params[i].type) || v[i] == 0)
			continue;
		old = d->text[v[i]];
		if (!is_path(ev->schema, i) || old.n == 0 || old.n + SUFFIX > EV_TEXT_MAX) {
			v[i] = keep_text(w, v[i]);
			continue;
		}
		old.n -= again ? SUFFIX : 0;
		v[i] = new_path(w, old, t->serial++);
	}
	return ev->schema->nparams;
}

/* As a body of its own, compressed as the sensor would. */
static void
pack(Wire__Body *body, const Wire__Columns *c)
{
	size_t n = wire__columns__get_packed_size(c), bound = ZSTD_compressBound(n);
	uint8_t *plain = need(malloc(n)), *data = need(malloc(bound));

	(void) wire__columns__pack(c, plain);
	free(body->data.data);
	body->encoding = WIRE__BODY__ENCODING__ZSTD;
	body->size = (uint32_t) n;
	body->data.data = data;
	body->data.len = ZSTD_compress(data, bound, plain, n, 1);
	free(plain);
}

static void
rewrite_batch(struct tape *t, Wire__Batch *b, bool again)
{
	struct batch *d = decode(t, b);
	struct rewrite w = { .c = columns_of(b->body) };
	size_t at = 0;

	w.dict = need(calloc(w.c->n_params + 1, sizeof(*w.dict)));
	w.kept = need(calloc(d->ntext, sizeof(*w.kept)));
	for (size_t i = 0; i < d->nev; i++)
		at += rewrite_event(t, &w, d, &d->ev[i], &w.c->params[at], again);
	if (at != w.c->n_params)
		engine_die("the recording is of another version: record it anew");
	for (size_t k = 0; k < w.c->n_dict; k++)
		free(w.c->dict[k].data);
	free(w.c->dict);
	w.c->dict = w.dict;
	w.c->n_dict = w.n;
	pack(b->body, w.c);
	wire__columns__free_unpacked(w.c, NULL);
	free(w.kept);
	batch_free(d);
}

void
tape_distinct(struct tape *t)
{
	bool again = t->serial > 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->v[i]->body_case == WIRE__REQUEST__BODY_BATCH)
			rewrite_batch(t, t->v[i]->batch, again);
	}
}
