/* SPDX-License-Identifier: Apache-2.0 */
/* shape_int.h - shared by shape*.c only. */
#ifndef MEWS_COLLECTOR_OUTPUT_SHAPE_INT_H
#define MEWS_COLLECTOR_OUTPUT_SHAPE_INT_H

#include "collector/output/shape.h"
#include "common/macros.h"
#include "common/slice.h"
#include <jansson.h>

enum shape_kind {
	SHAPE_TEXT,
	SHAPE_NUMBER,
	SHAPE_ID,
	SHAPE_PATH,
	SHAPE_ADDRESS,
	SHAPE_CONTAINER,
	SHAPE_TIME,
};
enum shape_place { IN_OCSF, IN_ECS, IN_CEF, IN_LEEF, SHAPES };

/* A row of shape_fields.def. */
struct shape_field {
	const char *name;
	enum shape_kind kind;
	const char *place[SHAPES];
};
extern const struct shape_field shape_fields[];
extern const size_t shape_nfields;

/* An alert being shaped. */
struct shape {
	const struct alert *a;
	json_t *root;        /* its JSON, or NULL; borrowed from here: */
	json_t *fields;      /* output_fields, or NULL */
	json_t *tags;        /* or NULL */
	struct slice output; /* without Falco's prefix */
	json_t *out;         /* of shapes that are JSON */
	bool failed;         /* no memory */
};

void shape_init(struct shape *s, const struct alert *a);
void shape_fini(struct shape *s);

/* The alert's value of a field if it has one that fits the field's kind, else NULL. Borrowed. */
const json_t *shape_value(const struct shape *s, const struct shape_field *f);

/* A JSON string of a text that may not be UTF-8; what is not becomes U+FFFD. NULL: no memory. */
json_t *shape_text(struct slice text);

/* Put a value at a path such as "evidences[].process.pid" of 'out', and make what leads there. A
 * place that has a value keeps it. Takes the reference; NULL: no memory. */
void shape_put(struct shape *s, const char *path, json_t *value);
/* What is there, or NULL; borrowed. */
json_t *shape_get(const struct shape *s, const char *path);

/* MITRE ATT&CK, from a tag of a rule: "T1059.004" or "mitre_execution". */
struct shape_attack {
	char technique[8], sub[16];       /* "T1059", "T1059.004"; or "" */
	const char *tactic, *tactic_name; /* "TA0002", "Execution"; or NULL */
};
bool shape_attack(const char *tag, struct shape_attack *ret);

/* Append 'out' as JSON that is safe on a terminal. */
void shape_dump(struct shape *s, struct buf *b);

#endif
