/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void
rule_log_fini(struct rule_log *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i].item);
	for (size_t i = 0; i < l->nfiles; i++) {
		for (size_t k = 0; k < l->files[i].nfindings; k++)
			free(l->files[i].findings[k]);
		free(l->files[i].findings);
		free(l->files[i].name);
	}
	free(l->v);
	free(l->files);
	*l = (struct rule_log){ .v = NULL };
}

int
rule_log_file(struct rule_log *l, const char *name, struct rule_file **ret)
{
	struct rule_file *v = realloc(l->files, (l->nfiles + 1) * sizeof(*v));
	char *copy = strdup(name);

	if (v != NULL)
		l->files = v;
	if (v == NULL || copy == NULL) {
		free(copy);
		return -ENOMEM;
	}
	*ret = &v[l->nfiles++];
	**ret = (struct rule_file){ .name = copy };
	return 0;
}

int
rule_file_warn(struct rule_file *f, const char *text)
{
	char **v = realloc(f->findings, (f->nfindings + 1) * sizeof(*v));
	char *copy = strdup(text);

	if (v != NULL)
		f->findings = v;
	if (v == NULL || copy == NULL) {
		free(copy);
		return -ENOMEM;
	}
	v[f->nfindings++] = copy;
	f->schema = SCHEMA_INVALID;
	return 0;
}

/* Where a line and a column (in characters) begin, in bytes. */
static size_t
offset_of(struct slice text, unsigned line, unsigned col)
{
	size_t i = 0;

	for (; line > 1 && i < text.n; i++)
		line -= text.p[i] == '\n';
	for (; col > 1 && i < text.n; i++)
		col -= i + 1 == text.n || (text.p[i + 1] & 0xc0) != 0x80;
	return i;
}

void
rule_log_print(FILE *f, const struct rule_log *l)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct rule_msg *m = &l->v[i];
		struct diag d = m->diag;

		/* a long message is cut, its code is not */
		(void) snprintf(d.msg, sizeof(d.msg), "%s%s%.300s [%s]", m->item,
		    m->item[0] == '\0' ? "" : ": ", m->diag.msg, m->code);
		diag_print(f, &d, m->error ? "error" : "warning");
	}
}

static int
log_add(struct rule_log *l, bool error, const char *code, const struct rplace *at, const char *item,
    const char *msg)
{
	struct rule_msg *v = realloc(l->v, (l->n + 1) * sizeof(*v)), *m;
	char *copy = strdup(item);

	if (v != NULL)
		l->v = v;
	if (v == NULL || copy == NULL) {
		free(copy);
		return -ENOMEM;
	}
	m = &v[l->n++];
	memset(m, 0, sizeof(*m));
	m->error = error;
	m->code = code;
	m->item = copy;
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

/* What is compiled again with a later file has the same errors again. */
static bool
is_told(const struct rule_log *l, const char *code, const struct rplace *at, const char *item,
    const char *msg)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct rule_msg *m = &l->v[i];

		if (m->error && m->diag.line == at->line && m->diag.col == at->col &&
		    strcmp(m->code, code) == 0 && strcmp(m->item, item) == 0 &&
		    strcmp(m->diag.msg, msg) == 0 &&
		    (at->src == NULL || strcmp(m->diag.file, at->src->name) == 0))
			return true;
	}
	return false;
}

int
rule_fail(struct collection *c, const char *code, const struct rplace *at, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	(void) vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (c->log->errors >= RULE_ERRORS_MAX || is_told(c->log, code, at, c->item, msg))
		return -EINVAL;
	return log_add(c->log, true, code, at, c->item, msg) < 0 ? -ENOMEM : -EINVAL;
}

int
rule_warn(struct collection *c, const char *code, const struct rplace *at, const char *fmt, ...)
{
	char msg[512];
	va_list ap;

	if (c->quiet)
		return 0;
	va_start(ap, fmt);
	(void) vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return log_add(c->log, false, code, at, c->item, msg);
}
