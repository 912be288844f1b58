/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/template.h"
#include "collector/output/template_value.h"
#include "collector/output/text.h"
#include "common/array.h"
#include "common/escape.h"
#include <ctype.h>
#include <errno.h>
#include <jansson.h>

enum part_kind { LITERAL, BUILTIN, PARAM, FIELD };

struct part {
	enum part_kind kind;
	bool quoted;      /* within a string */
	const char *text; /* LITERAL: borrowed from the copy; FIELD: owned; PARAM: its value */
	size_t n;         /* of a literal */
	const struct builtin *builtin;
};

struct template
{
	enum template_escape escape;
	bool line; /* plain text instead of JSON */
	char *copy;
	struct part *part;
	size_t n, cap;
};

int
template_escape_of(const char *name, enum template_escape *ret)
{
	static const char *const names[] = { "plain", "slack", "markdown", "html" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum template_escape) i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
add_part(struct template *t, struct part p)
{
	if (p.kind == LITERAL && p.n == 0)
		return 0;
	if (ARRAY_RESERVE(t->part, t->n, 1, t->cap) < 0)
		return -ENOMEM;
	t->part[t->n++] = p;
	return 0;
}

/* Add the field 'name'. */
static int
add_field(struct template *t, struct slice name, bool quoted, template_param_fn *param, void *arg,
    struct diag *d)
{
	struct part p = { .kind = FIELD, .quoted = quoted };
	char *copy = strndup(name.p, name.n);
	int r = 0;

	if (copy == NULL)
		return -ENOMEM;
	if (slice_starts(name, SLICE("alert."))) {
		p.kind = BUILTIN;
		p.builtin = template_builtin(copy);
		if (p.builtin == NULL)
			r = diag_fail(d, 0, 0, "an alert has no '%%%s'", copy);
	} else if (slice_starts(name, SLICE("param."))) {
		p.kind = PARAM;
		p.text = param(arg, copy + strlen("param."));
		if (p.text == NULL)
			r = diag_fail(
			    d, 0, 0, "it needs the parameter '%s'", copy + strlen("param."));
	} else {
		p.text = copy;
	}
	if (r == 0)
		r = add_part(t, p);
	if (r < 0 || p.kind != FIELD)
		free(copy);
	return r;
}

/* The characters of a field's argument, as of proc.aname[2], which follows its name. */
static size_t
argument(struct slice name, const char *p)
{
	size_t n;

	if (*p != '[' || slice_starts(name, SLICE("alert.")) || slice_starts(name, SLICE("param.")))
		return 0;
	n = 1 + strcspn(p + 1, "[]\"\\");
	return n > 1 && p[n] == ']' ? n + 1 : 0;
}

/* The name after a percent sign, and how many characters of the template it takes; 0: none. */
static size_t
field_name(const char *p, struct slice *ret)
{
	size_t n = 0;
	bool bracket = *p == '[';

	p += bracket;
	while (isalnum((unsigned char) p[n]) || (p[n] != '\0' && strchr("._", p[n]) != NULL) ||
	       (bracket && p[n] != '\0' && strchr("[]\"\\", p[n]) == NULL))
		n++;
	while (!bracket && n > 0 && p[n - 1] == '.') /* the end of a sentence */
		n--;
	n += argument((struct slice){ p, n }, p + n);
	*ret = (struct slice){ p, n };
	if (n == 0 || (bracket && p[n] != ']'))
		return 0;
	return n + (bracket ? 2 : 0);
}

static int
compile(struct template *t, template_param_fn *param, void *arg, struct diag *d)
{
	const char *from = t->copy, *p = from;
	bool quoted = t->line;
	struct slice name;
	size_t n;
	int r = 0;

	for (; r == 0 && *p != '\0'; p++) {
		if (*p == '"' && !t->line)
			quoted = !quoted;
		if (quoted && !t->line && *p == '\\' && p[1] != '\0') {
			p++;
			continue;
		}
		if (*p != '%')
			continue;
		r = add_part(t, (struct part){ LITERAL, quoted, from, (size_t) (p - from), NULL });
		from = p + 1;
		if (p[1] == '%') {
			p++;
			continue;
		}
		n = field_name(p + 1, &name);
		if (n == 0)
			return diag_fail(d, 0, 0, "no field follows a '%%' (write %%%% for one)");
		if (r == 0)
			r = add_field(t, name, quoted, param, arg, d);
		p += n;
		from = p + 1;
	}
	return r < 0
		   ? r
		   : add_part(t, (struct part){ LITERAL, quoted, from, (size_t) (p - from), NULL });
}

/* Is it one JSON value after another? */
static int
check_json(struct slice s, struct diag *d)
{
	json_error_t e;
	json_t *v;

	for (;;) {
		while (s.n > 0 && isspace((unsigned char) *s.p)) {
			s.p++;
			s.n--;
		}
		if (s.n == 0)
			return 0;
		v = json_loadb(s.p, s.n, JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &e);
		if (v == NULL)
			return diag_fail(d, 0, 0, "it does not make JSON: %s", e.text);
		json_decref(v);
		s.p += e.position;
		s.n -= (size_t) e.position;
	}
}

/* Fill it once, so that a template that is not JSON, or not a line, is found at the start. */
static int
try(const struct template *t, struct diag *d)
{
	struct alert a = { .id = "0", .rule = "r", .cluster = "c", .node = "n", .json = "{}" };
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	int r = template_fill(t, &a, slice_str(a.json), NULL, &b);

	if (r == 0 && t->line && strpbrk(t->copy, "\r\n") != NULL)
		return diag_fail(d, 0, 0, "it must be one line");
	return r < 0 || t->line ? r : check_json(buf_get(&b), d);
}

static int
make(struct template *t, const char *text, const char *what, template_param_fn *param, void *arg,
    struct template **ret, struct diag *d)
{
	struct diag why = { 0 };
	int r;

	t->copy = strdup(text);
	r = t->copy == NULL ? -ENOMEM : compile(t, param, arg, &why);
	if (r == 0)
		r = try(t, &why);
	if (r == -EINVAL)
		diag_set(d, d->line, d->col, "%s: %s", what, why.msg);
	if (r < 0)
		template_free(t);
	else
		*ret = t;
	return r;
}

int
template_new(const char *text, const char *what, enum template_escape escape,
    template_param_fn *param, void *arg, struct template **ret, struct diag *d)
{
	struct template *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	t->escape = escape;
	return make(t, text, what, param, arg, ret, d);
}

static const char *
no_params(void *arg, const char *name)
{
	(void) arg;
	(void) name;
	return NULL;
}

int
template_line_new(const char *text, const char *what, struct template **ret, struct diag *d)
{
	struct template *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	t->line = true;
	return make(t, text, what, no_params, NULL, ret, d);
}

int
template_option(const char *key, const char *text, bool line, struct cfg *cfg,
    struct template **ret, struct diag *d)
{
	if (text == NULL || text[0] == '\0')
		return 0;
	cfg_place(cfg, key, d);
	return line ? template_line_new(text, key, ret, d)
		    : template_new(text, key, TEMPLATE_PLAIN, no_params, NULL, ret, d);
}

bool
template_is_fixed(const struct template *t)
{
	return t->n == 0 || (t->n == 1 && t->part[0].kind == LITERAL);
}

const char *
template_event_field(const struct template *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct part *p = &t->part[i];

		if (p->kind == FIELD)
			return p->text;
		if (p->kind == BUILTIN && p->builtin->parsed)
			return p->builtin->name;
	}
	return NULL;
}

