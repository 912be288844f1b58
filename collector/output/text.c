/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/text.h"
#include "collector/output/shape.h"
#include "common/clock.h"
#include "common/escape.h"
#include "common/utf8.h"
#include <errno.h>
#include <jansson.h>

#define CUT_LEAST 128 /* an alert cut to less is useless */

static const struct {
	const char *name;
	enum text_format format, terminal;
	const char *type, *schema;
} formats[] = {
#define FORMAT(name, id, terminal, type, schema) { name, TEXT_##id, TEXT_##terminal, type, schema },
#include "collector/output/text_formats.def"
};

int
text_format_of(const char *name, bool terminal, enum text_format *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (strcmp(formats[i].name, name) != 0)
			continue;
		*ret = terminal ? formats[i].terminal : formats[i].format;
		return 0;
	}
	return -EINVAL;
}

static size_t
format_index(enum text_format format)
{
	size_t i = 0;

	while (formats[i].format != format && formats[i].terminal != format)
		i++;
	return i;
}

const char *
text_content_type(enum text_format format)
{
	return formats[format_index(format)].type;
}

const char *
text_schema(enum text_format format)
{
	return formats[format_index(format)].schema;
}

static void
local_time(struct buf *b, uint64_t realtime_ns, bool date)
{
	time_t s = (time_t) (realtime_ns / NS_PER_S);
	struct tm tm = { 0 };
	char text[32];

	(void) localtime_r(&s, &tm);
	(void) strftime(text, sizeof(text), date ? "%Y-%m-%d %H:%M:%S" : "%H:%M:%S", &tm);
	buf_printf(b, "%s.%03u ", text, (unsigned) (realtime_ns % NS_PER_S / NS_PER_MS));
}

static const char *
colour(enum priority p)
{
	switch (p) {
	case PRIO_EMERGENCY:
	case PRIO_ALERT:
	case PRIO_CRITICAL:
		return "\033[1;31m";
	case PRIO_ERROR:
		return "\033[31m";
	case PRIO_WARNING:
		return "\033[33m";
	case PRIO_NOTICE:
		return "\033[36m";
	case PRIO_INFORMATIONAL:
	case PRIO_DEBUG:
		return "\033[2m";
	}
	return "";
}

/* The output of an alert without its prefix, borrowed from 'root', or from the body if it is not
 * JSON. */
static struct slice
output_of(const struct alert *a, json_t *root)
{
	json_t *output = json_object_get(root, "output");
	struct slice s = { json_string_value(output), json_string_length(output) };

	if (s.p == NULL)
		s = (struct slice){ a->json, a->json_len };
	return text_body(s, a->priority);
}

static void
bare(struct buf *b, const struct alert *a)
{
	json_t *root = json_loadb(a->json, a->json_len, JSON_ALLOW_NUL, NULL);

	escape_add(b, slice_str(a->rule));
	buf_str(b, ": ");
	escape_add(b, output_of(a, root));
	json_decref(root);
}

static void
plain(struct buf *b, const struct alert *a, bool terminal)
{
	json_t *root = json_loadb(a->json, a->json_len, JSON_ALLOW_NUL, NULL);
	struct slice s = output_of(a, root);

	local_time(b, a->time, !terminal);
	buf_printf(b, "%s%-8s%s ", terminal ? colour(a->priority) : "", priority_name(a->priority),
	    terminal ? "\033[0m" : "");
	escape_add(b, slice_str(a->node));
	buf_str(b, terminal ? "  \033[1m" : "  ");
	escape_add(b, slice_str(a->rule));
	buf_str(b, terminal ? "\033[0m  " : "  ");
	escape_add(b, s);
	json_decref(root);
}

void
text_shape(struct buf *b, const struct alert *a, enum text_format format)
{
	switch (format) {
	case TEXT_JSON:
		buf_add(b, a->json, a->json_len);
		return;
	case TEXT_JSON_SAFE:
		escape_json(b, (struct slice){ a->json, a->json_len });
		return;
	case TEXT_BARE:
		bare(b, a);
		return;
	case TEXT_PLAIN:
	case TEXT_COLOURED:
		plain(b, a, format == TEXT_COLOURED);
		return;
	case TEXT_OCSF:
		shape_ocsf(b, a);
		return;
	case TEXT_ECS:
		shape_ecs(b, a);
		return;
	case TEXT_CLOUDEVENTS:
		shape_cloudevents(b, a);
		return;
	case TEXT_CEF:
		shape_cef(b, a);
		return;
	case TEXT_LEEF:
		shape_leef(b, a);
		return;
	}
}

void
text_alert(struct buf *b, const struct alert *a, enum text_format format)
{
	text_shape(b, a, format);
	buf_char(b, '\n');
}

