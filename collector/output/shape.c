/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/shape.h"
#include "collector/output/shape_int.h"
#include "collector/output/text_part.h"
#include "common/escape.h"
#include "common/utf8.h"
#include <arpa/inet.h>
#include <ctype.h>

#define KEY_MAX 64 /* of one step of a path */

const struct shape_field shape_fields[] = {
#define FIELD(name, kind, ocsf, ecs, cef, leef) { name, SHAPE_##kind, { ocsf, ecs, cef, leef } },
#include "collector/output/shape_fields.def"
};
const size_t shape_nfields = ARRAY_SIZE(shape_fields);

void
shape_init(struct shape *s, const struct alert *a)
{
	json_t *output;

	*s = (struct shape){ .a = a };
	s->root = json_loadb(a->json, a->json_len, JSON_ALLOW_NUL, NULL);
	s->fields = json_object_get(s->root, "output_fields");
	s->tags = json_object_get(s->root, "tags");
	output = json_object_get(s->root, "output");
	if (json_is_string(output))
		s->output = text_body(
		    (struct slice){ json_string_value(output), json_string_length(output) },
		    a->priority);
	else
		s->output = slice_str(a->rule);
	s->out = json_object();
	s->failed = s->out == NULL;
}

void
shape_fini(struct shape *s)
{
	json_decref(s->root);
	json_decref(s->out);
}

static bool
is_address(const json_t *v)
{
	unsigned char addr[16];
	const char *text = json_string_value(v);

	return text != NULL &&
	       (inet_pton(AF_INET, text, addr) == 1 || inet_pton(AF_INET6, text, addr) == 1);
}

/* Rules print "<NA>" for what they do not know. */
static bool
is_text(const json_t *v)
{
	const char *text = json_string_value(v);

	return text != NULL && *text != '\0' && strcmp(text, "<NA>") != 0;
}

const json_t *
shape_value(const struct shape *s, const struct shape_field *f)
{
	const json_t *v = json_object_get(s->fields, f->name);
	bool fits = false;

	switch (f->kind) {
	case SHAPE_TEXT:
		fits = is_text(v);
		break;
	case SHAPE_NUMBER:
	case SHAPE_TIME:
		fits = json_is_integer(v) && json_integer_value(v) >= 0;
		break;
	case SHAPE_ID:
		fits = json_is_integer(v) || is_text(v);
		break;
	case SHAPE_PATH:
		fits = is_text(v) && json_string_value(v)[0] == '/';
		break;
	case SHAPE_CONTAINER:
		fits = is_text(v) && strcmp(json_string_value(v), "host") != 0;
		break;
	case SHAPE_ADDRESS:
		fits = is_address(v);
		break;
	}
	return fits ? v : NULL;
}

/* The next step of a path: its key, and whether it is a list. Returns the rest, or NULL at its end.
 */
static const char *
step(const char *path, char key[KEY_MAX], bool *list)
{
	size_t n = strcspn(path, ".[");

	(void) snprintf(key, KEY_MAX, "%.*s", (int) n, path);
	*list = path[n] == '[';
	path += n + (*list ? strlen("[]") : 0);
	return *path == '.' ? path + 1 : NULL;
}

static int
append_object(json_t *list)
{
	return json_array_append_new(list, json_object());
}

/* The object under a key, made if it is missing; NULL: no memory. */
static json_t *
inner(json_t *in, const char *key, bool list, bool make)
{
	json_t *v = json_object_get(in, key);

	if (v == NULL && make) {
		v = list ? json_array() : json_object();
		if ((list && v != NULL && append_object(v) < 0) ||
		    json_object_set(in, key, v) < 0) {
			json_decref(v);
			return NULL;
		}
		json_decref(v); /* 'in' has it */
	}
	return list ? json_array_get(v, 0) : v;
}

void
shape_put(struct shape *s, const char *path, json_t *value)
{
	json_t *in = s->out;
	char key[KEY_MAX];
	bool list;
	const char *rest = step(path, key, &list);

	for (; rest != NULL && in != NULL; rest = step(rest, key, &list))
		in = inner(in, key, list, true);
	if (in == NULL || value == NULL) {
		s->failed = true;
	} else if (json_object_get(in, key) == NULL) {
		if (list) {
			json_t *one = json_array();

			s->failed |=
			    json_array_append(one, value) < 0 || json_object_set(in, key, one) < 0;
			json_decref(one);
		} else {
			s->failed |= json_object_set(in, key, value) < 0;
		}
	}
	json_decref(value);
}

