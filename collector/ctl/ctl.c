/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl.h"
#include <stdarg.h>

int
ctl_fail(const char *fmt, ...)
{
	va_list ap;

	fputs("mewsctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return CTL_FAIL;
}

int
ctl_usage(const char *command, const char *fmt, ...)
{
	va_list ap;

	fputs("mewsctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry 'mewsctl %s%s--help'.\n", command == NULL ? "" : command,
	    command == NULL ? "" : " ");
	return CTL_USAGE;
}

void
ctl_key(struct buf *b, const char *name, const char *value)
{
	buf_str(b, name);
	if (value == NULL)
		buf_str(b, "null");
	else
		buf_json(b, slice_str(value));
}
