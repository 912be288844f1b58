/* SPDX-License-Identifier: Apache-2.0 */
#include "common/cmdline.h"
#include "common/near.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SHORTS_MAX = 64, LONG_MAX_LEN = 40, LONGS_MAX = 64 };

static char why[320];

/* Count the options that begin with the word. */
static unsigned
nbegins(struct slice word, const struct option *longs)
{
	unsigned n = 0;

	for (const struct option *o = longs; o->name != NULL; o++)
		n += strncmp(o->name, word.p + 2, word.n - 2) == 0;
	return n;
}

static void
unknown_long(struct slice word, const struct option *longs)
{
	char names[LONGS_MAX][LONG_MAX_LEN];
	struct near near = near_to(word);
	size_t i = 0;

	if (nbegins(word, longs) > 1) {
		(void) snprintf(why, sizeof(why),
		    "'%.*s' is the beginning of several options; write it out", SLICE_ARG(word));
		return;
	}
	for (const struct option *o = longs; o->name != NULL && i < LONGS_MAX; o++, i++) {
		(void) snprintf(names[i], sizeof(names[i]), "--%s", o->name);
		near_try(&near, slice_str(names[i]));
	}
	(void) snprintf(
	    why, sizeof(why), "unknown option '%.*s'%s", SLICE_ARG(word), near_hint(&near));
}

/* Did getopt stop because this option, "--json", takes no value? */
static bool
takes_no_value(struct slice name, const struct option *longs)
{
	for (const struct option *o = longs; o->name != NULL; o++) {
		if (o->has_arg == no_argument && o->val == optopt &&
		    strncmp(o->name, name.p + 2, name.n - 2) == 0)
			return true;
	}
	return false;
}

/* 'word' is the last word that getopt consumed: a long option, or the word with short options. */
static void
unknown(const char *word, const struct option *longs)
{
	struct slice name = { word, strcspn(word, "=") };

	if (optopt == 0)
		unknown_long(name, longs);
	else if (strncmp(word, "--", 2) == 0 && word[name.n] == '=' && takes_no_value(name, longs))
		(void) snprintf(why, sizeof(why), "option '%.*s' takes no value", SLICE_ARG(name));
	else
		(void) snprintf(why, sizeof(why), "unknown option '-%c'", optopt);
}

static void
no_value(const char *word)
{
	if (strncmp(word, "--", 2) == 0)
		(void) snprintf(why, sizeof(why), "option '%s' needs a value", word);
	else
		(void) snprintf(why, sizeof(why), "option '-%c' needs a value", optopt);
}

int
cmdline_next(int argc, char **argv, const char *shorts, const struct option *longs)
{
	size_t order = strspn(shorts, "+-"); /* how getopt treats non-option words */
	char quiet[SHORTS_MAX];
	int c;

	opterr = 0;
	(void) snprintf(quiet, sizeof(quiet), "%.*s:%s", (int) order, shorts, shorts + order);
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): there is only one thread yet */
	c = getopt_long(argc, argv, quiet, longs, NULL);
	if (c != ':' && c != '?')
		return c;
	if (c == ':')
		no_value(argv[optind - 1]);
	else
		unknown(argv[optind - 1], longs);
	optarg = why;
	return '?';
}
