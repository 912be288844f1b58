/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kafka_outbox.c - put alerts into an outbox with a Kafka output, or check what is in the topic.
 *
 *   kafka_outbox produce DB BROKERS TOPIC COUNT PACE_US [KEY=VALUE...]
 *	Alerts 1 to COUNT, ten to a batch, of KEYS nodes in turn; number 7 has a body of 2 MB and
 *	number 8 is not JSON and 2 MB. Those already in the outbox are dropped by their ids.
 *	Ends when the output has nothing left. KEY: a property, or outputs.kafka.NAME.
 *   kafka_outbox verify BROKERS TOPIC COUNT once|repeated
 *	Every alert except number 8 is in the topic; those of a node in order, in one partition;
 *	once, or with harmless repetitions.
 */
#include "collector/output/output.h"
#include "common/buf.h"
#include "common/clock.h"
#include <errno.h>
#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <unistd.h>

#define KEYS   5
#define BATCH  10
#define BIG    7
#define BROKEN 8
#define T0     1795361065000000000ULL /* the time of alert 0; each further one a second later */

#define die(...) (fprintf(stderr, "kafka_outbox: " __VA_ARGS__), fputc('\n', stderr), exit(1))

/* Produce */

static void
put_done(struct outbox_txn *t, int r)
{
	if (r < 0)
		die("commit: %s", strerror(-r));
	atomic_fetch_add((_Atomic int *) t->arg, 1);
	free(t);
}

static struct alert *
make(unsigned n)
{
	struct alert a = {
		.priority = PRIO_WARNING, .time = T0 + n * NS_PER_S, .rule = "Read file"
	};
	struct alert *ret = NULL;
	struct buf b = BUF_INIT;
	char node[32];

	(void) snprintf(a.id, sizeof(a.id), "%08x-0000-8000-8000-000000000000", n);
	(void) snprintf(node, sizeof(node), "web %u", n % KEYS);
	a.cluster = "prod";
	a.node = node;
	buf_printf(&b, "{\"uuid\":\"%s\",\"output\":\"", a.id);
	for (size_t i = 0; (n == BIG || n == BROKEN) && i < (2 << 20); i++)
		buf_char(&b, 'x');
	buf_str(&b, n == BROKEN ? "" : "\",\"output_fields\":{\"proc.pid\":1}}");
	a.json = b.p;
	a.json_len = b.n;
	if (buf_ok(&b) < 0 || alert_new(&a, &ret) < 0)
		die("no memory");
	buf_fini(&b);
	return ret;
}

static void
put(struct outbox *o, unsigned first, unsigned last, _Atomic int *committed)
{
	static const struct stream_id stream = { "prod", "web", "boot", 1 };
	struct outbox_txn *t = calloc(1, sizeof(*t));
	struct alert **tail;

	if (t == NULL)
		die("no memory");
	*t = (struct outbox_txn){ &stream, last, NULL, put_done, committed, 0 };
	tail = &t->alerts;
	for (unsigned n = first; n <= last; n++) {
		*tail = make(n);
		tail = &(*tail)->next;
	}
	while (outbox_put(o, t) == -EAGAIN)
		(void) usleep(1000);
}

static struct cfg *
config(char **argv)
{
	struct buf b = BUF_INIT;
	struct cfg *cfg = NULL;
	struct diag d = { 0 };
	char set[512];

	buf_printf(&b,
	    "outputs:\n  kafka:\n    enabled: true\n    brokers: [\"%s\"]\n    topic: '%s'\n",
	    argv[1], argv[2]);
	if (cfg_parse("test", buf_get(&b), &cfg, &d) < 0)
		die("%s", d.msg);
	for (argv += 5; *argv != NULL; argv++) {
		(void) snprintf(set, sizeof(set), "%s%s",
		    strncmp(*argv, "outputs.", 8) == 0 ? "" : "outputs.kafka.properties.", *argv);
		if (cfg_override(cfg, set, &d) < 0)
			die("%s", d.msg);
	}
	buf_fini(&b);
	return cfg;
}

