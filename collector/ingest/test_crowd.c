/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_crowd.c - many sensors at once, each with several requests outstanding, over real sockets;
 * the shard has room only at times. Each stream arrives whole and in order. Also run under TSan.
 */
#include "collector/ctl/pki.h"
#include "collector/ingest/test_ingest_kit.h"
#include <errno.h>
#include <nng/supplemental/util/platform.h>
#include <stdlib.h>
#include <unistd.h>

enum { NODES = 4, WINDOW = WIRE_WINDOW, BATCHES = 60 };

struct node {
	struct kit_sensor s;
	nng_mtx *lock; /* guards what follows */
	uint64_t next, received;
	uint32_t credit;
	unsigned failed;
};

/* The next batch within the credit, or 0: none may be sent; UINT64_MAX: all have arrived. */
static uint64_t
take(struct node *n)
{
	uint64_t seq = 0;

	nng_mtx_lock(n->lock);
	if (n->received == BATCHES || n->failed > 0)
		seq = UINT64_MAX;
	else if (n->next <= BATCHES && n->next <= n->received + n->credit)
		seq = n->next++;
	nng_mtx_unlock(n->lock);
	return seq;
}

static void
heard(struct node *n, const Wire__Reply *rep)
{
	nng_mtx_lock(n->lock);
	if (rep == NULL || rep->reject != NULL || rep->ack == NULL) {
		n->failed++;
	} else {
		n->credit = rep->ack->credit;
		n->received = MAX(n->received, rep->ack->received_seq);
	}
	nng_mtx_unlock(n->lock);
}

/* One request at a time in its own context; W of these per node. */
static void
sender(void *arg)
{
	struct node *n = arg;
	struct buf out = BUF_INIT;
	struct kit_sensor ctx = n->s;
	uint64_t seq;

	while ((seq = take(n)) != UINT64_MAX) {
		Wire__Reply *rep;

		if (seq > 0) {
			kit_batch(&out, seq, 0);
		} else {
			nng_msleep(5);
			kit_poll(&out, 0, 0);
		}
		rep = kit_ask_ctx(&ctx, &out);
		heard(n, rep);
		if (rep != NULL)
			wire__reply__free_unpacked(rep, NULL);
	}
	buf_fini(&out);
}

static void
opener(void *arg)
{
	struct shard *shard = arg;

	for (int k = 0; k < 400; k++) { /* a slow shard: little room, again and again */
		kit_shard_room(shard, k % 3 == 0 ? 0 : 5);
		nng_msleep(2);
	}
	kit_shard_room(shard, 1000000);
}

static void
node_start(struct node *n, const char *url, unsigned k)
{
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	Wire__Reply *rep;
	char name[16];

	(void) snprintf(name, sizeof(name), "n%u", k);
	assert_int_equal(0, nng_mtx_alloc(&n->lock));
	assert_int_equal(0, kit_dial(&n->s, url, NULL, NULL, NULL, NULL));
	kit_hello(&out, name, "", 7);
	rep = kit_ask(&n->s, &out);
	assert_non_null(rep);
	assert_non_null(rep->welcome);
	n->next = rep->welcome->next_seq;
	n->credit = rep->welcome->credit;
	wire__reply__free_unpacked(rep, NULL);
}

static void
count(void *arg, struct stream *st)
{
	assert_int_equal(BATCHES, st->received);
	assert_int_equal(0, st->gaps);
	assert_int_equal(0, st->duplicates);
	++*(unsigned *) arg;
}

static void
test_crowd(void **state)
{
	struct ingest_cfg cfg = { .cluster = "", .name = "c", .contexts = 64 };
	struct node nodes[NODES] = { { .next = 0 } };
	nng_thread *threads[NODES * WINDOW], *shard_thread;
	struct ingest *i = NULL;
	struct diag d = { 0 };
	struct shard shard;
	char url[64];
	unsigned n = 0;

	(void) state;
	(void) snprintf(url, sizeof(url), "ipc:///tmp/mews-crowd-%d", (int) getpid());
	kit_shard_init(&shard);
	kit_outbox(0, 0);
	cfg.listen = url;
	cfg.shards = (struct shards *) &shard;
	assert_int_equal(0, streams_new(&cfg.streams));
	assert_int_equal(0, ingest_start(&cfg, &i, &d));
	for (unsigned k = 0; k < NODES; k++)
		node_start(&nodes[k], url, k);
	assert_int_equal(0, nng_thread_create(&shard_thread, opener, &shard));
	for (unsigned k = 0; k < NODES * WINDOW; k++)
		assert_int_equal(0, nng_thread_create(&threads[k], sender, &nodes[k / WINDOW]));
	for (unsigned k = 0; k < NODES * WINDOW; k++)
		nng_thread_destroy(threads[k]); /* joins */
	nng_thread_destroy(shard_thread);
	for (unsigned k = 0; k < NODES; k++) {
		assert_int_equal(0, nodes[k].failed);
		assert_int_equal(BATCHES, nodes[k].received);
		kit_hang_up(&nodes[k].s);
		nng_mtx_free(nodes[k].lock);
	}
	ingest_stop(i);
	streams_each(cfg.streams, count, &n);
	assert_int_equal(NODES, n);
	assert_int_equal(0, shard.out_of_order);
	streams_free(cfg.streams);
	pthread_mutex_destroy(&shard.lock);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_crowd) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
