/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_kafka.c - the Kafka output when a broker refuses, on librdkafka's mock. */
#include "collector/output/test_kafka_kit.h"
#include <errno.h>

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
		struct bench *b = kafka_bench_new("retry.backoff.ms: 1");
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
		kafka_bench_free(b);
	}
}

/* Refused in a batch: each is sent alone, which finds the culprit. */
static void
company_is_not_blamed(void **state)
{
	struct bench *b = kafka_bench_new("linger.ms: 100");

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
	kafka_bench_free(b);
}

/* Too large for the broker: cut by half each time; too large for us: cut before it is sent. */
static void
large_ones_are_cut(void **state)
{
	struct bench *b = kafka_bench_new("message.max.bytes: 100000");

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
	kafka_bench_free(b);
}

static void
a_purge_gives_all_back(void **state)
{
	struct bench *b = kafka_bench_new("linger.ms: 60000");

	(void) state;
	for (unsigned n = 1; n <= 5; n++)
		assert_int_equal(0, submit(b, n, 10));
	output_kafka.purge(b->st);
	for (unsigned n = 1; n <= 5; n++)
		expect(b, n, OUTPUT_RETRY);
	assert_int_equal(0, submit(b, 1, 10));
	assert_int_equal(0, output_kafka.drain(b->st, 10000));
	expect(b, 1, OUTPUT_DELIVERED);
	kafka_bench_free(b);
}

/* Our own time-out loses nothing, and reports why nothing arrives. */
static void
a_time_out_gives_all_back(void **state)
{
	struct bench *b = kafka_bench_new("message.timeout.ms: 200, reconnect.backoff.max.ms: 100");

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
	kafka_bench_free(b);
}

static void
a_full_queue_is_not_an_error(void **state)
{
	struct bench *b = kafka_bench_new("queue.buffering.max.messages: 2, linger.ms: 100");

	(void) state;
	assert_int_equal(0, submit(b, 1, 10));
	assert_int_equal(0, submit(b, 2, 10));
	assert_int_equal(-EAGAIN, submit(b, 3, 10));
	expect(b, 1, OUTPUT_DELIVERED);
	expect(b, 2, OUTPUT_DELIVERED);
	assert_int_equal(0, submit(b, 3, 10));
	expect(b, 3, OUTPUT_DELIVERED);
	kafka_bench_free(b);
}

/* A producer with a fatal error is replaced. */
static void
a_fatal_error_is_survived(void **state)
{
	struct bench *b = kafka_bench_new("linger.ms: 0");

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
	kafka_bench_free(b);
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
		cmocka_unit_test(a_purge_gives_all_back),
		cmocka_unit_test(a_time_out_gives_all_back),
		cmocka_unit_test(a_full_queue_is_not_an_error),
		cmocka_unit_test(a_fatal_error_is_survived),
		cmocka_unit_test(an_old_library_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
