/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_batch.c - any bytes as a Body: refused with a reason, or every event can be read. The first
 * byte is the encoding and the size: bit 0 zstd, bit 1 a size that differs from the data's. */
#include "proto/batch.h"
#include "proto/wire.h"
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_event(const struct batch *b, const struct event *ev)
{
	for (unsigned i = 0; i < ev->schema->nparams; i++) {
		struct slice s;

		if (!ptype_is_text(ev->schema->params[i].type))
			continue;
		s = ev_text(b, ev, i);
		if ((s.p == NULL) == ev_has(ev, i) || (s.n > 0 && memchr(s.p, 0, s.n) == s.p + s.n))
			abort(); /* memchr: the sanitizer looks at every byte */
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Wire__Body body = WIRE__BODY__INIT;
	struct batch *b = NULL;
	const char *why = NULL;
	int r;

	if (size < 1)
		return 0;
	body.encoding = (Wire__Body__Encoding) (data[0] & 1);
	body.data = (ProtobufCBinaryData){ size - 1, (uint8_t *) (uintptr_t) (data + 1) };
	body.size =
	    (uint32_t) (data[0] & 1 ? ZSTD_getFrameContentSize(data + 1, size - 1) : size - 1);
	body.size += data[0] >> 1 & 1;
	r = batch_decode(&body, NULL, &b, &why);
	if (r < 0 && (r != -EBADMSG || why == NULL || b != NULL))
		abort();
	for (size_t i = 0; r == 0 && i < b->nev; i++)
		read_event(b, &b->ev[i]);
	batch_free(b);
	return 0;
}
