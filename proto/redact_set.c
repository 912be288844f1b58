/* SPDX-License-Identifier: Apache-2.0 */
/* redact_set.c - the patterns in force: redact.def and the configuration's. */
#include "proto/redact_int.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_LEAST 8 /* bytes of a word with a configured prefix */

const struct redact_short redact_shorts[] = {
#define SHORT(program, option, how, c) { program, option, how, c },
#include "proto/redact.def"
};
const size_t redact_nshorts = ARRAY_SIZE(redact_shorts);

static const struct redact_name names[] = {
#define KEY(name)    { name, sizeof(name) - 1, false, false, false },
#define WORD(name)   { name, sizeof(name) - 1, true, false, false },
#define HEADER(name) { name, sizeof(name) - 1, false, true, false },
#define SCHEME(name) { name, sizeof(name) - 1, true, false, true },
#include "proto/redact.def"
};

#define EXACT true
#define ANY   false
static const struct redact_token tokens[] = {
#define TOKEN(prefix, size, set) { prefix, sizeof(prefix) - 1, size, set },
#include "proto/redact.def"
};

_Static_assert(ARRAY_SIZE(names) + REDACT_NAMES_MAX <= REDACT_ROWS, "enlarge REDACT_ROWS");
_Static_assert(ARRAY_SIZE(tokens) + REDACT_NAMES_MAX <= REDACT_ROWS, "enlarge REDACT_ROWS");

static unsigned char
lower(char c)
{
	return (unsigned char) (c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool
is_separator(char c)
{
	return c == '_' || c == '-' || c == '.';
}

/* A name in lower case, without separators. Its size; 0: empty, too long, or other bytes. */
static size_t
normal(struct slice s, char out[REDACT_NAME_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (is_separator(s.p[i]))
			continue;
		if (!isalnum((unsigned char) s.p[i]) || n == REDACT_NAME_MAX - 1)
			return 0;
		out[n++] = (char) lower(s.p[i]);
	}
	out[n] = '\0';
	return n;
}

static int
remove_row(struct redact *r, struct slice what)
{
	char name[REDACT_NAME_MAX];
	size_t n = normal(what, name), found = 0;

	for (size_t i = 0; i < r->nnames && n > 0;) {
		if (strcmp(r->names[i].text, name) == 0) {
			r->names[i] = r->names[--r->nnames];
			found++;
		} else {
			i++;
		}
	}
	for (size_t i = 0; i < r->ntokens && what.n > 1 && what.p[what.n - 1] == '*';) {
		if (slice_eq(slice_str(r->tokens[i].text), (struct slice){ what.p, what.n - 1 })) {
			r->tokens[i] = r->tokens[--r->ntokens];
			found++;
		} else {
			i++;
		}
	}
	return found > 0 ? 0 : -EINVAL;
}

static int
add_row(struct redact *r, struct slice what)
{
	struct redact_name row = { .word = false };
	struct redact_token t = { .size = TOKEN_LEAST };

	if (what.n > 1 && what.p[what.n - 1] == '*') {
		what.n--;
		if (what.n >= REDACT_NAME_MAX)
			return -EINVAL;
		for (size_t i = 0; i < what.n; i++) {
			if (!isalnum((unsigned char) what.p[i]) && !is_separator(what.p[i]))
				return -EINVAL;
			t.text[i] = what.p[i];
		}
		t.n = (uint8_t) what.n;
		t.size = (uint8_t) MAX(TOKEN_LEAST, what.n + 1);
		r->tokens[r->ntokens++] = t;
		return 0;
	}
	row.n = (uint8_t) normal(what, row.text);
	if (row.n == 0)
		return -EINVAL;
	r->names[r->nnames++] = row;
	return 0;
}

static unsigned char
last_byte(const struct redact_name *row)
{
	return (unsigned char) row->text[row->n - 1];
}

/* Order the names by their last byte, and else as before. */
static void
index_rows(struct redact *r)
{
	for (size_t i = 1; i < r->nnames; i++) {
		const struct redact_name row = r->names[i];
		size_t k = i;

		for (; k > 0 && last_byte(&r->names[k - 1]) > last_byte(&row); k--)
			r->names[k] = r->names[k - 1];
		r->names[k] = row;
	}
	for (size_t c = 0, i = 0; c <= 256; c++) {
		while (i < r->nnames && last_byte(&r->names[i]) < c)
			i++;
		r->row[c] = (uint8_t) i;
	}
	r->least = UINT8_MAX;
	for (size_t i = 0; i < r->ntokens; i++) {
		r->first[(unsigned char) r->tokens[i].text[0]] = true;
		r->least = MIN(r->least, r->tokens[i].size);
	}
}

int
redact_new(const char *const *v, size_t n, struct redact **ret, struct diag *d)
{
	struct redact *r;

	if (n > REDACT_NAMES_MAX)
		return diag_fail(d, 0, 0, "redact.patterns: at most %d", REDACT_NAMES_MAX);
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return -ENOMEM;
	memcpy(r->names, names, sizeof(names));
	memcpy(r->tokens, tokens, sizeof(tokens));
	r->nnames = ARRAY_SIZE(names);
	r->ntokens = ARRAY_SIZE(tokens);
	for (size_t i = 0; i < n; i++) {
		bool without = v[i][0] == '!';

		if ((without ? remove_row(r, slice_str(v[i] + 1)) : add_row(r, slice_str(v[i]))) ==
		    0)
			continue;
		redact_free(r);
		return diag_fail(d, 0, 0,
		    without
			? "redact.patterns: '%.64s' is no pattern of the table"
			: "redact.patterns: '%.64s' is neither a name (letters, digits, _ - .), a "
			  "prefix with * at its end, nor !PATTERN, or is longer than 31 bytes",
		    v[i]);
	}
	index_rows(r);
	*ret = r;
	return 0;
}

void
redact_free(struct redact *r)
{
	free(r);
}

/* Does 'name' end with the row's text? Separators in it don't count. */
static bool
ends_with(struct slice name, const struct redact_name *row)
{
	size_t i = name.n, k = row->n;

	while (k > 0 && i > 0) {
		char c = name.p[--i];

		if (is_separator(c))
			continue;
		if (lower(c) != (unsigned char) row->text[--k])
			return false;
	}
	return k == 0 && (!row->word || i == 0 || is_separator(name.p[i - 1]));
}

const struct redact_name *
redact_name(const struct redact *r, struct slice name)
{
	unsigned char last;

	while (name.n > 0 && is_separator(name.p[name.n - 1]))
		name.n--;
	if (name.n == 0)
		return NULL;
	last = lower(name.p[name.n - 1]);
	for (size_t i = r->row[last]; i < r->row[last + 1]; i++) {
		if (ends_with(name, &r->names[i]))
			return &r->names[i];
	}
	return NULL;
}

bool
redact_is_secret(const struct redact *r, struct slice name)
{
	const struct redact_name *row = redact_name(r, name);

	return row != NULL && !row->scheme;
}

bool
redact_is_token(const struct redact *r, struct slice word)
{
	for (size_t i = 0; i < r->ntokens; i++) {
		const struct redact_token *t = &r->tokens[i];

		if (word.n >= t->n && memcmp(word.p, t->text, t->n) == 0)
			return true;
	}
	return false;
}
