/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_record.c - an alert as a record: its topic, its key, CloudEvents' headers. */
#include "collector/output/output_kafka.h"
#include "collector/output/shape.h"
#include "common/clock.h"
#include <ctype.h>
#include <errno.h>

/* Fill the key; an alert that lacks a field of it has the key of its node, so that no partition
 * gets all of those. */
static int
make_key(const struct kafka_state *k, const struct alert *a, struct kafka_record *ret)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	bool lacks = false;
	int r = template_line(k->key, a, &lacks, &b);

	if (r < 0 && r != -EBADMSG)
		return r;
	if (r < 0 || lacks || b.n == 0) {
		buf_clear(&b);
		buf_printf(&b, "%s/%s", a->cluster, a->node);
	}
	if (buf_ok(&b) < 0)
		return -ENOMEM;
	ret->key_len = MIN(b.n, sizeof(ret->key) - 1);
	memcpy(ret->key, b.p, ret->key_len);
	ret->key[ret->key_len] = '\0';
	return 0;
}

/* Fill the topic: what Kafka does not allow in a name becomes '_'. */
static int
make_topic(const struct kafka_state *k, const struct alert *a, struct kafka_record *ret)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	bool lacks = false;
	int r = template_line(k->by, a, &lacks, &b);
	size_t n = MIN(b.n, (size_t) KAFKA_TOPIC_MAX);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		ret->topic[i] = kafka_topic_char(b.p[i]) ? b.p[i] : '_';
	ret->topic[n] = '\0';
	return 0;
}

bool
kafka_topic_char(char c)
{
	return isalnum((unsigned char) c) || (c != '\0' && strchr("._-", c) != NULL);
}

int
kafka_record(
    const struct kafka_state *k, const struct alert *a, uint64_t rowid, struct kafka_record *ret)
{
	int r = make_key(k, a, ret);

	if (r == 0)
		r = make_topic(k, a, ret);
	shape_source(a->cluster, a->node, ret->source, sizeof(ret->source));
	text_time(a->time, ret->at);
	ret->sequence[0] = '\0';
	if (rowid != 0)
		(void) snprintf(
		    ret->sequence, sizeof(ret->sequence), "%020llu", (unsigned long long) rowid);
	return r;
}

int
kafka_value(const struct kafka_state *k, const struct alert *a, size_t limit, struct buf *ret)
{
	int r = k->value == NULL ? -EBADMSG : template_fit(k->value, a, limit, ret);

	/* no template, or an alert without fields */
	return r == -EBADMSG ? text_fit(ret, a, k->format, limit) : r;
}

const char *
kafka_content_type(const struct kafka_state *k)
{
	return text_content_type(k->value == NULL ? k->format : TEXT_JSON);
}

/* The severity as OpenTelemetry numbers syslog's, which CloudEvents' extension takes. */
static const char *
severity_number(enum priority p)
{
	static const char *const numbers[] = { "21", "19", "18", "17", "13", "10", "9", "5" };

	return numbers[p];
}

size_t
kafka_header_list(const struct kafka_state *k, const struct alert *a,
    const struct kafka_record *record, struct kafka_header v[KAFKA_HEADERS])
{
	const struct kafka_header all[KAFKA_HEADERS] = {
		{ "content-type", kafka_content_type(k) },
		{ "ce_specversion", "1.0" },
		{ "ce_id", a->id },
		{ "ce_source", record->source },
		{ "ce_type", SHAPE_CE_TYPE },
		{ "ce_time", record->at },
		{ "ce_subject", a->rule },
		{ "ce_dataschema", k->value == NULL ? text_schema(k->format) : NULL },
		{ "ce_sequence", record->sequence[0] == '\0' ? NULL : record->sequence },
		{ "ce_severitytext", priority_name(a->priority) },
		{ "ce_severitynumber", severity_number(a->priority) },
	};
	size_t n = 0;

	for (size_t i = 0; i < KAFKA_HEADERS; i++) {
		if (all[i].value != NULL)
			v[n++] = all[i];
	}
	return n;
}

rd_kafka_headers_t *
kafka_headers(const struct kafka_state *k, const struct alert *a, const struct kafka_record *record)
{
	struct kafka_header v[KAFKA_HEADERS];
	size_t n = kafka_header_list(k, a, record, v);
	rd_kafka_headers_t *h = rd_kafka_headers_new(n);

	for (size_t i = 0; i < n; i++)
		(void) rd_kafka_header_add(h, v[i].name, -1, v[i].value, -1);
	return h;
}

/* A row's number travels as the record's opaque pointer. */
_Static_assert(sizeof(void *) == sizeof(uint64_t), "64-bit only");

static void *
opaque_of(uint64_t rowid)
{
	void *p;

	memcpy(&p, &rowid, sizeof(p));
	return p;
}

rd_kafka_resp_err_t
kafka_produce(struct kafka_state *k, const char *topic, const struct kafka_parts *parts)
{
	rd_kafka_resp_err_t err = rd_kafka_producev(k->rk, RD_KAFKA_V_TOPIC(topic),
	    RD_KAFKA_V_KEY(parts->key.p, parts->key.n),
	    RD_KAFKA_V_VALUE((void *) parts->value.p, parts->value.n),
	    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
	    RD_KAFKA_V_TIMESTAMP((int64_t) (parts->time / NS_PER_MS)),
	    RD_KAFKA_V_OPAQUE(opaque_of(parts->rowid)), RD_KAFKA_V_HEADERS(parts->headers),
	    RD_KAFKA_V_END);

	if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_headers_destroy(parts->headers);
	return err;
}
