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
kafka_record(const struct kafka_state *k, const struct alert *a, struct kafka_record *ret)
{
	int r = make_key(k, a, ret);

	if (r == 0)
		r = make_topic(k, a, ret);
	shape_source(a->cluster, a->node, ret->source, sizeof(ret->source));
	text_time(a->time, ret->at);
	return r;
}

rd_kafka_headers_t *
kafka_headers(const struct kafka_state *k, const struct alert *a, const struct kafka_record *record)
{
	const char *const v[][2] = { { "content-type", text_content_type(k->format) },
		{ "ce_specversion", "1.0" }, { "ce_id", a->id }, { "ce_source", record->source },
		{ "ce_type", SHAPE_CE_TYPE }, { "ce_time", record->at },
		{ "ce_subject", a->rule } };
	rd_kafka_headers_t *h = rd_kafka_headers_new(ARRAY_SIZE(v));

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		(void) rd_kafka_header_add(h, v[i][0], -1, v[i][1], -1);
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
