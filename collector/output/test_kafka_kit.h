/* SPDX-License-Identifier: Apache-2.0 */
/* test_kafka_kit.h - the Kafka output with a broker of librdkafka's mock cluster. */
#ifndef MEWS_COLLECTOR_OUTPUT_TEST_KAFKA_KIT_H
#define MEWS_COLLECTOR_OUTPUT_TEST_KAFKA_KIT_H

#include "collector/output/output.h"
#include "collector/output/output_kafka.h"
#include "tests/support/test.h"
#include <librdkafka/rdkafka_mock.h>

#define PRODUCE 0 /* Kafka's number of the request */

struct bench {
	rd_kafka_t *host;
	rd_kafka_mock_cluster_t *cluster;
	struct cfg *cfg;
	struct kafka_state *st;
	enum output_result result[16];
	unsigned ended[16];
	char why[512]; /* the latest reason */
};

/* 'options' are those of the output besides its brokers; the second has the topic "t". */
struct bench *kafka_bench(const char *options);
struct bench *kafka_bench_new(const char *properties);
void kafka_bench_free(struct bench *b);

/* Submit alert n, whose output has this size; or -errno. */
int submit(struct bench *b, unsigned n, size_t size);
/* Wait until it has ended, so. */
void wait_for(struct bench *b, unsigned rowid);
void expect(struct bench *b, unsigned rowid, enum output_result result);

#endif
