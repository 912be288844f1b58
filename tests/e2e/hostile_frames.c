/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile_frames.c - a sensor with a valid certificate whose batches lie.
 *
 *	hostile_frames URL CA CERT KEY SERVER NODE CLUSTER STEP
 *
 * Takes a batch that is well-formed, and sends it with a length, a count or an index changed: at
 * each STEPth byte in turn, that byte or the eight from it on become the smallest, the largest, and
 * values whose varint is long; and cut at each of these bytes. Connects again, as a sensor started
 * anew, when the collector hangs up. Prints how many were sent, and how many were answered.
 */
#include "collector/ingest/test_ingest_kit.h"
#include "proto/batch.h"
#include "tests/support/evbuild.h"
#include <stdlib.h>

struct liar {
	struct kit_sensor s;
	struct kit_who who;
	bool in;
	uint64_t start;
	unsigned long sent, answered;
};

static const uint8_t lies[][8] = {
	{ 0, 0, 0, 0, 0, 0, 0, 0 },
	{ 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
	{ 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0 },
	{ 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 },
};

static int
make_batch(struct buf *out)
{
	CLEANUP(buf_fini) struct buf data = BUF_INIT;
	Wire__Batch batch = WIRE__BATCH__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	Wire__Request req = WIRE__REQUEST__INIT;
	struct batch_enc *enc = NULL;
	struct evb e = { 0 };
	int r = batch_enc_new(&enc);

	for (uint64_t i = 0; r == 0 && i < 20; i++) {
		evb_begin(&e, EV_OPENAT, (uint32_t) (10 + i % 3), NS_PER_S + i);
		evb_num(&e, "fd", 3 + i);
		evb_text(&e, "name", i % 2 ? "/tmp/a" : "/etc/some/longer/name");
		r = batch_enc_add(enc, evb_end(&e));
	}
	if (r == 0)
		r = batch_enc_finish(enc, 0, &data, &body);
	batch.seq = 1;
	batch.boot_ns = 2 * NS_PER_S;
	batch.real_ns = clock_real();
	batch.events = 20;
	batch.body = &body;
	req.body_case = WIRE__REQUEST__BODY_BATCH;
	req.batch = &batch;
	if (r == 0)
		kit_pack(&req, out);
	batch_enc_free(enc);
	evb_fini(&e);
	return r;
}

static void
send_lie(struct liar *l, const void *p, size_t n)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	Wire__Reply *rep;

	if (!l->in)
		l->in = kit_join(&l->s, &l->who, &out, ++l->start);
	if (!l->in) {
		kit_hang_up(&l->s);
		return;
	}
	buf_clear(&out);
	buf_add(&out, p, n);
	rep = kit_ask(&l->s, &out);
	l->sent++;
	if (rep != NULL) {
		l->answered++;
		wire__reply__free_unpacked(rep, NULL);
		return;
	}
	kit_hang_up(&l->s);
	l->in = false;
}

static void
lie_at(struct liar *l, const struct buf *batch, size_t at)
{
	uint8_t copy[4096];
	size_t room = batch->n - at < 8 ? batch->n - at : 8;

	for (size_t k = 0; k < sizeof(lies) / sizeof(lies[0]); k++) {
		memcpy(copy, batch->p, batch->n);
		copy[at] = lies[k][0];
		send_lie(l, copy, batch->n);
		memcpy(copy + at, lies[k], room);
		send_lie(l, copy, batch->n);
	}
	send_lie(l, batch->p, at);
}

int
main(int argc, char **argv)
{
	CLEANUP(buf_fini) struct buf batch = BUF_INIT;
	struct liar l = { .start = 1 };
	size_t step = argc == 9 ? strtoul(argv[8], NULL, 10) : 0;

	if (step == 0) {
		fputs("usage: hostile_frames URL CA CERT KEY SERVER NODE CLUSTER STEP\n", stderr);
		return 2;
	}
	l.who = (struct kit_who){ argv[1], argv[2], argv[3], argv[4], argv[5], argv[6], argv[7] };
	if (make_batch(&batch) < 0 || batch.n > 4096) {
		fputs("hostile_frames: no batch\n", stderr);
		return 1;
	}
	for (size_t at = 0; at < batch.n; at += step)
		lie_at(&l, &batch, at);
	if (l.in)
		kit_hang_up(&l.s);
	printf("%lu %lu\n", l.sent, l.answered);
	return l.sent == 0;
}
