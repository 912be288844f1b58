/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_output.c - metrics of outputs. */
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

/* Append a sample of each output. 'broker': of what it knows of its brokers, if it has any. */
static void
sample_all(struct buf *out, const char *group, const struct metric *m, const struct output_stats *v,
    size_t n, bool broker)
{
	char labels[80];

	metrics_head(out, group, m);
	for (size_t i = 0; i < n; i++) {
		if (broker && !v[i].broker.known)
			continue;
		(void) snprintf(labels, sizeof(labels), "{output=\"%s\"}", v[i].name);
		metrics_sample(out, group, m, labels,
		    broker ? (const void *) &v[i].broker : (const void *) &v[i]);
	}
}

void
metrics_outputs(struct outputs *o, struct buf *out)
{
	struct output_stats v[OUTPUTS_MAX];
	size_t n = outputs_stats(o, v, ARRAY_SIZE(v));

	for (size_t k = 0; k < ARRAY_SIZE(output_metrics); k++)
		sample_all(out, "output", &output_metrics[k], v, n, false);
	for (size_t k = 0; k < ARRAY_SIZE(broker_metrics); k++)
		sample_all(out, "kafka", &broker_metrics[k], v, n, true);
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
