/* SPDX-License-Identifier: Apache-2.0 */
/*
 * accounts.c - what nodes generated, and where it is (stream/balance.h): /api/v1/accounts, and the
 * metrics.
 *
 *	node= cluster=     only these nodes, and then by type of event
 *
 *	{"nodes":[{"cluster":S,"node":S,"at":N, sums,"types":[{"type":S, sums}]}]}
 *
 *	at      realtime ns by the node's clock: as of the batch closed then; 0: no account yet
 *	sums    "generated":N,"delivered":N,"undelivered":N,"unaccounted":N,"dropped":{CAUSE:N}: the
 *	        first is the sum of all others
 */
#include "collector/api/api_int.h"
#include "proto/drop_log.h"
#include "proto/schema.h"
#include <stdlib.h>

struct accounts_query {
	const char *node, *cluster; /* NULL: any */
	struct buf *out;
	bool more;
};

static void
add_numbers(struct buf *out, const struct account_row *r)
{
	const char *comma = "";

	buf_printf(out,
	    "\"generated\":%lu,\"delivered\":%lu,\"undelivered\":%lu,\"unaccounted\":%lu,"
	    "\"dropped\":{",
	    (unsigned long) r->generated, (unsigned long) r->delivered,
	    (unsigned long) r->undelivered, (unsigned long) r->unaccounted);
	for (uint32_t i = 0; i < ACCOUNT_CAUSES; i++) {
		if (r->dropped[i] == 0)
			continue;
		buf_printf(out, "%s\"%s\":%lu", comma, drop_name(DROP_RING_FULL + i),
		    (unsigned long) r->dropped[i]);
		comma = ",";
	}
	buf_char(out, '}');
}

void
accounts_json(struct stream *st, struct buf *out)
{
	struct account_row sum = accounts_sum(&st->accounts);

	add_numbers(out, &sum);
}

static const char *
type_name(uint64_t type)
{
	const struct ev_schema *s = schema_get((unsigned) type);

	return s == NULL ? "unknown" : s->name;
}

static void
add_types(struct buf *out, const struct account_row *row, size_t n)
{
	buf_str(out, ",\"types\":[");
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "%s{\"type\":\"%s\",", i > 0 ? "," : "", type_name(row[i].type));
		add_numbers(out, &row[i]);
		buf_char(out, '}');
	}
	buf_char(out, ']');
}

static void
add_node(void *arg, struct stream *st)
{
	struct accounts_query *q = arg;
	struct account_row *row = NULL;
	uint64_t at;
	size_t n;

	if (st->forgotten || (q->node != NULL && strcmp(q->node, st->id.node) != 0) ||
	    (q->cluster != NULL && strcmp(q->cluster, st->id.cluster) != 0))
		return;
	n = accounts_get(&st->accounts, &row, &at);
	buf_str(q->out, q->more ? ",{\"cluster\":" : "{\"cluster\":");
	q->more = true;
	buf_json(q->out, slice_str(st->id.cluster));
	buf_str(q->out, ",\"node\":");
	buf_json(q->out, slice_str(st->id.node));
	buf_printf(q->out, ",\"at\":%lu,", (unsigned long) at);
	accounts_json(st, q->out);
	if (q->node != NULL)
		add_types(q->out, row, n);
	buf_char(q->out, '}');
	free(row);
}

void
api_accounts(const struct api_view *v, const char *node, const char *cluster, struct buf *out)
{
	struct accounts_query q = { node, cluster, out, false };

	buf_str(out, "{\"nodes\":[");
	streams_each(v->streams, add_node, &q);
	buf_str(out, "]}\n");
}

/* ---- metrics ---- */

/* A column: the sums of one kind, a line for each node. */
static const struct column {
	const char *name, *help;
	size_t at;
} columns[] = {
	{ "generated", "Events of a node that passed the interest in its kernel.",
	    offsetof(struct account_row, generated) },
	{ "delivered", "Of these, events that reached the collector.",
	    offsetof(struct account_row, delivered) },
	{ "undelivered", "Of these, events in batches that did not come or do not decode.",
	    offsetof(struct account_row, undelivered) },
	{ "unaccounted", "Of these, events that are missing and that nobody counted as dropped.",
	    offsetof(struct account_row, unaccounted) },
};

struct column_row {
	struct buf *out;
	const struct column *column;
};

static void
column_print(void *arg, struct stream *st)
{
	const struct column_row *r = arg;
	struct account_row sum;
	char name[64];
	uint64_t value;

	if (st->forgotten)
		return;
	sum = accounts_sum(&st->accounts);
	memcpy(&value, (const char *) &sum + r->column->at, sizeof(value));
	(void) snprintf(name, sizeof(name), "mews_node_%s_total", r->column->name);
	metrics_node_labels(r->out, name, st);
	buf_printf(r->out, "} %lu\n", (unsigned long) value);
}

static void
lost_line(struct buf *out, const struct stream *st, uint64_t type, const char *cause, uint64_t n)
{
	if (n == 0)
		return;
	metrics_node_labels(out, "mews_node_type_lost_total", st);
	buf_printf(
	    out, ",type=\"%s\",cause=\"%s\"} %lu\n", type_name(type), cause, (unsigned long) n);
}

/* Only what was lost: most types of most nodes have nothing. */
static void
lost_print(void *arg, struct stream *st)
{
	struct account_row *row = NULL;
	uint64_t at;
	size_t n = st->forgotten ? 0 : accounts_get(&st->accounts, &row, &at);

	for (size_t i = 0; i < n; i++) {
		for (uint32_t k = 0; k < ACCOUNT_CAUSES; k++)
			lost_line(
			    arg, st, row[i].type, drop_name(DROP_RING_FULL + k), row[i].dropped[k]);
		lost_line(arg, st, row[i].type, "undelivered", row[i].undelivered);
		lost_line(arg, st, row[i].type, "unaccounted", row[i].unaccounted);
	}
	free(row);
}

void
metrics_accounts(const struct api_view *v, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		struct column_row r = { out, &columns[i] };

		buf_printf(out, "# HELP mews_node_%s_total %s\n# TYPE mews_node_%s_total counter\n",
		    columns[i].name, columns[i].help, columns[i].name);
		streams_each(v->streams, column_print, &r);
	}
	buf_str(out,
	    "# HELP mews_node_type_lost_total Events of a node that were generated and not "
	    "delivered, by type and cause.\n"
	    "# TYPE mews_node_type_lost_total counter\n");
	streams_each(v->streams, lost_print, out);
}
