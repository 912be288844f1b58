/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_label.c - escape texts for label values. */
#include "collector/api/api_int.h"

void
metrics_label(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\' || *text == '\n')
			buf_char(out, '\\');
		buf_char(out, *text == '\n' ? 'n' : *text);
	}
}

void
metrics_node_labels(struct buf *out, const char *name, const struct stream *s)
{
	buf_printf(out, "%s{cluster=\"", name);
	metrics_label(out, s->id.cluster);
	buf_str(out, "\",node=\"");
	metrics_label(out, s->id.node);
	buf_char(out, '"');
}
