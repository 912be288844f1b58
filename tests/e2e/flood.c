/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood.c - a sensor with a valid certificate that causes many log lines at the collector.
 *
 *	flood URL CA CERT KEY SERVER NODE CLUSTER COUNT
 *
 * Sends COUNT gaps, as many messages that cannot be decoded and batches that do not decode, and
 * connects COUNT / 100 more times. Prints how many requests were answered.
 */
#include "collector/ingest/test_ingest_kit.h"
#include <stdlib.h>

/* True: answered. */
static bool
tell(struct kit_sensor *s, const struct buf *out)
{
	Wire__Reply *rep = kit_ask(s, out);

	if (rep == NULL)
		return false;
	wire__reply__free_unpacked(rep, NULL);
	return true;
}

static unsigned long
flood(struct kit_sensor *s, struct buf *out, unsigned long count)
{
	unsigned long answers = 0;
	uint64_t seq = 0;

	for (unsigned long k = 0; k < count; k++) {
		seq += 10;
		kit_poll(out, 0, seq);
		answers += tell(s, out);
		kit_batch(out, seq, 0); /* empty: it does not decode */
		answers += tell(s, out);
		buf_clear(out);
		buf_str(out, "\xff\xff\xff");
		answers += tell(s, out);
	}
	return answers;
}

int
main(int argc, char **argv)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct kit_sensor s;
	struct kit_who a;
	unsigned long count, answers;

	if (argc != 9) {
		fputs("usage: flood URL CA CERT KEY SERVER NODE CLUSTER COUNT\n", stderr);
		return 2;
	}
	a = (struct kit_who){ argv[1], argv[2], argv[3], argv[4], argv[5], argv[6], argv[7] };
	count = strtoul(argv[8], NULL, 10);
	if (!kit_join(&s, &a, &out, 1)) {
		fputs("flood: not let in\n", stderr);
		return 1;
	}
	answers = flood(&s, &out, count);
	kit_hang_up(&s);
	for (unsigned long k = 0; k < count / 100; k++) {
		answers += kit_join(&s, &a, &out, k + 2);
		kit_hang_up(&s);
	}
	printf("%lu\n", answers);
	return 0;
}
