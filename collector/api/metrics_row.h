/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_row.h - metrics as rows of a table; for the files of this folder. */
#ifndef MEWS_COLLECTOR_API_METRICS_ROW_H
#define MEWS_COLLECTOR_API_METRICS_ROW_H

#include "common/buf.h"
#include <stdbool.h>
#include <stddef.h>

enum kind { COUNTER, GAUGE };

struct metric {
	const char *name;
	const char *help;
	size_t offset;
	enum kind kind;
	bool ms; /* kept in milliseconds, shown in seconds */
};

#define ROW(type, member, kind, help)                                     \
	{                                                                 \
#member, help, offsetof(struct type, member), kind, false \
	}
#define SECONDS(type, member, name, kind, help)                       \
	{                                                             \
		name, help, offsetof(struct type, member), kind, true \
	}

/* Append the two lines before the samples of a metric, "mews_GROUP_NAME". */
void metrics_head(struct buf *out, const char *group, const struct metric *m);
/* Append one sample: the member of 'stats'. 'labels' is "" or in braces. */
void metrics_sample(struct buf *out, const char *group, const struct metric *m, const char *labels,
    const void *stats);

#endif
