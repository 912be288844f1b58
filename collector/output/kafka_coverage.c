/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kafka_coverage.c - the states of nodes in the coverage topic, and the library's statistics.
 *
 * The topic is to be compacted: its newest record of a key is the node's state. Of a round that is
 * not acknowledged yet no further one is sent, so an absent broker fills no queue.
 */
#include "collector/output/output_kafka.h"
#include "collector/output/shape.h"
#include "common/clock.h"
#include <jansson.h>

#define TYPE   "io.mews.coverage.v1"
#define SCHEMA "urn:mews:schema:coverage:v1" /* deploy/schemas/coverage.v1.json */

static void
note(struct kafka_state *k, rd_kafka_resp_err_t err)
{
	k->broker.beats_failed++;
	(void) snprintf(k->coverage_trouble, sizeof(k->coverage_trouble),
	    "Kafka's coverage topic '%s': %s; create it and grant WRITE and DESCRIBE, or set "
	    "outputs.kafka.coverage_topic",
	    k->coverage, rd_kafka_err2str(err));
}

static rd_kafka_resp_err_t
send_beat(struct kafka_state *k, const struct output_beat *b)
{
	char key[sizeof(b->cluster) + sizeof(b->node)], source[1200], at[40], id[448];
	rd_kafka_headers_t *h = rd_kafka_headers_new(8);
	struct kafka_parts parts = { KAFKA_BEAT, b->time, { key, 0 }, { b->json, b->n }, h };

	parts.key.n = (size_t) snprintf(key, sizeof(key), "%s/%s", b->cluster, b->node);
	shape_source(b->cluster, b->node, source, sizeof(source));
	text_time(b->time, at);
	(void) snprintf(id, sizeof(id), "%s %s", key, at);
	(void) rd_kafka_header_add(h, "content-type", -1, "application/json", -1);
	(void) rd_kafka_header_add(h, "ce_specversion", -1, "1.0", -1);
	(void) rd_kafka_header_add(h, "ce_id", -1, id, -1);
	(void) rd_kafka_header_add(h, "ce_source", -1, source, -1);
	(void) rd_kafka_header_add(h, "ce_type", -1, TYPE, -1);
	(void) rd_kafka_header_add(h, "ce_time", -1, at, -1);
	(void) rd_kafka_header_add(h, "ce_dataschema", -1, SCHEMA, -1);
	return kafka_produce(k, k->coverage, &parts);
}

bool
kafka_wants_beats(void *state)
{
	const struct kafka_state *k = state;

	return k->coverage != NULL;
}

void
kafka_beat(void *state, const struct output_beat *list)
{
	struct kafka_state *k = state;

	if (k->fatal || k->beats > 0)
		return;
	for (; list != NULL; list = list->next) {
		rd_kafka_resp_err_t err = send_beat(k, list);

		if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
			k->beats++;
		else
			note(k, err);
	}
}

void
kafka_beat_ended(struct kafka_state *k, rd_kafka_resp_err_t err)
{
	k->beats--;
	if (err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
		return;
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
		note(k, err);
		return;
	}
	k->broker.beats++;
	k->coverage_trouble[0] = '\0';
}

static uint64_t
number(json_t *o, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(o, name));

	return v < 0 ? 0 : (uint64_t) v;
}

int
kafka_stats(rd_kafka_t *rk, char *json, size_t n, void *opaque)
{
	struct kafka_state *k = opaque;
	json_t *root = json_loadb(json, n, 0, NULL), *broker;
	struct output_broker_stats s = k->broker;
	const char *name;

	(void) rk;
	if (root == NULL)
		return 0;
	s.known = true;
	s.queue = number(root, "msg_cnt");
	s.queue_bytes = number(root, "msg_size");
	s.retries = s.timeouts = s.brokers = s.brokers_up = s.rtt_us = 0;
	json_object_foreach(json_object_get(root, "brokers"), name, broker)
	{
		const char *state = json_string_value(json_object_get(broker, "state"));

		s.retries += number(broker, "txretries");
		s.timeouts += number(broker, "req_timeouts");
		if (json_integer_value(json_object_get(broker, "nodeid")) < 0)
			continue; /* an address of the configuration, not a broker */
		s.brokers++;
		s.brokers_up += state != NULL && strcmp(state, "UP") == 0;
		s.rtt_us = MAX(s.rtt_us, number(json_object_get(broker, "rtt"), "p99"));
	}
	json_decref(root);
	k->broker = s;
	return 0; /* the text is the library's */
}

void
kafka_broker_stats(void *state, struct output_broker_stats *ret)
{
	const struct kafka_state *k = state;

	*ret = k->broker;
}
