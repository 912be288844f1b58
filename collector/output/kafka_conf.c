/* SPDX-License-Identifier: Apache-2.0 */
/* kafka_conf.c - librdkafka's properties. */
#include "collector/output/output_kafka.h"
#include "common/buf.h"
#include <ctype.h>
#include <errno.h>

/* Our defaults; the configuration overrides them. */
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
	{ "statistics.interval.ms", "5000" }, /* for metrics */
	{ "log.connection.close", "false" },  /* an idle connection that closes is no error */
};

static void
quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void) rk;
	(void) level;
	(void) facility;
	(void) text; /* relevant messages also arrive as errors */
}

static int
property(void *arg, const char *name, const char *value, struct diag *d)
{
	struct kafka_state *k = arg;
	char text[400];

	if (rd_kafka_conf_set(k->conf, name, value, text, sizeof(text)) == RD_KAFKA_CONF_OK) {
		if (strcmp(name, "debug") == 0) /* the user wants to see it */
			rd_kafka_conf_set_log_cb(k->conf, rd_kafka_log_print);
		return 0;
	}
	diag_set(d, d->line, d->col, KAFKA_PROPERTIES ".%s: %s", name, text);
	return -EINVAL;
}

/* Is this one broker: HOST:PORT, [HOST]:PORT or HOST, with or without a protocol? */
static bool
is_broker(struct slice s)
{
	const char *colon, *close;
	uint32_t port = 0;

	for (size_t i = 0; i + 3 <= s.n; i++) {
		if (memcmp(s.p + i, "://", 3) == 0) {
			s = (struct slice){ s.p + i + 3, s.n - i - 3 };
			break;
		}
	}
	for (size_t i = 0; i < s.n; i++) {
		if (isspace((unsigned char) s.p[i]) || s.p[i] == '/')
			return false;
	}
	colon = memrchr(s.p, ':', s.n);
	close = memrchr(s.p, ']', s.n);
	if (colon == NULL || (close != NULL && close > colon))
		return s.n > 0;
	for (const char *c = colon + 1; c < s.p + s.n; c++) {
		if (!isdigit((unsigned char) *c) || port > UINT16_MAX)
			return false;
		port = port * 10 + (uint32_t) (*c - '0');
	}
	return colon > s.p && port > 0 && port <= UINT16_MAX;
}

/* Check the list: the library ignores what it does not understand, and waits for ever. */
static int
check_brokers(const char *list, struct cfg *cfg, struct diag *d)
{
	for (const char *p = list;; p++) {
		struct slice s = { p, strcspn(p, ",") };

		p += s.n;
		for (; s.n > 0 && s.p[0] == ' '; s.n--)
			s.p++;
		if (!is_broker(s)) {
			cfg_place(cfg, "outputs.kafka.brokers", d);
			if (cfg_is_secret(cfg, "outputs.kafka.brokers"))
				s = SLICE("${file:...}");
			return diag_fail(d, d->line, d->col,
			    "outputs.kafka.brokers: '%.*s' is not an address of a Kafka broker: "
			    "write HOST:PORT",
			    SLICE_ARG(s));
		}
		if (*p == '\0')
			return 0;
	}
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
		r = check_brokers(list.p, cfg, d);
		return r < 0 ? r : property(k, "bootstrap.servers", list.p, d);
	}
	if (buf_ok(&list) < 0)
		return -ENOMEM;
	if (cfg_has(cfg, KAFKA_PROPERTIES ".bootstrap.servers") ||
	    cfg_has(cfg, KAFKA_PROPERTIES ".test.mock.num.brokers"))
		return 0;
	cfg_place(cfg, "outputs.kafka.brokers", d);
	return diag_fail(d, d->line, d->col,
	    "outputs.kafka.brokers is missing: set it to HOST:PORT of a Kafka broker");
}

/* Check a topic's name as Kafka does: letters, digits, '.', '_' and '-', at most 249. */
static int
check_topic(const char *key, const char *topic, struct cfg *cfg, struct diag *d)
{
	size_t n = strlen(topic), good = 0;

	while (kafka_topic_char(topic[good]))
		good++;
	if (n > 0 && n <= KAFKA_TOPIC_MAX && good == n && strcmp(topic, ".") != 0 &&
	    strcmp(topic, "..") != 0)
		return 0;
	cfg_place(cfg, key, d);
	return diag_fail(d, d->line, d->col,
	    "%s: '%s' is not a valid topic name: letters, digits, '.', '_' and '-', at most 249",
	    key, cfg_is_secret(cfg, key) ? "${file:...}" : topic);
}

/* Compile a template, whose messages have the option's place. */
static int
compile(const char *key, const char *text, struct template **t, struct cfg *cfg, struct diag *d)
{
	cfg_place(cfg, key, d);
	return template_line_new(text, key, t, d);
}

/* A topic besides that of alerts, or none: NULL. */
static int
set_other(
    const struct kafka_state *k, const char *key, char **topic, struct cfg *cfg, struct diag *d)
{
	int r;

	if (*topic != NULL && (*topic)[0] == '\0')
		*topic = NULL;
	if (*topic == NULL)
		return 0;
	r = check_topic(key, *topic, cfg, d);
	if (r < 0 || strcmp(*topic, k->topic) != 0)
		return r;
	cfg_place(cfg, key, d);
	return diag_fail(d, d->line, d->col, "%s: it must not be the topic of alerts", key);
}

/* The topics. No event names one, since a program could send its alerts to where nobody looks. */
static int
set_topics(struct kafka_state *k, struct cfg *cfg, struct diag *d)
{
	static const char key[] = "outputs.kafka.topic";
	int r = compile(key, k->topic, &k->by, cfg, d);

	if (r < 0)
		return r;
	if (template_event_field(k->by) != NULL)
		return diag_fail(d, d->line, d->col,
		    "%s: events decide '%%%s', so a program could choose the topic: use fields "
		    "such "
		    "as %%alert.cluster, %%alert.node, %%alert.rule and %%alert.level",
		    key, template_event_field(k->by));
	if (template_is_fixed(k->by))
		r = check_topic(key, k->topic, cfg, d);
	if (r == 0)
		r = set_other(k, "outputs.kafka.dead_letter_topic", &k->letters, cfg, d);
	if (r == 0)
		r = set_other(k, "outputs.kafka.coverage_topic", &k->coverage, cfg, d);
	return r;
}

int
kafka_conf(struct kafka_state *k, struct cfg *cfg, struct diag *d)
{
	char text[32];
	size_t n = sizeof(text);
	int r = set_topics(k, cfg, d);

	if (r == 0)
		r = compile("outputs.kafka.key", k->key_text, &k->key, cfg, d);
	if (r == 0)
		r = template_option(
		    "outputs.kafka.template", k->value_text, false, cfg, &k->value, d);
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

bool
kafka_scram_fails(const struct kafka_state *k, int version)
{
	char text[256];
	size_t n = sizeof(text);

	return version < KAFKA_SCRAM_MENDED &&
	       rd_kafka_conf_get(k->conf, "sasl.mechanisms", text, &n) == RD_KAFKA_CONF_OK &&
	       strncasecmp(text, "SCRAM-", 6) == 0;
}
