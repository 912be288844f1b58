/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_reply.c - any bytes as what a web server, or a program, answers to alerts. */
#include "collector/output/output_webhook.h"
#include "collector/output/program_answer.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct hide hide = { .v = { { "xyz", 3 } }, .n = 1 };

/* A reason is a printable text; there is one unless the alert was delivered. */
static void
check(enum output_result result, const char *why)
{
	if (result > OUTPUT_RETRY || (result == OUTPUT_DELIVERED) != (why[0] == '\0'))
		abort();
	for (; *why != '\0'; why++) {
		if ((unsigned char) *why < ' ' || *why == 0x7f)
			abort();
	}
}

static void
check_web(const struct webhook_verdict *v)
{
	check(v->result, v->why);
	if (strstr(v->why, "xyz") != NULL) /* a secret */
		abort();
}

static void
web(enum webhook_reply kind, long status, struct slice body)
{
	struct webhook_verdict v = webhook_judge(kind, status, body, "host", &hide);
	json_t *items = NULL;

	check_web(&v);
	if ((status < 200 || status > 299) && v.result == OUTPUT_DELIVERED)
		abort();
	if (kind == WEBHOOK_BULK && v.result == OUTPUT_DELIVERED)
		items = webhook_items(body);
	for (size_t i = 0; kind == WEBHOOK_BULK && v.result == OUTPUT_DELIVERED && i < 3; i++) {
		struct webhook_verdict item = webhook_judge_item(items, i, "host", &hide);

		check_web(&item);
	}
	json_decref(items);
}

/* The bytes arrive in pieces of 'step'. */
static void
program(struct slice bytes, size_t step)
{
	struct answers in = { 0 };
	struct answer a;
	int r = 0;

	while (r == 0 && bytes.n > 0) {
		size_t n = MIN(MIN(step, bytes.n), sizeof(in.text) - in.n);

		memcpy(in.text + in.n, bytes.p, n);
		in.n += n;
		bytes = (struct slice){ bytes.p + n, bytes.n - n };
		while ((r = answer_next(&in, &a)) > 0)
			check(a.result, a.why);
		if ((r != 0 && r != -EBADMSG) || in.n > sizeof(in.text) ||
		    (r == 0 && in.n == sizeof(in.text)))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	if (data[0] == 'p')
		program((struct slice){ (const char *) data + 2, size - 2 }, data[1] + 1U);
	else
		web((enum webhook_reply)(data[0] % 4), data[1] == 0 ? 200 : 200 + data[1],
		    (struct slice){ (const char *) data + 2, size - 2 });
	return 0;
}
