/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_conf.c - librdkafka's properties. */
#include "collector/output/output_kafka.h"
#include "common/buf.h"
#include <ctype.h>
#include <errno.h>

/* Ours; the configuration may say otherwise. */
static const struct {
	const char *name, *value;
} defaults[] = {
	{ "client.id", "mews-collector" }, { "enable.idempotence", "true" },
	{ "partitioner", "murmur2_random" }, /* as Java's: consumers may co-partition */
	{ "compression.codec", "lz4" },
	{ "message.timeout.ms", "0" },             /* for ever: the outbox keeps the rest */
	{ "queue.buffering.max.kbytes", "65536" }, /* the outbox is the queue */
	{ "topic.metadata.propagation.max.ms", "10000" }, { "reconnect.backoff.max.ms", "5000" },
	{ "socket.keepalive.enable", "true" },
	{ "log.connection.close", "false" }, /* an idle connection that ends is no trouble */
};

static void
quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void) rk;
	(void) level;
	(void) facility;
	(void) text; /* what matters comes as an error too */
}

static int
property(void *arg, const char *name, const char *value, struct diag *d)
{
	struct kafka_state *k = arg;
	char text[400];

	if (rd_kafka_conf_set(k->conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK) {
		if (strcmp(name, "debug") == 0) /* then somebody wants to see it */
			rd_kafka_conf_set_log_cb(k->conf, rd_kafka_log_print);
		return 0;
	}
	diag_set(d, d->line, d->col, KAFKA_PROPERTIES ".%s: %s", name, text);
	return -EINVAL;
}

static int
set_brokers(struct kafka_state *k, struct cfg *cfg, struct diag *d)
{
	CLEANUP(buf_fini) struct buf list = BUF_INIT;
	int r;

	for (size_t i = 0; i < k->brokers.n; i++) {
		if (i > 0)
			buf_char(&list, ',');
		buf_str(&list, k->brokers.v[i]);
	}
	if (list.n > 0 && buf_ok(&list) == 0) {
		r = property(k, "bootstrap.servers", list.p, d);
		if (r < 0)
			cfg_place(cfg, "outputs.kafka.brokers", d);
		return r;
	}
	if (buf_ok(&list) < 0)
		return -ENOMEM;
	if (cfg_has(cfg, KAFKA_PROPERTIES ".bootstrap.servers") ||
	    cfg_has(cfg, KAFKA_PROPERTIES ".test.mock.num.brokers"))
		return 0;
	cfg_place(cfg, "outputs.kafka.brokers", d);
	diag_set(d, d->line, d->col,
	    "outputs.kafka.brokers is missing: say host:port of a Kafka broker");
	return -EINVAL;
}

int
kafka_conf(struct kafka_state *k, struct cfg *cfg, struct diag *d)
{
	char text[32];
	size_t n = sizeof(text);
	int r = 0;

	k->conf = rd_kafka_conf_new();
	rd_kafka_conf_set_log_cb(k->conf, quiet);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(defaults); i++)
		r = property(k, defaults[i].name, defaults[i].value, d);
	if (r == 0)
		r = set_brokers(k, cfg, d);
	if (r == 0)
		r = cfg_each(cfg, KAFKA_PROPERTIES, property, k, d);
	if (r == 0 && rd_kafka_conf_get(k->conf, "message.max.bytes", text, &n) == RD_KAFKA_CONF_OK)
		k->max_bytes = strtoul(text, NULL, 10);
	return r;
}

static size_t
escape(char *ret, size_t n, size_t size, const char *s)
{
	for (; *s != '\0' && n + 4 < size; s++) {
		unsigned char c = (unsigned char) *s;

		if (isalnum(c) || strchr("-._~", c) != NULL)
			ret[n++] = (char) c;
		else
			n += (size_t) snprintf(ret + n, size - n, "%%%02X", c);
	}
	ret[n] = '\0';
	return n;
}

void
kafka_source(const char *cluster, const char *node, char *ret, size_t size)
{
	size_t n = (size_t) snprintf(ret, size, "//");

	n = escape(ret, n, size, cluster);
	if (n + 1 < size)
		ret[n++] = '/';
	(void) escape(ret, n, size, node);
}
