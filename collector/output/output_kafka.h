/* SPDX-License-Identifier: Apache-2.0 */
/* output_kafka.h - what output_kafka.c and kafka_conf.c share; nobody else includes it. */
#ifndef MEWS_COLLECTOR_OUTPUT_OUTPUT_KAFKA_H
#define MEWS_COLLECTOR_OUTPUT_OUTPUT_KAFKA_H

#include "collector/output/output.h"
#include <librdkafka/rdkafka.h>

#define KAFKA_PROPERTIES "outputs.kafka.properties"

struct kafka_state {
	struct opt_list brokers;
	char *topic;
	rd_kafka_conf_t *conf; /* without callbacks; each producer gets a copy */
	rd_kafka_t *rk;
	output_done_fn *done;
	void *arg;
	size_t max_bytes;    /* of a record, on our side */
	size_t flying;       /* records without a delivery report */
	uint64_t newest;     /* row submitted last */
	uint64_t alone;      /* row that was submitted while none other flew, or 0 */
	uint64_t solo_until; /* rows up to here go one at a time */
	uint64_t cut_row;    /* this row goes with at most cut_limit bytes */
	size_t cut_limit;
	bool fatal;   /* the producer takes no more */
	bool closing; /* reports go nowhere */
	char trouble[512];
};

/* Properties: ours, then the brokers, then what the configuration says. -EINVAL and *d. */
int kafka_conf(struct kafka_state *k, struct cfg *cfg, struct diag *d) MUST_CHECK;

/* Kafka 4 does not accept what a librdkafka before this version sends when it logs in with SCRAM:
 * it repeats a nonce, which older brokers let pass. */
#define KAFKA_SCRAM_MENDED 0x020601ff
bool kafka_scram_fails(const struct kafka_state *k, int version);

/* "//cluster/node" as a URI reference. */
void kafka_source(const char *cluster, const char *node, char *ret, size_t size);

#endif