/* Report when the output's trouble begins, changes or ends; true while it has something left. */
static bool
report(struct outputs *out, char error[256])
{
	struct output_stats st = { 0 };

	(void) outputs_stats(out, &st, 1);
	if (strcmp(error, st.error) != 0)
		printf("trouble: %s\n", st.error);
	(void) fflush(stdout);
	(void) snprintf(error, 256, "%s", st.error);
	return st.lag_rows > 0;
}

static int
produce(char **argv)
{
	unsigned count = (unsigned) strtoul(argv[3], NULL, 10);
	unsigned pace = (unsigned) strtoul(argv[4], NULL, 10);
	struct outbox_cfg ocfg = { .path = argv[0] };
	static const struct outbox_output names[] = { { "kafka", false } };
	struct cfg *cfg = config(argv);
	struct output_stats st = { 0 };
	struct outputs *out = NULL;
	struct outbox *o = NULL;
	struct outbox_stats ob;
	struct diag d = { 0 };
	_Atomic int committed = 0;
	char error[256] = "";

	ocfg.outputs = names;
	ocfg.noutputs = 1;
	if (outbox_open(&ocfg, &o, &d) < 0 || outputs_start(cfg, o, NULL, &out, &d) < 0)
		die("%s", d.msg);
	for (unsigned n = 1; n <= count; n += BATCH) {
		put(o, n, MIN(n + BATCH - 1, count), &committed);
		(void) usleep(pace);
		(void) report(out, error);
	}
	while (report(out, error) || atomic_load(&committed) * BATCH < (int) count)
		(void) usleep(10000);
	(void) outputs_stats(out, &st, 1);
	outbox_stats(o, &ob);
	printf("delivered %lu refused %lu retries %lu duplicates %lu set aside %lu\n", st.delivered,
	    st.refused, st.retries, ob.duplicates, ob.set_aside);
	outputs_stop(out, 1000);
	outbox_close(o);
	cfg_free(cfg);
	return 0;
}

/* Verify */

struct check {
	unsigned count, messages;
	bool repeated;
	unsigned char *seen;
	unsigned newest[KEYS]; /* of each node */
	int32_t partition[KEYS];
};

static const char *
header(const rd_kafka_headers_t *h, const char *name, char ret[128])
{
	const void *value = NULL;
	size_t n = 0;

	if (rd_kafka_header_get_last(h, name, &value, &n) != 0)
		die("no header %s", name);
	(void) snprintf(ret, 128, "%.*s", (int) n, (const char *) value);
	return ret;
}

static void
expect(unsigned n, const char *what, const char *want, const char *got)
{
	if (strcmp(want, got) != 0)
		die("alert %u: %s is '%s', not '%s'", n, what, got, want);
}

