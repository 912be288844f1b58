/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alerts.c - /api/v1/alerts: a history of any size in constant memory and bounded time.
 *
 *	rule= node= cluster= id=   exact match
 *	priority=                  this or higher
 *	since= until=              realtime ns
 *	after= before=             rows of the outbox, both exclusive
 *	order=oldest|newest        first; default oldest
 *	limit=                     default 100; 0: as many as one answer may have
 *
 * The answer is made page by page, each from one short read of the outbox, when the client has
 * taken the page before. It ends after ROWS_MAX alerts, BYTES_MAX or TIME_MS, whichever comes
 * first:
 *
 *	{"alerts":[...],"last":N,"more":B}              oldest first: continue with after=N
 *	{"alerts":[...],"last":N,"first":N,"more":B}    newest first: continue with before=first;
 *	                                                later alerts are after=last
 *	more    there may be further matching alerts, in that order
 */
#include "collector/api/api_int.h"
#include "common/clock.h"
#include <errno.h>
#include <stdlib.h>

enum {
	ROWS_DEFAULT = 100,
	ROWS_MAX = 10000,
	BYTES_MAX = 32 << 20,
	TIME_MS = 10000,
	BLOCK = 32768, /* the size that libmicrohttpd requests */
};

/* ---- the query ---- */

enum { RULE, NODE, CLUSTER, ID };

void
alerts_query_init(struct alerts_query *a)
{
	*a = (struct alerts_query){ .q = { .priority_max = -1, .limit = ROWS_DEFAULT } };
}

void
alerts_query_fini(struct alerts_query *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(a->texts); i++)
		free(a->texts[i]);
}

static int
number(const char *key, const char *value, uint64_t max, uint64_t *ret, struct diag *d)
{
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(value, &end, 10);
	if (errno != 0 || *end != '\0' || value[0] < '0' || value[0] > '9' || v > max)
		return diag_fail(d, 0, 0, "'%s' must be a whole number of at most %lu, not '%s'",
		    key, (unsigned long) max, value);
	*ret = v;
	return 0;
}

/* -ENOENT: the key belongs to another parameter. */
static int
set_text(struct alerts_query *a, const char *key, const char *value)
{
	static const char *const keys[] = {
		[RULE] = "rule", [NODE] = "node", [CLUSTER] = "cluster", [ID] = "id"
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(keys[i], key) != 0)
			continue;
		free(a->texts[i]);
		a->texts[i] = strdup(value);
		if (a->texts[i] == NULL)
			return -ENOMEM;
		a->q.rule = a->texts[RULE];
		a->q.node = a->texts[NODE];
		a->q.cluster = a->texts[CLUSTER];
		a->q.id = a->texts[ID];
		return 0;
	}
	return -ENOENT;
}

static int
set_number(struct outbox_query *q, const char *key, const char *value, struct diag *d)
{
	const struct {
		const char *key;
		uint64_t *to;
		uint64_t max;
	} numbers[] = {
		{ "since", &q->since, INT64_MAX },
		{ "until", &q->until, INT64_MAX },
		{ "after", &q->after, INT64_MAX },
		{ "before", &q->before, INT64_MAX },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (strcmp(numbers[i].key, key) == 0)
			return number(key, value, numbers[i].max, numbers[i].to, d);
	}
	return -ENOENT;
}

static int
set_word(struct outbox_query *q, const char *key, const char *value, struct diag *d)
{
	uint64_t n = 0;
	int r = 0;

	if (strcmp(key, "limit") == 0) {
		r = number(key, value, INT32_MAX, &n, d);
		q->limit = (int) n;
	} else if (strcmp(key, "order") == 0) {
		q->newest_first = strcmp(value, "newest") == 0;
		if (!q->newest_first && strcmp(value, "oldest") != 0)
			r = diag_fail(d, 0, 0, "'order' is oldest or newest, not '%s'", value);
	} else if (strcmp(key, "priority") == 0) {
		q->priority_max = priority_of(value);
		if (q->priority_max < 0)
			r = diag_fail(d, 0, 0, "'%s' is not a priority", value);
	} else {
		r = diag_fail(d, 0, 0, "unknown parameter '%s'", key);
	}
	return r;
}

int
alerts_query_set(struct alerts_query *a, const char *key, const char *value, struct diag *d)
{
	int r;

	if (value == NULL)
		return diag_fail(d, 0, 0, "'%s' has no value", key);
	r = set_text(a, key, value);
	if (r == -ENOENT)
		r = set_number(&a->q, key, value, d);
	return r == -ENOENT ? set_word(&a->q, key, value, d) : r;
}

struct parse {
	struct alerts_query *to;
	struct diag d;
	int r;
};

