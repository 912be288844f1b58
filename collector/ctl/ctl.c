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

static void
group_help(const struct ctl_group *g)
{
	size_t width = 0;

	for (size_t i = 0; i < g->n; i++)
		width = MAX(width, strlen(g->v[i].name));
	printf("Usage: mewsctl %s COMMAND [ARGUMENTS]\n\n%s\nCommands:\n", g->name, g->about);
	for (size_t i = 0; i < g->n; i++)
		printf("  %-*s  %s\n", (int) width, g->v[i].name, g->v[i].help);
	printf("\n'mewsctl %s COMMAND --help' describes a command.%s", g->name, g->end);
}

int
ctl_group_run(const struct ctl_group *g, int argc, char **argv)
{
	if (argc < 2)
		return ctl_usage(g->name, "name a command of %s", g->name);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		group_help(g);
		return CTL_OK;
	}
	for (size_t i = 0; i < g->n; i++) {
		if (strcmp(argv[1], g->v[i].name) == 0)
			return g->v[i].run(argc - 1, argv + 1);
	}
	return ctl_unknown(g->name, argv[1], g->v, g->n);
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
