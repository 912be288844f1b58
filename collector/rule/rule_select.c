/* SPDX-License-Identifier: Apache-2.0 */
/* rule_select.c - apply the configuration to rules: enable or disable them, append to their
 * outputs. */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <string.h>

/* Fields that identify the container. */
static const char suggested[] =
    "container_id=%container.id container_name=%container.name "
    "container_image_repository=%container.image.repository "
    "container_image_tag=%container.image.tag k8s_pod_name=%k8s.pod.name k8s_ns_name=%k8s.ns.name";

/* Does the name match this pattern, in which '*' matches anything? */
static bool
name_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *again = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			again = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL) {
			pattern = star + 1;
			name = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool
has_tag(const struct rule *r, const char *tag)
{
	for (size_t i = 0; i < r->ntags; i++) {
		if (strcmp(r->tags[i], tag) == 0)
			return true;
	}
	return false;
}

bool
rule_selects(const struct rule_select *s, const struct rule *r)
{
	switch (s->by) {
	case SELECT_NAME:
		return name_matches(s->what, r->name);
	case SELECT_TAG:
		return has_tag(r, s->what);
	case SELECT_PART:
		return strstr(r->name, s->what) != NULL;
	}
	return false;
}

bool
rule_selected(const struct rule_options *o, const struct rule *r)
{
	bool on = r->enabled;

	for (size_t i = 0; i < o->nselect; i++) {
		if (rule_selects(&o->select[i], r))
			on = o->select[i].enable;
	}
	return on;
}

static bool
appends_to(const struct rule_append *a, const struct rule *r)
{
	if ((a->source != NULL && strcmp(a->source, r->source) != 0) ||
	    (a->rule != NULL && strcmp(a->rule, r->name) != 0))
		return false;
	for (size_t i = 0; i < a->ntags; i++) {
		if (!has_tag(r, a->tags[i]))
			return false;
	}
	return true;
}

static void
add_text(struct mtext *out, const char *text)
{
	if (out->b.n > 0)
		mtext_add(out, SLICE(" "), NULL, 0, false);
	mtext_add(out, slice_str(text), NULL, 0, false);
}

int
append_output(const struct rule_options *o, const struct rule *r, struct mtext *out,
    struct format_options *ret, struct arena *a)
{
	struct rule_extra *extra;
	size_t n = 0;

	for (size_t i = 0; i < o->nappend; i++)
		n += o->append[i].nextra;
	extra = arena_alloc(a, MAX(n, 1) * sizeof(*extra));
	if (extra == NULL)
		return -ENOMEM;
	*ret = (struct format_options){ .json = o->json, .extra = extra };
	for (size_t i = 0; i < o->nappend; i++) {
		const struct rule_append *p = &o->append[i];

		if (!appends_to(p, r))
			continue;
		if (p->output != NULL)
			add_text(out, p->output);
		if (p->suggested && strcmp(r->source, "syscall") == 0)
			add_text(out, suggested);
		for (size_t k = 0; k < p->nextra; k++)
			extra[ret->nextra++] = p->extra[k];
	}
	return buf_ok(&out->b);
}
