/* SPDX-License-Identifier: Apache-2.0 */
/* template_value.h - what a template's '%alert.NAME' stands for; for template.c only. */
#ifndef MEWS_COLLECTOR_OUTPUT_TEMPLATE_VALUE_H
#define MEWS_COLLECTOR_OUTPUT_TEMPLATE_VALUE_H

#include "collector/alert/alert.h"
#include "collector/output/repeats.h"
#include "common/buf.h"
#include "common/slice.h"
#include <jansson.h>

/* What a value is before it is escaped: a text, or JSON as it stands. */
struct value {
	struct slice text;
	bool raw;  /* a number, or the alert's JSON */
	bool ours; /* not from an event: not escaped for the reader */
};

/* The alert under way. */
struct fill {
	const struct alert *a;
	struct slice json;
	struct repeats repeats; /* of a value that is parsed */
	json_t *root;
	struct buf scratch;
	bool lacks; /* an output field is absent or empty */
};

struct builtin {
	const char *name;
	struct value (*get)(struct fill *f); /* borrowed until the next call with 'f' */
	bool parsed;                         /* needs the alert's JSON as an object */
};

/* By its name, "alert.rule", or NULL. */
const struct builtin *template_builtin(const char *name);

#endif
