/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/string_list.h"
#include "common/macros.h"
#include <string.h>

#define ARGS_END   1024 /* bytes for the end of the list */
#define ARGS_LEAST 128  /* a string begins only with this much room, unless all the rest fits */

/* The size of the first string, including its NUL if it has one. */
static size_t
string_size(struct slice list)
{
	size_t n = strnlen(list.p, list.n);

	return MIN(n + 1, list.n);
}

static struct slice
after(struct slice list, size_t n)
{
	return (struct slice){ list.p + n, list.n - n };
}

size_t
args_cut(struct slice list, bool whole, char out[EV_TEXT_MAX])
{
	bool inside = false; /* list begins within a string */
	size_t n = 0;

	while (list.n > EV_TEXT_MAX - n && n <= EV_TEXT_MAX - ARGS_END - ARGS_LEAST) {
		size_t room = EV_TEXT_MAX - ARGS_END - n, size = string_size(list);
		size_t kept = size < room ? size : room / 2;

		memcpy(out + n, list.p, kept);
		n += kept;
		if (kept < size)
			out[n - 1] = '\0';
		inside = kept < size && size == list.n; /* the last string: keep its end too */
		list = after(list, inside ? kept - 1 : size);
		if (inside)
			break;
	}
	if (list.n > EV_TEXT_MAX - n) {
		list = after(list, list.n - (EV_TEXT_MAX - n));
		inside = true;
	}
	if (whole && inside)
		list = after(list, string_size(list));
	memcpy(out + n, list.p, list.n);
	return n + list.n;
}
