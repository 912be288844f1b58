/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_kafka.c - send alerts to a Kafka topic: one in-order, idempotent stream.
 *
 * librdkafka retries transient errors, in order and for as long as it takes; records that it still
 * returns (a configured time-out, a missing topic, a purge) go back to the outbox's stream, with
 * all later ones. A record that the broker refuses may have been refused because of another one in
 * its batch: it is sent once more, alone, and only then cut, or refused for good.
 *
 * All callbacks come from rd_kafka_poll() on the output's thread.
 */
#include "collector/output/output_kafka.h"
#include "collector/output/output.h"
#include "collector/output/text.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/log.h"
#include <errno.h>
#include <librdkafka/rdkafka.h>

#define CUT_LEAST 256  /* a body cut to less is useless */
#define OVERHEAD  2048 /* of a record besides its body, at least */

static const struct opt opts[] = {
	{ "outputs.kafka.brokers", NULL, "Bootstrap brokers: host:port, one or more.", OPT_LIST,
	    offsetof(struct kafka_state, brokers), 0, 0 },
	{ "outputs.kafka.topic", "mews.alerts.v1",
	    "The topic; Mews does not create it. A template, such as mews.%[alert.cluster].v1, "
	    "of fields that no event decides.",
	    OPT_STR, offsetof(struct kafka_state, topic), 0, 0 },
	{ "outputs.kafka.key", "%alert.cluster/%alert.node",
	    "The record's key, a template: alerts of one key stay in order, in one partition.",
	    OPT_STR, offsetof(struct kafka_state, key_text), 0, 0 },
	{ "outputs.kafka.dead_letter_topic", NULL,
	    "Send what Kafka refuses for good to this topic, too.", OPT_STR,
	    offsetof(struct kafka_state, letters), 0, 0 },
	{ "outputs.kafka.format", "json", TEXT_FORMATS ": the record's value.", OPT_STR,
	    offsetof(struct kafka_state, format_name), 0, 0 },
	{ "outputs.kafka.template", NULL,
	    "The record's value as JSON with fields of the alert, such as "
	    "'{\"rule\": \"%alert.rule\"}', instead of the format.",
	    OPT_STR, offsetof(struct kafka_state, value_text), 0, 0 },
	{ "outputs.kafka.coverage_topic", NULL,
	    "Send the state of each node to this topic every 10 s; compact it.", OPT_STR,
	    offsetof(struct kafka_state, coverage), 0, 0 },
};

static void
trouble(struct kafka_state *k, const char *what)
{
	(void) snprintf(k->trouble, sizeof(k->trouble), "%s", what);
}

/* Is the record itself the reason, and not the state of the cluster? Then a retry would fail
 * too. */
static bool
permanent(rd_kafka_resp_err_t err)
{
	switch ((int) err) {
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
	case RD_KAFKA_RESP_ERR_INVALID_MSG:
	case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
	case RD_KAFKA_RESP_ERR_INVALID_RECORD:
	case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
	case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
	case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
	case RD_KAFKA_RESP_ERR__BAD_MSG:
		return true;
	default:
		return false;
	}
}

