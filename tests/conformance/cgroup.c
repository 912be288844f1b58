/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.c - "cgroup": a path, "match" whether it is a container's, "id" its id. */
#include "common/container_id.h"
#include "tests/conformance/conform.h"

bool
cgroup_case(const json_t *j, struct buf *why)
{
	CLEANUP(buf_fini) struct buf list = BUF_INIT;
	const json_t *want = json_object_get(j, "id");
	struct slice id;

	buf_printf(&list, "cpu=%s", str(j, "cgroup"));
	buf_char(&list, '\0');
	id = container_id_of(buf_get(&list));
	if (id.p == NULL)
		buf_str(why, "none");
	else
		buf_printf(why, "the id is %.*s", SLICE_ARG(id));
	if ((id.p != NULL) != is_true(j, "match"))
		return false;
	if (id.p == NULL)
		return json_is_null(want);
	return json_is_string(want) && slice_eq(id, slice_str(json_string_value(want)));
}
