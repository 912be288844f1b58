/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_redact.c - any bytes as arguments, environment or text: values are in order, inside the
 * list and of one string each; what is redacted has no value left that a second pass would find
 * under the same name, and its size is bounded.
 */
#include "proto/event.h"
#include "proto/redact.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct redact *set;

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const programs[] = { "", "mysql", "/usr/bin/curl", "sshpass" };
	struct redact_edit v[REDACT_MAX];
	struct slice list;
	struct diag d = { 0 };
	char out[EV_TEXT_MAX];
	size_t n, to;
	bool cut = false;

	if (set == NULL && redact_new(NULL, 0, &set, &d) < 0)
		abort();
	if (size < 2 || size > EV_TEXT_MAX)
		return 0;
	list = (struct slice){ (const char *) data + 2, size - 2 };
	n = redact_find(
	    set, list, (enum redact_kind)(data[0] % 3), slice_str(programs[data[1] % 4]), v);
	if (n > REDACT_MAX)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (v[i].from >= v[i].to || v[i].to > list.n || (i > 0 && v[i].from < v[i - 1].to))
			abort();
	}
	to = redact_apply(list, v, n, out, sizeof(out), &cut);
	if (to > sizeof(out) || (n == 0 && (to != list.n || memcmp(out, list.p, to) != 0)) ||
	    (list.n > 0 && list.p[list.n - 1] == '\0' && out[to - 1] != '\0'))
		abort();
	return 0;
}
