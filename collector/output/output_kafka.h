/* SPDX-License-Identifier: Apache-2.0 */
/* output_kafka.h - shared by output_kafka.c and kafka_*.c only. */
#ifndef MEWS_COLLECTOR_OUTPUT_OUTPUT_KAFKA_H
#define MEWS_COLLECTOR_OUTPUT_OUTPUT_KAFKA_H

#include "collector/output/output.h"
#include "collector/output/template.h"
#include "collector/output/text.h"
#include <librdkafka/rdkafka.h>

#define KAFKA_PROPERTIES "outputs.kafka.properties"

struct kafka_state {
	struct opt_list brokers;
	char *topic, *format_name, *key_text, *value_text;
	char *letters;          /* the dead-letter topic, or NULL */
	char *coverage;         /* the topic of nodes' states, or NULL */
	struct template *by;    /* of the topic */
	struct template *key;   /* of the key */
	struct template *value; /* JSON; NULL: the format says */
	enum text_format format;
	rd_kafka_conf_t *conf; /* without callbacks; each producer gets a copy */
	rd_kafka_t *rk;
	output_done_fn *done;
	void *arg;
	size_t max_bytes;    /* limit of a record, on our side */
	size_t flying;       /* records without a delivery report */
	uint64_t newest;     /* row submitted last */
	uint64_t alone;      /* the row that was submitted while no other was under way, or 0 */
	uint64_t solo_until; /* send rows up to here one at a time */
	uint64_t cut_row;    /* send this row with at most cut_limit bytes */
	size_t cut_limit;
	uint64_t tried_row; /* refused while it was sent alone */
	unsigned tries;
	bool fatal;   /* the producer accepts no more */
	bool closing; /* ignore reports */
	char trouble[512];
	size_t beats; /* states of nodes without a report */
	char coverage_trouble[512];
	struct output_broker_stats broker;
};

#define KAFKA_TOPIC_MAX 249 /* bytes, as Kafka's limit */

/* The parts of an alert's record besides its value. */
struct kafka_record {
	char topic[KAFKA_TOPIC_MAX + 1], key[512], source[1200], at[40];
	char sequence[24]; /* of the row, in the order of texts; "": no row */
	size_t key_len;
};

/* Of an alert in a row of the outbox, or 0. -ENOMEM. */
int kafka_record(const struct kafka_state *k, const struct alert *a, uint64_t rowid,
    struct kafka_record *ret) MUST_CHECK;

/* A header, or its value as text. */
struct kafka_header {
	const char *name, *value;
};
#define KAFKA_HEADERS 11
/* CloudEvents' headers of a record, borrowed from it and the alert, and their number. */
size_t kafka_header_list(const struct kafka_state *k, const struct alert *a,
    const struct kafka_record *record, struct kafka_header v[KAFKA_HEADERS]);
/* The same for the library; the caller's. */
rd_kafka_headers_t *kafka_headers(
    const struct kafka_state *k, const struct alert *a, const struct kafka_record *record);
/* Append an alert's value in at most 'limit' bytes, its longest texts cut. -EMSGSIZE, -ENOMEM. */
int kafka_value(
    const struct kafka_state *k, const struct alert *a, size_t limit, struct buf *ret) MUST_CHECK;
const char *kafka_content_type(const struct kafka_state *k);
/* Does Kafka allow it in the name of a topic? */
bool kafka_topic_char(char c);

struct kafka_parts {
	uint64_t rowid, time; /* the row of its report; of the event, realtime ns */
	struct slice key, value;
	rd_kafka_headers_t *headers; /* consumed, whatever comes */
};
/* Give a record to the library, which copies it. */
rd_kafka_resp_err_t kafka_produce(
    struct kafka_state *k, const char *topic, const struct kafka_parts *parts) MUST_CHECK;

/* A row's report is that of its dead letter. */
#define KAFKA_LETTER (1ULL << 63)

/* A report is that of a node's state. */
#define KAFKA_BEAT (1ULL << 62)

/* kafka_coverage.c: of output_ops, the report of a beat, and librdkafka's callback. */
bool kafka_wants_beats(void *state);
void kafka_beat(void *state, const struct output_beat *list);
void kafka_broker_stats(void *state, struct output_broker_stats *ret);
void kafka_beat_ended(struct kafka_state *k, rd_kafka_resp_err_t err);
int kafka_stats(rd_kafka_t *rk, char *json, size_t n, void *opaque);

/* A row was refused for good: send it to the dead-letter topic if there is one, and end it.
 * Consumes the headers; the record's time is now. */
void kafka_refuse(struct kafka_state *k, const char *why, const char *topic, int32_t partition,
    struct kafka_parts *parts);
/* The report of a letter: end its row. */
void kafka_letter_ended(
    struct kafka_state *k, uint64_t rowid, rd_kafka_resp_err_t err, const char *why);
/* Why the row of a letter was refused; borrowed from its record. */
const char *kafka_letter_reason(const rd_kafka_message_t *m);

/* Compile the templates, set the properties: our defaults, then the brokers, then the
 * configuration's. -EINVAL and *d. */
int kafka_conf(struct kafka_state *k, struct cfg *cfg, struct diag *d) MUST_CHECK;

/* Kafka 4 refuses the SCRAM login of a librdkafka before this version, which repeats a nonce; older
 * brokers accept it. */
#define KAFKA_SCRAM_MENDED 0x020601ff
bool kafka_scram_fails(const struct kafka_state *k, int version);

#endif
