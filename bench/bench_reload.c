/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_reload.c - how long a reload of rules delays evaluation, and whether an event is missed.
 *
 * The collector's shards evaluate batches at full speed; two rule sets, each of which alerts on
 * every event, are loaded alternately. Each batch must give one alert per event, all of one set.
 * The longest time between the ends of two consecutive batches on any shard is compared with that
 * of a run of the same length without reloads.
 */
#include "collector/shard/shard.h"
#include "common/clock.h"
#include "tests/support/evbuild.h"
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { EVENTS = 200, FILES_MAX = 30, SHARDS_MAX = 64, RETRY_US = 200, SETTLE_US = 500 };

struct feed {
	struct stream st; /* first member: outbox_put() gets its id */
	struct shard *shard;
	pthread_t thread;
	uint64_t last, gap; /* monotonic ns */
	uint64_t batches, lost, sets[2];
};

struct bench {
	const char *files[FILES_MAX + 1]; /* the first belongs to the set */
	size_t nfiles;
	char own[2][64];
	unsigned reloads, shards;
	bool json;
	struct shards *s;
	struct feed feed[SHARDS_MAX];
	struct buf frame; /* a packed Request */
	_Atomic bool stop;
};

static void
die(const char *what)
{
	fprintf(stderr, "bench_reload: %s\n", what);
	exit(1); /* NOLINT(concurrency-mt-unsafe) */
}

/* ---- stub of the outbox ---- */

int
outbox_put(struct outbox *o, struct outbox_txn *t)
{
	struct feed *f = CONTAINER_OF(CONTAINER_OF(t->stream, struct stream, id), struct feed, st);
	uint64_t now = clock_mono(), n[2] = { 0, 0 };

	(void) o;
	while (t->alerts != NULL) {
		struct alert *a = t->alerts;

		t->alerts = a->next;
		n[strcmp(a->rule, "B") == 0]++;
		alert_free(a);
	}
	f->sets[0] += n[0] > 0;
	f->sets[1] += n[1] > 0;
	f->lost += (uint64_t) labs((long) (n[0] + n[1]) - EVENTS) + MIN(n[0], n[1]);
	if (f->last != 0 && now - f->last > f->gap)
		f->gap = now - f->last;
	f->last = now;
	f->batches++;
	t->done(t, 0);
	return 0;
}

/* ---- events ---- */

static void
make_frame(struct buf *out)
{
	static struct evb b;
	struct buf data = BUF_INIT;
	Wire__Request q = WIRE__REQUEST__INIT;
	Wire__Batch batch = WIRE__BATCH__INIT;
	Wire__Body body = WIRE__BODY__INIT;
	char path[64];

	for (unsigned i = 0; i < EVENTS; i++) {
		(void) snprintf(path, sizeof(path), "/srv/data/%u", i % 50);
		evb_begin(&b, i % 2 == 0 ? EV_OPENAT : EV_CLOSE, 100 + i % 7, 1000 + i);
		evb_num(&b, i % 2 == 0 ? "fd" : "res", i % 2 == 0 ? 5 : 0);
		if (i % 2 == 0)
			evb_text(&b, "name", path);
		evb_add(&b);
	}
	if (batch_enc_finish(b.enc, 0, &data, &body) < 0)
		die("out of memory");
	batch.seq = 1;
	batch.boot_ns = 1000;
	batch.real_ns = 2000;
	batch.body = &body;
	q.body_case = WIRE__REQUEST__BODY_BATCH;
	q.batch = &batch;
	out->n = wire__request__get_packed_size(&q);
	out->p = malloc(out->n);
	if (out->p == NULL)
		die("out of memory");
	(void) wire__request__pack(&q, (uint8_t *) out->p);
	buf_fini(&data);
	evb_fini(&b);
}

static struct bench bench;

static void *
feed_main(void *arg)
{
	struct feed *f = arg;
	uint64_t seq = 0;

	while (!bench.stop) {
		struct op *op = calloc(1, sizeof(*op));

		if (op == NULL)
			die("out of memory");
		*op = (struct op){ .type = OP_BATCH, .stream = stream_ref(&f->st) };
		op->req = wire__request__unpack(NULL, bench.frame.n, (uint8_t *) bench.frame.p);
		if (op->req == NULL)
			die("out of memory");
		op->req->batch->seq = ++seq;
		while (shard_put(f->shard, op) == -EAGAIN)
			(void) usleep(RETRY_US);
	}
	return NULL;
}

/* ---- rules ---- */

static void
write_sets(struct bench *b)
{
	for (unsigned i = 0; i < 2; i++) {
		int fd;
		FILE *f;

		(void) snprintf(b->own[i], sizeof(b->own[i]), "/tmp/bench_reload.XXXXXX.yaml");
		fd = mkstemps(b->own[i], 5);
		f = fd < 0 ? NULL : fdopen(fd, "w");
		if (f == NULL)
			die("cannot write to /tmp");
		fprintf(f,
		    "- rule: %c\n  desc: every event\n  condition: evt.type in (openat, close)\n"
		    "  output: seen %%fd.name\n  priority: INFO\n",
		    i == 0 ? 'A' : 'B');
		if (fclose(f) != 0)
			die("cannot write to /tmp");
	}
}

static struct ruleset *
load(struct bench *b, unsigned set)
{
	const struct rule_options o = { .min_priority = PRIO_DEBUG };
	struct ruleset *ret = NULL;
	struct rule_log log = { 0 };
	int r;

	b->files[0] = b->own[set];
	r = ruleset_load(b->files, b->nfiles, &o, &ret, &log);
	if (r < 0)
		rule_log_print(stderr, &log);
	rule_log_fini(&log);
	if (r < 0)
		die("the rules do not load");
	return ret;
}

