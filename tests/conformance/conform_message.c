/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/conform.h"

/* Messages that we word differently: in theirs, %N matches the text in its place; in ours it stands
 * for the same text. */
static const struct {
	const char *theirs, *ours;
} reworded[] = {
	{ "filter_check called with nonexistent field %1", "unknown field '%1'" },
	{ "filter_check called with nonexistent field %1[%2]", "'%1' takes no argument" },
	{ "filter_check called with nonexistent field %1[%2]",
	    "the argument of '%1': '%2' is not" },
	{ "filter_check called with nonexistent field evt.type.is.%1", "unknown event type '%1'" },
	{ "filter syntax error: %1", "'%1' needs an argument" },
	{ "filter syntax error: %1[%2]", "'%1' takes no argument in brackets" },
	{ "unknown event type %1", "unknown event type '%1'" },
	{ "unknown event argument %1", "unknown event argument '%1'" },
	{ "%1 is not a valid number", "'%1' is not a valid" },
	{ "unrecognized boolean value %1", "'%1' is not a valid boolean" },
	{ "unrecognized protocol %1", "unrecognized protocol '%1'" },
	{ "unrecognized IPv4 address %1", "unrecognized IPv4 address '%1'" },
	{ "unrecognized IPv6 address %1", "unrecognized IPv6 address '%1'" },
	{ "invalid netmask %1", "invalid netmask '%1'" },
	{ "invalid regex pattern: %1", "invalid regular expression: %1" },
	{ "filter value cannot contain a NUL byte (\\x00)", "may not hold a NUL byte" },
	{ "unknown field transfomer '%1'", "%1() requires" },
	{ "can't add field transformer: type '%1' is not supported by '%2' transformer applied on "
	  "field '%3'",
	    "'%2' does not take '%3'" },
	{ "field '%1' does not support transformers", "'%1' cannot be transformed" },
	{ "field '%1' can't be used as a right-hand side field", "'%1' cannot stand on the right" },
	{ "operator 'REGEX' doesn't support right-hand side fields", "'regex' needs a constant" },
	{ "'%1' operator not supported for type 'SOCKADDR'",
	    "'%1' operator not supported for buffer" },
	{ "'%1' operator not supported for type 'SOCKTUPLE'",
	    "'%1' operator not supported for buffer" },
};

static bool
is_slot(const char *p)
{
	return p[0] == '%' && p[1] >= '1' && p[1] <= '3';
}

/* Does this pattern match the whole text? Sets the slots. */
static bool
takes(const char *pattern, const char *text, struct slice slot[3])
{
	while (*pattern != '\0') {
		size_t n = 0, lit;

		if (!is_slot(pattern)) {
			if (*pattern++ != *text++)
				return false;
			continue;
		}
		for (lit = 2; pattern[lit] != '\0' && !is_slot(pattern + lit);)
			lit++;
		while (
		    text[n] != '\0' && (lit == 2 || strncmp(text + n, pattern + 2, lit - 2) != 0))
			n++;
		slot[pattern[1] - '1'] = (struct slice){ text, n };
		text += n;
		pattern += 2;
	}
	return *text == '\0';
}

static void
fill(const char *pattern, const struct slice slot[3], struct buf *out)
{
	for (; *pattern != '\0'; pattern++) {
		if (is_slot(pattern))
			buf_slice(out, slot[*++pattern - '1']);
		else
			buf_char(out, *pattern);
	}
	buf_char(out, '\0');
}

bool
same_message(const char *ours, const char *theirs)
{
	static const struct slice prefix = SLICE("filter error: "),
				  placed = SLICE("filter error at index ");
	CLEANUP(buf_fini) struct buf want = BUF_INIT;
	struct slice slot[3];

	if (slice_starts(slice_str(theirs), prefix))
		theirs += prefix.n;
	else if (slice_starts(slice_str(theirs), placed) && strstr(theirs, ": ") != NULL)
		theirs = strstr(theirs, ": ") + 2;
	if (strstr(ours, theirs) != NULL)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(reworded); i++) {
		if (!takes(reworded[i].theirs, theirs, slot))
			continue;
		buf_clear(&want);
		fill(reworded[i].ours, slot, &want);
		if (strstr(ours, want.p) != NULL)
			return true;
	}
	return false;
}
