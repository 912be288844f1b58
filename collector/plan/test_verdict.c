/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remembered verdicts equal fresh ones: random rules on random events, each verdict of a plan
 * compared with filter_match(), which remembers nothing.
 *
 *	test_verdict [-s SEED] [-r ROUNDS]   one round per seed, from SEED
 *	test_verdict -l                      list the entries of touches.def and fields.def
 *	test_verdict -w ENTRY [-r ROUNDS]    remove the entry first: must fail
 *
 * A round plays two nodes' events twice: first to learn the values of fields, then with rules that
 * compare with these values. One event type and one field are frequent in a round. Failures print
 * the seed; the same seed repeats the round. tests/verdict_entries.sh removes each entry.
 */
#include "collector/plan/test_verdict.h"
#include "collector/field/field.h"
#include "collector/plan/plan.h"
#include "tests/support/test.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 3000, EVENTS = 250, NODES = 2, ITEMS = 4, REFS = 6 };

/* ---- entries ---- */

static const struct {
	const char *name;
	unsigned bit;
} words[] = {
#define WORD(w)            \
	{                  \
#w, ON_##w \
	}
	WORD(PROCESS),
	WORD(CWD),
	WORD(USAGE),
	WORD(USERS),
	WORD(TEXT),
	WORD(ENV),
	WORD(NAME),
	WORD(PARAM),
	WORD(OPEN),
	WORD(ACCESS),
	WORD(FD),
	WORD(REAL),
	WORD(EVENT),
	WORD(TIME),
#undef WORD
};

static const struct {
	const char *name;
	unsigned at, event;
} touches[] = {
#define TOUCHES(ID, PIECE)    { "touches." #ID, EV_##ID, EV_##ID },
#define DEED(ID, PIECE, what) { "deed." #ID, EV_TYPE_MAX + DEED_##ID, EV_PROCEXIT },
#include "collector/state/touches.def"
};

/* The subject of the entry that -w removes; 0, NULL: none. */
static unsigned focus_event, focus_piece;
static const struct field *focus_field;

/* Write to a read-only table. */
static void
overwrite(const void *at, const void *with, size_t n)
{
	size_t into = (uintptr_t) at % (size_t) sysconf(_SC_PAGESIZE);
	char *page = (char *) at - into;

	assert_int_equal(0, mprotect(page, into + n, PROT_READ | PROT_WRITE));
	memcpy(page + into, with, n);
}

/* The dependencies without 'bit'. If none is left, an unrelated piece of the state: a field without
 * dependencies is a constant, which is evaluated without a thread. */
static unsigned
without(unsigned depends_on, unsigned bit)
{
	unsigned left = depends_on & ~bit;

	if (left != 0)
		return left;
	return bit & (ON_PROCESS | ON_TEXT | ON_ENV) ? ON_USERS : ON_PROCESS;
}

static void
take_field_out(const char *entry)
{
	for (const struct field *f = fields; f < fields + nfields; f++) {
		size_t n = strlen(f->name);

		for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
			unsigned left = without(f->depends_on, words[i].bit);

			if (!(f->depends_on & words[i].bit) || strncmp(entry, f->name, n) != 0 ||
			    entry[n] != ':' || strcmp(entry + n + 1, words[i].name) != 0)
				continue;
			overwrite(&f->depends_on, &left, sizeof(left));
			focus_field = f;
			return;
		}
	}
	fail_msg("no such entry: %s", entry);
}

static void
take_out(const char *entry)
{
	const uint8_t none = 0;

	for (size_t i = 0; i < ARRAY_SIZE(touches); i++) {
		if (strcmp(entry, touches[i].name) == 0) {
			focus_event = touches[i].event;
			focus_piece = state_touches[touches[i].at];
			overwrite(&state_touches[touches[i].at], &none, 1);
			return;
		}
	}
	take_field_out(entry);
}

static int
list(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(touches); i++)
		puts(touches[i].name);
	for (const struct field *f = fields; f < fields + nfields; f++) {
		for (size_t i = 0; can_be_asked(f) && i < ARRAY_SIZE(words); i++) {
			if (f->depends_on & words[i].bit)
				printf("%s:%s\n", f->name, words[i].name);
		}
	}
	return 0;
}

/* ---- a round ---- */

struct item {
	const char *text;
	const struct filter *filter;
	struct event_set events;
};

