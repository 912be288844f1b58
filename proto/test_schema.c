/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/schema.h"
#include "proto/wire.h"
#include "tests/support/test.h"
#include <errno.h>

static void
table(void **state)
{
	size_t captured = 0, found = 0;

	(void) state;
	assert_int_equal(201, schema_nevents);
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];

		assert_ptr_equal(s, schema_get(s->num));
		assert_true(i == 0 || s->num > s[-1].num);
		assert_true(s->nargs <= s->nparams && s->nparams <= EV_PARAM_MAX);
		captured += s->capture != CAP_NOT;
		for (unsigned k = 0; k < s->nparams; k++) {
			const struct ev_param *p = &s->params[k];

			assert_int_equal(k >= s->nargs, p->extra);
			assert_non_null(p->names);
			if (!p->extra)
				assert_int_equal(k, schema_param(s, slice_str(p->name)));
			else
				assert_int_equal(-ENOENT, schema_param(s, slice_str(p->name)));
		}
	}
	for (uint32_t num = 0; num < 2 * EV_TYPE_MAX; num++)
		found += schema_get(num) != NULL;
	assert_int_equal(schema_nevents, found);
	assert_true(captured >= 30);
}

static const struct {
	const char *name;
	unsigned num, param;
	const char *arg;
	enum ev_ptype type;
	enum ev_pfmt fmt;
} param_cases[] = {
	{ "open", EV_OPEN, 1, "name", PT_FSPATH, PF_NA },
	{ "openat", EV_OPENAT, 3, "flags", PT_FLAGS32, PF_HEX },
	{ "connect", EV_CONNECT, 0, "res", PT_ERRNO, PF_DEC },
	{ "execve", EV_EXECVE, 2, "args", PT_BYTEBUF, PF_NA },
	{ "linkat", EV_LINKAT, 2, "oldpath", PT_FSRELPATH, PF_NA },
};

static void
params(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(param_cases); i++) {
		const struct ev_schema *s = schema_get(param_cases[i].num);

		assert_non_null(s);
		assert_string_equal(param_cases[i].name, s->name);
		assert_string_equal(param_cases[i].arg, s->params[param_cases[i].param].name);
		assert_int_equal(param_cases[i].type, s->params[param_cases[i].param].type);
		assert_int_equal(param_cases[i].fmt, s->params[param_cases[i].param].fmt);
	}
}

/* An enter and an exit event share a name. */
static void
by_name(void **state)
{
	const struct ev_schema *a = schema_by_name(SLICE("open"), 0),
			       *b = schema_by_name(SLICE("open"), 1);

	(void) state;
	assert_int_equal(EV_OPEN_E, a->num);
	assert_int_equal(EV_OPEN, b->num);
	assert_null(schema_by_name(SLICE("open"), 2));
	assert_null(schema_by_name(SLICE("ope"), 0));
	assert_null(schema_by_name(SLICE(""), 0));
	assert_int_equal(-ENOENT, schema_param(b, SLICE("nam")));
}

static void
words(void **state)
{
	const struct ev_schema *s = schema_get(EV_OPEN);
	const struct ev_names *names = s->params[2].names;

	(void) state;
	assert_true(names->n > 10);
	for (size_t i = 0; i < names->n; i++) {
		if (strcmp(names->v[i].name, "O_CREAT") == 0) {
			assert_int_equal(4, names->v[i].value);
			return;
		}
	}
	fail_msg("no O_CREAT");
}

/* The signed text of a Proof is part of the protocol. */
static void
proof_text(void **state)
{
	struct buf b = BUF_INIT;

	(void) state;
	assert_int_equal(
	    0, wire_proof_text(SLICE("\1\0\2"), SLICE("node"), SLICE(""), SLICE("c"), &b));
	assert_int_equal(4 + 12 + 4 + 3 + 4 + 4 + 4 + 4 + 1, b.n);
	assert_memory_equal(
	    "\0\0\0\14mews-proof-1\0\0\0\3\1\0\2\0\0\0\4node\0\0\0\0\0\0\0\1c", b.p, b.n);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(params),
		cmocka_unit_test(by_name),
		cmocka_unit_test(words),
		cmocka_unit_test(proof_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
