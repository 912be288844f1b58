/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/test_kafka_kit.h"

static void
ended(void *arg, uint64_t rowid, enum output_result result, const char *why)
{
	struct bench *b = arg;

	assert_int_equal(result == OUTPUT_DELIVERED, why == NULL);
	b->ended[rowid]++;
	b->result[rowid] = result;
	(void) snprintf(b->why, sizeof(b->why), "%s", why == NULL ? "" : why);
}

/* 'options' are those of the output besides its brokers. */
struct bench *
kafka_bench(const char *options)
{
	struct bench *b = calloc(1, sizeof(*b));
	char yaml[1024];
	struct diag d = { 0 };

	assert_non_null(b);
	b->host = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), yaml, sizeof(yaml));
	assert_non_null(b->host);
	b->cluster = rd_kafka_mock_cluster_new(b->host, 1);
	assert_non_null(b->cluster);
	assert_int_equal(0, rd_kafka_mock_topic_create(b->cluster, "t", 1, 1));
	(void) snprintf(yaml, sizeof(yaml), "outputs: { kafka: { brokers: ['%s'], %s } }",
	    rd_kafka_mock_cluster_bootstraps(b->cluster), options);
	b->st = calloc(1, output_kafka.state_size);
	assert_int_equal(0, cfg_parse("mews.yaml", slice_str(yaml), &b->cfg, &d));
	assert_int_equal(0, cfg_bind(b->cfg, output_kafka.opts, output_kafka.nopts, b->st, &d));
	assert_int_equal(0, output_kafka.open(b->st, b->cfg, ended, b, &d));
	return b;
}

struct bench *
kafka_bench_new(const char *properties)
{
	char options[512];

	(void) snprintf(options, sizeof(options), "topic: t, properties: { %s }", properties);
	return kafka_bench(options);
}

void
kafka_bench_free(struct bench *b)
{
	output_kafka.close(b->st);
	cfg_free(b->cfg);
	rd_kafka_mock_cluster_destroy(b->cluster);
	rd_kafka_destroy(b->host);
	free(b->st);
	free(b);
}

int
submit(struct bench *b, unsigned n, size_t size)
{
	char *json = calloc(1, size + 100);
	struct outbox_row row = { .rowid = n };
	struct alert *a = &row.alert;
	size_t at;
	int r;

	assert_non_null(json);
	at = (size_t) snprintf(json, 100, "{\"output\":\"");
	memset(json + at, 'x', size);
	(void) snprintf(json + at + size, 3, "\"}");
	(void) snprintf(a->id, sizeof(a->id), "%08x-0000-8000-8000-000000000000", n);
	a->rule = "r";
	a->cluster = "c";
	a->node = "n";
	a->json = json;
	a->json_len = at + size + 2;
	r = output_kafka.submit(b->st, &row);
	free(json);
	return r;
}

void
wait_for(struct bench *b, unsigned rowid)
{
	for (int i = 0; i < 3000 && b->ended[rowid] == 0; i++)
		output_kafka.poll(b->st, 10);
	assert_int_equal(1, b->ended[rowid]);
	b->ended[rowid] = 0;
}

void
expect(struct bench *b, unsigned rowid, enum output_result result)
{
	wait_for(b, rowid);
	assert_int_equal(result, b->result[rowid]);
}
