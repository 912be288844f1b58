/* SPDX-License-Identifier: Apache-2.0 */
#include "common/diag.h"
#include <stdarg.h>
#include <unistd.h>

void
diag_set(struct diag *d, unsigned line, unsigned col, const char *fmt, ...)
{
	va_list ap;

	d->line = line;
	d->col = col;
	va_start(ap, fmt);
	(void) vsnprintf(d->msg, sizeof(d->msg), fmt, ap);
	va_end(ap);
}

void
diag_place(struct diag *d, const char *file, struct slice content)
{
	const char *p = content.p, *end = p + content.n, *nl;

	(void) snprintf(d->file, sizeof(d->file), "%s", file);
	d->text[0] = '\0';
	if (p == NULL || d->line == 0)
		return;
	for (unsigned i = 1; i < d->line; i++) {
		nl = memchr(p, '\n', (size_t) (end - p));
		if (nl == NULL)
			return;
		p = nl + 1;
	}
	nl = memchr(p, '\n', (size_t) (end - p));
	(void) snprintf(d->text, sizeof(d->text), "%.*s", (int) ((nl == NULL ? end : nl) - p), p);
}

void
diag_print(FILE *f, const struct diag *d, const char *kind)
{
	bool colour = isatty(fileno(f));

	if (d->file[0] != '\0')
		fprintf(f, "%s:", d->file);
	if (d->line > 0)
		fprintf(f, "%u:", d->line);
	if (d->line > 0 && d->col > 0)
		fprintf(f, "%u:", d->col);
	if (d->file[0] != '\0' || d->line > 0)
		fputc(' ', f);
	fprintf(
	    f, "%s%s:%s %s\n", colour ? "\033[1;31m" : "", kind, colour ? "\033[0m" : "", d->msg);
	if (d->text[0] == '\0')
		return;
	fprintf(f, "    %s\n", d->text);
	if (d->col == 0 || d->col > sizeof(d->text))
		return;
	fputs("    ", f);
	for (unsigned i = 0; i + 1 < d->col;
	     i++) /* a tab stays a tab, so that the caret lines up */
		fputc(i < strlen(d->text) && d->text[i] == '\t' ? '\t' : ' ', f);
	fputs("^\n", f);
}
