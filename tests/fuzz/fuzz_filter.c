/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_filter.c - any text as a condition: refused with a place, or it prints to a text that gives
 * the same tree. A plan of a condition that compiles agrees with filter_match() on every event of a
 * small world, and neither is true on an event that the index leaves out.
 */
#include "collector/filter/filter_int.h"
#include "collector/plan/plan.h"
#include "tests/support/evbuild.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS = 4 };

static struct world {
	struct intern *pool;
	struct fscratch *fs;
	struct batch *batch;
	struct state *state[EVENTS]; /* each after one more event */
	struct view view[EVENTS];
} w;

static void
build_events(struct evb *b)
{
	evb_begin(b, EV_EXECVE, 20, 1000);
	evb_num(b, "res", 0);
	evb_text(b, "comm", "bash");
	evb_text(b, "exe", "/usr/bin/bash");
	evb_bytes(b, "args", "-c\0ls", 6);
	evb_bytes(b, "env", "A=b\0", 4);
	evb_add(b);
	evb_begin(b, EV_OPENAT, 20, 2000);
	evb_num(b, "fd", 3);
	evb_num(b, "dirfd", -100);
	evb_text(b, "name", "a\xff/../b");
	evb_num(b, "flags", 1);
	evb_add(b);
	evb_begin(b, EV_CONNECT, 20, 3000);
	evb_num(b, "res", 0);
	evb_bytes(b, "tuple", "\x02\x0a\0\0\1\x40\x1f\x0a\0\0\2\xbb\1", 13);
	evb_num(b, "fd", 5);
	evb_add(b);
	evb_begin(b, EV_GETSOCKNAME, 21, 4000);
	evb_add(b);
}

static void
build_world(void)
{
	static const struct state_limits limits = { 100, 100, 0, 0 };
	static struct evb b;

	if (intern_new(1 << 20, &w.pool) < 0 || fscratch_new(&w.fs) < 0)
		abort();
	build_events(&b);
	w.batch = evb_batch(&b);
	evb_fini(&b);
	for (size_t i = 0; i < EVENTS; i++) {
		if (state_new(w.pool, &limits, &w.state[i]) < 0)
			abort();
		for (size_t k = 0; k <= i; k++) {
			w.view[i] = (struct view){ .state = w.state[i],
				.batch = w.batch,
				.ev = &w.batch->ev[k],
				.node = "n",
				.num = k + 1,
				.time = 5000 + k };
			state_apply(w.state[i], w.batch, w.view[i].ev, &w.view[i]);
		}
	}
}

static void
check_print(const struct expr *e, struct arena *a)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct expr *again = NULL;
	struct diag d = { 0 };

	expr_print_exact(e, &first);
	if (expr_parse(buf_get(&first), a, &again, &d) < 0)
		abort();
	expr_print_exact(again, &second);
	if (!slice_eq(buf_get(&first), buf_get(&second)))
		abort();
	buf_clear(&first);
	expr_print(e, &first);
	buf_fini(&first);
	buf_fini(&second);
}

static bool
on_hit(void *arg, uint32_t item)
{
	*(unsigned *) arg |= 1u << item;
	return true;
}

/* Evaluate each event twice, the second time from memory. */
static void
check_run(const struct filter *f, struct arena *a)
{
	struct event_set all, index;
	const struct plan_item items[] = { { f, &all }, { f, &all } };
	struct plan_run *run = NULL;
	struct plan *plan = NULL;

	memset(&all, 0xff, sizeof(all));
	filter_events(f, &index);
	if (plan_new(items, 2, a, &plan) < 0 || plan_run_new(plan, &run) < 0)
		abort();
	for (size_t i = 0; i < EVENTS * 2; i++) {
		unsigned hits = 0, want;

		fscratch_reset(w.fs);
		want = filter_match(f, &w.view[i / 2], w.fs) ? 3 : 0;
		plan_event(run, &w.view[i / 2], w.fs, on_hit, &hits);
		if (hits != want ||
		    (want != 0 && !event_set_has(&index, w.view[i / 2].ev->schema->num)))
			abort();
	}
	plan_run_free(run);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter *f = NULL;
	struct expr *e = NULL;
	struct diag d = { 0 };
	struct arena a;
	int r;

	if (w.pool == NULL)
		build_world();
	arena_init(&a, 0);
	r = expr_parse((struct slice){ (const char *) data, size }, &a, &e, &d);
	if (r == 0) {
		check_print(e, &a);
		r = filter_compile(e, &a, &f, &d);
	}
	if (r == 0) {
		check_run(f, &a);
	} else if (r != -EINVAL || d.line == 0 || d.col == 0 || d.msg[0] == '\0') {
		abort();
	}
	arena_fini(&a);
	return 0;
}
