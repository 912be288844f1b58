/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact.c - find the values. Each string is read once, from word to word: a word is a run of
 * letters, digits and '_', '-', '.'. What follows a word decides whether it is a name with a value.
 */
#include "proto/redact.h"
#include "common/macros.h"
#include "proto/redact_int.h"
#include <string.h>
#include <strings.h>

#define PEM_LABEL 40 /* bytes between BEGIN and the end of its line */

struct scan {
	const struct redact *r;
	enum redact_kind kind;
	const char *base; /* of the list */
	const char *s;    /* the string, 'n' bytes */
	size_t n;
	struct redact_edit *v;
	size_t nv;
	bool next;  /* the next string is a value, ... */
	char after; /* ... of it, what follows this character; 0: all */
};

static bool
is_word(char c)
{
	static const bool v[256] = { ['a' ... 'z'] = true,
		['A' ... 'Z'] = true,
		['0' ... '9'] = true,
		['_'] = true,
		['-'] = true,
		['.'] = true };

	return v[(unsigned char) c];
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* Add the value [from, to) of the string. */
static void
add(struct scan *c, size_t from, size_t to)
{
	size_t at = (size_t) (c->s - c->base);

	if (to <= from || c->nv == REDACT_MAX)
		return;
	if (to - from == sizeof(REDACT_MARK) - 1 &&
	    memcmp(c->s + from, REDACT_MARK, to - from) == 0)
		return;
	c->v[c->nv++] = (struct redact_edit){ at + from, at + to };
}

static size_t
skip_blanks(const struct scan *c, size_t i)
{
	while (i < c->n && is_blank(c->s[i]))
		i++;
	return i;
}

static size_t
word_end(const struct scan *c, size_t i)
{
	while (i < c->n && is_word(c->s[i]))
		i++;
	return i;
}

/* The next quote of this kind, or the end. */
static size_t
quote_end(const struct scan *c, size_t i, char quote)
{
	const char *p = i < c->n ? memchr(c->s + i, quote, c->n - i) : NULL;

	return p == NULL ? c->n : (size_t) (p - c->s);
}

/* The end of a value without quotes. A comma ends it if NAME= follows. */
static size_t
plain_end(const struct scan *c, size_t i)
{
	for (; i < c->n; i++) {
		size_t e;

		if (is_blank(c->s[i]) || is_quote(c->s[i]) || strchr(";&|<>()", c->s[i]) != NULL)
			return i;
		if (c->s[i] != ',')
			continue;
		e = word_end(c, i + 1);
		if (e > i + 1 && e < c->n && c->s[e] == '=')
			return i;
	}
	return i;
}

/* Add the value that begins at i, perhaps with a quote; return its end. */
static size_t
add_value(struct scan *c, size_t i)
{
	size_t to;

	if (i + 1 < c->n && c->s[i] == '\\' && is_quote(c->s[i + 1]))
		i++;
	if (i < c->n && (c->s[i] == '"' || c->s[i] == '\'')) {
		to = quote_end(c, i + 1, c->s[i]);
		if (to < c->n && to > i + 1 && c->s[to - 1] == '\\')
			to--; /* \"value\" */
		i++;
	} else {
		to = plain_end(c, i);
	}
	add(c, i, to);
	return to;
}

static bool
is_scheme(struct slice s)
{
	static const char *const v[] = { "Bearer", "Basic", "Token", "Digest", "Negotiate" };

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		if (s.n == strlen(v[i]) && strncasecmp(s.p, v[i], s.n) == 0)
			return true;
	}
	return false;
}

/* Add a header's value: the rest of the line or of the quotes around the header, which began at
 * 'begin'; without the scheme's name. */
static size_t
add_header(struct scan *c, size_t begin, size_t i)
{
	size_t to, e;
	bool quoted = begin > 0 && is_quote(c->s[begin - 1]);

	i = skip_blanks(c, i);
	to = quoted ? quote_end(c, i, c->s[begin - 1]) : quote_end(c, i, '\n');
	e = word_end(c, i);
	if (is_scheme((struct slice){ c->s + i, e - i }) && skip_blanks(c, e) < to)
		i = skip_blanks(c, e);
	add(c, i, to);
	return to;
}

