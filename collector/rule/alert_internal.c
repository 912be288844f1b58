/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/alert_internal.h"
#include "collector/rule/format_int.h"
#include <errno.h>

static void
add_key(struct buf *out, const char *key, const char *value)
{
	buf_str(out, key);
	buf_json(out, slice_str(value));
}

static void
add_fields(const struct alert_internal *from, struct buf *out)
{
	buf_printf(out, ",\"output_fields\":{\"evt.time\":%llu", (unsigned long long) from->time);
	add_key(out, ",\"mews.cluster\":", from->cluster);
	for (size_t i = 0; i < from->nfields; i++) {
		buf_char(out, ',');
		buf_json(out, slice_str(from->fields[i].name));
		buf_char(out, ':');
		if (from->fields[i].text != NULL)
			buf_json(out, slice_str(from->fields[i].text));
		else
			buf_printf(out, "%llu", (unsigned long long) from->fields[i].number);
	}
	buf_char(out, '}');
}

static int
make_id(const struct alert_internal *from, struct buf *scratch, char ret[ALERT_ID_SIZE])
{
	buf_clear(scratch);
	alert_id_text(scratch, from->cluster);
	alert_id_text(scratch, from->node);
	alert_id_text(scratch, from->rule);
	alert_id_text(scratch, from->identity);
	return alert_id_end(scratch, ret);
}

int
alert_internal(
    const struct alert_internal *from, const struct alert_json *shape, struct alert **ret)
{
	static const struct alert_json defaults;
	CLEANUP(buf_fini) struct buf line = BUF_INIT;
	CLEANUP(buf_fini) struct buf json = BUF_INIT;
	struct alert a = {
		.priority = from->priority,
		.time = from->time,
		.rule = from->rule,
		.cluster = from->cluster,
		.node = from->node,
	};
	int r = make_id(from, &line, a.id);

	if (r < 0)
		return r;
	if (shape == NULL)
		shape = &defaults;
	buf_clear(&line);
	alert_line_head(from->time, from->priority, shape->iso8601, &line);
	buf_str(&line, from->output);
	add_key(&json, "{\"hostname\":", from->node);
	if (shape->message)
		add_key(&json, ",\"message\":", from->output);
	if (!shape->no_output) {
		buf_str(&json, ",\"output\":");
		buf_json(&json, buf_get(&line));
	}
	if (!shape->no_fields)
		add_fields(from, &json);
	add_key(&json, ",\"priority\":", priority_name(from->priority));
	add_key(&json, ",\"rule\":", from->rule);
	buf_str(&json, ",\"source\":\"internal\"");
	buf_str(&json, shape->no_tags ? "" : ",\"tags\":[\"internal\",\"mews\"]");
	buf_str(&json, ",\"time\":");
	alert_time(from->time, &json);
	add_key(&json, ",\"uuid\":", a.id);
	buf_char(&json, '}');
	if (buf_ok(&line) < 0 || buf_ok(&json) < 0)
		return -ENOMEM;
	a.json = json.p;
	a.json_len = json.n;
	return alert_new(&a, ret);
}
