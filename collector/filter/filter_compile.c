/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"
#include <errno.h>
#include <stdarg.h>

/*
 * A check sets the flag. "and" leaves at the first that is false, "or" at the first that is true,
 * so the flag is right wherever its end is reached from, and "not" inverts it there.
 */

static int gen(struct compile *c, const struct expr *e, struct cond **ret);

/* Instructions that an expression needs. */
static size_t
count(const struct expr *e)
{
	size_t n = 0;

	switch (e->kind) {
	case E_AND:
	case E_OR:
		for (const struct expr *k = e->kids; k != NULL; k = k->next)
			n += count(k) + 1;
		return n;
	case E_NOT:
		return count(e->kids) + 1;
	case E_REF:
		return count(e->ref);
	case E_MACRO:
	case E_CHECK:
		break;
	}
	return 1;
}

static int
gen_chain(struct compile *c, const struct expr *e, struct cond *ret)
{
	uint8_t jump = e->kind == E_AND ? OP_JF : OP_JT;
	uint32_t open = 0,
		 next; /* the last jump without a target, plus 1; its 'to' is the one before */
	struct cond *kid, *last = NULL;
	int r;

	for (const struct expr *k = e->kids; k != NULL; k = k->next) {
		r = gen(c, k, &kid);
		if (r < 0)
			return r;
		if (last == NULL)
			ret->kids = kid;
		else
			last->next = kid;
		last = kid;
		if (k->next == NULL)
			break;
		c->code[c->n] = (struct insn){ .op = jump, .to = open };
		open = (uint32_t) ++c->n;
	}
	for (; open != 0; open = next) {
		next = c->code[open - 1].to;
		c->code[open - 1].to = (uint32_t) c->n;
	}
	return 0;
}

static int
gen_check(struct compile *c, const struct check *k, struct cond *ret)
{
	struct test *t = NULL;
	enum opcode op = OP_NEVER;
	int r = check_compile(c, k, &t, &op);

	if (r < 0)
		return r;
	t->op = (uint8_t) op;
	ret->test = t;
	c->code[c->n++] = (struct insn){ .op = (uint8_t) op, .test = t };
	return 0;
}

static int
gen_not(struct compile *c, const struct expr *e, struct cond *ret)
{
	struct cond *kid;
	int r = gen(c, e->kids, &kid);

	if (r < 0)
		return r;
	ret->kids = kid;
	c->code[c->n++] = (struct insn){ .op = OP_NOT };
	return 0;
}

static int
gen(struct compile *c, const struct expr *e, struct cond **ret)
{
	static const uint8_t kinds[] = {
		[E_AND] = C_AND, [E_OR] = C_OR, [E_NOT] = C_NOT, [E_CHECK] = C_CHECK
	};

	if (e->kind == E_REF) {
		const struct expr *outer = c->origin;
		int r;

		c->origin = e->ref;
		r = gen(c, e->ref, ret);
		if (r == 0) /* an error is left with its origin */
			c->origin = outer;
		return r;
	}
	*ret = arena_alloc(c->a, sizeof(**ret));
	if (*ret == NULL)
		return -ENOMEM;
	if (e->kind != E_MACRO)
		(*ret)->kind = kinds[e->kind];
	switch (e->kind) {
	case E_AND:
	case E_OR:
		return gen_chain(c, e, *ret);
	case E_NOT:
		return gen_not(c, e, *ret);
	case E_CHECK:
		return gen_check(c, e->check, *ret);
	case E_REF:
	case E_MACRO:
		break;
	}
	return compile_fail_as(c, DIAG_UNKNOWN_MACRO, e->at,
	    "Undefined macro '%.*s' used in filter.", (int) MIN(e->name.n, 200), e->name.p);
}

int
compile_warn(struct compile *c, struct place at, const char *fmt, ...)
{
	struct warning *w = arena_alloc(c->a, sizeof(*w));
	va_list ap;

	if (w == NULL)
		return -ENOMEM;
	w->diag.code = DIAG_OTHER;
	w->diag.origin = c->origin;
	w->diag.line = at.line;
	w->diag.col = at.col;
	va_start(ap, fmt);
	(void) vsnprintf(w->diag.msg, sizeof(w->diag.msg), fmt, ap);
	va_end(ap);
	*c->warning_tail = w;
	c->warning_tail = &w->next;
	return 0;
}

/* A jump to a jump of its own kind goes where that one goes; to the other kind, past it. */
static void
thread_jumps(struct insn *code, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		struct insn *at = &code[i];

		if (at->op != OP_JT && at->op != OP_JF)
			continue;
		while (code[at->to].op == OP_JT || code[at->to].op == OP_JF)
			at->to = code[at->to].op == at->op ? code[at->to].to : at->to + 1;
	}
}

int
filter_compile(const struct expr *e, struct arena *a, struct filter **ret, struct diag *d)
{
	struct filter *f = arena_alloc(a, sizeof(*f));
	struct compile c = { .a = a, .d = d, .f = f };
	struct cond *cond = NULL;
	int r;

	if (f == NULL)
		return -ENOMEM;
	if (e->size > FILTER_SIZE_MAX)
		return diag_fail(d, e->at.line, e->at.col, "the condition is too large");
	c.warning_tail = &f->warnings;
	c.code = arena_alloc(a, (count(e) + 1) * sizeof(*c.code));
	if (c.code == NULL)
		return -ENOMEM;
	r = gen(&c, e, &cond);
	if (r < 0) {
		d->origin = c.origin;
		return r;
	}
	c.code[c.n++] = (struct insn){ .op = OP_RET };
	thread_jumps(c.code, c.n);
	f->code = c.code;
	f->n = c.n;
	f->cond = cond;
	events_infer(e, &f->events);
	*ret = f;
	return 0;
}

void
filter_events(const struct filter *f, struct event_set *ret)
{
	*ret = f->events;
}

void
filter_fields(const struct filter *f, void (*fn)(void *arg, const struct field_ref *f), void *arg)
{
	for (const struct field_node *n = f->fields; n != NULL; n = n->next)
		fn(arg, n->ref);
}

void
filter_warnings(const struct filter *f, void (*fn)(void *arg, const struct diag *d), void *arg)
{
	for (const struct warning *w = f->warnings; w != NULL; w = w->next)
		fn(arg, &w->diag);
}
