/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include "common/array.h"
#include <errno.h>
#include <string.h>
#include <strings.h>

bool
node_is_null(const yaml_node_t *n)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };

	if (n->type != YAML_SCALAR_NODE || n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++) {
		if (strcmp((const char *) n->data.scalar.value, nulls[i]) == 0)
			return true;
	}
	return false;
}

yaml_node_t *
item_get(const struct item *it, const char *key)
{
	yaml_node_pair_t *p = it->map->data.mapping.pairs.start;

	for (; p < it->map->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(it->doc, p->key);

		if (k->type == YAML_SCALAR_NODE &&
		    strcmp((const char *) k->data.scalar.value, key) == 0)
			return yaml_document_get_node(it->doc, p->value);
	}
	return NULL;
}

bool
item_has(const struct item *it, const char *key)
{
	return item_get(it, key) != NULL;
}

int
node_text(const struct item *it, const yaml_node_t *n, struct rtext *ret)
{
	struct slice s = { (const char *) n->data.scalar.value, n->data.scalar.length };
	struct rtext t = { .at = yaml_place(it->src, n) };

	if (memchr(s.p, '\0', s.n) != NULL)
		return rule_fail(it->c, E_SHAPE, &t.at, "A text may not hold a NUL byte");
	t.s.p = arena_strdup(it->c->a, s);
	if (t.s.p == NULL)
		return -ENOMEM;
	t.s.n = s.n;
	*ret = t;
	return 0;
}

/* Get the key's node and its place; NULL and 0 if it may be missing and is. */
static int
need_node(const struct item *it, const char *key, bool need, yaml_node_type_t type,
    yaml_node_t **ret, struct rplace *at)
{
	yaml_node_t *n = item_get(it, key);

	*ret = n;
	if (n == NULL && need)
		return rule_fail(it->c, E_SHAPE, &it->at, "Item has no mapping for key '%s'", key);
	if (n == NULL)
		return 0;
	*at = yaml_place(it->src, n);
	if (node_is_null(n))
		return rule_fail(it->c, E_SHAPE, at, "Mapping for key '%s' is empty", key);
	if (n->type != type)
		return rule_fail(it->c, E_SHAPE, at, "Mapping for key '%s' is not a %s", key,
		    type == YAML_SCALAR_NODE ? "scalar value" : "sequence");
	return 0;
}

int
item_text(const struct item *it, const char *key, bool need, struct rtext *ret)
{
	yaml_node_t *n = NULL;
	struct rplace at;
	int r = need_node(it, key, need, YAML_SCALAR_NODE, &n, &at);

	if (r < 0 || n == NULL)
		return r;
	if (n->data.scalar.length == 0)
		return rule_fail(it->c, E_SHAPE, &at, "Mapping for key '%s' is empty", key);
	return node_text(it, n, ret);
}

bool
parse_bool(struct slice s, bool *ret)
{
	static const char *const words[][2] = { { "false", "true" }, { "no", "yes" },
		{ "off", "on" }, { "n", "y" } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (int b = 0; b < 2; b++) {
			if (s.n == strlen(words[i][b]) && strncasecmp(s.p, words[i][b], s.n) == 0) {
				*ret = b == 1;
				return true;
			}
		}
	}
	return false;
}

int
item_bool(const struct item *it, const char *key, bool *ret)
{
	struct rtext t = { .s = { NULL, 0 } };
	int r = item_text(it, key, false, &t);

	if (r < 0 || t.s.p == NULL)
		return r;
	if (!parse_bool(t.s, ret))
		return rule_fail(it->c, E_SHAPE, &t.at,
		    "Can't decode YAML scalar value of key '%s': true or "
		    "false is expected",
		    key);
	return 0;
}

int
texts_add(struct arena *a, struct rtexts *t, const struct rtext *x)
{
	if (ARENA_RESERVE(a, t->v, t->n, 1, t->cap) < 0)
		return -ENOMEM;
	t->v[t->n++] = *x;
	return 0;
}

int
texts_join(struct arena *a, const struct rtexts *t, const char **ret)
{
	size_t n = 0;
	char *p, *at;

	for (size_t i = 0; i < t->n; i++)
		n += t->v[i].s.n + 1;
	p = at = arena_alloc(a, n + 1);
	if (p == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		if (i > 0)
			*at++ = ' ';
		memcpy(at, t->v[i].s.p, t->v[i].s.n);
		at += t->v[i].s.n;
	}
	*at = '\0';
	*ret = p;
	return 0;
}

int
item_texts(const struct item *it, const char *key, bool need, struct rtexts *ret)
{
	yaml_node_t *n = NULL;
	struct rplace at;
	int r = need_node(it, key, need, YAML_SEQUENCE_NODE, &n, &at);

	if (r < 0 || n == NULL)
		return r;
	for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top;
	     i++) {
		yaml_node_t *e = yaml_document_get_node(it->doc, *i);
		struct rtext t;

		at = yaml_place(it->src, e);
		if (e->type != YAML_SCALAR_NODE || node_is_null(e))
			return rule_fail(it->c, E_SHAPE, &at,
			    "An element of key '%s' is not a scalar value", key);
		if (++it->c->nitems > RULE_ITEMS_MAX)
			return rule_fail(it->c, E_VALIDATE, &at,
			    "The rule files hold more than %d items of "
			    "lists, tags and exceptions",
			    RULE_ITEMS_MAX);
		r = node_text(it, e, &t);
		if (r < 0)
			return r;
		r = texts_add(it->c->a, ret, &t);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool
is_known(const char *const *known, const char *key)
{
	for (; *known != NULL; known++) {
		if (strcmp(*known, key) == 0)
			return true;
	}
	return false;
}

int
item_warn_unknown(const struct item *it, const char *const *known)
{
	yaml_node_pair_t *p = it->map->data.mapping.pairs.start;

	for (; p < it->map->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(it->doc, p->key);
		struct rplace at = yaml_place(it->src, k);
		const char *key =
		    k->type == YAML_SCALAR_NODE ? (const char *) k->data.scalar.value : "?";
		int r;

		if (is_known(known, key))
			continue;
		r = rule_warn(
		    it->c, W_KEY, &at, "Unknown key '%.200s'. The key will be ignored.", key);
		if (r < 0)
			return r;
	}
	return 0;
}