void
template_free(struct template *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		if (t->part[i].kind == FIELD)
			free((char *) t->part[i].text);
	}
	free(t->part);
	free(t->copy);
	free(t);
}

static const char *
entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* Append one character, escaped for the reader. */
static void
add_char(struct buf *b, enum template_escape escape, char c)
{
	const char *e = escape == TEMPLATE_SLACK || escape == TEMPLATE_HTML ? entity(c) : NULL;

	if (e != NULL && (escape == TEMPLATE_HTML || (c != '"' && c != '\''))) {
		buf_str(b, e);
		return;
	}
	if (escape == TEMPLATE_MARKDOWN && strchr("\\`*_~|[]()<>#!", c) != NULL && c != '\0')
		buf_char(b, '\\');
	buf_char(b, c);
	if (c == '@' && (escape == TEMPLATE_MARKDOWN || escape == TEMPLATE_HTML))
		buf_str(b, "\xe2\x80\x8b"); /* of no width: no name follows the '@' */
}

/* JSON of any layout, in one line. */
static void
add_json_line(struct buf *b, struct slice json)
{
	size_t at = b->n;

	escape_json(b, json);
	for (; at < b->n; at++) { /* what controls are left are between tokens */
		if ((unsigned char) b->p[at] < ' ')
			b->p[at] = ' ';
	}
}