/* Is it the record's own topic, which is not everybody's? Then others need not wait for it. */
static bool
is_topics(const struct kafka_state *k, rd_kafka_resp_err_t err)
{
	return !template_is_fixed(k->by) &&
	       (err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
		   err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
		   err == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION ||
		   err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
}

static const char *
sentence(struct kafka_state *k, rd_kafka_resp_err_t err, const char *topic)
{
	switch ((int) err) {
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
		(void) snprintf(k->trouble, sizeof(k->trouble),
		    "Kafka has no topic '%s'; create it, or set outputs.kafka.topic", topic);
		break;
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		(void) snprintf(k->trouble, sizeof(k->trouble),
		    "Kafka does not let us write to the topic '%s'; grant WRITE and DESCRIBE",
		    topic);
		break;
	case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
	case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
		break; /* caused by us: the trouble is what led to it */
	default:
		(void) snprintf(k->trouble, sizeof(k->trouble), "Kafka: %s", rd_kafka_err2str(err));
	}
	return k->trouble;
}

/* A record will never be taken: its row ends. */
static void
refused_for_good(struct kafka_state *k, uint64_t rowid, const rd_kafka_message_t *m)
{
	struct kafka_parts parts = {
		.rowid = rowid, .key = { m->key, m->key_len }, .value = { m->payload, m->len }
	};
	const char *topic = rd_kafka_topic_name(m->rkt), *why = sentence(k, m->err, topic);

	if (rd_kafka_message_detach_headers((rd_kafka_message_t *) m, &parts.headers) !=
	    RD_KAFKA_RESP_ERR_NO_ERROR)
		parts.headers = rd_kafka_headers_new(8);
	kafka_refuse(k, why, topic, m->partition, &parts);
	k->trouble[0] = '\0'; /* the record's fault, not Kafka's */
}

/* Handle a record that the broker refuses. */
static void
refused(struct kafka_state *k, uint64_t rowid, const rd_kafka_message_t *m)
{
	bool size = m->err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE ||
		    m->err == RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE ||
		    m->err == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE;

	if (k->alone == rowid) {
		k->tries = k->tried_row == rowid ? k->tries + 1 : 1;
		k->tried_row = rowid;
	}
	if (k->alone != rowid) {
		k->solo_until = k->newest; /* one by one, up to the newest possible culprit */
	} else if (size && m->len / 2 >= CUT_LEAST) {
		k->cut_row = rowid;
		k->cut_limit = m->len / 2;
	} else {
		refused_for_good(k, rowid, m);
		return;
	}
	k->done(k->arg, rowid, OUTPUT_RETRY, rd_kafka_err2str(m->err));
}

static void
delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct kafka_state *k = opaque;
	uint64_t rowid = (uint64_t) (uintptr_t) m->_private;

	(void) rk;
	if (rowid == KAFKA_BEAT) {
		kafka_beat_ended(k, m->err);
		return;
	}
	k->flying--;
	if (k->closing)
		return;
	if ((rowid & KAFKA_LETTER) != 0) {
		kafka_letter_ended(k, rowid & ~KAFKA_LETTER, m->err, kafka_letter_reason(m));
	} else if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		k->trouble[0] = '\0';
		k->done(k->arg, rowid, OUTPUT_DELIVERED, NULL);
	} else if (permanent(m->err)) {
		refused(k, rowid, m);
	} else if (is_topics(k, m->err)) {
		refused_for_good(k, rowid, m);
	} else {
		k->done(
		    k->arg, rowid, OUTPUT_RETRY, sentence(k, m->err, rd_kafka_topic_name(m->rkt)));
	}
}

static void
happened(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
	struct kafka_state *k = opaque;
	char text[256];

	if (err == RD_KAFKA_RESP_ERR__FATAL) {
		k->fatal = true;
		(void) rd_kafka_fatal_error(rk, text, sizeof(text));
		(void) snprintf(k->trouble, sizeof(k->trouble), "Kafka: %s", text);
	} else if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || k->trouble[0] == '\0') {
		(void) snprintf(k->trouble, sizeof(k->trouble), "Kafka: %s", reason);
	}
}

static int
connect_to(struct kafka_state *k, struct diag *d)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_dup(k->conf);
	char text[512];

	rd_kafka_conf_set_opaque(conf, k);
	rd_kafka_conf_set_dr_msg_cb(conf, delivered);
	rd_kafka_conf_set_error_cb(conf, happened);
	rd_kafka_conf_set_stats_cb(conf, kafka_stats);
	k->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
	if (k->rk != NULL)
		return 0;
	rd_kafka_conf_destroy(conf);
	diag_set(d, 0, 0, "outputs.kafka: %s", text);
	return -EINVAL;
}

static int
read_conf(struct kafka_state *k, struct cfg *cfg, struct diag *d)
{
	if (text_format_of(k->format_name, false, &k->format) < 0)
		return cfg_wrong(cfg, "outputs.kafka.format", TEXT_FORMATS, k->format_name, d);
	return kafka_conf(k, cfg, d);
}

/* Create a producer, so that the library checks the properties together and reads the files that
 * they name; it has no brokers, so it connects to none. */
