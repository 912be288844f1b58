/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <string.h>

int
read_append(const struct item *it, bool *ret)
{
	yaml_node_t *n = item_get(it, "append");
	struct rplace at;
	int r;

	if (n == NULL)
		return 0;
	r = item_bool(it, "append", ret);
	if (r < 0 || !*ret)
		return r;
	at = yaml_place(it->src, n);
	if (item_has(it, "override"))
		return rule_fail(it->c, E_SHAPE, &at,
		    "Keys 'override' and 'append: true' cannot be used "
		    "together. Add an 'append' entry (e.g. 'condition: append') under override "
		    "instead.");
	return rule_warn(it->c, W_DEPRECATED, &at,
	    "'append' key is deprecated. Add an 'append' entry (e.g. "
	    "'condition: append') under 'override' instead.");
}

/* Read one "key: operation" of an override. */
static int
read_entry(
    const struct item *it, const yaml_node_t *k, const yaml_node_t *o, struct override *v, size_t n)
{
	const char *key = k->type == YAML_SCALAR_NODE ? (const char *) k->data.scalar.value : "?";
	const char *op = o->type == YAML_SCALAR_NODE ? (const char *) o->data.scalar.value : "?";
	struct rplace at = yaml_place(it->src, k), op_at = yaml_place(it->src, o);
	bool append = strcmp(op, "append") == 0;

	if (!append && strcmp(op, "replace") != 0)
		return rule_fail(it->c, E_SHAPE, &op_at,
		    "Invalid override operation for key '%.100s': '%.100s' is neither append nor "
		    "replace",
		    key, op);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].key, key) != 0 || (append && v[i].replace_only))
			continue;
		if (!item_has(it, key))
			return rule_fail(it->c, E_SHAPE, &at,
			    "An %s override for '%.100s' was specified but '%.100s' is not defined",
			    op, key, key);
		v[i].op = append ? OV_APPEND : OV_REPLACE;
		return 0;
	}
	return rule_fail(it->c, E_SHAPE, &op_at, "Key '%.100s' cannot be %s", key,
	    append ? "appended to, use 'replace' instead" : "replaced");
}

int
read_override(const struct item *it, struct override *v, size_t n, bool *any)
{
	yaml_node_t *map = item_get(it, "override");
	struct rplace at;
	int r;

	*any = map != NULL;
	if (map == NULL)
		return 0;
	at = yaml_place(it->src, map);
	if (map->type != YAML_MAPPING_NODE)
		return rule_fail(
		    it->c, E_SHAPE, &at, "'override' must map keys to 'append' or to 'replace'");
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
	     p++) {
		r = read_entry(it, yaml_document_get_node(it->doc, p->key),
		    yaml_document_get_node(it->doc, p->value), v, n);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < n; i++) {
		if (v[i].op != OV_NONE || !item_has(it, v[i].key))
			continue;
		at = yaml_place(it->src, item_get(it, v[i].key));
		return rule_fail(it->c, E_SHAPE, &at,
		    "Unexpected key '%s': no corresponding entry under 'override' is defined.",
		    v[i].key);
	}
	return 0;
}
