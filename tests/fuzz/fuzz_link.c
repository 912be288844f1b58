/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_link.c - any bytes as the answers of a collector to a sensor.
 *
 * The input is answers, each two bytes of length before it, the first of them a challenge or a
 * welcome if it is one. Whatever they say, the sensor keeps its bounds: requests outstanding,
 * batches that are not durable, and numbers that it has given.
 */
#include "sensor/link.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCHES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct peer {
	struct link link;
	struct spool spool;
	uint64_t now;
	uint64_t events; /* of interests, summed up: they are read */
	bool busy[LINK_SLOTS];
};

static int
on_open(void *arg)
{
	(void) arg;
	return 0;
}

static void
on_close(void *arg)
{
	struct peer *p = arg;

	memset(p->busy, 0, sizeof(p->busy));
}

static int
on_send(void *arg, unsigned slot, const void *msg, size_t n)
{
	struct peer *p = arg;

	if (slot >= LINK_SLOTS || p->busy[slot] || msg == NULL || n == 0)
		abort();
	p->busy[slot] = true;
	return 0;
}

static int
on_talk(void *arg, struct buf *out)
{
	(void) arg;
	buf_char(out, 'x');
	return buf_ok(out);
}

static int
on_proof(void *arg, const Wire__Challenge *c, struct buf *out)
{
	return c->nonce.len == 0 ? -ENOKEY : on_talk(arg, out);
}

static int
on_poll(void *arg, uint64_t skip_to, struct buf *out)
{
	if (skip_to > BATCHES + 1)
		abort();
	return on_talk(arg, out);
}

static void
on_interest(void *arg, const Wire__Interest *in)
{
	struct peer *p = arg;

	for (size_t i = 0; i < in->n_events; i++)
		p->events += in->events[i];
}

static void
on_snapshot(void *arg, uint64_t id)
{
	(void) arg;
	if (id == 0)
		abort();
}

static void
on_note(void *arg, enum log_level level, const char *text)
{
	(void) arg;
	(void) level;
	if (strlen(text) >= 512)
		abort();
}

static const struct link_ops ops = { on_open, on_close, on_send, on_talk, on_proof, on_poll,
	on_talk, on_interest, on_snapshot, on_note };

static void
begin(struct peer *p)
{
	const struct link_cfg cfg = { .window = 4,
		.timeout_ns = 5000000000,
		.retry_min_ns = 100000000,
		.retry_max_ns = 1000000000,
		.absent_ns = 1000000000,
		.slow_ns = 60000000000,
		.seed = 1 };

	memset(p, 0, sizeof(*p));
	p->now = 1000000000;
	spool_init(&p->spool, 65536);
	for (unsigned i = 0; i < BATCHES; i++) {
		char *msg = calloc(1, 16);

		if (msg == NULL || spool_add(&p->spool, msg, 16, 1) < 0)
			abort();
	}
	link_init(&p->link, &ops, p, &p->spool, &cfg);
}

static void
check(const struct peer *p)
{
	const struct link *l = &p->link;
	unsigned busy = 0;

	for (unsigned i = 0; i < LINK_SLOTS; i++)
		busy += l->slot[i].kind != SLOT_FREE;
	if (busy != l->outstanding || l->outstanding > LINK_SLOTS || l->window > 4)
		abort();
	if (spool_next(l->spool) != BATCHES + 1 || l->durable > BATCHES || l->received > BATCHES ||
	    l->send_next > BATCHES + 1)
		abort();
}

static void
answer(struct peer *p, struct slice msg)
{
	struct link *l = &p->link;
	unsigned slot = 0;

	p->now = MAX(link_tick(l, p->now), p->now + 1000000);
	(void) link_tick(l, p->now);
	if (l->state == LINK_DIALING)
		link_opened(l, p->now);
	(void) link_tick(l, p->now);
	while (slot < LINK_SLOTS && !p->busy[slot])
		slot++;
	if (slot < LINK_SLOTS) {
		p->busy[slot] = false;
		link_reply(l, p->now, slot, msg.p, msg.n);
	}
	check(p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peer p;

	begin(&p);
	for (unsigned i = 0; size >= 2 && i < 64; i++) {
		size_t n = MIN((size_t) (data[0] | data[1] << 8), size - 2);

		answer(&p, (struct slice){ (const char *) data + 2, n });
		data += 2 + n;
		size -= 2 + n;
	}
	link_end(&p.link, p.now);
	link_fini(&p.link);
	spool_fini(&p.spool);
	return 0;
}