static int
kafka_check(void *state, struct cfg *cfg, struct diag *d)
{
	struct kafka_state *k = state;
	char text[400];
	int r = read_conf(k, cfg, d);

	if (r < 0)
		return r;
	if (kafka_scram_fails(k, rd_kafka_version()))
		log_warn(
		    "outputs.kafka: librdkafka %s cannot log in to Kafka 4 with SCRAM: use "
		    "librdkafka 2.6.1 or newer, or SASL/PLAIN over TLS, unless the brokers are "
		    "Kafka 3",
		    rd_kafka_version_str());
	if (rd_kafka_conf_set(k->conf, "bootstrap.servers", NULL, text, sizeof(text)) !=
	    RD_KAFKA_CONF_OK)
		return diag_fail(d, 0, 0, "outputs.kafka: %s", text);
	return connect_to(k, d);
}

static int
kafka_open(void *state, struct cfg *cfg, output_done_fn *done, void *arg, struct diag *d)
{
	struct kafka_state *k = state;
	int r = read_conf(k, cfg, d);

	k->done = done;
	k->arg = arg;
	return r < 0 ? r : connect_to(k, d);
}

/* Replace a producer that broke a guarantee, once it is empty: it accepts no more. */
static int
replace(struct kafka_state *k)
{
	struct diag d = { 0 };

	if (k->flying > 0)
		return -EAGAIN;
	rd_kafka_destroy(k->rk);
	k->rk = NULL;
	k->fatal = false;
	k->beats = 0;
	if (connect_to(k, &d) == 0)
		return 0;
	trouble(k, d.msg);
	k->fatal = true;
	return -EIO;
}

static rd_kafka_resp_err_t
produce(struct kafka_state *k, const struct outbox_row *row, const struct kafka_record *record,
    struct slice body)
{
	const struct kafka_parts parts = { row->rowid, row->alert.time,
		{ record->key, record->key_len }, body, kafka_headers(k, &row->alert, record) };

	return kafka_produce(k, record->topic, &parts);
}

static int
kafka_render(void *state, const struct alert *a, struct buf *ret)
{
	const struct kafka_state *k = state;
	struct kafka_header v[KAFKA_HEADERS];
	struct kafka_record rec;
	int r = kafka_record(k, a, 0, &rec);
	size_t n;

	if (r < 0)
		return r;
	n = kafka_header_list(k, a, &rec, v);
	buf_printf(ret, "topic: %s\nkey: %s\n", rec.topic, rec.key);
	for (size_t i = 0; i < n; i++)
		buf_printf(ret, "%s: %s\n", v[i].name, v[i].value);
	buf_char(ret, '\n');
	r = kafka_value(k, a, SIZE_MAX, ret);
	buf_char(ret, '\n');
	return r < 0 ? r : buf_ok(ret);
}

static const char *
kafka_answered(void *state)
{
	(void) state;
	return "the broker has acknowledged it";
}

/* Cut until our own limit is met; the broker's limit is learnt from its answer. */
static rd_kafka_resp_err_t
produce_cut(struct kafka_state *k, const struct outbox_row *row, const struct kafka_record *record,
    size_t limit)
{
	CLEANUP(buf_fini) struct buf body = BUF_INIT;
	rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
	int r = 0;

	for (; r == 0 && err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && limit >= CUT_LEAST;
	     limit /= 2) {
		buf_clear(&body);
		r = kafka_value(k, &row->alert, limit, &body);
		if (r == 0)
			err = produce(k, row, record, buf_get(&body));
	}
	if (r == -ENOMEM)
		return RD_KAFKA_RESP_ERR__QUEUE_FULL; /* try again later */
	return r < 0 ? RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE : err;
}

static rd_kafka_resp_err_t
produce_row(struct kafka_state *k, const struct outbox_row *row, const struct kafka_record *record,
    struct slice body)
{
	rd_kafka_resp_err_t err;