/* "://" is at i: add the password of the user before the host. */
static size_t
add_url(struct scan *c, size_t i)
{
	size_t colon = 0, host = 0;

	i += 3;
	for (size_t k = i; k < c->n && strchr("/?#\\<>", c->s[k]) == NULL && !is_blank(c->s[k]) &&
			   !is_quote(c->s[k]);
	     k++) {
		if (c->s[k] == ':' && colon == 0)
			colon = k;
		if (c->s[k] == '@')
			host = k;
	}
	if (host == 0 || colon == 0 || colon > host)
		return i;
	add(c, colon + 1, host);
	return host;
}

/* "-----BEGIN" is at [i, e): add what is between the lines of a private key. */
static size_t
add_pem(struct scan *c, size_t e)
{
	static const char what[] = "PRIVATE KEY-----";
	size_t most = MIN(c->n - e, PEM_LABEL);
	const char *p = memmem(c->s + e, most, what, sizeof(what) - 1), *end;
	size_t from;

	if (p == NULL)
		return e;
	from = (size_t) (p - c->s) + sizeof(what) - 1;
	end = memmem(c->s + from, c->n - from, "-----END", 8);
	add(c, from, end == NULL ? c->n : (size_t) (end - c->s));
	return end == NULL ? c->n : (size_t) (end - c->s) + 8;
}

static bool
is_token(const struct scan *c, size_t b, size_t e)
{
	const struct redact *r = c->r;

	if (e - b < r->least || !r->first[(unsigned char) c->s[b]])
		return false;
	for (size_t i = 0; i < r->ntokens; i++) {
		const struct redact_token *t = &r->tokens[i];

		if (e - b >= t->size && (!t->exact || e - b == t->size) &&
		    memcmp(c->s + b, t->text, t->n) == 0)
			return true;
	}
	return false;
}

/* What stands between a name that ends at e and its value. */
enum between { NOTHING, EQUALS, COLON, COLON_TIGHT, BLANK, END };

static enum between
look(const struct scan *c, size_t e, size_t *value)
{
	size_t i = e;

	if (e == c->n)
		return END;
	if (c->s[i] == '\\' && i + 1 < c->n)
		i++;
	if (is_quote(c->s[i]) && i + 1 < c->n) { /* "name": */
		i = skip_blanks(c, i + 1);
		*value = skip_blanks(c, i + 1);
		return i < c->n && c->s[i] == ':' ? COLON : NOTHING;
	}
	*value = i + 1;
	if (c->s[i] == '=')
		return EQUALS;
	if (c->s[i] == ':') {
		*value = skip_blanks(c, i + 1);
		return *value > i + 1 ? COLON : COLON_TIGHT;
	}
	if (!is_blank(c->s[i]))
		return NOTHING;
	*value = skip_blanks(c, i);
	if (*value + 1 < c->n && c->s[*value] == '=' && is_blank(c->s[*value + 1])) {
		*value = skip_blanks(c, *value + 1); /* name = value */
		return EQUALS;
	}
	return BLANK;
}

/* The name [b, e) has a row: add its value; return where to continue. */
static size_t
add_of(struct scan *c, const struct redact_name *row, size_t b, size_t e, enum between what,
    size_t value)
{
	bool option = c->s[b] == '-';

	if (row->scheme)
		return what == BLANK ? add_value(c, value) : e;
	switch (what) {
	case EQUALS:
		if (b == 0 && value == e + 1 &&
		    (c->kind == REDACT_ENV || (option && c->kind == REDACT_ARGS))) {
			add(c, value, c->n); /* all of it, whatever it contains */
			return c->n;
		}
		return add_value(c, value);
	case COLON:
	case COLON_TIGHT:
		if (row->header && c->s[e] == ':')
			return add_header(c, b, value);
		return what == COLON ? add_value(c, value) : e;
	case BLANK:
		if (option && value < c->n && c->s[value] != '-')
			return add_value(c, value);
		return e;
	case END:
		c->next = option && b == 0 && c->kind == REDACT_ARGS;
		return e;
	case NOTHING:
		break;
	}
	return e;
}

