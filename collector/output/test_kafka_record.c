/* SPDX-License-Identifier: Apache-2.0 */
/* test_kafka_record.c - Kafka's records: topics, keys, dead letters, the states of nodes. */
#include "collector/output/test_kafka_kit.h"
#include <errno.h>

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
		assert_int_equal(0, kafka_record(k, &a, 7, &record));
		assert_string_equal(records[i].topic, record.topic);
		assert_string_equal(records[i].key, record.key);
		assert_int_equal(strlen(record.key), record.key_len);
		output_kafka.close(k);
		cfg_free(cfg);
		free(k);
	}
}

/* A template is the value, cut to fit; an alert without fields has the format's. */
static void
a_template_is_the_value(void **state)
{
	struct bench *b = kafka_bench(
	    "topic: t, format: text, template: '{\"r\": \"%alert.rule\", \"p\": %proc.pid}'");
	CLEANUP(buf_fini) struct buf value = BUF_INIT;
	struct alert a = { .id = "i", .priority = PRIO_ERROR, .rule = "a\"b" };

	(void) state;
	a.cluster = a.node = "c";
	a.json = "{\"output_fields\":{\"proc.pid\":7}}";
	a.json_len = strlen(a.json);
	assert_string_equal("application/json", kafka_content_type(b->st));
	assert_int_equal(0, kafka_value(b->st, &a, 100, &value));
	buf_char(&value, '\0');
	assert_string_equal("{\"r\": \"a\\\"b\", \"p\": 7}", value.p);
	buf_clear(&value);
	assert_int_equal(-EMSGSIZE, kafka_value(b->st, &a, 10, &value));
	a.json = "no JSON";
	a.json_len = strlen(a.json);
	assert_int_equal(0, kafka_value(b->st, &a, 100, &value));
	buf_char(&value, '\0');
	assert_non_null(strstr(value.p, "a\"b"));
	kafka_bench_free(b);
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
	struct bench *b = kafka_bench("topic: t, dead_letter_topic: dead");
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
	expect_header(m, "ce_dataschema", "urn:mews:schema:alert:v1");
	expect_header(m, "ce_sequence", "00000000000000000001");
	expect_header(m, "ce_severitytext", "");
	expect_header(m, "dlq.partition", "0");
	expect_header(m, "dlq.offset", "-1");
	expect_header(m, "dlq.attempts", "1");
	expect_header(m, "dlq.timestamp", "20");
	rd_kafka_message_destroy(m);
	rd_kafka_destroy(rk);
	assert_int_equal(0, submit(b, 2, 10));
	expect(b, 2, OUTPUT_DELIVERED);
	kafka_bench_free(b);
}

static struct output_beat *
beat_new(const char *node, struct output_beat *next)
{
	struct output_beat *b = calloc(1, sizeof(*b) + 3);

	assert_non_null(b);
	b->next = next;
	b->time = 1795361065353780313ULL;
	(void) snprintf(b->cluster, sizeof(b->cluster), "c");
	(void) snprintf(b->node, sizeof(b->node), "%s", node);
	b->n = 2;
	memcpy(b->json, "{}", 3);
	return b;
}

/* Poll until the states of nodes have ended. */
static void
beats_end(struct bench *b)
{
	for (int i = 0; i < 3000 && b->st->beats > 0; i++)
		output_kafka.poll(b->st, 10);
	assert_int_equal(0, b->st->beats);
}

/* The states of nodes go to the coverage topic, beside alerts, one round at a time. */
static void
coverage_is_sent(void **state)
{
	struct bench *b = kafka_bench(
	    "topic: t, coverage_topic: cov, properties: { "
	    "statistics.interval.ms: 50 }");
	struct output_beat *second = beat_new("n2", NULL), *list = beat_new("n1", second);
	struct output_broker_stats st = { 0 };
	rd_kafka_message_t *m;
	rd_kafka_t *rk;

	(void) state;
	assert_int_equal(0, rd_kafka_mock_topic_create(b->cluster, "cov", 1, 1));
	assert_true(output_kafka.wants_beats(b->st));
	output_kafka.beat(b->st, list);
	output_kafka.beat(b->st, list); /* the first round is under way */
	assert_int_equal(2, b->st->beats);
	assert_int_equal(0, output_kafka.drain(b->st, 0)); /* no row waits for them */
	assert_int_equal(0, submit(b, 1, 10));
	expect(b, 1, OUTPUT_DELIVERED);
	beats_end(b);
	m = read_first(b, "cov", &rk);
	assert_int_equal(0, strncmp("c/n1", m->key, m->key_len));
	expect_header(m, "ce_type", "io.mews.coverage.v1");
	expect_header(m, "ce_id", "c/n1 2026-11-22T15:24:25.353780313Z");
	expect_header(m, "ce_source", "//c/n1");
	rd_kafka_message_destroy(m);
	rd_kafka_destroy(rk);
	for (int i = 0; i < 500 && !(st.known && st.brokers_up == 1); i++) {
		output_kafka.poll(b->st, 10);
		output_kafka.broker_stats(b->st, &st);
	}
	assert_int_equal(1, st.brokers_up);
	assert_int_equal(1, st.brokers);
	assert_int_equal(2, st.beats);
	assert_int_equal(0, st.beats_failed);
	rd_kafka_mock_push_request_errors(
	    b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	second->next = NULL;
	output_kafka.beat(b->st, second);
	beats_end(b);
	output_kafka.broker_stats(b->st, &st);
	assert_int_equal(1, st.beats_failed);
	assert_non_null(strstr(output_kafka.trouble(b->st), "Kafka's coverage topic 'cov': "));
	free(list);
	free(second);
	kafka_bench_free(b);
}

/* A dead-letter topic that refuses too delays nothing: the row ends, and says so. */
static void
a_dead_letter_may_be_refused(void **state)
{
	struct bench *b = kafka_bench("topic: t, dead_letter_topic: dead");

	(void) state;
	rd_kafka_mock_push_request_errors(b->cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_INVALID_RECORD,
	    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_int_equal(0, submit(b, 1, 10));
	expect(b, 1, OUTPUT_REFUSED);
	assert_non_null(strstr(b->why, "; not in the dead-letter topic 'dead': "));
	assert_int_equal(0, submit(b, 2, 10));
	expect(b, 2, OUTPUT_DELIVERED);
	kafka_bench_free(b);
}

/* A topic that is the alert's own delays no other: its alerts are dead letters. */
static void
a_topic_of_a_few_is_refused(void **state)
{
	struct bench *b = kafka_bench("topic: 't-%alert.rule'");

	(void) state;
	rd_kafka_mock_push_request_errors(
	    b->cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_int_equal(0, submit(b, 1, 10));
	expect(b, 1, OUTPUT_REFUSED);
	assert_string_equal(
	    "Kafka does not let us write to the topic 't-r'; grant WRITE and DESCRIBE", b->why);
	assert_null(output_kafka.trouble(b->st));
	kafka_bench_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_have_topics_and_keys),
		cmocka_unit_test(a_template_is_the_value),
		cmocka_unit_test(a_dead_letter_is_sent),
		cmocka_unit_test(coverage_is_sent),
		cmocka_unit_test(a_dead_letter_may_be_refused),
		cmocka_unit_test(a_topic_of_a_few_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
