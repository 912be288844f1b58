/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_engine.c - events of a recording that one collector thread evaluates per CPU second.
 *
 * Does what a shard does on each batch (shard_nodes.h), on a recording in memory, in rounds of up
 * to four passes: only decoding; decoding and state; both and the rules; the same with more rules.
 * Each round begins with an empty state. The figures are medians of the rounds, the shares their
 * differences; the cost of more rules is the median of the ratios within a round.
 */
#include "bench/engine.h"
#include "collector/shard/shard_nodes.h"
#include "common/clock.h"
#include <getopt.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { FILES_MAX = 32, ROUNDS_MAX = 1000 };

enum pass { DECODE, STATE, RULES, MORE, PASSES };

struct options {
	const char *recording, *files[FILES_MAX];
	size_t nfiles;
	uint64_t events, texts;
	unsigned rounds, more, loop;
	bool distinct, json, only_rules;
};

struct bench {
	struct options o;
	struct tape tape;
	struct ruleset *set[PASSES];
	double s[PASSES][ROUNDS_MAX];   /* CPU seconds */
	struct shard_counters counters; /* of the last full pass */
};

static void
usage(FILE *f)
{
	fputs(
	    "usage: bench_engine [OPTION]... RECORDING\n"
	    "\n"
	    "  -r, --rules FILE      rules to evaluate; may be repeated\n"
	    "  -d, --distinct-paths  make every path of every event unique\n"
	    "  -m, --more-rules N    measure the cost of N more rules on frequent events\n"
	    "  -e, --events N        stop reading after so many events\n"
	    "  -l, --loop N          play the recording N times in each round, each time as a\n"
	    "                        newly started sensor, with new paths if distinct\n"
	    "  -t, --texts BYTES     bound of the intern pool [256 MiB]\n"
	    "  -n, --rounds N        [5]\n"
	    "  -o, --only            only the full pass, for a profiler\n"
	    "  -j, --json            an object instead of a table\n"
	    "\n"
	    "  mews-sensor --record mixed.rec --seconds 10 & bench/mixed.sh\n"
	    "  bench_engine --rules rules/mews_rules.yaml mixed.rec\n",
	    f);
}

static void
batch_done(struct alert *a)
{
	while (a != NULL) {
		struct alert *next = a->next;

		alert_free(a);
		a = next;
	}
}

/* Only decode. */
static void
decode_only(const struct bench *b, const Wire__Request *q)
{
	struct batch *d = NULL;
	const char *why = "no memory";

	if (batch_decode(q->batch->body, b->tape.schema, &d, &why) < 0)
		engine_die("%s", why);
	batch_free(d);
}

/* Play the tape once, as a new stream; returns the CPU time of its batches. */
static uint64_t
play(struct bench *b, struct nodes *nodes, unsigned loop)
{
	struct stream st = { .id = { "bench", "node", "boot", loop + 1 },
		.refs = 2,
		.schema = b->tape.schema,
		.connected = true };
	struct alert *alerts;
	uint64_t spent = 0, from;

	for (size_t i = 0; i < b->tape.n; i++) {
		Wire__Request *q = b->tape.v[i];

		if (q->body_case == WIRE__REQUEST__BODY_HELLO && nodes != NULL) {
			if (!node_hello(nodes, &st, q->hello, (struct slice){ NULL, 0 }))
				abort(); /* without a checkpoint nothing is left to load */
		} else if (q->body_case == WIRE__REQUEST__BODY_BATCH) {
			from = clock_ns(CLOCK_THREAD_CPUTIME_ID);
			alerts = NULL;
			if (nodes == NULL)
				decode_only(b, q);
			else
				node_batch(nodes, &st, q->batch, &alerts);
			batch_done(alerts);
			spent += clock_ns(CLOCK_THREAD_CPUTIME_ID) - from;
		}
	}
	if (nodes != NULL)
		node_bye(nodes, &st);
	return spent;
}

static double
run(struct bench *b, enum pass pass)
{
	struct nodes_cfg cfg = {
		.rules = b->set[pass],
		.intern_bytes = b->o.texts,
		.state = { .threads = 65536, .fds = 65536, .dead_grace_ns = 30 * NS_PER_S },
	};
	struct nodes *nodes = NULL;
	uint64_t spent = 0;

	memset(&b->counters, 0, sizeof(b->counters));
	if (pass != DECODE && nodes_new(&cfg, &b->counters, &nodes) < 0)
		engine_die("out of memory");
	for (unsigned k = 0; k < b->o.loop; k++) {
		if (b->o.distinct && b->o.loop > 1)
			tape_distinct(&b->tape);
		spent += play(b, nodes, k);
	}
	if (nodes != NULL)
		nodes_publish(nodes);
	nodes_free(nodes);
	return (double) spent / 1e9;
}

static int
order(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return (x > y) - (x < y);
}

static double
median(const double *v, unsigned n)
{
	double copy[ROUNDS_MAX];

	memcpy(copy, v, n * sizeof(*v));
	qsort(copy, n, sizeof(*copy), order);
	return copy[n / 2];
}

static void
print_types(const struct tape *t)
{
	const struct ev_schema *type[TAPE_FREQUENT];
	size_t n = tape_frequent(t, type);

	fputs("most frequent      ", stdout);
	for (size_t i = 0; i < n; i++)
		printf(" %s %.1f%%", type[i]->name,
		    100.0 * (double) t->type[type[i]->num] / (double) t->events);
	fputc('\n', stdout);
}

