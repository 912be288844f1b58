/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_schema.c - check a file against the schema of rule files. Never fatal: loading has its own
 * errors and warnings, and accepts more ("priority: info").
 */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum shape {
	TEXT,
	BOOL,
	NUMBER,
	TEXTS, /* a list of texts */
	ANY,
	OBJECT,
	OBJECTS, /* a list of objects */
	WORD,    /* one of 'words' */
};

struct key_shape {
	const char *key; /* NULL: end of the table */
	enum shape shape;
	const struct key_shape *in; /* of objects */
	const char *const *words;
};

static const char *const priorities[] = { "EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING",
	"NOTICE", "INFO", "INFORMATIONAL", "DEBUG", NULL };
static const char *const operations[] = { "append", "replace", NULL };

#define OPERATION(key)                      \
	{                                   \
		key, WORD, NULL, operations \
	}
static const struct key_shape overrides[] = { OPERATION("items"), OPERATION("desc"),
	OPERATION("condition"), OPERATION("output"), OPERATION("priority"), OPERATION("enabled"),
	OPERATION("exceptions"), OPERATION("capture"), OPERATION("capture_duration"),
	OPERATION("tags"), OPERATION("warn_evttypes"), OPERATION("skip-if-unknown-filter"),
	{ NULL, ANY, NULL, NULL } };
#undef OPERATION

static const struct key_shape exceptions[] = { { "name", TEXT, NULL, NULL },
	{ "fields", ANY, NULL, NULL }, { "comps", ANY, NULL, NULL }, { "values", ANY, NULL, NULL },
	{ NULL, ANY, NULL, NULL } };

static const struct key_shape alternatives[] = { { "name", TEXT, NULL, NULL },
	{ "version", TEXT, NULL, NULL }, { NULL, ANY, NULL, NULL } };

static const struct key_shape plugins[] = { { "name", TEXT, NULL, NULL },
	{ "version", TEXT, NULL, NULL }, { "alternatives", OBJECTS, alternatives, NULL },
	{ NULL, ANY, NULL, NULL } };

static const struct key_shape items[] = { { "required_engine_version", TEXT, NULL, NULL },
	{ "required_plugin_versions", OBJECTS, plugins, NULL }, { "list", TEXT, NULL, NULL },
	{ "items", TEXTS, NULL, NULL }, { "macro", TEXT, NULL, NULL }, { "rule", TEXT, NULL, NULL },
	{ "condition", TEXT, NULL, NULL }, { "output", TEXT, NULL, NULL },
	{ "desc", TEXT, NULL, NULL }, { "priority", WORD, NULL, priorities },
	{ "source", TEXT, NULL, NULL }, { "enabled", BOOL, NULL, NULL },
	{ "tags", TEXTS, NULL, NULL }, { "warn_evttypes", BOOL, NULL, NULL },
	{ "skip-if-unknown-filter", BOOL, NULL, NULL }, { "capture", BOOL, NULL, NULL },
	{ "capture_duration", NUMBER, NULL, NULL }, { "exceptions", OBJECTS, exceptions, NULL },
	{ "append", BOOL, NULL, NULL }, { "shared", BOOL, NULL, NULL },
	{ "override", OBJECT, overrides, NULL }, { NULL, ANY, NULL, NULL } };

struct checking {
	yaml_document_t *doc;
	struct rule_file *file;
	int r;
};

static void
finding(struct checking *k, const char *path, const char *what, const char *which)
{
	char text[512];

	(void) snprintf(text, sizeof(text), "%.200s: %s%s%.200s%s", path, what,
	    which[0] == '\0' ? "" : " '", which, which[0] == '\0' ? "" : "'");
	if (k->r == 0)
		k->r = rule_file_warn(k->file, text);
}

static const char *
scalar(const yaml_node_t *n)
{
	return n->type == YAML_SCALAR_NODE ? (const char *) n->data.scalar.value : NULL;
}

static bool
is_word(const char *const *words, const char *s)
{
	for (; *words != NULL; words++) {
		if (strcmp(*words, s) == 0)
			return true;
	}
	return false;
}

static bool
is_number(const char *s)
{
	return s[0] != '\0' && s[strspn(s, "0123456789")] == '\0';
}

static bool
is_texts(const struct checking *k, const yaml_node_t *n)
{
	if (n->type != YAML_SEQUENCE_NODE)
		return false;
	for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top;
	     i++) {
		if (scalar(yaml_document_get_node(k->doc, *i)) == NULL)
			return false;
	}
	return true;
}

static bool
fits(const struct checking *k, const yaml_node_t *n, const struct key_shape *s)
{
	const char *text = scalar(n);
	bool b;

	switch (s->shape) {
	case TEXT:
		return text != NULL;
	case BOOL:
		return text != NULL && parse_bool(slice_str(text), &b);
	case NUMBER:
		return text != NULL && is_number(text);
	case TEXTS:
		return is_texts(k, n);
	case WORD:
		return text != NULL && is_word(s->words, text);
	case OBJECT:
		return n->type == YAML_MAPPING_NODE;
	case OBJECTS:
		return n->type == YAML_SEQUENCE_NODE;
	case ANY:
		break;
	}
	return true;
}

static void check_objects(
    struct checking *k, const yaml_node_t *n, const struct key_shape *in, const char *path);

static void
check_object(struct checking *k, const yaml_node_t *n, const struct key_shape *in, const char *path)
{
	char deeper[256];

	if (n->type != YAML_MAPPING_NODE) {
		finding(k, path, "it is not a mapping", "");
		return;
	}
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
	     p++) {
		const char *key = scalar(yaml_document_get_node(k->doc, p->key));
		yaml_node_t *v = yaml_document_get_node(k->doc, p->value);
		const struct key_shape *s = in;

		while (s->key != NULL && (key == NULL || strcmp(s->key, key) != 0))
			s++;
		if (s->key == NULL) {
			finding(k, path, "there is no such key:", key == NULL ? "?" : key);
			continue;
		}
		(void) snprintf(deeper, sizeof(deeper), "%.120s[%.100s]", path, key);
		if (!fits(k, v, s))
			finding(k, deeper, "it is not of the right kind", "");
		else if (s->shape == OBJECT)
			check_object(k, v, s->in, deeper);
		else if (s->shape == OBJECTS)
			check_objects(k, v, s->in, deeper);
	}
}

static void
check_objects(
    struct checking *k, const yaml_node_t *n, const struct key_shape *in, const char *path)
{
	char deeper[256];
	size_t i = 0;

	for (yaml_node_item_t *e = n->data.sequence.items.start; e < n->data.sequence.items.top;
	     e++, i++) {
		const yaml_node_t *v = yaml_document_get_node(k->doc, *e);

		(void) snprintf(deeper, sizeof(deeper), "%.200s[%zu]", path, i);
		if (!node_is_null(v))
			check_object(k, v, in, deeper);
	}
}

int
check_schema(yaml_document_t *doc, struct rule_file *file)
{
	const yaml_node_t *root = yaml_document_get_root_node(doc);
	struct checking k = { doc, file, 0 };

	if (node_is_null(root))
		return 0;
	if (file->schema == SCHEMA_NONE)
		file->schema = SCHEMA_VALID;
	if (root->type == YAML_SEQUENCE_NODE)
		check_objects(&k, root, items, "<root>");
	else
		finding(&k, "<root>", "it is not a list", "");
	return k.r;
}
