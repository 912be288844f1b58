/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_silence.c - any bytes as the file of silences: what is read is written, and reads the same.
 */
#include "collector/output/silence_file.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct all {
	struct buf text; /* as a file has it */
	size_t n;
};

static int
take(void *arg, struct silence *x)
{
	struct all *a = arg;

	buf_char(&a->text, a->n++ == 0 ? '[' : ',');
	silence_json(x, "", &a->text);
	silence_free(x);
	return 0;
}

static int
read_all(struct slice text, struct all *ret)
{
	int r = silence_file_parse(text, take, ret);

	if (ret->n == 0)
		buf_char(&ret->text, '[');
	buf_char(&ret->text, ']');
	if (buf_ok(&ret->text) < 0)
		abort();
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct all once = { .text = BUF_INIT }, twice = { .text = BUF_INIT };
	int r = read_all((struct slice){ (const char *) data, size }, &once);

	if (r != 0 && r != -EBADMSG)
		abort();
	if (read_all(buf_get(&once.text), &twice) < 0 || once.n != twice.n ||
	    !slice_eq(buf_get(&once.text), buf_get(&twice.text)))
		abort();
	buf_fini(&once.text);
	buf_fini(&twice.text);
	return 0;
}