/* Look at the word [b, e); return where to continue. */
static size_t
scan_word(struct scan *c, size_t b, size_t e)
{
	const struct redact_name *row;
	enum between what;
	size_t value = e;

	if (is_token(c, b, e)) {
		add(c, b, e);
		return e;
	}
	if (e - b == 10 && memcmp(c->s + b, "-----BEGIN", 10) == 0)
		return add_pem(c, e);
	what = look(c, e, &value);
	if (what == NOTHING)
		return e;
	row = redact_name(c->r, (struct slice){ c->s + b, e - b });
	return row == NULL ? e : add_of(c, row, b, e, what, value);
}

static void
scan_string(struct scan *c)
{
	size_t i = 0;

	while (i < c->n && c->nv < REDACT_MAX) {
		size_t e = word_end(c, i);

		if (e > i)
			i = scan_word(c, i, e);
		else if (c->s[i] == ':' && c->n - i > 3 && memcmp(c->s + i, "://", 3) == 0)
			i = add_url(c, i);
		else
			i++;
	}
}

/* The string is an option's value, or the rest of it is, from 'from'. */
static void
add_option_value(struct scan *c, size_t from, char after)
{
	const char *p = after == 0 ? NULL : memchr(c->s + from, after, c->n - from);

	if (after == 0)
		add(c, from, c->n);
	else if (p != NULL)
		add(c, (size_t) (p - c->s) + 1, c->n);
}

/* Is the string an option of the program's own? Then its value, or the next string, is added. */
static bool
scan_short(struct scan *c, struct slice program)
{
	for (size_t i = 0; i < redact_nshorts && c->n > 1 && c->s[0] == '-'; i++) {
		const struct redact_short *o = &redact_shorts[i];
		size_t n = strlen(o->option);

		if (c->n < n || memcmp(c->s, o->option, n) != 0 ||
		    !slice_eq(program, slice_str(o->program)))
			continue;
		if (c->n == n && o->how != ATTACHED) {
			c->next = true;
			c->after = o->after;
			return true;
		}
		if (c->n > n && o->how != NEXT) {
			add_option_value(c, n, o->after);
			return true;
		}
	}
	return false;
}

static struct slice
base_name(struct slice path)
{
	const char *p = path.p == NULL ? NULL : memrchr(path.p, '/', path.n);

	return p == NULL ? path : (struct slice){ p + 1, path.n - (size_t) (p + 1 - path.p) };
}

size_t
redact_find(const struct redact *r, struct slice list, enum redact_kind kind, struct slice program,
    struct redact_edit v[REDACT_MAX])
{
	struct scan c = { .r = r, .kind = kind, .base = list.p, .v = v };

	program = base_name(program);
	for (size_t at = 0; at < list.n && c.nv < REDACT_MAX; at += c.n + 1) {
		bool is_value = c.next;
		char after = c.after;

		c.s = list.p + at;
		c.n = kind == REDACT_TEXT ? list.n : strnlen(c.s, list.n - at);
		c.next = false;
		c.after = 0;
		if (is_value && c.n > 0 && c.s[0] != '-')
			add_option_value(&c, 0, after);
		else if (kind != REDACT_ARGS || !scan_short(&c, program))
			scan_string(&c);
	}
	if (c.nv == REDACT_MAX)
		v[REDACT_MAX - 1].to = list.n; /* more than we keep count of: hide the rest */
	return c.nv;
}

size_t
redact_apply(
    struct slice list, const struct redact_edit *v, size_t n, char *out, size_t cap, bool *cut)
{
	const size_t mark = sizeof(REDACT_MARK) - 1;
	bool ends = list.n > 0 && list.p[list.n - 1] == '\0';
	size_t at = 0, to = 0;

	for (size_t i = 0; i <= n; i++) {
		size_t from = i == n ? list.n : v[i].from, k = MIN(from - at, cap - to);

		memcpy(out + to, list.p + at, k);
		to += k;
		*cut |= k < from - at;
		if (i == n)
			break;
		k = MIN(mark, cap - to);
		memcpy(out + to, REDACT_MARK, k);
		to += k;
		*cut |= k < mark;
		at = v[i].to;
	}
	if (ends && to > 0 && out[to - 1] != '\0') {
		to -= to == cap;
		out[to++] = '\0';
	}
	return to;
}