json_t *
shape_get(const struct shape *s, const char *path)
{
	json_t *in = s->out;
	char key[KEY_MAX];
	bool list;
	const char *rest = step(path, key, &list);

	for (; rest != NULL && in != NULL; rest = step(rest, key, &list))
		in = inner(in, key, list, false);
	return in == NULL ? NULL : json_object_get(in, key);
}

json_t *
shape_text(struct slice text)
{
	CLEANUP(buf_fini) struct buf safe = BUF_INIT;
	json_t *v = json_stringn(text.p, text.n);

	if (v != NULL)
		return v;
	while (text.n > 0) {
		size_t n = utf8_len(text);

		if (n == 0)
			buf_str(&safe, UTF8_REPLACEMENT);
		else
			buf_add(&safe, text.p, n);
		n = MAX(n, (size_t) 1);
		text = (struct slice){ text.p + n, text.n - n };
	}
	return buf_ok(&safe) < 0 ? NULL : json_stringn(safe.p == NULL ? "" : safe.p, safe.n);
}

static const struct {
	const char *tag, *uid, *name;
} tactics[] = {
#define TACTIC(tag, uid, name) { tag, uid, name },
#include "collector/output/attack.def"
};

/* "T1059" or "T1059.004". */
static bool
is_technique(const char *tag)
{
	size_t n = tag[0] == 'T' ? strspn(tag + 1, "0123456789") : 0;

	if (n != 4)
		return false;
	tag += 1 + n;
	return *tag == '\0' ||
	       (*tag == '.' && strspn(tag + 1, "0123456789") == 3 && tag[4] == '\0');
}

bool
shape_attack(const char *tag, struct shape_attack *ret)
{
	*ret = (struct shape_attack){ 0 };
	if (tag == NULL)
		return false;
	if (is_technique(tag)) {
		(void) snprintf(ret->technique, sizeof(ret->technique), "%.5s", tag);
		if (tag[5] == '.')
			(void) snprintf(ret->sub, sizeof(ret->sub), "%.9s", tag);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tactics); i++) {
		if (strcmp(tactics[i].tag, tag) == 0) {
			ret->tactic = tactics[i].uid;
			ret->tactic_name = tactics[i].name;
			return true;
		}
	}
	return false;
}

static int
dump_piece(const char *p, size_t n, void *arg)
{
	struct buf *b = arg;

	buf_add(b, p, n);
	return b->failed ? -1 : 0;
}

void
shape_dump(struct shape *s, struct buf *b)
{
	CLEANUP(buf_fini) struct buf json = BUF_INIT;

	if (s->failed || json_dump_callback(s->out, dump_piece, &json, JSON_COMPACT) < 0)
		b->failed = true;
	else
		escape_json(b, buf_get(&json));
	b->failed |= json.failed;
}

static size_t
escape_uri(char *ret, size_t n, size_t size, const char *s)
{
	for (; *s != '\0' && n + 4 < size; s++) {
		unsigned char c = (unsigned char) *s;

		if (isalnum(c) || strchr("-._~", c) != NULL)
			ret[n++] = (char) c;
		else
			n += (size_t) snprintf(ret + n, size - n, "%%%02X", c);
	}
	ret[n] = '\0';
	return n;
}

void
shape_source(const char *cluster, const char *node, char *ret, size_t size)
{
	size_t n = (size_t) snprintf(ret, size, "//");

	n = escape_uri(ret, n, size, cluster);
	if (n + 1 < size)
		ret[n++] = '/';
	(void) escape_uri(ret, n, size, node);
}

void
shape_cloudevents(struct buf *b, const struct alert *a)
{
	CLEANUP(buf_fini) struct buf body = BUF_INIT;
	char source[1200], at[40];

	shape_source(a->cluster, a->node, source, sizeof(source));
	text_time(a->time, at);
	buf_str(&body, "{\"specversion\":\"1.0\",\"id\":");
	buf_json(&body, slice_str(a->id));
	buf_str(&body, ",\"source\":");
	buf_json(&body, slice_str(source));
	buf_str(&body, ",\"type\":\"" SHAPE_CE_TYPE "\",\"subject\":");
	buf_json(&body, slice_str(a->rule));
	buf_printf(&body,
	    ",\"time\":\"%s\",\"datacontenttype\":\"application/"
	    "json\",\"dataschema\":\"" SHAPE_SCHEMA "\",\"data\":",
	    at);
	buf_add(&body, a->json, a->json_len);
	buf_char(&body, '}');
	escape_json(b, buf_get(&body));
	b->failed |= body.failed;
}
