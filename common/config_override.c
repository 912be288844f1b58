/* SPDX-License-Identifier: Apache-2.0 */
/* config_override.c - options from the command line, which override the file. */
#include "common/buf.h"
#include "common/config_int.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The number of the next element of a list of mappings: "append_output.3.match.rule" -> 4. */
static unsigned long
next_element(const struct cfg *c, struct slice key)
{
	unsigned long next = 0;

	for (size_t i = 0; i < c->n; i++) {
		const char *k = c->entry[i].key;

		if (strncmp(k, key.p, key.n) == 0 && k[key.n] == '.')
			next = MAX(next, strtoul(k + key.n + 1, NULL, 10) + 1);
	}
	return next;
}

/* Add "list.0.rest" of another configuration as "KEY.NUMBER.rest" of this one. */
static int
take(struct cfg *c, struct slice key, unsigned long number, const struct cfg_entry *from)
{
	static const char first[] = "list.0.";
	CLEANUP(buf_fini) struct buf name = BUF_INIT;
	struct cfg_entry e = { .list = from->list };

	buf_printf(&name, "%.*s.%lu.%s", SLICE_ARG(key), number, from->key + sizeof(first) - 1);
	if (buf_ok(&name) < 0 || (e.key = arena_strdup(&c->arena, buf_get(&name))) == NULL)
		return -ENOMEM;
	if (from->value != NULL) {
		e.value = arena_strdup(&c->arena, slice_str(from->value));
		if (e.value == NULL)
			return -ENOMEM;
	}
	return cfg_add(c, e);
}

static int
add_element(struct cfg *c, struct slice key, const char *value, struct diag *d)
{
	CLEANUP(buf_fini) struct buf yaml = BUF_INIT;
	unsigned long number = next_element(c, key);
	struct diag wrong = { 0 };
	struct cfg *one = NULL;
	int r;

	buf_printf(&yaml, "list:\n- %s\n", value);
	if (buf_ok(&yaml) < 0)
		return -ENOMEM;
	r = cfg_parse("command line", buf_get(&yaml), &one, &wrong);
	if (r == -EINVAL) /* the place is in a generated text */
		r = diag_fail(d, 0, 0, "'%.*s[]': %s", SLICE_ARG(key), wrong.msg);
	for (size_t i = 0; r == 0 && i < one->n; i++) {
		if (strncmp(one->entry[i].key, "list.0.", 7) == 0)
			r = take(c, key, number, &one->entry[i]);
		else
			r = diag_fail(d, 0, 0,
			    "'%.*s[]' takes a mapping, such as {rule: NAME}, not '%s'",
			    SLICE_ARG(key), value);
	}
	cfg_free(one);
	return r;
}

int
cfg_override(struct cfg *c, const char *assignment, struct diag *d)
{
	const char *eq = strchr(assignment, '=');
	struct cfg_entry e = { 0 };
	struct slice key;
	int r;

	*d = (struct diag){ 0 };
	if (eq == NULL || eq == assignment)
		return diag_fail(d, 0, 0, "'%s' is not of the form key=value", assignment);
	key = (struct slice){ assignment, (size_t) (eq - assignment) };
	if (slice_ends(key, SLICE("[]")))
		return add_element(c, (struct slice){ key.p, key.n - 2 }, eq + 1, d);
	r = cfg_value(c, slice_str(eq + 1), &e, d);
	if (r < 0)
		return r;
	e.key = arena_strdup(&c->arena, key);
	return e.key == NULL ? -ENOMEM : cfg_add(c, e);
}