static void
add_value(struct buf *b, const struct template *t, const struct part *p, struct value v)
{
	CLEANUP(buf_fini) struct buf safe = BUF_INIT;
	struct slice s = v.text;
	size_t at;

	if (t->line) {
		if (v.raw)
			add_json_line(b, s);
		else
			escape_add(b, s);
		return;
	}
	if (s.p == NULL && !p->quoted) {
		buf_str(b, "null");
		return;
	}
	if (v.raw && !p->quoted) {
		buf_slice(b, s);
		return;
	}
	if (!v.ours && s.p != NULL && t->escape != TEMPLATE_PLAIN) {
		for (size_t i = 0; i < s.n; i++)
			add_char(&safe, t->escape, s.p[i]);
		s = buf_get(&safe);
		b->failed |= safe.failed;
	}
	at = b->n;
	buf_json(b, s);
	if (!p->quoted || b->failed)
		return;
	b->n--; /* without the quotes */
	memmove(b->p + at, b->p + at + 1, b->n - at - 1);
	b->p[--b->n] = '\0';
}

static void
add_output_field(struct buf *b, const struct template *t, const struct part *p, struct fill *f)
{
	json_t *v = json_object_get(json_object_get(f->root, "output_fields"), p->text);
	struct value value = { { NULL, 0 }, false, false };
	char *text = NULL;

	if (json_is_string(v)) {
		value.text = (struct slice){ json_string_value(v), json_string_length(v) };
	} else if (v != NULL && !json_is_null(v)) {
		text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
		b->failed |= text == NULL;
		value.text = slice_str(text);
		value.raw = !p->quoted;
	}
	f->lacks |= value.text.n == 0;
	add_value(b, t, p, value);
	free(text);
}

static bool
needs_parsing(const struct template *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->part[i].kind == FIELD ||
		    (t->part[i].kind == BUILTIN && t->part[i].builtin->parsed))
			return true;
	}
	return false;
}

static int
fill(const struct template *t, const struct alert *a, struct slice json,
    const struct repeats *repeats, bool *lacks, struct buf *ret)
{
	struct fill f = { .a = a, .json = json };
	json_error_t e = { 0 };

	if (needs_parsing(t)) {
		f.root = json_loadb(json.p, json.n, JSON_ALLOW_NUL, &e);
		if (!json_is_object(f.root)) {
			json_decref(f.root);
			return json_error_code(&e) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
		}
	}
	if (repeats != NULL)
		f.repeats = *repeats;
	else
		repeats_add(&f.repeats, a, f.root);
	for (size_t i = 0; i < t->n; i++) {
		const struct part *p = &t->part[i];

		switch (p->kind) {
		case LITERAL:
			buf_add(ret, p->text, p->n);
			break;
		case BUILTIN:
			add_value(ret, t, p, p->builtin->get(&f));
			break;
		case PARAM:
			add_value(ret, t, p, (struct value){ slice_str(p->text), false, true });
			break;
		case FIELD:
			add_output_field(ret, t, p, &f);
			break;
		}
	}
	ret->failed |= f.scratch.failed;
	buf_fini(&f.scratch);
	json_decref(f.root);
	*lacks = f.lacks;
	return buf_ok(ret);
}

int
template_fill(const struct template *t, const struct alert *a, struct slice json,
    const struct repeats *repeats, struct buf *ret)
{
	bool lacks;

	return fill(t, a, json, repeats, &lacks, ret);
}

int
template_line(const struct template *t, const struct alert *a, bool *lacks, struct buf *ret)
{
	return fill(t, a, (struct slice){ a->json, a->json_len }, NULL, lacks, ret);
}

int
template_line_cut(const struct template *t, const struct alert *a, size_t limit, struct buf *ret)
{
	size_t before = ret->n;
	bool lacks;
	int r = template_line(t, a, &lacks, ret);

	if (r < 0) {
		ret->n = before;
		return r;
	}
	return text_shorten(ret, before, limit);
}

static int
fit_fill(void *arg, const struct alert *a, struct buf *ret)
{
	return template_fill(arg, a, (struct slice){ a->json, a->json_len }, NULL, ret);
}

int
template_fit(const struct template *t, const struct alert *a, size_t limit, struct buf *ret)
{
	return text_fit_by(ret, a, limit, fit_fill, (void *) t);
}
