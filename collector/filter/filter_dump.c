/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/filter/filter_prog.h"

/*
 * "   2  startswith  fd.name  /etc/": index, operation, left side, right side. Numbers of events
 * print as their names.
 */

static const char *const names[] = {
#define OPCODE(ID, text, KIND, meaning) text,
#include "collector/filter/opcodes.def"
};

static void
konst_out(const struct konst *k, struct buf *out)
{
	if (k->v.type == FT_STR || k->v.type == FT_BYTES)
		buf_json(out, k->v.s);
	else
		value_text(NULL, &k->v, out);
	if (k->v.type == FT_NET)
		buf_printf(out, "/%u", k->bits);
}

static void
events_out(const struct test *t, struct buf *out)
{
	const char *last = "";

	for (size_t i = 0; i < schema_nevents; i++) {
		if (!event_set_has(t->events, schema_events[i].num) ||
		    strcmp(schema_events[i].name, last) == 0)
			continue;
		last = schema_events[i].name;
		buf_printf(out, " %s", last);
	}
	for (size_t i = 0; i < set_size(t->set); i++)
		buf_printf(out, " %.*s", SLICE_ARG(set_at(t->set, i)));
}

static void
test_out(enum opcode op, const struct test *t, struct buf *out)
{
	static const char *const mods[] = { "", " oneof", " anyof", " allof" };

	if (op == OP_EVT) {
		buf_str(out, t->invert ? " not" : "");
		events_out(t, out);
		return;
	}
	buf_char(out, ' ');
	buf_slice(out, t->left->text);
	buf_str(out, mods[t->mod]);
	if (t->right != NULL) {
		buf_char(out, ' ');
		buf_slice(out, t->right->text);
	}
	for (size_t i = 0; op == OP_PMATCH && i < set_size(t->set); i++) {
		buf_char(out, ' ');
		buf_json(out, set_at(t->set, i));
	}
	for (size_t i = 0; i < t->nk; i++) {
		buf_char(out, ' ');
		konst_out(&t->k[i], out);
	}
}

void
filter_dump(const struct filter *f, struct buf *out)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct insn *at = &f->code[i];

		buf_printf(out, "%4zu %s", i, names[at->op]);
		if (at->test != NULL)
			test_out((enum opcode) at->op, at->test, out);
		else if (at->op == OP_JT || at->op == OP_JF)
			buf_printf(out, " %u", at->to);
		buf_char(out, '\n');
	}
}
