/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include "common/array.h"
#include "common/utf8.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const struct rule_code codes[] = {
#define RULE_CODE(ID, name, text) { name, text },
#include "collector/rule/rule_codes.def"
};

static const char *const item_types[] = {
	[ITEM_LIST] = "list", [ITEM_MACRO] = "macro", [ITEM_RULE] = "rule"
};

void
rule_log_fini(struct rule_log *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].item_name);
	for (size_t i = 0; i < l->nfiles; i++) {
		for (size_t k = 0; k < l->files[i].nfindings; k++)
			free(l->files[i].findings[k]);
		free(l->files[i].findings);
		free(l->files[i].name);
	}
	for (size_t i = 0; i < l->nreplaced; i++) {
		free(l->replaced[i].rule);
		free(l->replaced[i].was);
		free(l->replaced[i].by);
	}
	free(l->v);
	free(l->files);
	free(l->replaced);
	*l = (struct rule_log){ .v = NULL };
}

int
rule_log_file(struct rule_log *l, const char *name, struct rule_file **ret)
{
	char *copy;

	if (ARRAY_RESERVE(l->files, l->nfiles, 1, l->files_cap) < 0 ||
	    (copy = strdup(name)) == NULL)
		return -ENOMEM;
	*ret = &l->files[l->nfiles++];
	**ret = (struct rule_file){ .name = copy };
	return 0;
}

int
rule_log_replaced(struct rule_log *l, struct slice rule, const char *was, const char *by)
{
	struct rule_replaced *r;

	if (l->nreplaced == RULE_REPLACED_MAX)
		return 0;
	if (ARRAY_RESERVE(l->replaced, l->nreplaced, 1, l->replaced_cap) < 0)
		return -ENOMEM;
	r = &l->replaced[l->nreplaced++];
	*r = (struct rule_replaced){ strndup(rule.p, rule.n), strdup(was), strdup(by) };
	return r->rule == NULL || r->was == NULL || r->by == NULL ? -ENOMEM : 0;
}

int
rule_file_warn(struct rule_file *f, const char *text)
{
	char *copy;

	if (ARRAY_RESERVE(f->findings, f->nfindings, 1, f->findings_cap) < 0 ||
	    (copy = strdup(text)) == NULL)
		return -ENOMEM;
	f->findings[f->nfindings++] = copy;
	f->schema = SCHEMA_INVALID;
	return 0;
}

/* The offset in bytes of a line and a column (in characters). */
static size_t
offset_of(struct slice text, unsigned line, unsigned col)
{
	size_t i = 0;

	for (; line > 1 && i < text.n; i++)
		line -= text.p[i] == '\n';
	for (; col > 1 && i < text.n; i++)
		col -= i + 1 == text.n || !utf8_continues(text.p[i + 1]);
	return i;
}

void
rule_msg_item(const struct rule_msg *m, struct buf *out)
{
	if (m->item_type != NULL)
		buf_printf(out, "%s '%.120s'", m->item_type, m->item_name);
}

void
rule_log_print(FILE *f, const struct rule_log *l)
{
	CLEANUP(buf_fini) struct buf item = BUF_INIT;

	for (size_t i = 0; i < l->n; i++) {
		const struct rule_msg *m = &l->v[i];
		struct diag d = m->diag;

		buf_clear(&item);
		rule_msg_item(m, &item);
		/* cut a long message, not its code */
		diag_set(&d, d.line, d.col, "%.*s%s%.300s [%s]", SLICE_ARG(buf_get(&item)),
		    item.n == 0 ? "" : ": ", m->diag.msg, m->code->name);
		diag_print(f, &d, m->error ? "error" : "warning");
	}
}

/* Add a message about the current item of c. -ENOMEM. */
static int
log_add(struct collection *c, bool error, enum rule_code_id code, const struct rplace *at,
    const char *msg)
{
	struct rule_log *l = c->log;
	struct rule_msg *m;
	char *copy;

	if (ARRAY_RESERVE(l->v, l->n, 1, l->cap) < 0 ||
	    (copy = strndup(c->item == ITEM_NONE ? "" : c->item_name.p, c->item_name.n)) == NULL)
		return -ENOMEM;
	m = &l->v[l->n++];
	memset(m, 0, sizeof(*m));
	m->error = error;
	m->code = &codes[code];
	m->item_type = item_types[c->item];
	m->item_name = copy;
	diag_set(&m->diag, at->line, at->col, "%s", msg);
	if (at->src != NULL) {
		diag_place(&m->diag, at->src->name, at->src->text);
		m->offset = offset_of(at->src->text, at->line, at->col);
	}
	if (error)
		l->errors++;
	else
		l->warnings++;
	return 0;
}

int
rule_fail(
    struct collection *c, enum rule_code_id code, const struct rplace *at, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	(void) vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (c->again || c->log->errors >= RULE_ERRORS_MAX)
		return -EINVAL;
	return log_add(c, true, code, at, msg) < 0 ? -ENOMEM : -EINVAL;
}

int
rule_warn(
    struct collection *c, enum rule_code_id code, const struct rplace *at, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	if (c->quiet) {
		c->muted = true;
		return 0;
	}
	va_start(ap, fmt);
	(void) vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return log_add(c, false, code, at, msg);
}

int
rule_warn_field(
    struct collection *c, const struct field *f, const struct rplace *at, const char *fmt, ...)
{
	char msg[512];
	va_list ap;
	int r;

	if (c->quiet) {
		c->muted = true;
		return 0;
	}
	va_start(ap, fmt);
	(void) vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	r = log_add(c, false, W_DEPRECATED, at, msg);
	if (r == 0)
		c->log->v[c->log->n - 1].field = f;
	return r;
}
