/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field_bind.h"
#include <stdlib.h>

static const struct call {
	const char *name;
	int number;
} calls[] = {
#define SYSCALL(name, entry, x86_64, x32, ia32, arm64, arm32) { #name, x86_64 },
#include "proto/syscalls.def"
};

static int
compare(const void *key, const void *elem)
{
	const struct slice *name = key;
	const struct call *c = elem;

	return slice_cmp(*name, slice_str(c->name));
}

bool
syscall_known(struct slice name)
{
	return bsearch(&name, calls, ARRAY_SIZE(calls), sizeof(calls[0]), compare) != NULL;
}

const char *
syscall_name(int64_t number)
{
	for (size_t i = 0; number >= 0 && i < ARRAY_SIZE(calls); i++) {
		if (calls[i].number == number)
			return calls[i].name;
	}
	return NULL;
}
