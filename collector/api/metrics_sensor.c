/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_sensor.c - resource use of a node's sensor, as the sensor reports it. */
#include "collector/api/api_int.h"
#include "common/clock.h"
#include <stdlib.h>

enum column {
	RESIDENT,
	CPU,
	SPOOL_BYTES,
	SPOOL_BATCHES,
	SPOOL_DISK,
	SPOOL_OLDEST,
	SPOOL_ERRORS,
	SKEW,
	COLUMNS
};

static const struct {
	const char *name, *kind, *help;
} columns[COLUMNS] = {
	[RESIDENT] = { "mews_node_sensor_resident_memory_bytes", "gauge",
	    "Resident memory of a node's sensor." },
	[CPU] = { "mews_node_sensor_cpu_seconds_total", "counter",
	    "User and system CPU of a node's sensor." },
	[SPOOL_BYTES] = { "mews_node_sensor_spool_bytes", "gauge",
	    "Bytes that a node's sensor keeps until they are durable." },
	[SPOOL_BATCHES] = { "mews_node_sensor_spool_batches", "gauge",
	    "Batches that a node's sensor keeps until they are durable." },
	[SPOOL_DISK] = { "mews_node_sensor_spool_disk_bytes", "gauge",
	    "Size of the files of a node's spool." },
	[SPOOL_OLDEST] = { "mews_node_sensor_spool_oldest_seconds", "gauge",
	    "Age of the oldest batch of a node that is not durable." },
	[SPOOL_ERRORS] = { "mews_node_sensor_spool_errors_total", "counter",
	    "Writes of a node's spool that failed, and files and batches in it that could not be "
	    "read." },
	[SKEW] = { "mews_node_clock_skew_seconds", "gauge",
	    "How far a node's clock is ahead of the collector's; negative: behind; NaN: not "
	    "known." },
};

struct sensor_row {
	const struct api_view *view;
	struct buf *out;
	enum column column;
};

static void
sensor_print(void *arg, struct stream *s)
{
	const struct sensor_row *r = arg;
	struct stream_info info;
	int64_t skew;

	if (s->forgotten)
		return;
	stream_info_get(r->view->streams, s, &info);
	metrics_node_labels(r->out, columns[r->column].name, s);
	switch (r->column) {
	case RESIDENT:
		buf_printf(r->out, "} %lu\n", (unsigned long) info.rss_bytes);
		break;
	case CPU:
		buf_printf(r->out, "} %lu.%09lu\n", (unsigned long) (info.cpu_ns / NS_PER_S),
		    (unsigned long) (info.cpu_ns % NS_PER_S));
		break;
	case SPOOL_BYTES:
		buf_printf(r->out, "} %lu\n", (unsigned long) info.spool_bytes);
		break;
	case SPOOL_BATCHES:
		buf_printf(r->out, "} %lu\n", (unsigned long) info.spool_batches);
		break;
	case SPOOL_DISK:
		buf_printf(r->out, "} %lu\n", (unsigned long) info.spool_disk_bytes);
		break;
	case SPOOL_OLDEST:
		buf_printf(r->out, "} %lu.%03lu\n", (unsigned long) (info.spool_oldest_ms / 1000),
		    (unsigned long) (info.spool_oldest_ms % 1000));
		break;
	case SPOOL_ERRORS:
		buf_printf(r->out, "} %lu\n", (unsigned long) info.spool_errors);
		break;
	case SKEW:
		if (skew_of(&s->skew, &skew))
			buf_printf(r->out, "} %s%llu.%09llu\n", skew < 0 ? "-" : "",
			    llabs(skew) / NS_PER_S, llabs(skew) % NS_PER_S);
		else
			buf_str(r->out, "} NaN\n");
		break;
	case COLUMNS:
		break;
	}
}

void
api_metrics_sensors(const struct api_view *v, struct buf *out)
{
	for (enum column c = 0; c < COLUMNS; c++) {
		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", columns[c].name, columns[c].help,
		    columns[c].name, columns[c].kind);
		streams_each(v->streams, sensor_print, &(struct sensor_row){ v, out, c });
	}
}
