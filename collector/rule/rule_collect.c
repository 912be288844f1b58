/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct def_list *
find_list(const struct collection *c, struct slice name)
{
	struct def_list *l = c->lists;

	while (l != NULL && !slice_eq(l->name.s, name))
		l = l->next;
	return l;
}

struct def_macro *
find_macro(const struct collection *c, struct slice name)
{
	struct def_macro *m = c->macros;

	while (m != NULL && !slice_eq(m->name.s, name))
		m = m->next;
	return m;
}

static const char *
like_list(const struct collection *c, struct slice name, struct near *n)
{
	*n = near_to(name);
	for (const struct def_list *l = c->lists; l != NULL; l = l->next)
		near_try(n, l->name.s);
	return near_hint(n);
}

static const char *
like_macro(const struct collection *c, struct slice name, struct near *n)
{
	*n = near_to(name);
	for (const struct def_macro *m = c->macros; m != NULL; m = m->next)
		near_try(n, m->name.s);
	return near_hint(n);
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Can a condition refer to a macro of this name? */
static bool
is_ident(struct slice s)
{
	if (s.n == 0 || !is_alpha(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++) {
		if (!is_alpha(s.p[i]) && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '_')
			return false;
	}
	return true;
}

/* Parse a version; "12" is 0.12.0. false: invalid. */
static bool
parse_version(struct slice s, unsigned long v[3])
{
	size_t n = 0, i = 0;

	v[0] = v[1] = v[2] = 0;
	for (; n < 3; n++) {
		size_t start = i;

		for (; i < s.n && i - start < 9 && s.p[i] >= '0' && s.p[i] <= '9'; i++)
			v[n] = v[n] * 10 + (unsigned) (s.p[i] - '0');
		if (i == start)
			return false;
		if (i == s.n || s.p[i] != '.')
			break;
		i++;
	}
	if (n == 0 && i == s.n) {
		v[1] = v[0];
		v[0] = 0;
		return true;
	}
	return n == 2 && (i == s.n || s.p[i] == '-' || s.p[i] == '+');
}

/* Is version a newer than b? */
static bool
is_newer(const unsigned long a[3], const unsigned long b[3])
{
	if (a[0] != b[0])
		return a[0] > b[0];
	return a[1] != b[1] ? a[1] > b[1] : a[2] > b[2];
}

static int
read_engine_version(const struct item *it)
{
	static const char *const known[] = { "required_engine_version", NULL };
	unsigned long want[3], have[3];
	struct rtext t = { .s = { NULL, 0 } };
	int r = item_text(it, "required_engine_version", true, &t);

	if (r < 0)
		return r;
	if (!parse_version(t.s, want))
		return rule_fail(it->c, E_SHAPE, &t.at,
		    "Unable to parse engine version '%.100s' as a semver string. Expected "
		    "\"x.y.z\" semver "
		    "format.",
		    t.s.p);
	(void) parse_version(SLICE(FALCO_ENGINE_VERSION), have);
	if (want[0] != have[0] || is_newer(want, have))
		return rule_fail(it->c, E_VALIDATE, &t.at,
		    "Rules require engine version %lu.%lu.%lu, but engine version "
		    "is " FALCO_ENGINE_VERSION,
		    want[0], want[1], want[2]);
	if (is_newer(want, it->c->engine))
		memcpy(it->c->engine, want, sizeof(want));
	return item_warn_unknown(it, known);
}

/* Read one {name, version} of required_plugin_versions. */
static int
read_plugin(const struct item *it, struct def_plugin *ret)
{
	static const char *const known[] = { "name", "version", "alternatives", NULL };
	unsigned long v[3];
	int r = item_text(it, "name", true, &ret->name);

	if (r < 0)
		return r;
	r = item_text(it, "version", true, &ret->version);
	if (r < 0)
		return r;
	if (!parse_version(ret->version.s, v))
		return rule_fail(it->c, E_SHAPE, &ret->version.at,
		    "Unable to parse plugin version '%.100s' as a semver string. Expected "
		    "\"x.y.z\" semver "
		    "format.",
		    ret->version.s.p);
	return item_warn_unknown(it, known);
}

/* Read a sequence of plugin versions, and their alternatives. 'container' is built in, and a field
 * of another plugin is an unknown field, so nothing more is checked here. */
static int
read_plugins(const struct item *it, const char *key, struct def_plugin **list)
{
	yaml_node_t *n = item_get(it, key);
	struct rplace at = yaml_place(it->src, n);
	int r = 0;

	if (n->type != YAML_SEQUENCE_NODE)
		return rule_fail(
		    it->c, E_SHAPE, &at, "Mapping for key '%s' is not a sequence", key);
	while (*list != NULL)
		list = &(*list)->next;
	for (yaml_node_item_t *i = n->data.sequence.items.start;
	     r == 0 && i < n->data.sequence.items.top; i++, list = &(*list)->next) {
		struct item sub = { it->c, it->doc, yaml_document_get_node(it->doc, *i), it->src,
			it->at };

		sub.at = yaml_place(it->src, sub.map);
		if (sub.map->type != YAML_MAPPING_NODE)
			return rule_fail(it->c, E_SHAPE, &sub.at,
			    "Plugin version must be an object with "
			    "'name' and 'version'");
		*list = arena_alloc(it->c->a, sizeof(**list));
		if (*list == NULL)
			return -ENOMEM;
		r = read_plugin(&sub, *list);
		if (r == 0 && strcmp(key, "alternatives") != 0 && item_has(&sub, "alternatives"))
			r = read_plugins(&sub, "alternatives", &(*list)->alternatives);
	}
	return r;
}

static int
read_plugin_versions(const struct item *it)
{
	static const char *const known[] = { "required_plugin_versions", NULL };
	int r = read_plugins(it, "required_plugin_versions", &it->c->plugins);

	return r < 0 ? r : item_warn_unknown(it, known);
}

/* Does a list or macro item define, or append to the existing definition? */
static int
read_how(const struct item *it, const char *key, bool *append)
{
	struct override ov[] = { { key, false, OV_NONE } };
	bool any = false, deprecated = false;
	int r = read_append(it, &deprecated);

	if (r < 0)
		return r;
	r = read_override(it, ov, 1, &any);
	if (r < 0)
		return r;
	*append = deprecated || ov[0].op == OV_APPEND;
	return 0;
}

static int
read_list(const struct item *it)
{
	static const char *const known[] = { "list", "items", "append", "override", "shared",
		NULL };
	struct collection *c = it->c;
	struct rtext name = { .s = { NULL, 0 } };
	struct rtexts items = { NULL, 0, 0 };
	struct def_list *l;
	struct near near;
	bool append = false;
	int r = item_text(it, "list", true, &name);

	if (r < 0)
		return r;
	r = item_texts(it, "items", true, &items);
	if (r < 0)
		return r;
	r = read_how(it, "items", &append);
	if (r < 0)
		return r;
	l = find_list(c, name.s);
	if (l == NULL && append && is_broken(c, ITEM_LIST, name.s))
		return -EINVAL;
	if (l == NULL && append)
		return rule_fail(c, E_VALIDATE, &it->at,
		    "List uses 'append' or 'override.items: append' but "
		    "no list by that name already exists%s",
		    like_list(c, name.s, &near));
	if (strpbrk(name.s.p, "()\"' \t\r\n\b=,") != NULL) {
		r = rule_warn(c, W_LIST_NAME, &name.at,
		    "List has an invalid name. List names should match a "
		    "regular expression: ([^()\"'[:space:]=,]+)");
		if (r < 0)
			return r;
	}
	if (l == NULL) {
		l = arena_alloc(c->a, sizeof(*l));
		if (l == NULL)
			return -ENOMEM;
		l->index = c->next_index;
		*c->lists_end = l;
		c->lists_end = &l->next;
	}
	if (!append)
		l->items.n = 0;
	for (size_t i = 0; i < items.n; i++) {
		r = texts_add(c->a, &l->items, &items.v[i]);
		if (r < 0)
			return r;
	}
	l->name = name;
	l->stale = true;
	l->visibility = c->next_index++;
	r = item_bool(it, "shared", &l->shared);
	return r < 0 ? r : item_warn_unknown(it, known);
}

static int
read_macro(const struct item *it)
{
	static const char *const known[] = { "macro", "condition", "append", "override", "shared",
		NULL };
	struct collection *c = it->c;
	struct rtext name = { .s = { NULL, 0 } }, condition = { .s = { NULL, 0 } };
	struct def_macro *m;
	struct near near;
	bool append = false;
	int r = item_text(it, "macro", true, &name);

	if (r < 0)
		return r;
	r = item_text(it, "condition", true, &condition);
	if (r < 0)
		return r;
	r = read_how(it, "condition", &append);
	if (r < 0)
		return r;
	m = find_macro(c, name.s);
	if (m == NULL && append && is_broken(c, ITEM_MACRO, name.s))
		return -EINVAL;
	if (m == NULL && append)
		return rule_fail(c, E_VALIDATE, &it->at,
		    "Macro uses 'append' or 'override.condition: append' "
		    "but no macro by that name already exists%s",
		    like_macro(c, name.s, &near));
	if (!is_ident(name.s)) {
		r = rule_warn(c, W_MACRO_NAME, &name.at,
		    "Macro has an invalid name. Macro names should match "
		    "a regular expression: ([a-zA-Z]+[a-zA-Z0-9_]*)");
		if (r < 0)
			return r;
	}
	if (m == NULL) {
		m = arena_alloc(c->a, sizeof(*m));
		if (m == NULL)
			return -ENOMEM;
		m->index = c->next_index;
		*c->macros_end = m;
		c->macros_end = &m->next;
	}
	if (!append)
		m->condition.n = 0;
	r = texts_add(c->a, &m->condition, &condition);
	if (r < 0)
		return r;
	m->name = name;
	m->stale = !append || m->state != MACRO_BROKEN; /* else its error was reported */
	m->visibility = c->next_index++;
	r = item_bool(it, "shared", &m->shared);
	return r < 0 ? r : item_warn_unknown(it, known);
}

static const struct {
	const char *key;
	enum item_type what;
	int (*read)(const struct item *it);
} classes[] = {
	{ "required_engine_version", ITEM_NONE, read_engine_version },
	{ "required_plugin_versions", ITEM_NONE, read_plugin_versions },
	{ "list", ITEM_LIST, read_list },
	{ "macro", ITEM_MACRO, read_macro },
	{ "rule", ITEM_RULE, read_rule },
};

static int
read_item(struct item *it)
{
	struct collection *c = it->c;

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		yaml_node_t *n = item_get(it, classes[i].key);
		enum item_type what = classes[i].what;
		struct rtext name = { .s = { NULL, 0 } };
		int r;

		if (n == NULL)
			continue;
		if (what != ITEM_NONE && n->type == YAML_SCALAR_NODE) {
			name.s = slice_str((const char *) n->data.scalar.value);
			name.s.p = arena_strdup(c->a, name.s);
			if (name.s.p == NULL)
				return -ENOMEM;
			set_item(c, what, name.s);
		}
		r = classes[i].read(it);
		set_item(c, ITEM_NONE, SLICE(""));
		/* consequences of its error are not reported */
		if (r == -EINVAL && name.s.p != NULL &&
		    texts_add(c->a, &c->broken[what], &name) < 0)
			return -ENOMEM;
		return r;
	}
	return rule_warn(c, W_ITEM, &it->at, "Unknown top level item");
}

static int
read_document(struct collection *c, yaml_document_t *doc, const struct source *src)
{
	yaml_node_t *root = yaml_document_get_root_node(doc);
	struct rplace at = yaml_place(src, root);
	int r = 0;

	if (node_is_null(root))
		return 0;
	if (root->type != YAML_SEQUENCE_NODE)
		return rule_fail(c, E_SHAPE, &at, "Rules content is not yaml array of objects");
	for (yaml_node_item_t *i = root->data.sequence.items.start;
	     r != -ENOMEM && i < root->data.sequence.items.top; i++) {
		struct item it = { c, doc, yaml_document_get_node(doc, *i), src, { .src = src } };

		it.at = yaml_place(src, it.map);
		if (node_is_null(it.map))
			continue;
		if (it.map->type != YAML_MAPPING_NODE)
			r = rule_worse(r, rule_fail(c, E_SHAPE, &it.at,
					      "Unexpected element type. Each element should be a "
					      "yaml associative "
					      "array."));
		else
			r = rule_worse(r, read_item(&it));
	}
	return r;
}

int
collect_source(struct collection *c, const struct source *src)
{
	struct rule_file *file = NULL;
	yaml_parser_t parser;
	yaml_document_t doc;
	int r = rule_log_file(c->log, src->name, &file), all = 0;

	if (r < 0)
		return r;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *) src->text.p, src->text.n);
	do {
		r = yaml_next(c, &parser, src, &doc);
		if (r < 0)
			break;
		if (r > 0) {
			int e = check_schema(&doc, file);

			if (e == 0)
				e = read_document(c, &doc, src);
			all = rule_worse(all, e);
		}
		yaml_document_delete(&doc);
	} while (r > 0 && all != -ENOMEM);
	yaml_parser_delete(&parser);
	return rule_worse(all, MIN(r, 0));
}
