/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tape.h"
#include "common/clock.h"
#include <stdio.h>
#include <string.h>

static int
put_hello(struct tape *t, const char *node)
{
	Wire__Hello hello = WIRE__HELLO__INIT;
	Wire__Request req = WIRE__REQUEST__INIT;

	hello.protocol = WIRE_PROTOCOL;
	hello.node = (char *) node;
	hello.boot_id = (char *) "00000000-0000-0000-0000-000000000000";
	hello.sensor_start = 1;
	req.body_case = WIRE__REQUEST__BODY_HELLO;
	req.hello = &hello;
	return recorder_put(t->w, &req);
}

void
tape_begin(struct tape *t, const char *path, const char *node)
{
	*t = (struct tape){ .path = path };
	t->r = recorder_open(path, &t->w);
	if (t->r == 0)
		t->r = put_hello(t, node);
	if (t->r == 0)
		t->r = batch_enc_new(&t->enc);
}

void
tape_add(struct tape *t)
{
	const struct ev_hdr *rec = evb_end(&t->e);

	if (t->r == 0)
		t->r = batch_enc_add(t->enc, rec);
	t->added++;
}

void
tape_batch(struct tape *t, Wire__Snapshot *snapshot)
{
	Wire__Request req = WIRE__REQUEST__INIT;
	Wire__Batch batch = WIRE__BATCH__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	struct buf data = BUF_INIT;

	if (t->r == 0)
		t->r = batch_enc_finish(t->enc, 0, &data, &body);
	batch.seq = ++t->seq;
	batch.boot_ns = t->seq * NS_PER_S;
	batch.real_ns = clock_real() + batch.boot_ns;
	batch.events = snapshot == NULL ? t->added : 0; /* rows of a snapshot are not events */
	batch.body = &body;
	batch.snapshot = snapshot;
	req.body_case = WIRE__REQUEST__BODY_BATCH;
	req.batch = &batch;
	if (t->r == 0)
		t->r = recorder_put(t->w, &req);
	t->added = 0;
	buf_fini(&data);
}

int
tape_end(struct tape *t)
{
	int closed = recorder_close(t->w);

	if (t->r == 0)
		t->r = closed;
	batch_enc_free(t->enc);
	evb_fini(&t->e);
	if (t->r < 0)
		(void) fprintf(stderr, "%s: %s\n", t->path, strerrordesc_np(-t->r));
	return t->r < 0;
}
