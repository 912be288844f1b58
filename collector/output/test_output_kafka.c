/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_kafka.c - the Kafka output when a broker refuses, on librdkafka's mock. */
#include "collector/output/output.h"
#include "collector/output/output_kafka.h"
#include "tests/support/test.h"
#include <errno.h>
#include <librdkafka/rdkafka_mock.h>
#include <unistd.h>

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
static struct bench *
bench_of(const char *options)
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

static struct bench *
bench_new(const char *properties)
{
	char options[512];

	(void) snprintf(options, sizeof(options), "topic: t, properties: { %s }", properties);
	return bench_of(options);
}

static void
bench_free(struct bench *b)
{
	output_kafka.close(b->st);
	cfg_free(b->cfg);
	rd_kafka_mock_cluster_destroy(b->cluster);
	rd_kafka_destroy(b->host);
	free(b->st);
	free(b);
}

/* An alert's record. */
static const struct {
	const char *options, *cluster, *node, *json, *topic, *key;
} records[] = {
	{ "topic: t", "c", "n", "{}", "t", "c/n" },
	{ "topic: t", "c", "a b", "no JSON", "t", "c/a b" },
	{ "topic: 'mews.%[alert.cluster].%[alert.level].v1'", "eu west/1", "n", "{}",
	    "mews.eu_west_1.error.v1", "eu west/1/n" },
	{ "topic: t, key: '%alert.cluster/%k8s.ns.name/%k8s.pod.name'", "c", "n",
	    "{\"output_fields\":{\"k8s.ns.name\":\"shop\",\"k8s.pod.name\":\"a-1\"}}", "t",
	    "c/shop/a-1" },
	{ "topic: t, key: '%alert.cluster/%k8s.ns.name/%k8s.pod.name'", "c", "n",
	    "{\"output_fields\":{\"k8s.ns.name\":\"shop\",\"k8s.pod.name\":null}}", "t", "c/n" },
	{ "topic: t, key: '%container.id'", "c", "n", "no JSON", "t", "c/n" },
	{ "topic: t, key: '%proc.name'", "c", "n",
	    "{\"output_fields\":{\"proc.name\":\"a\\n\\u001b[1m\"}}", "t", "a\\x0a\\x1b[1m" },
	{ "topic: t, key: '%proc.pid'", "c", "n", "{\"output_fields\":{\"proc.pid\":7}}", "t",
	    "7" },
	{ "topic: t, key: ''", "c", "n", "{}", "t", "c/n" }, /* never empty */
};

static void
records_have_topics_and_keys(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
		struct kafka_state *k = calloc(1, sizeof(*k));
		struct alert a = { .id = "i",
			.priority = PRIO_ERROR,
			.rule = "r",
			.cluster = records[i].cluster,
			.node = records[i].node,
			.json = records[i].json,
			.json_len = strlen(records[i].json) };
		struct kafka_record record;
		struct cfg *cfg = NULL;
		struct diag d = { 0 };
		char yaml[256];

		(void) snprintf(yaml, sizeof(yaml), "outputs: { kafka: { brokers: ['b:1'], %s } }",
		    records[i].options);
		assert_non_null(k);
		assert_int_equal(0, cfg_parse("mews.yaml", slice_str(yaml), &cfg, &d));
		assert_int_equal(0, cfg_bind(cfg, output_kafka.opts, output_kafka.nopts, k, &d));
		if (output_kafka.check(k, cfg, &d) < 0)
			fail_msg("%s", d.msg);
		assert_int_equal(0, kafka_record(k, &a, &record));
		assert_string_equal(records[i].topic, record.topic);
		assert_string_equal(records[i].key, record.key);
		assert_int_equal(strlen(record.key), record.key_len);
		output_kafka.close(k);
		cfg_free(cfg);
		free(k);
	}
}

static int
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

static void
wait_for(struct bench *b, unsigned rowid)
{
	for (int i = 0; i < 3000 && b->ended[rowid] == 0; i++)
		output_kafka.poll(b->st, 10);
	assert_int_equal(1, b->ended[rowid]);
	b->ended[rowid] = 0;
}

static void
expect(struct bench *b, unsigned rowid, enum output_result result)
{
	wait_for(b, rowid);
	assert_int_equal(result, b->result[rowid]);
}

