/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field_mews.c - mews.*: the fields that Falco does not have.
 *
 * Falco's own fields keep Falco's values; what Mews knows beyond them stands here.
 */
#include "collector/filter/field_int.h"

/* A mark that the capture set on the event: 'a' is EVF_*. */
int
get_mews_mark(const struct fget *g)
{
	return put_bool(g, (g->v->ev->flags & (uint32_t) g->a) != 0);
}
