/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl.h"
#include "common/escape.h"
#include "common/near.h"
#include <stdarg.h>

static void PRINTF_LIKE(1, 0) say(const char *fmt, va_list ap)
{
	char raw[2048], shown[4 * sizeof(raw)];

	(void) vsnprintf(raw, sizeof(raw), fmt, ap);
	(void) escape_text(shown, sizeof(shown), slice_str(raw));
	fprintf(stderr, "mewsctl: %s\n", shown);
}

int
ctl_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	return CTL_FAIL;
}

int
ctl_usage(const char *command, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try 'mewsctl %s%s--help'.\n", command == NULL ? "" : command,
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

const char *
ctl_safe(const char *text, char buf[CTL_SAFE])
{
	(void) escape_text(buf, CTL_SAFE, slice_str(text));
	return buf;
}

int
ctl_print_json(struct slice json)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	escape_json(&b, json);
	buf_char(&b, '\n');
	if (buf_ok(&b) < 0)
		return ctl_fail("no memory");
	(void) fwrite(b.p, 1, b.n, stdout);
	return CTL_OK;
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
