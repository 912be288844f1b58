/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/program_answer.h"
#include "common/slice.h"
#include <errno.h>

static const struct {
	struct slice word;
	enum output_result result;
} words[] = {
	{ SLICE("ok"), OUTPUT_DELIVERED },
	{ SLICE("retry"), OUTPUT_RETRY },
	{ SLICE("refuse"), OUTPUT_REFUSED },
};

static int
parse(struct slice line, struct answer *ret)
{
	size_t n = 0;

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct slice rest, w = words[i].word;

		if (!slice_starts(line, w) || (line.n > w.n && line.p[w.n] != ' '))
			continue;
		ret->result = words[i].result;
		rest = (struct slice){ line.p + w.n, line.n - w.n };
		(void) snprintf(ret->why, sizeof(ret->why), "%s",
		    ret->result == OUTPUT_DELIVERED ? "" : "the program gives no reason");
		for (size_t k = 1; ret->result != OUTPUT_DELIVERED && k < rest.n; k++) {
			if (n == sizeof(ret->why) - 1)
				break;
			ret->why[n++] =
			    (unsigned char) rest.p[k] < ' ' || rest.p[k] == 0x7f ? ' ' : rest.p[k];
			ret->why[n] = '\0';
		}
		return 1;
	}
	return -EBADMSG;
}

int
answer_next(struct answers *in, struct answer *ret)
{
	const char *end = memchr(in->text, '\n', in->n);
	size_t n;
	int r;

	if (end == NULL)
		return in->n == sizeof(in->text) ? -EBADMSG : 0;
	n = (size_t) (end - in->text);
	r = parse((struct slice){ in->text, n }, ret);
	in->n -= n + 1;
	memmove(in->text, end + 1, in->n);
	return r;
}
