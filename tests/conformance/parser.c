/* SPDX-License-Identifier: Apache-2.0 */
/* parser.c - "parse": "in" the text, "r" whether it is accepted, "ast" its canonical text, or
 * "err". */
#include "collector/filter/filter.h"
#include "tests/conformance/conform.h"
#include <errno.h>
#include <stdlib.h>

bool
parse_case(const json_t *j, struct buf *why)
{
	CLEANUP(arena_fini) struct arena a;
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	const json_t *ast = json_object_get(j, "ast");
	struct expr *e = NULL;
	struct diag d = { 0 };
	int r;

	arena_init(&a, 0);
	r = expr_parse(slice_str(str(j, "in")), &a, &e, &d);
	if (r == -ENOMEM)
		abort();
	if ((r == 0) != is_true(j, "r")) {
		buf_str(why, r == 0 ? "accepted" : d.msg);
		return false;
	}
	if (r < 0) {
		buf_printf(why, "%u:%u: %s", d.line, d.col, d.msg);
		return d.line > 0 && d.col > 0 && same_message(d.msg, str(j, "err"));
	}
	expr_print(e, &out);
	buf_printf(why, "the tree is %s", out.p);
	return json_is_string(ast) && slice_eq(buf_get(&out), slice_str(json_string_value(ast)));
}
