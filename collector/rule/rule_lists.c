/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_lists.c - lists are text.
 *
 * Each list, in the order of definition, replaces its name wherever it occurs between blanks,
 * parentheses, commas, equals signs or the ends - inside quotes too. Blanks around the name become
 * one on each side. A list brought in by a later one is therefore not replaced again; an item that
 * names an earlier list was replaced by that list's own items before (one level).
 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <string.h>

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_edge(char c)
{
	return is_blank(c) || c == '(' || c == ')' || c == ',' || c == '=';
}

/* Add an item in a condition's syntax: quoted if it contains a blank. */
static int
add_item(struct collection *c, struct def_list *l, const struct rtext *item)
{
	struct slice s = item->s;
	bool quote = s.n > 0 && s.p[0] != '"' && s.p[0] != '\'' && memchr(s.p, ' ', s.n) != NULL;
	struct rtext t = *item;
	char *p;

	if (quote) {
		p = arena_alloc(c->a, s.n + 3);
		if (p == NULL)
			return -ENOMEM;
		p[0] = p[s.n + 1] = '"';
		memcpy(p + 1, s.p, s.n);
		t.s = (struct slice){ p, s.n + 2 };
	}
	l->joined.n += t.s.n + 2;
	return texts_add(c->a, &l->compiled, &t);
}

/* Join the items with commas. */
static int
join(struct collection *c, struct def_list *l)
{
	struct buf b CLEANUP(buf_fini) = BUF_INIT;

	for (size_t i = 0; i < l->compiled.n; i++) {
		if (i > 0)
			buf_str(&b, ", ");
		buf_slice(&b, l->compiled.v[i].s);
	}
	if (buf_ok(&b) < 0)
		return -ENOMEM;
	l->joined.p = arena_strdup(c->a, buf_get(&b));
	l->joined.n = b.n;
	return l->joined.p == NULL ? -ENOMEM : 0;
}

/* Collect the items of a list, with those of the earlier lists that it names. */
static int
compile_list(struct collection *c, struct def_list *l)
{
	int r = 0;

	l->joined.n = l->compiled.n = l->lists.n = 0;
	for (size_t i = 0; r == 0 && i < l->items.n; i++) {
		struct def_list *in = find_list(c, l->items.v[i].s);

		if (in == NULL || in->index >= l->visibility) {
			r = add_item(c, l, &l->items.v[i]);
			continue;
		}
		r = texts_add(c->a, &l->lists, &in->name);
		for (size_t k = 0; r == 0 && k < in->items.n; k++)
			r = add_item(c, l, &in->items.v[k]);
		if (r == 0 && l->joined.n > RULE_TEXT_MAX)
			return rule_fail(c, E_VALIDATE, &l->name.at,
			    "The items of list '%.100s' are more than %d bytes", l->name.s.p,
			    RULE_TEXT_MAX);
	}
	return r < 0 ? r : join(c, l);
}

int
compile_lists(struct collection *c)
{
	int r = 0;

	for (struct def_list *l = c->lists; r != -ENOMEM && l != NULL; l = l->next) {
		if (l->stale)
			r = rule_worse(r, compile_list(c, l));
	}
	return r;
}

/* The next occurrence of the name at or after 'from', or SIZE_MAX. */
static size_t
find_name(struct slice text, struct slice name, size_t from)
{
	while (from + name.n <= text.n) {
		const char *p = memmem(text.p + from, text.n - from, name.p, name.n);
		size_t at, end;

		if (p == NULL)
			break;
		at = (size_t) (p - text.p);
		end = at + name.n;
		if ((at == 0 || is_edge(text.p[at - 1])) && (end == text.n || is_edge(text.p[end])))
			return at;
		from = at + 1;
	}
	return SIZE_MAX;
}

/* Substitute one list in the whole text, into 'out', up to the limits. Returns the number of
 * occurrences. */
static size_t
substitute(const struct def_list *l, const struct mtext *m, size_t at, struct mtext *out)
{
	struct slice text = buf_get(&m->b);
	size_t done = 0, named = 0;

	for (; at != SIZE_MAX; at = find_name(text, l->name.s, done)) {
		size_t start = at, end = at + l->name.s.n, off;
		const struct rtext *from;

		mtext_origin(m, at, &from, &off);
		while (start > done && is_blank(text.p[start - 1]))
			start--;
		while (end < text.n && is_blank(text.p[end]))
			end++;
		if (l->joined.n == 0 && start > done && text.p[start - 1] == ',')
			start--;
		else if (l->joined.n == 0 && end < text.n && text.p[end] == ',')
			end++;
		mtext_copy(out, m, done, start);
		if (out->b.n > 0)
			mtext_add(out, SLICE(" "), from, off, false);
		mtext_add(out, l->joined, from, off, false);
		mtext_add(out, SLICE(" "), from, off, false);
		done = end;
		if (++named > RULE_NAMES_MAX || out->b.n > RULE_TEXT_MAX)
			return named;
	}
	mtext_copy(out, m, done, text.n);
	return named;
}

bool
text_names_list(const struct mtext *m, const struct def_list *l)
{
	return m->b.n > 0 && find_name(buf_get(&m->b), l->name.s, 0) != SIZE_MAX;
}

int
substitute_lists(struct collection *c, struct mtext *m, struct rtexts *used)
{
	used->n = 0;
	for (struct def_list *l = c->lists; l != NULL; l = l->next) {
		struct mtext out = { .b = BUF_INIT };
		size_t at, named;

		if (m->b.n == 0 || (at = find_name(buf_get(&m->b), l->name.s, 0)) == SIZE_MAX)
			continue;
		if (texts_add(c->a, used, &l->name) < 0)
			return -ENOMEM;
		named = substitute(l, m, at, &out);
		mtext_fini(m);
		*m = out;
		if (buf_ok(&m->b) < 0)
			return -ENOMEM;
		if (named > RULE_NAMES_MAX || m->b.n > RULE_TEXT_MAX) {
			struct rplace p = mtext_place(m, 1, 1);

			if (named > RULE_NAMES_MAX)
				return rule_fail(c, E_VALIDATE, &p,
				    "The condition names list '%.100s' more than %d times",
				    l->name.s.p, RULE_NAMES_MAX);
			return rule_fail(c, E_VALIDATE, &p,
			    "The condition is longer than %d bytes with its lists", RULE_TEXT_MAX);
		}
	}
	return 0;
}
