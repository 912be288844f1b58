/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile_recording FILE: a recording of a program whose name, arguments and file are made to take
 * over the terminal of the person that reads of them.
 */
#include "common/clock.h"
#include "proto/batch.h"
#include "proto/recording.h"
#include "proto/wire.h"
#include "tests/support/evbuild.h"
#include <errno.h>

/* Escape sequences, a line that is forged, C1 as a byte and in UTF-8, what is not UTF-8, what turns
 * the direction of text or is not seen. */
/* NOLINTBEGIN(misc-misleading-bidirectional): that is what it is for */
static const char hostile[] =
    "/tmp/\033[2J\033]0;owned\a\nFORGED line\r\b\x7f\x9b"
    "2J\xff\xc0\xaf\xc2\x9b"
    "2J\xc2\x85\xe2\x80\xae"
    "gnp\xe2\x81\xa6\xe2\x80\xa8\xe2\x80\x8b\xef\xbb\xbf\xf3\xa0\x80\x81\xed\xa0\x80";
static const char hostile_comm[] = "\033c\n\x9b\xc2\x9b\xe2\x80\xae\xff";
/* NOLINTEND(misc-misleading-bidirectional) */

static int
put_hello(struct recorder *w)
{
	Wire__Hello hello = WIRE__HELLO__INIT;
	Wire__Request req = WIRE__REQUEST__INIT;

	hello.protocol = WIRE_PROTOCOL;
	hello.node = (char *) "hostile";
	hello.boot_id = (char *) "00000000-0000-0000-0000-000000000000";
	hello.sensor_start = 1;
	req.body_case = WIRE__REQUEST__BODY_HELLO;
	req.hello = &hello;
	return recorder_put(w, &req);
}

/* The batch of what 'enc' has. */
static int
put_batch(struct recorder *w, struct batch_enc *enc, uint64_t seq, Wire__Snapshot *snapshot)
{
	Wire__Request req = WIRE__REQUEST__INIT;
	Wire__Batch batch = WIRE__BATCH__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	struct buf data = BUF_INIT;
	int r = batch_enc_finish(enc, 0, &data, &body);

	batch.seq = seq;
	batch.boot_ns = seq * NS_PER_S;
	batch.real_ns = clock_real();
	batch.events = snapshot == NULL;
	batch.body = &body;
	batch.snapshot = snapshot;
	req.body_case = WIRE__REQUEST__BODY_BATCH;
	req.batch = &batch;
	if (r == 0)
		r = recorder_put(w, &req);
	buf_fini(&data);
	return r;
}

static int
put_program(struct recorder *w, struct batch_enc *enc, struct evb *e)
{
	char argv[2][sizeof(hostile)];
	Wire__Snapshot snapshot = WIRE__SNAPSHOT__INIT;
	int r;

	memcpy(argv[0], hostile, sizeof(hostile));
	memcpy(argv[1], hostile, sizeof(hostile));
	snapshot.id = snapshot.last = 1;
	evb_begin(e, EV_TASK, 10, NS_PER_S);
	evb_num(e, "ppid", 1);
	evb_text(e, "comm", hostile_comm);
	evb_bytes(e, "argv", argv, sizeof(argv));
	evb_text(e, "exepath", hostile);
	evb_text(e, "cwd", "/");
	r = batch_enc_add(enc, evb_end(e));
	return r < 0 ? r : put_batch(w, enc, 1, &snapshot);
}

static int
put_open(struct recorder *w, struct batch_enc *enc, struct evb *e)
{
	int r;

	evb_begin(e, EV_OPENAT, 10, 2 * NS_PER_S);
	evb_num(e, "fd", 3);
	evb_text(e, "name", hostile);
	r = batch_enc_add(enc, evb_end(e));
	return r < 0 ? r : put_batch(w, enc, 2, NULL);
}

int
main(int argc, char **argv)
{
	struct batch_enc *enc = NULL;
	struct recorder *w = NULL;
	struct evb e = { 0 };
	int r, closed;

	if (argc != 2) {
		(void) fprintf(stderr, "usage: hostile_recording FILE\n");
		return 2;
	}
	r = recorder_open(argv[1], &w);
	if (r == 0)
		r = put_hello(w);
	if (r == 0)
		r = batch_enc_new(&enc);
	if (r == 0)
		r = put_program(w, enc, &e);
	if (r == 0)
		r = put_open(w, enc, &e);
	batch_enc_free(enc);
	evb_fini(&e);
	closed = recorder_close(w);
	if (r == 0)
		r = closed;
	if (r < 0)
		(void) fprintf(stderr, "%s: %s\n", argv[1], strerrordesc_np(-r));
	return r < 0;
}
