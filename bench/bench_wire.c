/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_wire.c - encode a recording's events again in batches of one size: bytes on the wire per
 * event.
 *
 *   bench_wire RECORDING EVENTS_PER_BATCH LEVEL [EVENT]...
 *
 * With EVENTs only those: a recording has every event, a sensor sends what the rules need.
 *
 * Each batch is decoded, its events become records again, and the sensor's encoder makes batches of
 * so many of them, compressed with zstd at LEVEL (0: not). Counted per batch: the whole request,
 * the framing of NNG (a length of 8 bytes and a request id of 4) and TLS 1.3 records of at most 16
 * KB with 22 bytes around each. A last batch that is not full is left out.
 *
 * Prints one line: BYTES_PER_EVENT EVENTS BATCHES.
 */
#include "common/nng/tls.h"
#include "proto/compose.h"
#include "proto/event_set.h"
#include "proto/recording.h"
#include "proto/schema.h"
#include "proto/wire.h"
#include <string.h>
#include <unistd.h>

enum { NNG_BYTES = 12, TLS_BYTES = 22 };

struct bench {
	struct batch_enc *enc;
	struct event_set wanted;
	struct buf data;
	union ev_record rec;
	unsigned per_batch;
	int level;
	uint64_t seq, boot_ns, real_ns, bytes;
};

_Noreturn static void
die(const char *what, const char *why)
{
	fprintf(stderr, "bench_wire: %s: %s\n", what, why);
	_exit(EXIT_FAILURE);
}

static void
close_batch(struct bench *b)
{
	Wire__Request rq = WIRE__REQUEST__INIT;
	Wire__Batch batch = WIRE__BATCH__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	size_t n;

	if (batch_enc_finish(b->enc, b->level, &b->data, &body) < 0)
		die("encoding", "no memory");
	batch.seq = ++b->seq;
	batch.boot_ns = b->boot_ns;
	batch.real_ns = b->real_ns;
	batch.interest = 1;
	batch.events = b->per_batch;
	batch.body = &body;
	rq.body_case = WIRE__REQUEST__BODY_BATCH;
	rq.batch = &batch;
	n = wire__request__get_packed_size(&rq);
	b->bytes += n + NNG_BYTES + TLS_BYTES * ((n + NNG_BYTES + TLS_RECORD - 1) / TLS_RECORD);
}

static void
add(struct bench *b, const struct batch *from, const struct event *ev)
{
	struct composer c;

	compose_event(&c, from, ev);
	if (compose_end(&c, &b->rec) < 0 || batch_enc_add(b->enc, &b->rec.hdr) < 0)
		die("encoding", "an event does not fit");
	if (batch_enc_events(b->enc) == b->per_batch)
		close_batch(b);
}

static void
add_batch(struct bench *b, const Wire__Batch *from)
{
	struct batch *batch = NULL;
	const char *why = "no memory";

	if (batch_decode(from->body, NULL, &batch, &why) < 0)
		die("a batch does not decode", why);
	b->boot_ns = from->boot_ns;
	b->real_ns = from->real_ns;
	for (size_t i = 0; i < batch->nev; i++) {
		if (event_set_has(&b->wanted, batch->ev[i].schema->num))
			add(b, batch, &batch->ev[i]);
	}
	batch_free(batch);
}

/* Set the wanted events; without names, all. */
static void
want(struct event_set *set, char **names, int n)
{
	const struct ev_schema *s;

	for (size_t i = 0; n == 0 && i < schema_nevents; i++)
		event_set_add(set, schema_events[i].num);
	for (int k = 0; k < n; k++) {
		for (size_t i = 0; (s = schema_by_name(slice_str(names[k]), i)) != NULL; i++)
			event_set_add(set, s->num);
	}
}

int
main(int argc, char **argv)
{
	static struct bench b;
	struct recording *f = NULL;
	Wire__Request *rq = NULL;
	const char *why = "not a recording, or not readable";
	int r;

	b.per_batch = argc >= 4 ? (unsigned) strtoul(argv[2], NULL, 10) : 0;
	if (b.per_batch == 0 || b.per_batch > WIRE_EVENTS_MAX) {
		fputs("usage: bench_wire RECORDING EVENTS_PER_BATCH LEVEL [EVENT]...\n", stderr);
		return 2;
	}
	b.level = (int) strtol(argv[3], NULL, 10);
	want(&b.wanted, argv + 4, argc - 4);
	if (batch_enc_new(&b.enc) < 0 || recording_open(argv[1], &f) < 0)
		die(argv[1], why);
	while ((r = recording_next(f, &rq, &why)) == 1) {
		if (rq->body_case == WIRE__REQUEST__BODY_BATCH && rq->batch->body != NULL)
			add_batch(&b, rq->batch);
		wire__request__free_unpacked(rq, NULL);
	}
	if (r < 0)
		die(argv[1], why);
	if (b.seq == 0)
		die(argv[1], "it holds less than a batch");
	printf("%.2f %lu %lu\n", (double) b.bytes / (double) (b.seq * b.per_batch),
	    (unsigned long) (b.seq * b.per_batch), (unsigned long) b.seq);
	recording_close(f);
	batch_enc_free(b.enc);
	buf_fini(&b.data);
	return EXIT_SUCCESS;
}
