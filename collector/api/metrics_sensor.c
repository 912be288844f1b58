/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_sensor.c - resource use of a node's sensor, as the sensor reports it. */
#include "collector/api/api_int.h"
#include "common/clock.h"
#include <stddef.h>
#include <stdlib.h>

/* How a number is kept, and shown. */
enum form { PLAIN, IN_NS, IN_MS, SKEW };

static const struct column {
	const char *name, *kind, *help;
	size_t at; /* in struct stream_info */
	enum form form;
} columns[] = {
#define ROW(name, kind, member, form, help)                                  \
	{                                                                    \
		name, kind, help, offsetof(struct stream_info, member), form \
	}
	ROW("mews_node_sensor_resident_memory_bytes", "gauge", rss_bytes, PLAIN,
	    "Resident memory of a node's sensor."),
	ROW("mews_node_sensor_cpu_seconds_total", "counter", cpu_ns, IN_NS,
	    "User and system CPU of a node's sensor."),
	ROW("mews_node_sensor_spool_bytes", "gauge", spool_bytes, PLAIN,
	    "Bytes that a node's sensor keeps until they are durable."),
	ROW("mews_node_sensor_spool_batches", "gauge", spool_batches, PLAIN,
	    "Batches that a node's sensor keeps until they are durable."),
	ROW("mews_node_sensor_spool_disk_bytes", "gauge", spool_disk_bytes, PLAIN,
	    "Size of the files of a node's spool."),
	ROW("mews_node_sensor_spool_oldest_seconds", "gauge", spool_oldest_ms, IN_MS,
	    "Age of the oldest batch of a node that is not durable; no step of its clock changes "
	    "it."),
	ROW("mews_node_sensor_spool_errors_total", "counter", spool_errors, PLAIN,
	    "Writes of a node's spool that failed, and files and batches in it that could not be "
	    "read."),
	ROW("mews_node_containers_total", "counter", containers, PLAIN,
	    "Containers of a node whose metadata its sensor has read from the runtime."),
	ROW("mews_node_containers_late_total", "counter", containers_late, PLAIN,
	    "Containers of a node whose first events were sent before their metadata was read."),
	ROW("mews_node_containers_refused_total", "counter", containers_refused, PLAIN,
	    "Containers of a node whose runtime's files cannot be read, or are not to be "
	    "believed."),
	{ "mews_node_clock_skew_seconds", "gauge",
	    "How far a node's clock is ahead of the collector's; negative: behind; NaN: not known.",
	    0, SKEW },
};

struct sensor_row {
	const struct api_view *view;
	struct buf *out;
	const struct column *column;
};

static void
skew_print(const struct stream *s, struct buf *out)
{
	int64_t skew;

	if (skew_of(&s->skew, &skew))
		buf_printf(out, "} %s%llu.%09llu\n", skew < 0 ? "-" : "", llabs(skew) / NS_PER_S,
		    llabs(skew) % NS_PER_S);
	else
		buf_str(out, "} NaN\n");
}

static void
sensor_print(void *arg, struct stream *s)
{
	const struct sensor_row *r = arg;
	struct stream_info info;
	uint64_t n;

	if (s->forgotten)
		return;
	stream_info_get(r->view->streams, s, &info);
	metrics_node_labels(r->out, r->column->name, s);
	(void) memcpy(&n, (const char *) &info + r->column->at, sizeof(n));
	switch (r->column->form) {
	case PLAIN:
		buf_printf(r->out, "} %llu\n", (unsigned long long) n);
		break;
	case IN_NS:
		buf_printf(r->out, "} %llu.%09llu\n", (unsigned long long) (n / NS_PER_S),
		    (unsigned long long) (n % NS_PER_S));
		break;
	case IN_MS:
		buf_printf(r->out, "} %llu.%03llu\n", (unsigned long long) (n / 1000),
		    (unsigned long long) (n % 1000));
		break;
	case SKEW:
		skew_print(s, r->out);
		break;
	}
}

void
api_metrics_sensors(const struct api_view *v, struct buf *out)
{
	for (size_t c = 0; c < ARRAY_SIZE(columns); c++) {
		const struct column *k = &columns[c];

		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", k->name, k->help, k->name, k->kind);
		streams_each(v->streams, sensor_print, &(struct sensor_row){ v, out, k });
	}
}
