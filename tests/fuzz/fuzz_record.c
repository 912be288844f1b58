/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_record.c - any bytes as a record: one that passes the check also passes it translated, and
 * comes out of a batch unchanged. */
#include "proto/batch.h"
#include "sensor/translate.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct ev_hdr *rec, const struct batch *b, const struct event *ev)
{
	if (ev->ts != rec->ts || ev->tid != rec->tid || ev->present != rec->present)
		abort();
	for (unsigned i = 0; i < ev->schema->nparams; i++) {
		bool text = ptype_is_text(ev->schema->params[i].type);

		if (text && !slice_eq(ev_text(b, ev, i), record_text(rec, ev->schema, i)))
			abort();
		if (!text && ev_num(ev, i) != record_num(rec, ev->schema, i))
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static _Alignas(8) char bytes[1 << 17]; /* aligned, like a ring */
	static struct translator t;
	const struct ev_hdr *rec = (const void *) bytes;
	size_t n = MIN(size, sizeof(bytes));
	struct batch_enc *e = NULL;
	struct batch *b = NULL;
	struct buf out = BUF_INIT;
	const char *why = NULL;
	Wire__Body body;

	memcpy(bytes, data, n);
	if (record_check(rec, n) < 0)
		return 0;
	rec = translate_record(&t, rec);
	if (record_check(rec, rec->len) < 0)
		abort();
	if (batch_enc_new(&e) < 0 || batch_enc_add(e, rec) < 0 ||
	    batch_enc_finish(e, 1, &out, &body) < 0 || batch_decode(&body, NULL, &b, &why) < 0)
		abort();
	check(rec, b, b->ev);
	batch_free(b);
	batch_enc_free(e);
	buf_fini(&out);
	return 0;
}