/* A broker's error for one record alone, and the result. */
static const struct {
	rd_kafka_resp_err_t err;
	enum output_result result;
} answers[] = {
	{ RD_KAFKA_RESP_ERR_NO_ERROR, OUTPUT_DELIVERED },
	{ RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, OUTPUT_DELIVERED }, /* librdkafka retries */
	{ RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, OUTPUT_DELIVERED },
	{ RD_KAFKA_RESP_ERR_INVALID_RECORD, OUTPUT_REFUSED },
	{ RD_KAFKA_RESP_ERR_POLICY_VIOLATION, OUTPUT_REFUSED },
	{ RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, OUTPUT_RETRY },
	{ RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, OUTPUT_RETRY },
};

static void
a_broker_answers(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct bench *b = bench_new("retry.backoff.ms: 1");
		int r;

		rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, answers[i].err);
		assert_int_equal(0, submit(b, 1, 10));
		expect(b, 1, answers[i].result);
		assert_int_equal(
		    answers[i].result == OUTPUT_RETRY, output_kafka.trouble(b->st) != NULL);
		/* and the output continues */
		while ((r = submit(b, 2, 10)) == -EIO)
			output_kafka.poll(b->st, 10); /* until the topic is looked up again */
		assert_int_equal(0, r);
		expect(b, 2, OUTPUT_DELIVERED);
		assert_null(output_kafka.trouble(b->st));
		bench_free(b);
	}
}

/* Refused in a batch: each is sent alone, which finds the culprit. */
static void
company_is_not_blamed(void **state)
{
	struct bench *b = bench_new("linger.ms: 100");

	(void) state;
	rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD);
	for (unsigned n = 1; n <= 3; n++)
		assert_int_equal(0, submit(b, n, 10));
	for (unsigned n = 1; n <= 3; n++)
		expect(b, n, OUTPUT_RETRY);
	assert_int_equal(0, submit(b, 1, 10));
	assert_int_equal(-EAGAIN, submit(b, 2, 10)); /* alone */
	expect(b, 1, OUTPUT_DELIVERED);
	rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD);
	assert_int_equal(0, submit(b, 2, 10));
	expect(b, 2, OUTPUT_REFUSED);
	assert_int_equal(0, submit(b, 3, 10));
	expect(b, 3, OUTPUT_DELIVERED);
	assert_int_equal(0, submit(b, 4, 10)); /* in a batch again */
	assert_int_equal(0, submit(b, 5, 10));
	expect(b, 5, OUTPUT_DELIVERED);
	bench_free(b);
}

