/* SPDX-License-Identifier: Apache-2.0 */
/* shape_line.c - an alert as a line of CEF or LEEF. */
#include "collector/output/shape.h"
#include "collector/output/shape_int.h"
#include "common/clock.h"
#include "common/escape.h"
#include "common/utf8.h"

#define VALUE_MAX 1023 /* most bytes of a value: CEF's limit for most of its keys */

static const struct {
	int cef, leef;
} severities[] = {
	[PRIO_EMERGENCY] = { 10, 10 },
	[PRIO_ALERT] = { 9, 9 },
	[PRIO_CRITICAL] = { 8, 8 },
	[PRIO_ERROR] = { 7, 7 },
	[PRIO_WARNING] = { 6, 6 },
	[PRIO_NOTICE] = { 4, 4 },
	[PRIO_INFORMATIONAL] = { 2, 2 },
	[PRIO_DEBUG] = { 0, 1 }, /* LEEF begins at 1 */
};

/* How a shape writes: which characters of a value get a backslash, and what is between two. */
struct line {
	struct buf *b;
	const char *escaped;
	char between;
	bool begun;
};

/* Append a text: one line, cut between characters, and no control character. */
static void
add_text(struct buf *b, struct slice text, const char *escaped)
{
	CLEANUP(buf_fini) struct buf safe = BUF_INIT;

	if (text.n > VALUE_MAX) {
		text.n = VALUE_MAX;
		while (text.n > 0 && utf8_continues(text.p[text.n]))
			text.n--;
	}
	escape_add(&safe, text);
	for (size_t i = 0; i < safe.n; i++) {
		if (strchr(escaped, safe.p[i]) != NULL)
			buf_char(b, '\\');
		buf_char(b, safe.p[i]);
	}
	b->failed |= safe.failed;
}

static void
add_key(struct line *l, const char *key, size_t n)
{
	if (l->begun)
		buf_char(l->b, l->between);
	l->begun = true;
	buf_add(l->b, key, n);
	buf_char(l->b, '=');
}

static void
put(struct line *l, const char *key, struct slice value)
{
	add_key(l, key, strlen(key));
	add_text(l->b, value, l->escaped);
}

static void
put_number(struct line *l, const char *key, uint64_t value)
{
	add_key(l, key, strlen(key));
	buf_u64(l->b, value);
}

/* Was the place of this row taken by an earlier one? */
static bool
is_taken(const struct shape *s, size_t row, enum shape_place in)
{
	for (size_t i = 0; i < row; i++) {
		const struct shape_field *f = &shape_fields[i];

		if (f->place[in] != NULL &&
		    strcmp(f->place[in], shape_fields[row].place[in]) == 0 &&
		    shape_value(s, f) != NULL)
			return true;
	}
	return false;
}

/* Append a field under its key, and the label of a custom key. */
static void
put_field(struct line *l, const char *place, const json_t *v)
{
	size_t n = strcspn(place, " ");

	add_key(l, place, n);
	if (json_is_integer(v))
		buf_printf(l->b, "%lld", (long long) json_integer_value(v));
	else
		add_text(l->b, (struct slice){ json_string_value(v), json_string_length(v) },
		    l->escaped);
	if (place[n] == '\0')
		return;
	buf_printf(l->b, "%c%.*sLabel=%s", l->between, (int) n, place, place + n + 1);
}

static void
put_fields(struct line *l, const struct shape *s, enum shape_place in)
{
	for (size_t i = 0; i < shape_nfields; i++) {
		const struct shape_field *f = &shape_fields[i];
		const json_t *v = f->place[in] == NULL ? NULL : shape_value(s, f);

		if (v != NULL && !is_taken(s, i, in))
			put_field(l, f->place[in], v);
	}
}

static void
put_tags(struct line *l, const struct shape *s, const char *key)
{
	CLEANUP(buf_fini) struct buf list = BUF_INIT;
	json_t *tag;
	size_t i;

	json_array_foreach(s->tags, i, tag)
	{
		if (list.n > 0)
			buf_char(&list, ',');
		buf_str(&list, json_is_string(tag) ? json_string_value(tag) : "");
	}
	if (list.n > 0)
		put(l, key, buf_get(&list));
	l->b->failed |= list.failed;
}

static struct slice
source_of(const struct shape *s)
{
	json_t *v = json_object_get(s->root, "source");

	return json_is_string(v) ? (struct slice){ json_string_value(v), json_string_length(v) }
				 : SLICE("internal");
}

void
shape_cef(struct buf *b, const struct alert *a)
{
	struct line l = { .b = b, .escaped = "\\=", .between = ' ' };
	struct shape s;

	shape_init(&s, a);
	buf_str(b, "CEF:0|Mews|Mews|" MEWS_VERSION "|");
	add_text(b, slice_str(a->rule), "\\|");
	buf_char(b, '|');
	add_text(b, slice_str(a->rule), "\\|");
	buf_printf(b, "|%d|", severities[a->priority].cef);
	put_number(&l, "rt", a->time / NS_PER_MS);
	put(&l, "externalId", slice_str(a->id));
	put(&l, "dvchost", slice_str(a->node));
	put(&l, "deviceFacility", source_of(&s));
	put_tags(&l, &s, "cat");
	put_fields(&l, &s, IN_CEF);
	put(&l, "cs6", slice_str(a->cluster));
	put(&l, "cs6Label", SLICE("cluster"));
	put(&l, "msg", s.output);
	b->failed |= s.failed;
	shape_fini(&s);
}

/* LEEF has no escape for the bar that ends a field of its header. */
static void
add_event_id(struct buf *b, struct slice rule)
{
	size_t before = b->n;

	add_text(b, rule, "");
	for (size_t i = before; i < b->n; i++) {
		if (b->p[i] == '|')
			b->p[i] = '_';
	}
}

void
shape_leef(struct buf *b, const struct alert *a)
{
	struct line l = { .b = b, .escaped = "", .between = '\t' };
	struct shape s;

	shape_init(&s, a);
	buf_str(b, "LEEF:2.0|Mews|Mews|" MEWS_VERSION "|");
	add_event_id(b, slice_str(a->rule));
	buf_str(b, "|x09|");
	put_number(&l, "devTime", a->time / NS_PER_MS);
	put_number(&l, "sev", (uint64_t) severities[a->priority].leef);
	put(&l, "source", source_of(&s));
	put(&l, "identHostName", slice_str(a->node));
	put(&l, "cluster", slice_str(a->cluster));
	put(&l, "id", slice_str(a->id));
	put(&l, "policy", slice_str(a->rule));
	put(&l, "priority", slice_str(priority_name(a->priority)));
	put_fields(&l, &s, IN_LEEF);
	put_tags(&l, &s, "cat");
	put(&l, "msg", s.output);
	b->failed |= s.failed;
	shape_fini(&s);
}
