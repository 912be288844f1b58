/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_redacted.c - constants that are compared with values which sensors replace: secrets in
 * arguments and environments (proto/redact.h).
 */
#include "collector/filter/filter_prog.h"
#include "proto/redact.h"
#include <string.h>

#define HINT                                                                                  \
	", so this never matches; compare the name before it, or leave the pattern out with " \
	"redact.patterns on the sensors"

static bool
is_parameter(const struct field_ref *f)
{
	return f->param != NULL &&
	       (strcmp(f->param->name, "args") == 0 || strcmp(f->param->name, "env") == 0 ||
		   strcmp(f->param->name, "argv") == 0);
}

bool
redacted_field(const struct field_ref *f)
{
	return (f->field->flags & FF_SECRETS) != 0 || is_parameter(f);
}

const char *
redacted_constant(const struct redact *r, const struct field_ref *f, struct slice text)
{
	struct redact_edit v[REDACT_MAX];

	if (text.n == 0 || memmem(text.p, text.n, REDACT_MARK, sizeof(REDACT_MARK) - 1) != NULL)
		return NULL;
	if (f->key.p != NULL && redact_is_secret(r, f->key))
		return "sensors replace the value of that variable by " REDACT_MARK HINT;
	if (redact_is_token(r, text))
		return "sensors replace words that begin so by " REDACT_MARK HINT;
	if (redact_find(r, text, REDACT_TEXT, SLICE(""), v) > 0)
		return "sensors replace its secret by " REDACT_MARK HINT;
	return NULL;
}
