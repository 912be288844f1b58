/* SPDX-License-Identifier: Apache-2.0 */
/* output_kafka.h - shared by output_kafka.c and kafka_conf.c only. */
#ifndef MEWS_COLLECTOR_OUTPUT_OUTPUT_KAFKA_H
#define MEWS_COLLECTOR_OUTPUT_OUTPUT_KAFKA_H

#include "collector/output/output.h"
#include "collector/output/text.h"
#include <librdkafka/rdkafka.h>

#define KAFKA_PROPERTIES "outputs.kafka.properties"

struct kafka_state {
	struct opt_list brokers;
	char *topic, *format_name;
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
	bool fatal;   /* the producer accepts no more */
	bool closing; /* ignore reports */
	char trouble[512];
};

/* Set the properties: our defaults, then the brokers, then the configuration's. -EINVAL and *d. */
int kafka_conf(struct kafka_state *k, struct cfg *cfg, struct diag *d) MUST_CHECK;

/* Kafka 4 refuses the SCRAM login of a librdkafka before this version, which repeats a nonce; older
 * brokers accept it. */
#define KAFKA_SCRAM_MENDED 0x020601ff
bool kafka_scram_fails(const struct kafka_state *k, int version);

#endif
