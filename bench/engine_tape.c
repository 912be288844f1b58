/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine.h"
#include "common/array.h"
#include "common/intern.h"
#include "proto/compose.h"
#include "proto/recording.h"
#include "proto/wire.h"
#include <stdarg.h>
#include <stdlib.h>

enum { SUFFIX = 10 }; /* tape_distinct() appends ".%09llx" to a path */

void
engine_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("bench_engine: ", stderr);
	(void) vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1); /* NOLINT(concurrency-mt-unsafe): one thread */
}

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

	if (ARRAY_RESERVE(t->v, t->n, 1, t->cap) < 0)
		engine_die("no memory");
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

/* Make a unique path for this event, in 'room'. */
static struct slice
new_path(struct tape *t, struct slice old, bool again, char room[EV_TEXT_MAX + 1])
{
	size_t n = old.n - (again ? SUFFIX : 0);

	memcpy(room, old.p, n);
	(void) snprintf(room + n, SUFFIX + 1, ".%09llx", (unsigned long long) t->serial++);
	return (struct slice){ room, n + SUFFIX };
}

static bool
is_path(const struct ev_schema *s, size_t i)
{
	return s->params[i].type == PT_FSPATH || s->params[i].type == PT_FSRELPATH;
}

static void
rewrite_event(struct tape *t, struct batch_enc *enc, const struct batch *b, const struct event *ev,
    bool again)
{
	static char room[EV_PARAM_MAX][EV_TEXT_MAX + 1];
	static union ev_record rec;
	struct composer c;

	compose_event(&c, b, ev);
	for (unsigned i = 0; i < ev->schema->nparams; i++) {
		struct slice text;

		if (!is_path(ev->schema, i))
			continue;
		text = ev_text(b, ev, i);
		if (text.n > 0 && text.n + SUFFIX <= EV_TEXT_MAX)
			compose_text(&c, i, new_path(t, text, again, room[i]));
	}
	if (compose_end(&c, &rec) < 0 || batch_enc_add(enc, &rec.hdr) < 0)
		engine_die("an event does not fit into its batch");
}

/* Rewrite the body, compressed as by the sensor. */
static void
rewrite_batch(struct tape *t, Wire__Batch *b, bool again)
{
	struct batch *d = decode(t, b);
	struct batch_enc *enc = NULL;
	struct buf data = BUF_INIT;
	Wire__Body body;

	if (batch_enc_new(&enc) < 0)
		engine_die("out of memory");
	for (size_t i = 0; i < d->nev; i++)
		rewrite_event(t, enc, d, &d->ev[i], again);
	if (batch_enc_finish(enc, 1, &data, &body) < 0)
		engine_die("out of memory");
	free(b->body->data.data);
	b->body->encoding = body.encoding;
	b->body->size = body.size;
	b->body->data.len = body.data.len;
	b->body->data.data = memcpy(need(malloc(body.data.len)), body.data.data, body.data.len);
	buf_fini(&data);
	batch_enc_free(enc);
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
