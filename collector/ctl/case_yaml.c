/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/case_file_int.h"
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static yaml_node_t *
node_at(struct reader *r, int item)
{
	return yaml_document_get_node(&r->doc, item);
}

struct slice
scalar(const yaml_node_t *n)
{
	if (n->type != YAML_SCALAR_NODE)
		return (struct slice){ NULL, 0 };
	return (struct slice){ (const char *) n->data.scalar.value, n->data.scalar.length };
}

bool
is_null(const yaml_node_t *n)
{
	struct slice s = scalar(n);

	return s.p != NULL && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (slice_eq(s, SLICE("null")) || slice_eq(s, SLICE("~")));
}

size_t
npairs(const yaml_node_t *n)
{
	return (size_t) (n->data.mapping.pairs.top - n->data.mapping.pairs.start);
}

size_t
nitems(const yaml_node_t *n)
{
	return (size_t) (n->data.sequence.items.top - n->data.sequence.items.start);
}

yaml_node_t *
item(struct reader *r, const yaml_node_t *n, size_t i)
{
	return node_at(r, n->data.sequence.items.start[i]);
}

struct slice
pair(struct reader *r, const yaml_node_t *n, size_t i, yaml_node_t **value)
{
	yaml_node_pair_t *p = &n->data.mapping.pairs.start[i];

	*value = node_at(r, p->value);
	return scalar(node_at(r, p->key));
}

yaml_node_t *
get(struct reader *r, const yaml_node_t *n, const char *key)
{
	yaml_node_t *v;

	for (size_t i = 0; i < npairs(n); i++) {
		if (slice_eq(pair(r, n, i, &v), slice_str(key)))
			return v;
	}
	return NULL;
}

int
want_map(struct reader *r, const yaml_node_t *n, const char *what, const char *const *keys)
{
	yaml_node_t *v;

	if (n->type != YAML_MAPPING_NODE)
		return read_fail(r, n, "%s is a mapping", what);
	for (size_t i = 0; keys != NULL && i < npairs(n); i++) {
		struct slice key = pair(r, n, i, &v);
		size_t k = 0;

		while (keys[k] != NULL && !slice_eq(key, slice_str(keys[k])))
			k++;
		if (keys[k] == NULL)
			return read_fail(r, v, "%s has no '%.*s'", what, SLICE_ARG(key));
	}
	return 0;
}

int
want_list(struct reader *r, const yaml_node_t *n, const char *what)
{
	return n->type == YAML_SEQUENCE_NODE ? 0 : read_fail(r, n, "%s is a list", what);
}

int
want_text(struct reader *r, const yaml_node_t *n, const char *what, const char **ret)
{
	struct slice s = scalar(n);

	if (s.p == NULL)
		return read_fail(r, n, "%s is a text", what);
	*ret = arena_strdup(&r->file->a, s);
	return *ret == NULL ? -ENOMEM : 0;
}

int
want_number(struct reader *r, const yaml_node_t *n, const char *what, uint32_t *ret)
{
	struct slice s = scalar(n);
	char *end = NULL;

	if (s.p == NULL || s.n == 0 || !isdigit((unsigned char) s.p[0]))
		return read_fail(r, n, "%s is a number", what);
	*ret = (uint32_t) strtoul(s.p, &end, 10);
	return *end == '\0' ? 0 : read_fail(r, n, "%s is a number", what);
}
