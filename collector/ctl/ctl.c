/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl.h"
#include "common/near.h"
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

int
ctl_unknown(const char *command, const char *word, const struct ctl_command *v, size_t n)
{
	struct near near = near_to(slice_str(word));

	for (size_t i = 0; i < n; i++)
		near_try(&near, slice_str(v[i].name));
	return ctl_usage(command, "unknown command '%s'%s", word, near_hint(&near));
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