	if (k->cut_row == row->rowid && row->rowid != 0)
		return produce_cut(k, row, record, k->cut_limit);
	err = produce(k, row, record, body);
	if (err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
		err = produce_cut(k, row, record, k->max_bytes - MIN(k->max_bytes / 2, OVERHEAD));
	return err;
}

/* Handle an error of the library, which did not take the record. */
static int
not_taken(struct kafka_state *k, const struct outbox_row *row, const struct kafka_record *record,
    struct slice body, rd_kafka_resp_err_t err)
{
	struct kafka_parts parts = { row->rowid, 0, { record->key, record->key_len }, body, NULL };
	bool topics = is_topics(k, err);

	if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		return -EAGAIN;
	if (!permanent(err) && !topics) {
		(void) sentence(k, err, record->topic);
		return -EIO;
	}
	parts.headers = kafka_headers(k, &row->alert, record);
	kafka_refuse(k, topics ? sentence(k, err, record->topic) : rd_kafka_err2str(err),
	    record->topic, RD_KAFKA_PARTITION_UA, &parts);
	if (topics)
		k->trouble[0] = '\0';
	return 0;
}

static int
kafka_submit(void *state, const struct outbox_row *row)
{
	struct kafka_state *k = state;
	struct slice body = { row->alert.json, row->alert.json_len };
	CLEANUP(buf_fini) struct buf shaped = BUF_INIT;
	struct kafka_record record;
	rd_kafka_resp_err_t err;
	int r;

	if (k->fatal && (r = replace(k)) < 0)
		return r;
	if (k->solo_until > 0 && row->rowid <= k->solo_until && k->flying > 0)
		return -EAGAIN;
	if (k->format != TEXT_JSON || k->value != NULL) {
		r = kafka_value(k, &row->alert, SIZE_MAX, &shaped);
		if (r < 0)
			return r;
		body = buf_get(&shaped);
	}
	r = kafka_record(k, &row->alert, row->rowid, &record);
	if (r < 0)
		return r;
	k->flying++; /* before its report can arrive */
	err = produce_row(k, row, &record, body);
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		k->alone = k->flying == 1 ? row->rowid : 0;
		k->newest = MAX(k->newest, row->rowid);
		return 0;
	}
	k->flying--;
	return not_taken(k, row, &record, body, err);
}

static void
kafka_poll(void *state, int timeout_ms)
{
	struct kafka_state *k = state;

	if (k->rk != NULL)
		(void) rd_kafka_poll(k->rk, timeout_ms);
}

static long
kafka_drain(void *state, int deadline_ms)
{
	struct kafka_state *k = state;

	if (k->rk != NULL)
		(void) rd_kafka_flush(k->rk, deadline_ms);
	return (long) k->flying;
}

static void
kafka_purge(void *state)
{
	struct kafka_state *k = state;

	if (k->rk != NULL)
		(void) rd_kafka_purge(k->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
}

static const char *
kafka_trouble(void *state)
{
	struct kafka_state *k = state;

	if (k->trouble[0] != '\0')
		return k->trouble;
	return k->coverage_trouble[0] == '\0' ? NULL : k->coverage_trouble;
}

static void
kafka_close(void *state)
{
	struct kafka_state *k = state;

	k->closing = true;
	if (k->rk != NULL) {
		kafka_purge(k);
		(void) rd_kafka_poll(k->rk, 0);
		rd_kafka_destroy(k->rk);
		k->rk = NULL;
	}
	if (k->conf != NULL)
		rd_kafka_conf_destroy(k->conf);
	k->conf = NULL;
	template_free(k->by);
	template_free(k->key);
	template_free(k->value);
	k->by = k->key = k->value = NULL;
}

const struct output_ops output_kafka = {
	.name = "kafka",
	.state_size = sizeof(struct kafka_state),
	.opts = opts,
	.nopts = ARRAY_SIZE(opts),
	.free_keys = KAFKA_PROPERTIES,
	.check = kafka_check,
	.open = kafka_open,
	.render = kafka_render,
	.answered = kafka_answered,
	.submit = kafka_submit,
	.poll = kafka_poll,
	.drain = kafka_drain,
	.purge = kafka_purge,
	.trouble = kafka_trouble,
	.wants_beats = kafka_wants_beats,
	.beat = kafka_beat,
	.broker_stats = kafka_broker_stats,
	.close = kafka_close,
};
