/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quiet_recording FILE SECONDS: a recording of a machine where a file is closed once a second, for
 * tests that need sensors which stay connected and have little to do.
 */
#include "common/clock.h"
#include "proto/batch.h"
#include "proto/recording.h"
#include "proto/wire.h"
#include "tests/support/evbuild.h"
#include <errno.h>

static int
put_hello(struct recorder *w)
{
	Wire__Hello hello = WIRE__HELLO__INIT;
	Wire__Request req = WIRE__REQUEST__INIT;

	hello.protocol = WIRE_PROTOCOL;
	hello.node = (char *) "quiet";
	hello.boot_id = (char *) "00000000-0000-0000-0000-000000000000";
	hello.sensor_start = 1;
	req.body_case = WIRE__REQUEST__BODY_HELLO;
	req.hello = &hello;
	return recorder_put(w, &req);
}

static int
put_second(struct recorder *w, struct batch_enc *enc, struct evb *e, uint64_t second)
{
	Wire__Request req = WIRE__REQUEST__INIT;
	Wire__Batch batch = WIRE__BATCH__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	struct buf data = BUF_INIT;
	int r;

	evb_begin(e, EV_CLOSE, 10, second * NS_PER_S);
	evb_num(e, "res", 0);
	r = batch_enc_add(enc, evb_end(e));
	if (r == 0)
		r = batch_enc_finish(enc, 0, &data, &body);
	batch.seq = second;
	batch.boot_ns = second * NS_PER_S;
	batch.real_ns = clock_real() + second * NS_PER_S;
	batch.events = 1;
	batch.body = &body;
	req.body_case = WIRE__REQUEST__BODY_BATCH;
	req.batch = &batch;
	if (r == 0)
		r = recorder_put(w, &req);
	buf_fini(&data);
	return r;
}

int
main(int argc, char **argv)
{
	uint64_t seconds = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	struct batch_enc *enc = NULL;
	struct recorder *w = NULL;
	struct evb e = { 0 };
	int r, closed;

	if (seconds == 0) {
		(void) fprintf(stderr, "usage: quiet_recording FILE SECONDS\n");
		return 2;
	}
	r = recorder_open(argv[1], &w);
	if (r == 0)
		r = put_hello(w);
	if (r == 0)
		r = batch_enc_new(&enc);
	for (uint64_t i = 1; r == 0 && i <= seconds; i++)
		r = put_second(w, enc, &e, i);
	batch_enc_free(enc);
	evb_fini(&e);
	closed = recorder_close(w);
	if (r == 0)
		r = closed;
	if (r < 0)
		(void) fprintf(stderr, "%s: %s\n", argv[1], strerrordesc_np(-r));
	return r < 0;
}
