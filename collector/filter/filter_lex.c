/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_int.h"
#include "common/hex.h"
#include <errno.h>

/*
 * The meaning of a character depends on what is expected (a bare value may contain what a name may
 * not), so there is no stream of tokens: the parser asks for what it expects.
 */

void
lex_init(struct lex *l, struct slice text, struct arena *a, struct diag *d)
{
	*l = (struct lex){ .text = text, .seen_at = { 1, 1 }, .a = a, .d = d };
}

/* Count from the last location, forwards or back: it is near. */
struct place
lex_place(struct lex *l, size_t pos)
{
	while (l->seen > pos) {
		l->seen--;
		l->seen_at.col--;
		if (l->text.p[l->seen] == '\n') {
			const char *before = memrchr(l->text.p, '\n', l->seen);

			l->seen_at.line--;
			l->seen_at.col = (unsigned) (l->text.p + l->seen -
						     (before == NULL ? l->text.p - 1 : before));
		}
	}
	for (; l->seen < pos; l->seen++) {
		if (l->text.p[l->seen] == '\n') {
			l->seen_at.line++;
			l->seen_at.col = 1;
		} else {
			l->seen_at.col++;
		}
	}
	return l->seen_at;
}

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\b' || c == '\r' || c == '\n';
}

static bool
is_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_word(unsigned char c)
{
	return is_alpha(c) || is_digit(c) || c == '_';
}

static bool
is_arg(unsigned char c)
{
	return c != '[' && c != ']' && c != '"' && c != '\'' && !is_space(c);
}

bool
lex_is_bare(unsigned char c)
{
	return c != '(' && c != ')' && c != '"' && c != '\'' && c != '=' && c != ',' &&
	       !is_space(c);
}

/* The character 'n' positions ahead, 0 past the end. */
static unsigned char
at(const struct lex *l, size_t n)
{
	return l->pos + n < l->text.n ? (unsigned char) l->text.p[l->pos + n] : 0;
}

static bool
take(struct lex *l, size_t n, struct slice *ret)
{
	if (n == 0)
		return false;
	l->last = (struct slice){ l->text.p + l->pos, n };
	l->pos += n;
	if (ret != NULL)
		*ret = l->last;
	return true;
}

bool
lex_blank(struct lex *l)
{
	size_t start = l->pos;

	while (is_blank(at(l, 0)))
		l->pos++;
	return l->pos > start;
}

bool
lex_str(struct lex *l, const char *s)
{
	size_t n = strlen(s);

	if (l->text.n - l->pos < n || memcmp(l->text.p + l->pos, s, n) != 0)
		return false;
	return take(l, n, NULL);
}

/* [a-zA-Z]+[a-zA-Z0-9_]*, from 'n' on: its end, or 'n' */
static size_t
ident_end(const struct lex *l, size_t n)
{
	if (!is_alpha(at(l, n)))
		return n;
	while (is_word(at(l, n)))
		n++;
	return n;
}

bool
lex_ident(struct lex *l, struct slice *ret)
{
	return take(l, ident_end(l, 0), ret);
}

bool
lex_field(struct lex *l, struct slice *ret)
{
	size_t n = ident_end(l, 0), dots = 0;

	while (n > 0 && at(l, n) == '.' && is_alpha(at(l, n + 1))) {
		n = ident_end(l, n + 1);
		dots++;
	}
	return dots > 0 && take(l, n, ret);
}

bool
lex_arg(struct lex *l, struct slice *ret)
{
	size_t n = 0;

	while (l->pos + n < l->text.n && is_arg(at(l, n)))
		n++;
	return take(l, n, ret);
}

bool
lex_hex(struct lex *l, struct slice *ret)
{
	size_t n = 2;

	if (at(l, 0) != '0' || (at(l, 1) != 'x' && at(l, 1) != 'X') || hex_digit(at(l, 2)) < 0)
		return false;
	while (hex_digit(at(l, n)) >= 0)
		n++;
	return take(l, n, ret);
}

/* [+-]?[0-9]+[.]?[0-9]*([eE][+-][0-9]+)? */
bool
lex_num(struct lex *l, struct slice *ret)
{
	size_t n = at(l, 0) == '+' || at(l, 0) == '-';

	if (!is_digit(at(l, n)))
		return false;
	while (is_digit(at(l, n)))
		n++;
	if (at(l, n) == '.')
		n++;
	while (is_digit(at(l, n)))
		n++;
	if ((at(l, n) == 'e' || at(l, n) == 'E') && (at(l, n + 1) == '+' || at(l, n + 1) == '-') &&
	    is_digit(at(l, n + 2))) {
		n += 2;
		while (is_digit(at(l, n)))
			n++;
	}
	return take(l, n, ret);
}

bool
lex_bare(struct lex *l, struct slice *ret)
{
	size_t n = 0;

	while (l->pos + n < l->text.n && lex_is_bare(at(l, n)))
		n++;
	return take(l, n, ret);
}

/* Decode one escape at text.p[*pos] (the backslash), before 'end'; *pos advances past it. The byte,
 * or -EINVAL. */
static int
unescape(struct lex *l, size_t *pos, size_t end, char quote)
{
	static const char from[] = "bfnrt\\/ ", to[] = "\b\f\n\r\t\\/\\";
	const char *p = l->text.p;
	size_t start = *pos;
	uint8_t byte;
	char c;
	const char *k;

	if (start + 1 >= end)
		return lex_fail(l, start, "a backslash ends the string");
	c = p[start + 1];
	*pos = start + 2;
	if (c == quote)
		return (unsigned char) c;
	if (c == '"' || c == '\'')
		return lex_fail(l, start, "invalid \\%c escape in %c-quoted string", c, quote);
	if (c == 'x') {
		if (start + 3 >= end || hex_decode(&byte, (struct slice){ p + start + 2, 2 }) < 0)
			return lex_fail(l, start, "invalid \\x escape: two hex digits must follow");
		*pos = start + 4;
		return byte;
	}
	k = memchr(from, c, sizeof(from) - 1);
	if (k == NULL)
		return lex_fail(l, start, "unsupported string escape sequence: \\%c", c);
	return (unsigned char) to[k - from];
}

/*
 * Falco's closing quote is the first one not directly after a backslash, so a string that ends in
 * an escaped backslash is never closed; rules rely on neither, but verdicts must agree.
 */
int
lex_quoted(struct lex *l, struct slice *ret)
{
	const char *p = l->text.p;
	size_t start = l->pos + 1, end = start, n = 0;
	char quote = (char) at(l, 0), *s;
	int c;

	if (quote != '"' && quote != '\'')
		return 0;
	while (end < l->text.n && (p[end] != quote || p[end - 1] == '\\'))
		end++;
	if (end >= l->text.n)
		return 0;
	s = arena_alloc(l->a, end - start + 1);
	if (s == NULL)
		return -ENOMEM;
	for (size_t i = start; i < end;) {
		c = (unsigned char) p[i];
		if (c == '\\')
			c = unescape(l, &i, end, quote);
		else
			i++;
		if (c < 0)
			return c;
		s[n++] = (char) c;
	}
	l->last = (struct slice){ p + l->pos, end + 1 - l->pos };
	l->pos = end + 1;
	*ret = (struct slice){ s, n };
	return 1;
}

int
lex_enter(struct lex *l)
{
	if (++l->depth > FILTER_DEPTH_MAX)
		return lex_fail(l, l->pos, "exceeded max depth limit of %d", FILTER_DEPTH_MAX);
	return 0;
}
