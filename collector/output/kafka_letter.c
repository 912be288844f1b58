/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kafka_letter.c - records that were refused for good, in the dead-letter topic.
 *
 * The row ends when its letter has: the outbox sets it aside in any case, so a dead-letter topic
 * that does not take it loses nothing. The reason travels as a header, and comes back with the
 * report.
 */
#include "collector/output/output_kafka.h"
#include "common/clock.h"

#define REASON "dlq.reason"

static void
add(rd_kafka_headers_t *h, const char *name, const char *value)
{
	(void) rd_kafka_header_remove(h, name);
	(void) rd_kafka_header_add(h, name, -1, value, -1);
}

static void
add_number(rd_kafka_headers_t *h, const char *name, int64_t value)
{
	char text[24];

	(void) snprintf(text, sizeof(text), "%lld", (long long) value);
	add(h, name, text);
}

void
kafka_refuse(struct kafka_state *k, const char *why, const char *topic, int32_t partition,
    struct kafka_parts *parts)
{
	const uint64_t rowid = parts->rowid;
	char at[40], text[512];
	rd_kafka_resp_err_t err;

	if (k->letters == NULL || rowid == 0) {
		rd_kafka_headers_destroy(parts->headers);
		k->done(k->arg, rowid, OUTPUT_REFUSED, why);
		return;
	}
	parts->time = clock_real();
	text_time(parts->time, at);
	add(parts->headers, REASON, why);
	add(parts->headers, "dlq.topic", topic);
	add_number(parts->headers, "dlq.partition", partition);
	add_number(parts->headers, "dlq.offset", -1); /* it was never stored */
	add_number(parts->headers, "dlq.attempts", k->tried_row == rowid ? k->tries : 1);
	add(parts->headers, "dlq.timestamp", at);
	parts->rowid |= KAFKA_LETTER;
	parts->value.n = MIN(parts->value.n, k->max_bytes / 2);
	(void) snprintf(text, sizeof(text), "%s", why); /* it may be 'trouble' */
	k->flying++;
	err = kafka_produce(k, k->letters, parts);
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	k->flying--;
	kafka_letter_ended(k, rowid, err, text);
}

void
kafka_letter_ended(struct kafka_state *k, uint64_t rowid, rd_kafka_resp_err_t err, const char *why)
{
	char text[512];

	if (err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) {
		k->done(k->arg, rowid, OUTPUT_RETRY, why); /* it will be refused again */
		return;
	}
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		(void) snprintf(text, sizeof(text), "%s; not in the dead-letter topic '%s': %s",
		    why, k->letters, rd_kafka_err2str(err));
		why = text;
	}
	k->done(k->arg, rowid, OUTPUT_REFUSED, why);
}

const char *
kafka_letter_reason(const rd_kafka_message_t *m)
{
	rd_kafka_headers_t *h = NULL;
	const void *value = NULL;
	size_t n;

	if (rd_kafka_message_headers(m, &h) != RD_KAFKA_RESP_ERR_NO_ERROR ||
	    rd_kafka_header_get_last(h, REASON, &value, &n) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return "Kafka refused it";
	return value; /* the library ends it with a NUL */
}