static void
check_headers(const rd_kafka_message_t *m, unsigned n)
{
	rd_kafka_headers_t *h = NULL;
	rd_kafka_timestamp_type_t type;
	char got[128], want[128];

	if (rd_kafka_message_headers(m, &h) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("alert %u has no headers", n);
	expect(n, "content-type", "application/json", header(h, "content-type", got));
	expect(n, "ce_specversion", "1.0", header(h, "ce_specversion", got));
	expect(n, "ce_type", "io.mews.alert.v1", header(h, "ce_type", got));
	expect(n, "ce_subject", "Read file", header(h, "ce_subject", got));
	(void) snprintf(want, sizeof(want), "//prod/web%%20%u", n % KEYS);
	expect(n, "ce_source", want, header(h, "ce_source", got));
	if (n == 1)
		expect(n, "ce_time", "2026-11-22T15:24:26.000000000Z", header(h, "ce_time", got));
	if (rd_kafka_message_timestamp(m, &type) != (int64_t) (T0 / NS_PER_MS + n * 1000ULL) ||
	    type != RD_KAFKA_TIMESTAMP_CREATE_TIME)
		die("alert %u: wrong time", n);
	(void) snprintf(want, sizeof(want), "prod/web %u", n % KEYS);
	(void) snprintf(got, sizeof(got), "%.*s", (int) m->key_len, (const char *) m->key);
	expect(n, "key", want, got);
}

static void
check_body(const rd_kafka_message_t *m, unsigned n)
{
	json_t *root = json_loadb(m->payload, m->len, 0, NULL);
	bool cut =
	    json_is_true(json_object_get(json_object_get(root, "output_fields"), "mews.truncated"));
	const char *uuid = json_string_value(json_object_get(root, "uuid"));

	if (uuid == NULL || strtoul(uuid, NULL, 16) != n)
		die("alert %u: another one's body", n);
	if (cut != (n == BIG))
		die("alert %u: %s", n, cut ? "cut" : "not cut");
	json_decref(root);
}

static void
check_message(struct check *c, const rd_kafka_message_t *m)
{
	rd_kafka_headers_t *h = NULL;
	char id[128];
	unsigned n, key;

	if (rd_kafka_message_headers(m, &h) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("a message without headers");
	n = (unsigned) strtoul(header(h, "ce_id", id), NULL, 16);
	key = n % KEYS;
	if (n == 0 || n > c->count || n == BROKEN)
		die("there is no alert %u", n);
	check_headers(m, n);
	check_body(m, n);
	c->messages++;
	if (c->seen[n] != 0 && !c->repeated)
		die("alert %u is there twice", n);
	if (c->seen[n] == 0 && n < c->newest[key])
		die("alert %u came after %u", n, c->newest[key]);
	if (c->newest[key] != 0 && c->partition[key] != m->partition)
		die("node %u is in two partitions", key);
	c->seen[n] = 1;
	c->newest[key] = MAX(n, c->newest[key]);
	c->partition[key] = m->partition;
}

/* Assign all partitions from their beginning: returns their number. */
static int
assign_all(rd_kafka_t *rk, const char *topic)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
	rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
	const struct rd_kafka_metadata *md = NULL;
	int n;

	if (rd_kafka_metadata(rk, 0, rkt, &md, 10000) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die("no metadata of %s", topic);
	n = md->topics[0].partition_cnt;
	for (int i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, topic, i)->offset =
		    RD_KAFKA_OFFSET_BEGINNING;
	(void) rd_kafka_assign(rk, list);
	rd_kafka_metadata_destroy(md);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_topic_destroy(rkt);
	return n;
}

static rd_kafka_t *
consumer(const char *brokers)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	const char *const set[][2] = { { "bootstrap.servers", brokers }, { "group.id", "verify" },
		{ "enable.partition.eof", "true" }, { "enable.auto.commit", "false" } };
	char text[256];
	rd_kafka_t *rk;

	for (size_t i = 0; i < ARRAY_SIZE(set); i++) {
		if (rd_kafka_conf_set(conf, set[i][0], set[i][1], text, sizeof(text)) != 0)
			die("%s", text);
	}
	rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
	if (rk == NULL)
		die("%s", text);
	(void) rd_kafka_poll_set_consumer(rk);
	return rk;
}

static int
verify(char **argv)
{
	struct check c = { .count = (unsigned) strtoul(argv[2], NULL, 10) };
	rd_kafka_t *rk = consumer(argv[0]);
	int left = assign_all(rk, argv[1]);
	rd_kafka_message_t *m;

	c.repeated = strcmp(argv[3], "repeated") == 0;
	c.seen = calloc(c.count + 1, 1);
	if (c.seen == NULL)
		die("no memory");
	while (left > 0) {
		m = rd_kafka_consumer_poll(rk, 20000);
		if (m == NULL)
			die("the broker does not answer");
		if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			left--;
		else if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			check_message(&c, m);
		rd_kafka_message_destroy(m);
	}
	for (unsigned n = 1; n <= c.count; n++) {
		if (c.seen[n] == 0 && n != BROKEN)
			die("alert %u is missing", n);
	}
	printf("%u alerts, %u messages\n", c.count, c.messages);
	(void) rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	free(c.seen);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc >= 7 && strcmp(argv[1], "produce") == 0)
		return produce(argv + 2);
	if (argc == 6 && strcmp(argv[1], "verify") == 0)
		return verify(argv + 2);
	fprintf(stderr, "usage: see the head of kafka_outbox.c\n");
	return 2;
}