static void
print(const struct bench *b, uint64_t texts)
{
	const struct options *o = &b->o;
	double ratio[ROUNDS_MAX], s[PASSES], events = (double) (b->tape.events * o->loop);
	struct rusage ru;
	bool json = o->json;

	for (unsigned p = 0; p < PASSES; p++)
		s[p] = median(b->s[p], o->rounds);
	for (unsigned i = 0; i < o->rounds; i++)
		ratio[i] = b->s[MORE][i] / b->s[RULES][i];
	(void) getrusage(RUSAGE_SELF, &ru);
	printf(json ? "{\"events\":%.0f,\"distinct_texts\":%lu,\"alerts\":%lu"
		    : "events              %12.0f\ndistinct texts      %12lu\nalerts              "
		      "%12lu\n",
	    events, texts, (unsigned long) b->counters.alerts);
	printf(json ? ",\"texts_kept_bytes\":%lu,\"texts_evicted\":%lu,\"rss_max_kb\":%ld"
		    : "kept texts, bytes   %12lu\nevicted texts       %12lu\nRSS, most, KiB      "
		      "%12ld\n",
	    (unsigned long) b->counters.intern_bytes, (unsigned long) b->counters.intern_evicted,
	    ru.ru_maxrss);
	if (!o->only_rules)
		printf(json
			   ? ",\"decode_cpu_s\":%.4f,\"state_cpu_s\":%.4f,\"rules_cpu_s\":%.4f"
			   : "CPU s: decode       %12.4f\n       state        %12.4f\n       rules "
			     "       %12.4f\n",
		    s[DECODE], s[STATE] - s[DECODE], s[RULES] - s[STATE]);
	printf(json ? ",\"events_per_cpu_s\":%.0f" : "events/CPU s        %12.0f\n",
	    events / s[RULES]);
	if (o->more > 0)
		printf(
		    json ? ",\"cost_per_30_rules_percent\":%.2f" : "30 more rules       %11.2f%%\n",
		    (median(ratio, o->rounds) - 1) * 100 * 30 / o->more);
	if (json)
		fputs("}\n", stdout);
	else
		print_types(&b->tape);
}

static uint64_t
number(const char *s, uint64_t least, uint64_t most)
{
	char *end = NULL;
	uint64_t n = strtoull(s, &end, 10);

	if (*s == '\0' || *end != '\0' || n < least || n > most)
		engine_die("'%s' is not a number from %llu to %llu", s, (unsigned long long) least,
		    (unsigned long long) most);
	return n;
}

static void
option(struct options *o, int c)
{
	switch (c) {
	case 'r':
		if (o->nfiles == FILES_MAX)
			engine_die("at most %d rule files", FILES_MAX);
		o->files[o->nfiles++] = optarg;
		break;
	case 'd':
		o->distinct = true;
		break;
	case 'm':
		o->more = (unsigned) number(optarg, 1, 10000);
		break;
	case 'e':
		o->events = number(optarg, 1, UINT64_MAX);
		break;
	case 'l':
		o->loop = (unsigned) number(optarg, 1, 10000);
		break;
	case 't':
		o->texts = number(optarg, 1, UINT64_MAX);
		break;
	case 'n':
		o->rounds = (unsigned) number(optarg, 1, ROUNDS_MAX);
		break;
	case 'o':
		o->only_rules = true;
		break;
	case 'j':
		o->json = true;
		break;
	case 'h':
		usage(stdout);
		exit(0); /* NOLINT(concurrency-mt-unsafe) */
	default:
		usage(stderr);
		exit(2); /* NOLINT(concurrency-mt-unsafe) */
	}
}

static void
read_options(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "distinct-paths", no_argument, NULL, 'd' },
		{ "more-rules", required_argument, NULL, 'm' },
		{ "events", required_argument, NULL, 'e' },
		{ "loop", required_argument, NULL, 'l' },
		{ "texts", required_argument, NULL, 't' },
		{ "rounds", required_argument, NULL, 'n' },
		{ "only", no_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct options){ .rounds = 5, .loop = 1, .texts = 256 << 20 };
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
	while ((c = getopt_long(argc, argv, "r:dm:e:l:t:n:ojh", options, NULL)) != -1)
		option(o, c);
	if (optind + 1 != argc) {
		usage(stderr);
		exit(2); /* NOLINT(concurrency-mt-unsafe) */
	}
	o->recording = argv[optind];
}

int
main(int argc, char **argv)
{
	static struct bench b;
	struct options *o = &b.o;
	uint64_t texts;

	read_options(o, argc, argv);
	tape_load(&b.tape, o->recording, o->events);
	if (o->distinct)
		tape_distinct(&b.tape);
	texts = tape_texts(&b.tape);
	b.set[STATE] = engine_rules(NULL, 0, 0, &b.tape);
	b.set[RULES] = engine_rules(o->files, o->nfiles, 0, &b.tape);
	b.set[MORE] = o->more > 0 ? engine_rules(o->files, o->nfiles, o->more, &b.tape) : NULL;
	for (unsigned i = 0; i < o->rounds; i++) {
		for (unsigned p = o->only_rules ? RULES : DECODE; p <= RULES; p++)
			b.s[p][i] = run(&b, (enum pass) p);
		if (o->more > 0)
			b.s[MORE][i] = run(&b, MORE);
	}
	print(&b, texts);
	for (unsigned p = 0; p < PASSES; p++) {
		if (b.set[p] != NULL)
			ruleset_unref(b.set[p]);
	}
	tape_free(&b.tape);
	return 0;
}
