/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_outbox.c - how many alerts become durable per second.
 *
 *   bench_outbox DB [ALERTS PER_BATCH IN_FLIGHT BYTES]
 *
 * Batches of PER_BATCH alerts of BYTES each, at most IN_FLIGHT of them not yet committed. Prints
 * alerts/s, commits/s, and the time from outbox_put() to done(): median, 99th percentile, maximum.
 */
#include "collector/outbox/outbox.h"
#include "common/clock.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>

struct batch {
	struct outbox_txn txn;
	uint64_t put_at;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t less = PTHREAD_COND_INITIALIZER;
static unsigned flying, ended;
static uint64_t *latency; /* of each batch, in order of completion */

static void
done(struct outbox_txn *t, int r)
{
	struct batch *b = t->arg;

	if (r < 0)
		abort();
	pthread_mutex_lock(&lock);
	latency[ended++] = clock_mono() - b->put_at;
	flying--;
	pthread_cond_signal(&less);
	pthread_mutex_unlock(&lock);
}

static void
put(struct outbox *o, struct batch *b, unsigned n, unsigned per, const char *json, size_t size)
{
	static const struct stream_id stream = { "c", "node", "boot", 1 };
	struct alert a = { .priority = PRIO_WARNING, .rule = "Read sensitive file", .json = json };
	struct alert **tail = &b->txn.alerts;
	static uint64_t salt;

	if (salt == 0)
		salt = clock_real(); /* ids of this run */
	a.cluster = "cluster";
	a.node = "node-with-a-name";
	a.json_len = size;
	a.time = clock_real();
	b->txn = (struct outbox_txn){ &stream, n + 1, NULL, done, b, 0 };
	for (unsigned i = 0; i < per; i++) {
		uint64_t mixed = (salt + (uint64_t) n * per + i) * 0x9e3779b97f4a7c15ULL;

		(void) snprintf(a.id, sizeof(a.id), "%016lx%016lx", mixed, ~mixed);
		if (alert_new(&a, tail) < 0)
			abort();
		tail = &(*tail)->next;
	}
	b->put_at = clock_mono();
	while (outbox_put(o, &b->txn) == -EAGAIN)
		(void) sched_yield();
}

static int
order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

	return (x > y) - (x < y);
}

static unsigned
number(char **argv, int argc, int i, unsigned otherwise)
{
	return argc > i ? (unsigned) strtoul(argv[i], NULL, 10) : otherwise;
}

int
main(int argc, char **argv)
{
	unsigned alerts = number(argv, argc, 2, 100000), per = number(argv, argc, 3, 100);
	unsigned window = number(argv, argc, 4, 1), size = number(argv, argc, 5, 1000);
	unsigned batches = alerts / per;
	struct outbox_cfg cfg = { .path = argc > 1 ? argv[1] : "bench.db" };
	struct outbox *o = NULL;
	struct outbox_stats st;
	struct batch *b = calloc(batches, sizeof(*b));
	char *json = calloc(1, size + 1);
	struct diag d = { 0 };
	double seconds;
	uint64_t start, median, p99;

	latency = calloc(batches, sizeof(*latency));
	if (b == NULL || json == NULL || latency == NULL || outbox_open(&cfg, &o, &d) < 0) {
		fprintf(stderr, "bench_outbox: %s\n", d.msg);
		abort();
	}
	memset(json, 'x', size);
	start = clock_mono();
	for (unsigned n = 0; n < batches; n++) {
		pthread_mutex_lock(&lock);
		while (flying >= window)
			(void) pthread_cond_wait(&less, &lock);
		flying++;
		pthread_mutex_unlock(&lock);
		put(o, &b[n], n, per, json, size);
	}
	pthread_mutex_lock(&lock);
	while (flying > 0)
		(void) pthread_cond_wait(&less, &lock);
	pthread_mutex_unlock(&lock);
	seconds = (double) (clock_mono() - start) / 1e9;
	outbox_stats(o, &st);
	outbox_close(o);
	qsort(latency, batches, sizeof(*latency), order);
	median = latency[batches / 2];
	p99 = latency[batches - 1 - batches / 100];
	printf(
	    "%.0f alerts/s, %.0f commits/s, put to done: median %.2f ms, p99 %.2f ms, max %.2f "
	    "ms\n",
	    (double) st.committed / seconds, (double) st.commits / seconds, (double) median / 1e6,
	    (double) p99 / 1e6, (double) latency[batches - 1] / 1e6);
	free(b);
	free(json);
	free(latency);
	return 0;
}