struct round {
	uint64_t seed;
	struct rng r; /* of events */
	struct arena a;
	unsigned event;
	struct intern *pool;
	struct state *state[NODES];
	struct stream stream[NODES];
	bool snapshot[NODES]; /* one is under way */
	struct field_ref ref[REFS];
	struct item item[ITEMS];
	size_t nitems;
	struct plan_run *run;
	struct fscratch *fs;
	bool wrong;
};

static void
new_state(struct round *k, unsigned node)
{
	struct rng *r = &k->r;
	struct state_limits limits = {
		.threads = one_in(r, 3) ? 6 : 1000,
		.fds = one_in(r, 8) ? 3 : 1000,
		.bytes = one_in(r, 3) ? 4096 : 0,
		.dead_grace_ns = one_in(r, 2) ? 0 : 20000000,
	};

	state_free(k->state[node]);
	assert_int_equal(0, state_new(k->pool, &limits, &k->state[node]));
	k->snapshot[node] = false;
}

/* Choose the frequent field of a round. */
static const struct field *
draw_field(struct rng *r, unsigned event)
{
	unsigned piece = focus_piece != 0 ? focus_piece : state_touches[event];
	const struct field *f;

	if (focus_field != NULL)
		return focus_field;
	if (focus_piece == 0 && one_in(r, 2))
		piece = 0;
	do
		f = &fields[rnd(r, (uint32_t) nfields)];
	while (!can_be_asked(f) || (piece != 0 && !(f->depends_on & (piece | ON_TEXT | ON_ENV))));
	return f;
}

/* Choose the frequent event type of a round; it fills the field of -w if only few types do. */
static unsigned
draw_event(struct rng *r)
{
	static const struct {
		const char *prefix;
		uint16_t event[2];
	} fills[] = {
		{ "evt.type", { EV_SYSCALL, EV_ASYNCEVENT } },
		{ "syscall.type", { EV_SYSCALL, EV_SYSCALL } },
		{ "evt.source", { EV_ASYNCEVENT, EV_ASYNCEVENT } },
		{ "evt.asynctype", { EV_ASYNCEVENT, EV_ASYNCEVENT } },
		{ "evt.infra", { EV_INFRA, EV_INFRA } },
		{ "fdlist.", { EV_POLL, EV_PPOLL } },
	};

	if (focus_event != 0)
		return focus_event;
	for (size_t i = 0; focus_field != NULL && i < ARRAY_SIZE(fills); i++) {
		if (strncmp(focus_field->name, fills[i].prefix, strlen(fills[i].prefix)) == 0)
			return fills[i].event[rnd(r, 2)];
	}
	return schema_events[rnd(r, (uint32_t) schema_nevents)].num;
}

static void
begin(struct round *k, uint64_t seed)
{
	struct rng r = { seed * 0x100000001b3u };
	const struct field *field;

	memset(k, 0, sizeof(*k));
	k->seed = seed;
	arena_init(&k->a, 0);
	assert_int_equal(0, intern_new(one_in(&r, 2) ? 1 << 20 : 1 << 14, &k->pool));
	assert_int_equal(0, fscratch_new(&k->fs));
	k->event = draw_event(&r);
	field = draw_field(&r, k->event);
	for (unsigned i = 0; i < REFS; i++)
		random_field(&r, i > 2 ? NULL : field, &k->a, &k->ref[i]);
	values_forget();
}

/* Start both streams again. */
static void
restart(struct round *k)
{
	k->r.s = ~k->seed;
	for (unsigned i = 0; i < NODES; i++) {
		new_state(k, i);
		evb_fini(&k->stream[i].b);
		stream_start(&k->stream[i], &k->r, k->event);
	}
}

static void
end(struct round *k)
{
	plan_run_free(k->run);
	for (unsigned i = 0; i < NODES; i++) {
		state_free(k->state[i]);
		evb_fini(&k->stream[i].b);
	}
	fscratch_free(k->fs);
	intern_free(k->pool);
	arena_fini(&k->a);
}

/* Make a set of rules from conditions on values seen before. */
static void
make_rules(struct round *k)
{
	struct rng r = { k->seed };
	struct plan_item v[ITEMS];
	struct plan *p;

	k->nitems = 1 + rnd(&r, ITEMS);
	for (size_t i = 0; i < k->nitems; i++) {
		struct item *it = &k->item[i];
		const struct field *f = k->ref[i == 0 ? 0 : rnd(&r, REFS)].field;

		it->filter = random_condition(&r, f, &k->a, &it->text);
		filter_events(it->filter, &it->events);
		v[i] = (struct plan_item){ it->filter, &it->events };
	}
	assert_int_equal(0, plan_new(v, k->nitems, &k->a, &p));
	assert_int_equal(0, plan_run_new(p, &k->run));
}

