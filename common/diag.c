/* SPDX-License-Identifier: Apache-2.0 */
#include "common/diag.h"
#include "common/escape.h"
#include "common/utf8.h"
#include <stdarg.h>
#include <unistd.h>

void
diag_set(struct diag *d, unsigned line, unsigned col, const char *fmt, ...)
{
	va_list ap;

	d->code = DIAG_OTHER;
	d->origin = NULL;
	d->line = line;
	d->col = col;
	va_start(ap, fmt);
	(void) vsnprintf(d->msg, sizeof(d->msg), fmt, ap);
	va_end(ap);
}

void
diag_add(struct diag *d, const char *fmt, ...)
{
	size_t n = strlen(d->msg);
	va_list ap;

	va_start(ap, fmt);
	(void) vsnprintf(d->msg + n, sizeof(d->msg) - n, fmt, ap);
	va_end(ap);
}

void
diag_place(struct diag *d, const char *file, struct slice content)
{
	const char *p = content.p, *end, *nl;

	(void) snprintf(d->file, sizeof(d->file), "%s", file);
	d->text[0] = '\0';
	if (p == NULL || d->line == 0)
		return;
	end = p + content.n;
	for (unsigned i = 1; i < d->line; i++) {
		nl = memchr(p, '\n', (size_t) (end - p));
		if (nl == NULL)
			return;
		p = nl + 1;
	}
	nl = memchr(p, '\n', (size_t) (end - p));
	(void) snprintf(d->text, sizeof(d->text), "%.*s", (int) ((nl == NULL ? end : nl) - p), p);
}

/* Append text, escaped except for tabs, so that a caret below lines up. */
static void
add_line(struct buf *b, struct slice text)
{
	while (text.n > 0) {
		const char *tab = memchr(text.p, '\t', text.n);
		size_t n = tab == NULL ? text.n : (size_t) (tab - text.p);

		escape_add(b, (struct slice){ text.p, n });
		if (tab != NULL)
			buf_char(b, '\t');
		n += tab != NULL;
		text = (struct slice){ text.p + n, text.n - n };
	}
}

/* Print the line, and a caret below the character in column 'col'. */
static void
print_line(FILE *f, const char *text, unsigned col)
{
	CLEANUP(buf_fini) struct buf line = BUF_INIT;
	size_t before = 0; /* bytes of 'text' before that character */
	unsigned at = 1;

	for (; at < col && text[before] != '\0'; at++) {
		before++;
		while (utf8_continues(text[before]))
			before++;
	}
	add_line(&line, slice_str(text));
	if (buf_ok(&line) < 0)
		return;
	fprintf(f, "    %s\n", line.p);
	if (col == 0 || col > sizeof(((struct diag *) NULL)->text))
		return;
	buf_clear(&line);
	add_line(&line, (struct slice){ text, before });
	fputs("    ", f);
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '\t' || !utf8_continues(line.p[i]))
			fputc(line.p[i] == '\t' ? '\t' : ' ', f);
	}
	fprintf(f, "%*s^\n", (int) (col - at), "");
}

void
diag_print(FILE *f, const struct diag *d, const char *kind)
{
	bool colour = isatty(fileno(f));

	if (d->file[0] != '\0') {
		escape_print(f, slice_str(d->file));
		fputc(':', f);
	}
	if (d->line > 0)
		fprintf(f, "%u:", d->line);
	if (d->line > 0 && d->col > 0)
		fprintf(f, "%u:", d->col);
	if (d->file[0] != '\0' || d->line > 0)
		fputc(' ', f);
	fprintf(f, "%s%s:%s ", colour ? "\033[1;31m" : "", kind, colour ? "\033[0m" : "");
	escape_print(f, slice_str(d->msg));
	fputc('\n', f);
	if (d->text[0] != '\0')
		print_line(f, d->text, d->col);
}