static enum MHD_Result
on_parameter(void *arg, enum MHD_ValueKind kind, const char *key, size_t key_size,
    const char *value, size_t value_size)
{
	struct parse *p = arg;

	(void) kind;
	if (strlen(key) != key_size || (value != NULL && strlen(value) != value_size))
		p->r = diag_fail(&p->d, 0, 0, "'%s' has a NUL in it", key);
	else
		p->r = alerts_query_set(p->to, key, value, &p->d);
	return p->r == 0 ? MHD_YES : MHD_NO;
}

/* ---- the answer ---- */

struct answer {
	struct door *door;
	struct alerts_query query;
	struct outbox_span span; /* still to be read */
	uint64_t last, started, bytes;
	size_t rows, max_rows;
	struct buf page;
	size_t taken; /* bytes of the page that were sent */
	bool begun, done;
};

static void
answer_free(void *arg)
{
	struct answer *a = arg;

	a->door->reads--;
	alerts_query_fini(&a->query);
	buf_fini(&a->page);
	free(a);
}

static bool
add_row(void *arg, const struct outbox_row *row)
{
	struct answer *a = arg;

	if (a->rows++ > 0)
		buf_char(&a->page, ',');
	buf_add(&a->page, row->alert.json, row->alert.json_len);
	return true;
}

static void
add_end(struct answer *a)
{
	const struct outbox_query *q = &a->query.q;
	bool more = a->span.after < a->span.upto;

	buf_printf(&a->page, "],\"last\":%lu,",
	    (unsigned long) (q->newest_first ? a->last : MAX(a->span.after, q->after)));
	if (q->newest_first)
		buf_printf(&a->page, "\"first\":%lu,", (unsigned long) a->span.upto + 1);
	buf_printf(&a->page, "\"more\":%s}\n", more ? "true" : "false");
	a->done = true;
}

/* Make the next page: never empty. */
static int
next_page(struct answer *a)
{
	int r;

	buf_clear(&a->page);
	a->taken = 0;
	if (!a->begun)
		buf_str(&a->page, "{\"alerts\":[");
	a->begun = true;
	r = outbox_reader_slice(
	    a->door->reader, &a->query.q, &a->span, a->max_rows - a->rows, add_row, a);
	if (r < 0)
		return r;
	a->bytes += a->page.n;
	if (a->span.after >= a->span.upto || a->rows >= a->max_rows || a->bytes >= BYTES_MAX ||
	    clock_mono() - a->started >= TIME_MS * NS_PER_MS)
		add_end(a);
	else if (a->page.n == 0)
		buf_char(&a->page, '\n'); /* no match here: let others run */
	return buf_ok(&a->page);
}

static ssize_t
take(void *arg, uint64_t pos, char *to, size_t max)
{
	struct answer *a = arg;
	size_t n;

	(void) pos;
	if (a->taken == a->page.n) {
		if (a->done)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (next_page(a) < 0)
			return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	n = MIN(max, a->page.n - a->taken);
	memcpy(to, a->page.p + a->taken, n);
	a->taken += n;
	return (ssize_t) n;
}

/* Open the history and make the first page. */
static int
open_answer(struct answer *a)
{
	struct door *d = a->door;
	struct outbox_query *q = &a->query.q;
	int r = 0;

	if (d->reader == NULL)
		r = outbox_reader_open(d->api->view.outbox, &d->reader);
	if (r == 0)
		r = outbox_reader_span(d->reader, q, &a->span);
	if (r < 0)
		return r;
	a->started = clock_mono();
	a->max_rows = q->limit == 0 ? ROWS_MAX : (size_t) MIN(q->limit, ROWS_MAX);
	a->last = MAX(a->span.upto, q->after);
	return next_page(a);
}

static enum MHD_Result
send_answer(struct request *q, struct answer *a)
{
	struct MHD_Response *res =
	    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, take, a, answer_free);
	enum MHD_Result r = MHD_NO;

	if (res == NULL) {
		answer_free(a);
		return MHD_NO;
	}
	if (MHD_add_response_header(res, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json") ==
	    MHD_YES)
		r = MHD_queue_response(q->mhd, MHD_HTTP_OK, res);
	MHD_destroy_response(res);
	return r;
}

enum MHD_Result
answer_alerts(struct request *q)
{
	struct answer *a;
	struct parse p = { 0 };

	if (q->door->reads >= READS_MAX)
		return reply_error(q->mhd, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "too many answers with alerts are under way: ask again in a second");
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return MHD_NO;
	a->door = q->door;
	q->door->reads++;
	alerts_query_init(&a->query);
	p.to = &a->query;
	(void) MHD_get_connection_values_n(q->mhd, MHD_GET_ARGUMENT_KIND, on_parameter, &p);
	if (p.r == 0)
		p.r = open_answer(a);
	if (p.r == 0)
		return send_answer(q, a);
	answer_free(a);
	if (p.r == -EINVAL)
		return reply_error(q->mhd, MHD_HTTP_BAD_REQUEST, p.d.msg);
	return reply_error(
	    q->mhd, MHD_HTTP_SERVICE_UNAVAILABLE, "the outbox cannot be read at the moment");
}
