/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl_args.h"
#include <assert.h>

enum {
	OPTIONS_MAX = 32,
	NO_LETTER = 0x100, /* what getopt returns for option i without a letter: NO_LETTER + i */
	LABEL_MAX = 21,    /* a longer one stands on a line of its own */
};

int
ctl_set_flag(const char *command UNUSED, const char *value UNUSED, void *member)
{
	*(bool *) member = true;
	return CTL_OK;
}

int
ctl_set_text(const char *command UNUSED, const char *value, void *member)
{
	*(const char **) member = value;
	return CTL_OK;
}

/* ---- --help ---- */

/* "-r, --rules FILE" */
static int
label(const struct ctl_option *o, char ret[64])
{
	const char *value = o->value == NULL ? "" : o->value, *blank = o->value == NULL ? "" : " ";

	if (o->letter == 0)
		return snprintf(ret, 64, "    --%s%s%s", o->name, blank, value);
	return snprintf(ret, 64, "-%c, --%s%s%s", o->letter, o->name, blank, value);
}

static void
print_option(const struct ctl_option *o, int width)
{
	char text[64];
	bool own_line = label(o, text) > width;

	printf("  %-*s", width, text);
	for (const char *line = o->help; *line != '\0';) {
		size_t n = strcspn(line, "\n");

		if (own_line)
			printf("\n  %*s", width, "");
		printf("  %.*s", (int) n, line);
		line += n + (line[n] == '\n');
		own_line = true;
	}
	putchar('\n');
}

static void
print_help(const struct ctl_syntax *s)
{
	int width = 0;

	for (size_t i = 0; i < s->n; i++) {
		char text[64];
		int n = label(&s->options[i], text);

		width = n <= LABEL_MAX && n > width ? n : width;
	}
	fputs(s->before, stdout);
	for (size_t i = 0; i < s->n; i++)
		print_option(&s->options[i], width);
	fputs(s->after, stdout);
}

/* ---- parsing ---- */

/* The rows in the shape of getopt_long(), and --help. */
static void
for_getopt(const struct ctl_syntax *s, char *shorts, struct option *longs)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct ctl_option *o = &s->options[i];

		longs[i] = (struct option){ .name = o->name,
			.has_arg = o->value == NULL ? no_argument : required_argument,
			.val = o->letter != 0 ? o->letter : NO_LETTER + (int) i };
		if (o->letter == 0)
			continue;
		*shorts++ = o->letter;
		if (o->value != NULL)
			*shorts++ = ':';
	}
	longs[s->n] = (struct option){ .name = "help", .val = 'h' };
	*shorts++ = 'h';
	*shorts = '\0';
}

static const struct ctl_option *
find_option(const struct ctl_syntax *s, int c)
{
	for (size_t i = 0; c < NO_LETTER && i < s->n; i++) {
		if (s->options[i].letter == c)
			return &s->options[i];
	}
	return &s->options[c - NO_LETTER];
}

bool
ctl_args(int argc, char **argv, const struct ctl_syntax *s, void *args, int *code)
{
	struct option longs[OPTIONS_MAX + 2] = { 0 };
	char shorts[2 * OPTIONS_MAX + 2];
	int c;

	assert(s->n <= OPTIONS_MAX);
	for_getopt(s, shorts, longs);
	*code = CTL_OK;
	optind = 1;
	while (*code == CTL_OK && (c = cmdline_next(argc, argv, shorts, longs)) != -1) {
		const struct ctl_option *o;

		if (c == 'h') {
			print_help(s);
			return false;
		}
		if (c == '?') {
			*code = ctl_usage(s->command, "%s", optarg);
			return false;
		}
		o = find_option(s, c);
		*code = o->set(s->command, o->value == NULL ? NULL : optarg, (char *) args + o->at);
	}
	return *code == CTL_OK;
}
