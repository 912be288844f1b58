/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/api/metrics_row.h"
#include <stdint.h>

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