static void
reload(struct bench *b, unsigned set)
{
	struct ruleset *s = load(b, set);

	if (shards_offer_rules(b->s, s) < 0)
		die("out of memory");
	ruleset_unref(s); /* the shards hold it */
	while (!shards_settled(b->s))
		(void) usleep(SETTLE_US);
}

/* ---- a run ---- */

/* Start a node for each shard. */
static void
start_feeds(struct bench *b)
{
	unsigned have = 0;

	for (unsigned name = 0; have < b->shards; name++) {
		struct feed *f = &b->feed[have];
		bool taken = false;

		*f = (struct feed){ .st = { .refs = 2, .connected = true } };
		(void) snprintf(f->st.id.node, sizeof(f->st.id.node), "n%u", name);
		f->st.hash = (uint64_t) name << 32 | name;
		f->shard = shards_of(b->s, &f->st);
		for (unsigned i = 0; i < have; i++)
			taken = taken || b->feed[i].shard == f->shard;
		have += !taken;
	}
	b->stop = false;
	for (unsigned i = 0; i < b->shards; i++) {
		if (pthread_create(&b->feed[i].thread, NULL, feed_main, &b->feed[i]) != 0)
			die("cannot start a thread");
	}
}

/* Returns the longest gap in ms; *lost: events without one alert of one set. */
static double
run(struct bench *b, unsigned reloads, uint64_t *took, uint64_t *lost)
{
	struct ruleset *first = load(b, 0);
	const struct shard_cfg cfg = { .nodes.rules = first,
		.nodes.intern_bytes = 64 << 20,
		.nodes.state = { .threads = 65536, .fds = 65536 },
		.queue = 64 };
	uint64_t from, gap = 0;

	if (shards_start(b->shards, &cfg, &b->s) < 0)
		die("cannot start the shards");
	ruleset_unref(first);
	start_feeds(b);
	(void) usleep(200000);
	for (unsigned i = 0; i < b->shards; i++)
		b->feed[i].gap = 0; /* the gap of the start */
	from = clock_mono();
	for (unsigned i = 1; i <= reloads; i++)
		reload(b, i % 2);
	if (reloads == 0)
		(void) usleep((useconds_t) (*took / 1000));
	*took = clock_mono() - from;
	b->stop = true;
	for (unsigned i = 0; i < b->shards; i++)
		(void) pthread_join(b->feed[i].thread, NULL);
	for (unsigned i = 0; i < b->shards; i++)
		gap = MAX(gap, b->feed[i].gap);
	shards_stop(b->s);
	for (unsigned i = 0; i < b->shards; i++) {
		*lost += b->feed[i].lost;
		if (reloads > 0 && (b->feed[i].sets[0] == 0 || b->feed[i].sets[1] == 0))
			die("a shard has seen only one of the sets");
	}
	return (double) gap / 1e6;
}

static void
usage(FILE *f)
{
	fputs(
	    "usage: bench_reload [-r FILE]... [-n RELOADS] [-s SHARDS] [--json]\n"
	    "\n"
	    "  -r, --rules FILE   rules added to both sets, so that loading takes longer\n"
	    "  -n, --reloads N    [100]\n"
	    "  -s, --shards N     [one per CPU]\n"
	    "  -j, --json\n",
	    f);
}

static void
parse_args(struct bench *b, int argc, char **argv)
{
	static const struct option longs[] = { { "rules", required_argument, NULL, 'r' },
		{ "reloads", required_argument, NULL, 'n' },
		{ "shards", required_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { 0 } };
	int c;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread yet */
	while ((c = getopt_long(argc, argv, "r:n:s:jh", longs, NULL)) != -1) {
		if (c == 'r' && b->nfiles <= FILES_MAX)
			b->files[b->nfiles++] = optarg;
		else if (c == 'n')
			b->reloads = (unsigned) strtoul(optarg, NULL, 10);
		else if (c == 's')
			b->shards = (unsigned) strtoul(optarg, NULL, 10);
		else if (c == 'j')
			b->json = true;
		else {
			usage(c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2); /* NOLINT(concurrency-mt-unsafe) */
		}
	}
	if (b->shards == 0 || b->shards > SHARDS_MAX || b->reloads == 0)
		die("invalid number of shards or reloads");
}

int
main(int argc, char **argv)
{
	struct bench *b = &bench;
	uint64_t took = 0, lost = 0;
	double with, without, pause;

	b->nfiles = 1;
	b->reloads = 100;
	b->shards = (unsigned) MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
	parse_args(b, argc, argv);
	write_sets(b);
	make_frame(&b->frame);
	with = run(b, b->reloads, &took, &lost);
	without = run(b, 0, &took, &lost);
	pause = MAX(with - without, 0.0);
	for (unsigned i = 0; i < 2; i++)
		(void) unlink(b->own[i]);
	buf_fini(&b->frame);
	if (b->json)
		printf("{\"reload_pause_ms\":%.2f,\"reload_lost_events\":%llu}\n", pause,
		    (unsigned long long) lost);
	else
		printf(
		    "%u reloads in %.2f s; longest gap %.2f ms, without reloads %.2f ms; "
		    "%llu events lost\n",
		    b->reloads, (double) took / 1e9, with, without, (unsigned long long) lost);
	return lost == 0 ? 0 : 1;
}
