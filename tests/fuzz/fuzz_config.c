/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_config.c - any text as a configuration: read and bound, or refused with a message. */
#include "common/config.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct options {
	char *text;
	bool on;
	uint64_t size, time;
	struct opt_list list;
};

static const struct opt opts[] = {
	{ "a.text", "x", "", OPT_STR, offsetof(struct options, text), 0, 0 },
	{ "a.on", "true", "", OPT_BOOL, offsetof(struct options, on), 0, 0 },
	{ "a.size", "1KiB", "", OPT_SIZE, offsetof(struct options, size), 2, 1 << 30 },
	{ "a.time", "1s", "", OPT_MSEC, offsetof(struct options, time), 0, 100000 },
	{ "b", NULL, "", OPT_LIST, offsetof(struct options, list), 0, 0 },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *) data, size };
	struct options o = { 0 };
	struct cfg *c = NULL;
	struct diag d = { 0 };
	int r = cfg_parse("f", text, &c, &d);

	if (r == 0)
		r = cfg_bind(c, opts, ARRAY_SIZE(opts), &o, &d);
	if (r == 0 && (o.size < 2 || o.size > 1 << 30 || o.time > 100000))
		abort();
	if (r == 0)
		r = cfg_check_unknown(c, &d);
	if (r != 0 && (r != -EINVAL || d.msg[0] == '\0' || (d.col > 0 && d.line == 0)))
		abort();
	cfg_free(c);
	return 0;
}