static bool
on_hit(void *arg, uint32_t item)
{
	*(uint64_t *) arg |= 1ULL << item;
	return true;
}

static void
compare(struct round *k, const struct view *v)
{
	uint64_t said = 0;

	plan_event(k->run, v, k->fs, on_hit, &said);
	for (size_t i = 0; i < k->nitems; i++) {
		const struct item *it = &k->item[i];
		bool is;

		fscratch_reset(k->fs);
		is = filter_match(it->filter, v, k->fs);
		if (is == (said >> i & 1))
			continue;
		printf("seed %" PRIu64 ", event %" PRIu64
		       ", a %s of thread %u: \"%s\" is %s, not %s\n",
		    k->seed, v->num, v->ev->schema->name, v->ev->tid, it->text,
		    is ? "true" : "false", is ? "false" : "true");
		k->wrong = true;
	}
}

static void
learn(struct round *k, const struct view *v)
{
	struct rng r = { v->num ^ v->time };

	fscratch_reset(k->fs);
	for (unsigned i = 0; i < REFS; i++)
		values_learn(&r, &k->ref[i], v, k->fs);
}

/* Things that happen to a node between two events. */
static void
between(struct round *k, unsigned node)
{
	Wire__Snapshot part = WIRE__SNAPSHOT__INIT;
	struct rng *r = &k->r;
	Wire__Interface one = WIRE__INTERFACE__INIT, *v[] = { &one };
	uint8_t address[4] = { 1, 2, 3, 4 };

	if (one_in(r, 200))
		new_state(k, node);
	if (one_in(r, 50)) {
		one.address = (ProtobufCBinaryData){ sizeof(address), address };
		address[0] = (uint8_t) (1 + rnd(r, 2) * 4);
		assert_int_equal(0, state_set_interfaces(k->state[node], v, rnd(r, 2)));
	}
	part.id = 1;
	if (k->snapshot[node] && one_in(r, 20)) {
		part.last = true;
		part.began_ns = k->stream[node].ts + rnd(r, 2) * 2000000000ULL;
		(void) state_snapshot_end(k->state[node], &part);
		k->snapshot[node] = false;
	}
	state_begin_batch(k->state[node]);
}

static void
step(struct round *k)
{
	unsigned node = rnd(&k->r, NODES);
	Wire__Snapshot part = WIRE__SNAPSHOT__INIT;
	struct batch *b;
	struct view v;

	between(k, node);
	b = stream_next(&k->stream[node], k->state[node], &v);
	intern_tick(k->pool);
	if (v.ev->schema->capture == CAP_SNAP &&
	    (v.ev->schema->num >= EV_TASK || one_in(&k->r, 2))) {
		part.id = 1;
		if (!k->snapshot[node])
			(void) state_snapshot_part(k->state[node], &part);
		k->snapshot[node] = true;
		state_snapshot(k->state[node], b, v.ev);
	} else {
		state_apply(k->state[node], b, v.ev, &v);
		if (k->run != NULL)
			compare(k, &v);
		else
			learn(k, &v);
	}
	batch_free(b);
}

/* false: a verdict was wrong. */
static bool
play(uint64_t seed)
{
	struct round k;

	begin(&k, seed);
	restart(&k);
	for (unsigned i = 0; i < EVENTS; i++)
		step(&k);
	make_rules(&k);
	restart(&k);
	for (unsigned i = 0; i < EVENTS && !k.wrong; i++)
		step(&k);
	end(&k);
	return !k.wrong;
}

int
main(int argc, char **argv)
{
	uint64_t seed = 1, rounds = ROUNDS;
	int c;

	while ((c = getopt(argc, argv, "s:r:w:l")) != -1) { /* NOLINT(concurrency-mt-unsafe) */
		if (c == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (c == 'r')
			rounds = strtoull(optarg, NULL, 10);
		else if (c == 'w')
			take_out(optarg);
		else
			return c == 'l' ? list() : 2;
	}
	for (; rounds > 0; rounds--, seed++) {
		if (!play(seed))
			return 1;
	}
	return 0;
}
