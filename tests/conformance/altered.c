/* SPDX-License-Identifier: Apache-2.0 */
/* altered.c - alter a case's expectations, one value at a time: each time it must fail. */
#include "tests/conformance/conform.h"
#include <stdlib.h>

/* The keys that hold expectations, and keys below them that are not compared. */
static const char *const expecting[] = { "r", "ast", "err", "warnings", "warning_msgs", "ok",
	"result", "rules", "match", "id" };
static const char *const told[] = { "name", "schema_warnings", "codedesc", "context",
	"deprecated_field" };

struct altering {
	json_t *copy; /* of the whole case */
	case_fn *holds;
	struct buf *unnoticed; /* paths of values that can be altered without a failure */
	size_t n;
};

static bool
among(const char *const *v, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i], key) == 0)
			return true;
	}
	return false;
}

/* Another value of the same kind. */
static json_t *
other(const json_t *v)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	if (json_is_boolean(v))
		return json_boolean(!json_is_true(v));
	if (json_is_integer(v))
		return json_integer(json_integer_value(v) + 1);
	if (json_is_string(v))
		buf_add(&b, json_string_value(v), json_string_length(v));
	buf_char(&b, '~');
	return json_stringn(b.p, b.n);
}

static void
try_it(struct altering *a, const char *path)
{
	CLEANUP(buf_fini) struct buf why = BUF_INIT;

	a->n++;
	if (a->holds(a->copy, &why))
		buf_printf(a->unnoticed, " %s", path);
}

static void alter(struct altering *a, json_t *v, const char *path);

static void
alter_key(struct altering *a, json_t *object, const char *key, const char *path)
{
	json_t *v = json_object_get(object, key), *kept = json_incref(v);
	char deeper[256];

	(void) snprintf(deeper, sizeof(deeper), "%.120s.%.100s", path, key);
	if (json_is_object(v) || json_is_array(v)) {
		alter(a, v, deeper);
	} else {
		(void) json_object_set_new(object, key, other(v));
		try_it(a, deeper);
		(void) json_object_set(object, key, kept);
	}
	json_decref(kept);
}

static void
alter_element(struct altering *a, json_t *array, size_t i, const char *path)
{
	json_t *v = json_array_get(array, i), *kept = json_incref(v);

	if (json_is_object(v)) {
		alter(a, v, path);
	} else {
		(void) json_array_set_new(array, i, other(v));
		try_it(a, path);
		(void) json_array_set(array, i, kept);
	}
	json_decref(kept);
}

/* Alter every value of an object or an array; an array also by removing an element. */
static void
alter(struct altering *a, json_t *v, const char *path)
{
	bool result = strncmp(path, ".result", 7) == 0;
	const char *key;
	json_t *e;
	void *next;

	json_object_foreach_safe(v, next, key, e)
	{
		if (!result || !among(told, ARRAY_SIZE(told), key))
			alter_key(a, v, key, path);
	}
	for (size_t i = 0; i < json_array_size(v); i++)
		alter_element(a, v, i, path);
	if (json_array_size(v) == 0)
		return;
	e = json_incref(json_array_get(v, json_array_size(v) - 1));
	(void) json_array_remove(v, json_array_size(v) - 1);
	try_it(a, path);
	(void) json_array_append_new(v, e);
}

size_t
alter_case(const json_t *j, case_fn *holds, struct buf *unnoticed)
{
	struct altering a = { json_deep_copy(j), holds, unnoticed, 0 };

	if (a.copy == NULL)
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(expecting); i++) {
		if (json_object_get(a.copy, expecting[i]) != NULL)
			alter_key(&a, a.copy, expecting[i], "");
	}
	json_decref(a.copy);
	return a.n;
}
