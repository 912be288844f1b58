/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include "common/utf8.h"
#include <errno.h>

struct rplace
yaml_place(const struct source *src, const yaml_node_t *n)
{
	static const char styles[] = { [YAML_SINGLE_QUOTED_SCALAR_STYLE] = '\'',
		[YAML_DOUBLE_QUOTED_SCALAR_STYLE] = '"',
		[YAML_LITERAL_SCALAR_STYLE] = '|',
		[YAML_FOLDED_SCALAR_STYLE] = '>' };
	struct rplace p = { .src = src,
		.line = (unsigned) n->start_mark.line + 1,
		.col = (unsigned) n->start_mark.column + 1 };

	if (n->type == YAML_SCALAR_NODE) {
		p.exact_scalar = true;
		p.style = styles[n->data.scalar.style];
	}
	return p;
}

int
yaml_next(struct collection *c, yaml_parser_t *p, const struct source *src, yaml_document_t *ret)
{
	struct rplace at = { .src = src };

	if (yaml_parser_load(p, ret))
		return yaml_document_get_root_node(ret) != NULL;
	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	at.line = (unsigned) p->problem_mark.line + 1;
	at.col = (unsigned) p->problem_mark.column + 1;
	if (p->error == YAML_READER_ERROR)
		at.line = at.col = 0;
	return rule_fail(c, E_YAML, &at, "YAML: %s%s%s", p->problem == NULL ? "syntax" : p->problem,
	    p->context == NULL ? "" : " ", p->context == NULL ? "" : p->context);
}

/* A walk over the source of a scalar that tracks line and column. */
struct walk {
	const char *p, *end;
	unsigned line, col;
};

static void
walk_step(struct walk *w)
{
	if (*w->p == '\n') {
		w->line++;
		w->col = 1;
		w->p++;
		return;
	}
	w->col++;
	w->p += MAX(utf8_len((struct slice){ w->p, (size_t) (w->end - w->p) }), 1);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Go to the first byte of the scalar's content: past the quote, or the header line of a block. */
static bool
walk_start(struct walk *w, const struct rtext *t)
{
	struct slice s = t->at.src->text;

	*w = (struct walk){ s.p, s.p + s.n, 1, 1 };
	while (w->p < w->end && (w->line < t->at.line || w->col < t->at.col))
		walk_step(w);
	if (w->p >= w->end || w->line != t->at.line)
		return false;
	if (t->at.style == '"' || t->at.style == '\'') {
		walk_step(w);
	} else if (t->at.style == '|' || t->at.style == '>') {
		while (w->p < w->end && *w->p != '\n')
			walk_step(w);
	}
	return w->p < w->end;
}

/* Skip an escape of a double-quoted scalar. */
static void
walk_escape(struct walk *w)
{
	char e = w->p[1];
	unsigned n = e == 'x' ? 4 : e == 'u' ? 6 : e == 'U' ? 10 : 2;

	for (unsigned i = 0; i < n && w->p < w->end; i++)
		walk_step(w);
}

static void
walk_blanks(struct walk *w)
{
	while (w->p < w->end && is_space(*w->p))
		walk_step(w);
}

/* Skip the source of the value's character at *v, and the character. */
static void
walk_char(struct walk *w, const struct rtext *t, size_t *v)
{
	bool blank = is_space(t->s.p[*v]);

	if (t->at.style == '"' && *w->p == '\\' && w->p + 1 < w->end) {
		walk_escape(w);
	} else if (!blank) {
		if (t->at.style == '\'' && *w->p == '\'')
			walk_step(w); /* two represent one */
		if (w->p < w->end)
			walk_step(w);
	} else if (is_space(*w->p) && *w->p != '\n') {
		walk_step(w);
	}
	*v += MAX(utf8_len((struct slice){ t->s.p + *v, t->s.n - *v }), 1);
}

/*
 * The value's characters appear in the source in the same order, with blanks folded and quotes and
 * escapes decoded; so walk both in parallel, and skip blanks in the source.
 */
struct rplace
place_within(const struct rtext *t, size_t off)
{
	struct rplace at = t->at;
	struct walk w;
	size_t v = 0;

	if (!at.exact_scalar || at.src == NULL || !walk_start(&w, t))
		return at;
	for (;;) {
		while (at.style == '"' && w.p + 1 < w.end && w.p[0] == '\\' && w.p[1] == '\n') {
			walk_escape(&w);
			walk_blanks(&w);
		}
		if (v < t->s.n && !is_space(t->s.p[v]))
			walk_blanks(&w);
		if (v >= off || v >= t->s.n || w.p >= w.end)
			break;
		walk_char(&w, t, &v);
	}
	at.line = w.line;
	at.col = w.col;
	at.exact_scalar = false;
	return at;
}