/* Too large for the broker: cut by half each time; too large for us: cut before it is sent. */
static void
large_ones_are_cut(void **state)
{
	struct bench *b = bench_new("message.max.bytes: 100000");

	(void) state;
	for (size_t limit = 10100; limit > 500; limit /= 4) {
		rd_kafka_mock_push_request_errors(
		    b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
		assert_int_equal(0, submit(b, 1, 20000));
		expect(b, 1, OUTPUT_RETRY);
		assert_true(b->st->cut_limit <= limit);
	}
	assert_int_equal(0, submit(b, 1, 20000));
	expect(b, 1, OUTPUT_DELIVERED);
	assert_int_equal(0, submit(b, 2, 200000));
	expect(b, 2, OUTPUT_DELIVERED);
	for (unsigned i = 0; i < 12; i++) /* always too large */
		rd_kafka_mock_push_request_errors(
		    b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	do {
		assert_int_equal(0, submit(b, 3, 5000));
		wait_for(b, 3);
	} while (b->result[3] == OUTPUT_RETRY);
	assert_int_equal(OUTPUT_REFUSED, b->result[3]);
	bench_free(b);
}

/* Read the first record of a topic; the caller destroys both. */
static rd_kafka_message_t *
read_first(struct bench *b, const char *topic, rd_kafka_t **rk)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(4);
	rd_kafka_message_t *m = NULL;
	char text[200];

	assert_int_equal(RD_KAFKA_CONF_OK,
	    rd_kafka_conf_set(conf, "bootstrap.servers",
		rd_kafka_mock_cluster_bootstraps(b->cluster), text, sizeof(text)));
	assert_int_equal(
	    RD_KAFKA_CONF_OK, rd_kafka_conf_set(conf, "group.id", "g", text, sizeof(text)));
	*rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
	assert_non_null(*rk);
	rd_kafka_topic_partition_list_add(list, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
	assert_int_equal(0, rd_kafka_assign(*rk, list));
	for (int i = 0; i < 300 && m == NULL; i++)
		m = rd_kafka_consumer_poll(*rk, 100);
	rd_kafka_topic_partition_list_destroy(list);
	assert_non_null(m);
	assert_int_equal(0, m->err);
	return m;
}

static void
expect_header(const rd_kafka_message_t *m, const char *name, const char *want)
{
	rd_kafka_headers_t *h = NULL;
	const void *value = NULL;
	size_t n = 0;

	assert_int_equal(0, rd_kafka_message_headers(m, &h));
	if (rd_kafka_header_get_last(h, name, &value, &n) != 0)
		fail_msg("no header %s", name);
	assert_int_equal(0, strncmp(want, value, strlen(want)));
}

/* What is refused for good goes to the dead-letter topic, with its key, value and headers. */
static void
a_dead_letter_is_sent(void **state)
{
	struct bench *b = bench_of("topic: t, dead_letter_topic: dead");
	rd_kafka_message_t *m;
	rd_kafka_t *rk;

	(void) state;
	assert_int_equal(0, rd_kafka_mock_topic_create(b->cluster, "dead", 1, 1));
	rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_INVALID_RECORD);
	assert_int_equal(0, submit(b, 1, 10));
	expect(b, 1, OUTPUT_REFUSED);
	assert_null(output_kafka.trouble(b->st));
	m = read_first(b, "dead", &rk);
	assert_int_equal(0, strncmp("c/n", m->key, m->key_len));
	assert_int_equal(0, strncmp("{\"output\":\"xxx", m->payload, 12));
	expect_header(m, "ce_id", "00000001-");
	expect_header(m, "dlq.reason", "Kafka: Broker: Broker failed to validate record");
	expect_header(m, "dlq.topic", "t");
	expect_header(m, "dlq.partition", "0");
	expect_header(m, "dlq.attempts", "1");
	expect_header(m, "dlq.timestamp", "20");
	rd_kafka_message_destroy(m);
	rd_kafka_destroy(rk);
	assert_int_equal(0, submit(b, 2, 10));
	expect(b, 2, OUTPUT_DELIVERED);
	bench_free(b);
}

/* A dead-letter topic that refuses too delays nothing: the row ends, and says so. */
static void
a_dead_letter_may_be_refused(void **state)
{
	struct bench *b = bench_of("topic: t, dead_letter_topic: dead");

	(void) state;
	rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_INVALID_RECORD,
	    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_int_equal(0, submit(b, 1, 10));
	expect(b, 1, OUTPUT_REFUSED);
	assert_non_null(strstr(b->why, "; not in the dead-letter topic 'dead': "));
	assert_int_equal(0, submit(b, 2, 10));
	expect(b, 2, OUTPUT_DELIVERED);
	bench_free(b);
}

/* A topic that is the alert's own delays no other: its alerts are dead letters. */
static void
a_topic_of_a_few_is_refused(void **state)
{
	struct bench *b = bench_of("topic: 't-%alert.rule'");

	(void) state;
	rd_kafka_mock_push_request_errors(
	    b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_int_equal(0, submit(b, 1, 10));
	expect(b, 1, OUTPUT_REFUSED);
	assert_string_equal(
	    "Kafka does not let us write to the topic 't-r'; grant WRITE and DESCRIBE", b->why);
	assert_null(output_kafka.trouble(b->st));
	bench_free(b);
}

static void
a_purge_gives_all_back(void **state)
{
	struct bench *b = bench_new("linger.ms: 60000");

	(void) state;
	for (unsigned n = 1; n <= 5; n++)
		assert_int_equal(0, submit(b, n, 10));
	output_kafka.purge(b->st);
	for (unsigned n = 1; n <= 5; n++)
		expect(b, n, OUTPUT_RETRY);
	assert_int_equal(0, submit(b, 1, 10));
	assert_int_equal(0, output_kafka.drain(b->st, 10000));
	expect(b, 1, OUTPUT_DELIVERED);
	bench_free(b);
}

/* Our own time-out loses nothing, and reports why nothing arrives. */
static void
a_time_out_gives_all_back(void **state)
{
	struct bench *b = bench_new("message.timeout.ms: 200, reconnect.backoff.max.ms: 100");

	(void) state;
	rd_kafka_mock_broker_set_down(b->cluster, 1);
	for (unsigned n = 1; n <= 3; n++)
		assert_int_equal(0, submit(b, n, 10));
	for (unsigned n = 1; n <= 3; n++)
		expect(b, n, OUTPUT_RETRY);
	assert_non_null(output_kafka.trouble(b->st));
	rd_kafka_mock_broker_set_up(b->cluster, 1);
	do {
		assert_int_equal(0, submit(b, 1, 10));
		wait_for(b, 1);
	} while (b->result[1] == OUTPUT_RETRY);
	assert_null(output_kafka.trouble(b->st));
	bench_free(b);
}

static void
a_full_queue_is_not_an_error(void **state)
{
	struct bench *b = bench_new("queue.buffering.max.messages: 2, linger.ms: 100");

	(void) state;
	assert_int_equal(0, submit(b, 1, 10));
	assert_int_equal(0, submit(b, 2, 10));
	assert_int_equal(-EAGAIN, submit(b, 3, 10));
	expect(b, 1, OUTPUT_DELIVERED);
	expect(b, 2, OUTPUT_DELIVERED);
	assert_int_equal(0, submit(b, 3, 10));
	expect(b, 3, OUTPUT_DELIVERED);
	bench_free(b);
}

/* A producer with a fatal error is replaced. */
static void
a_fatal_error_is_survived(void **state)
{
	struct bench *b = bench_new("linger.ms: 0");

	(void) state;
	assert_int_equal(0, submit(b, 1, 10));
	expect(b, 1, OUTPUT_DELIVERED);
	(void) rd_kafka_test_fatal_error(
	    b->st->rk, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "test");
	for (int i = 0; i < 1000 && !b->st->fatal; i++)
		output_kafka.poll(b->st, 10);
	assert_true(b->st->fatal);
	assert_non_null(output_kafka.trouble(b->st));
	assert_int_equal(0, submit(b, 2, 10));
	expect(b, 2, OUTPUT_DELIVERED);
	assert_false(b->st->fatal);
	bench_free(b);
}

static const struct {
	const char *mechanism; /* NULL: the library's default */
	int version;
	bool fails;
} logins[] = {
	{ NULL, 0x020002ff, false },
	{ "PLAIN", 0x020002ff, false },
	{ "SCRAM-SHA-256", 0x020002ff, true },
	{ "scram-sha-512", 0x020600ff, true },
	{ "SCRAM-SHA-512", 0x020601ff, false },
	{ "SCRAM-SHA-512", 0x020800ff, false },
};

static void
an_old_library_is_known(void **state)
{
	char text[200];

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(logins); i++) {
		struct kafka_state k = { .conf = rd_kafka_conf_new() };

		if (logins[i].mechanism != NULL)
			assert_int_equal(
			    RD_KAFKA_CONF_OK, rd_kafka_conf_set(k.conf, "sasl.mechanism",
						  logins[i].mechanism, text, sizeof(text)));
		assert_int_equal(logins[i].fails, kafka_scram_fails(&k, logins[i].version));
		rd_kafka_conf_destroy(k.conf);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broker_answers),
		cmocka_unit_test(company_is_not_blamed),
		cmocka_unit_test(large_ones_are_cut),
		cmocka_unit_test(records_have_topics_and_keys),
		cmocka_unit_test(a_dead_letter_is_sent),
		cmocka_unit_test(a_dead_letter_may_be_refused),
		cmocka_unit_test(a_topic_of_a_few_is_refused),
		cmocka_unit_test(a_purge_gives_all_back),
		cmocka_unit_test(a_time_out_gives_all_back),
		cmocka_unit_test(a_full_queue_is_not_an_error),
		cmocka_unit_test(a_fatal_error_is_survived),
		cmocka_unit_test(an_old_library_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