static int
cut_string(json_t *s, size_t n)
{
	const char *p = json_string_value(s);

	if (p == NULL || json_string_length(s) <= n)
		return 0;
	while (n > 0 && utf8_continues(p[n])) /* do not split a character */
		n--;
	return json_string_setn(s, p, n);
}

static int
cut_strings(json_t *root, json_t *fields, size_t n)
{
	const char *key;
	json_t *value;
	int r = cut_string(json_object_get(root, "output"), n);

	json_object_foreach(fields, key, value)
	{
		if (json_is_string(value) && r == 0)
			r = cut_string(value, n);
	}
	return r;
}

static int
dump_piece(const char *p, size_t n, void *arg)
{
	struct buf *b = arg;

	buf_add(b, p, n);
	return b->failed ? -1 : 0;
}

/* Remove all fields but our own. */
static void
drop_fields(json_t *fields)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(fields, next, key, value)
	{
		if (strncmp(key, "mews.", 5) != 0)
			(void) json_object_del(fields, key);
	}
}

static int
cut(json_t *root, json_t *fields, size_t limit, struct buf *ret)
{
	static const size_t lengths[] = { 65536, 16384, 4096, 1024, 256, 64, 16, 0 };

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		if (lengths[i] == 0)
			drop_fields(fields);
		else if (cut_strings(root, fields, lengths[i]) < 0)
			return -ENOMEM;
		buf_clear(ret);
		if (json_dump_callback(root, dump_piece, ret, JSON_COMPACT) < 0)
			return -ENOMEM;
		if (ret->n <= limit)
			return 0;
	}
	return -EMSGSIZE;
}

int
text_cut(struct slice json, size_t limit, struct buf *ret)
{
	json_t *root = json_loadb(json.p, json.n, JSON_ALLOW_NUL, NULL);
	json_t *fields = json_object_get(root, "output_fields");
	int r = -EBADMSG;

	if (json_is_object(root) && fields == NULL) {
		fields = json_object();
		if (json_object_set_new(root, "output_fields", fields) < 0)
			fields = NULL;
	}
	if (json_is_object(fields)) {
		r = -ENOMEM;
		if (json_object_set_new(fields, "mews.truncated", json_true()) == 0 &&
		    json_object_set_new(
			fields, "mews.untruncated_size", json_integer((json_int_t) json.n)) == 0)
			r = cut(root, fields, limit, ret);
	}
	json_decref(root);
	return r;
}

int
text_fit_by(struct buf *b, const struct alert *a, size_t limit, text_fill_fn *fill, void *arg)
{
	CLEANUP(buf_fini) struct buf json = BUF_INIT;
	struct alert less = *a;
	size_t before = b->n;
	int r = fill(arg, a, b);

	for (size_t room = MIN(limit, a->json_len); r == 0 && b->n - before > limit; room /= 2) {
		b->n = before;
		r = room < CUT_LEAST
			? -EMSGSIZE
			: text_cut((struct slice){ a->json, a->json_len }, room, &json);
		r = r == -EBADMSG ? -EMSGSIZE : r;
		less.json = json.p;
		less.json_len = json.n;
		if (r == 0)
			r = fill(arg, &less, b);
	}
	if (r < 0)
		b->n = before;
	return r < 0 ? r : buf_ok(b);
}

static int
fill_shape(void *arg, const struct alert *a, struct buf *b)
{
	text_shape(b, a, *(enum text_format *) arg);
	return 0;
}

int
text_fit(struct buf *b, const struct alert *a, enum text_format format, size_t limit)
{
	return text_fit_by(b, a, limit, fill_shape, &format);
}

int
text_shorten(struct buf *b, size_t before, size_t limit)
{
	size_t n = b->n - before;

	if (buf_ok(b) < 0 || n <= limit)
		return buf_ok(b);
	for (n = limit - MIN(limit, strlen("...")); n > 0 && utf8_continues(b->p[before + n]); n--)
		;
	b->n = before + n;
	buf_str(b, "...");
	return buf_ok(b);
}

const char *
text_span(uint64_t first, uint64_t last, char out[TEXT_SPAN])
{
	char a[CLOCK_TEXT], b[CLOCK_TEXT];
	size_t day = strlen("2026-11-28"), end = strlen("2026-11-28 10:31:07");
	bool same;

	(void) clock_text(first, a);
	(void) clock_text(last, b);
	a[day] = b[day] = ' '; /* instead of the 'T' */
	a[end] = b[end] = '\0';
	same = memcmp(a, b, day) == 0;
	if (strcmp(a, b) == 0)
		(void) snprintf(out, TEXT_SPAN, "%s UTC", a);
	else
		(void) snprintf(out, TEXT_SPAN, "%s to %s UTC", a, same ? b + day + 1 : b);
	return out;
}
