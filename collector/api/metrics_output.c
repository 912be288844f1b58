/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_output.c - metrics of outputs, and how metrics are written. */
#include "collector/api/api_int.h"
#include "collector/api/metrics_row.h"

enum { OUTPUTS_MAX = 16 };

static const struct metric output_metrics[] = {
	ROW(output_stats, delivered, COUNTER, "Alerts delivered."),
	ROW(output_stats, refused, COUNTER, "Alerts refused for good and set aside."),
	ROW(output_stats, retries, COUNTER, "Times an alert had to be submitted again."),
	ROW(output_stats, skipped, COUNTER,
	    "Alerts from before the output was enabled, which are not sent there."),
	ROW(output_stats, filtered, COUNTER,
	    "Alerts that the output's minimum_priority or condition does not let through."),
	ROW(output_stats, silenced, COUNTER, "Alerts that a silence keeps from this output."),
	ROW(output_stats, lag_rows, GAUGE, "Alerts waiting for this output."),
	SECONDS(output_stats, oldest_age_ms, "oldest_age_seconds", GAUGE,
	    "How long the oldest alert that waits for this output has waited."),
};
static const struct metric broker_metrics[] = {
	ROW(output_broker_stats, queue, GAUGE, "Records that Kafka's library holds."),
	ROW(output_broker_stats, queue_bytes, GAUGE,
	    "Bytes of the records that Kafka's library holds."),
	ROW(output_broker_stats, retries, COUNTER, "Requests that Kafka's library sent again."),
	ROW(output_broker_stats, timeouts, COUNTER, "Requests to Kafka that timed out."),
	ROW(output_broker_stats, brokers, GAUGE, "Kafka brokers that are known."),
	ROW(output_broker_stats, brokers_up, GAUGE, "Kafka brokers that are connected."),
	ROW(output_broker_stats, beats, COUNTER, "States of nodes sent to the coverage topic."),
	ROW(output_broker_stats, beats_failed, COUNTER,
	    "States of nodes that the coverage topic did not take."),
};

void
metrics_head(struct buf *out, const char *group, const struct metric *m)
{
	const char *total = m->kind == COUNTER ? "_total" : "";

	buf_printf(out, "# HELP mews_%s_%s%s %s\n", group, m->name, total, m->help);
	buf_printf(out, "# TYPE mews_%s_%s%s %s\n", group, m->name, total,
	    m->kind == COUNTER ? "counter" : "gauge");
}

void
metrics_sample(struct buf *out, const char *group, const struct metric *m, const char *labels,
    const void *stats)
{
	const uint64_t *value = (const void *) ((const char *) stats + m->offset);

	buf_printf(
	    out, "mews_%s_%s%s%s ", group, m->name, m->kind == COUNTER ? "_total" : "", labels);
	if (m->ms)
		buf_printf(
		    out, "%lu.%03u\n", (unsigned long) (*value / 1000), (unsigned) (*value % 1000));
	else
		buf_printf(out, "%lu\n", (unsigned long) *value);
}

static void
outputs_print(struct outputs *o, struct buf *out)
{
	struct output_stats v[OUTPUTS_MAX];
	size_t n = outputs_stats(o, v, ARRAY_SIZE(v));

	for (size_t k = 0; k < ARRAY_SIZE(output_metrics); k++) {
		metrics_head(out, "output", &output_metrics[k]);
		for (size_t i = 0; i < n; i++) {
			char labels[80];

			(void) snprintf(labels, sizeof(labels), "{output=\"%s\"}", v[i].name);
			metrics_sample(out, "output", &output_metrics[k], labels, &v[i]);
		}
	}
}

/* What outputs with brokers know of them. */
static void
brokers_print(struct outputs *o, struct buf *out)
{
	struct output_stats v[OUTPUTS_MAX];
	size_t n = outputs_stats(o, v, ARRAY_SIZE(v));
	char labels[80];

	for (size_t k = 0; k < ARRAY_SIZE(broker_metrics); k++) {
		metrics_head(out, "kafka", &broker_metrics[k]);
		for (size_t i = 0; i < n; i++) {
			(void) snprintf(labels, sizeof(labels), "{output=\"%s\"}", v[i].name);
			if (v[i].broker.known)
				metrics_sample(
				    out, "kafka", &broker_metrics[k], labels, &v[i].broker);
		}
	}
	buf_str(out,
	    "# HELP mews_kafka_rtt_seconds 99th percentile of a request's time to the slowest "
	    "broker.\n"
	    "# TYPE mews_kafka_rtt_seconds gauge\n");
	for (size_t i = 0; i < n; i++) {
		if (v[i].broker.known)
			buf_printf(out, "mews_kafka_rtt_seconds{output=\"%s\"} %lu.%06u\n",
			    v[i].name, (unsigned long) (v[i].broker.rtt_us / 1000000),
			    (unsigned) (v[i].broker.rtt_us % 1000000));
	}
}

void
metrics_outputs(struct outputs *o, struct buf *out)
{
	outputs_print(o, out);
	brokers_print(o, out);
}
