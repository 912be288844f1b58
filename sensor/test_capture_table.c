/* SPDX-License-Identifier: Apache-2.0 */
#include "driver/numbers.h"
#include "proto/schema.h"
#include "sensor/capture_table.h"
#include "tests/support/test.h"
#include <string.h>

static struct drv_table table;

static size_t
row_of(const char *call)
{
	for (size_t i = 0; i < ncaptures; i++) {
		if (strcmp(captures[i].call, call) == 0)
			return i;
	}
	fail_msg("no row of %s", call);
	return 0;
}

static const struct drv_capture *
capture_of(const char *call)
{
	int nr = captures[row_of(call)].nr[0];

	return &table.captures[table.calls[0][nr].capture];
}

static int
compile_all(void **state)
{
	size_t bad = 0;

	(void) state;
	memset(&table, 0, sizeof(table));
	if (captures_compile(&table, &bad) < 0)
		fail_msg("the row of %s does not fit its event", captures[bad].call);
	return 0;
}

/* Every row has a number for some caller, an event captured at exit, and the event's size. */
static void
test_rows(void **state)
{
	(void) state;
	for (size_t i = 0; i < ncaptures; i++) {
		const struct ev_schema *s = schema_get(captures[i].event);

		assert_non_null(s);
		if (s->capture != CAP_EXIT && s->capture != CAP_TRACE)
			fail_msg("%s: events.def does not call it captured", captures[i].call);
		for (int k = 0; k < 2; k++) {
			const struct drv_capture *c;
			const struct drv_call *call;

			if (captures[i].nr[k] < 0)
				continue;
			call = &table.calls[k][captures[i].nr[k]];
			if (call->program == DRV_PROGRAM_branch) {
				assert_int_equal(DRV_DEMUX_ONLY, call->capture);
				continue; /* its arguments are in memory */
			}
			c = &table.captures[call->capture];
			assert_int_equal(captures[i].event, c->event);
			assert_int_equal(c->program, call->program);
		}
	}
}

/* A row's event is the one that syscalls.c knows for the call: else a rule would wait for a generic
 * event that never comes. */
static void
test_names(void **state)
{
	(void) state;
	for (size_t i = 0; i < ncaptures; i++) {
		int call = syscall_find(slice_str(captures[i].call));
		const struct ev_schema *s = call < 0 ? NULL : syscall_event((unsigned) call);

		if (s == NULL || strcmp(s->name, schema_get(captures[i].event)->name) != 0)
			fail_msg("%s: syscalls.c does not know its event", captures[i].call);
	}
}

/* Every event captured at exit has a row, but that of calls without one. */
static void
test_events(void **state)
{
	(void) state;
	for (size_t e = 0; e < schema_nevents; e++) {
		bool found =
		    schema_events[e].capture != CAP_EXIT || schema_events[e].num == EV_SYSCALL;

		for (size_t i = 0; i < ncaptures && !found; i++)
			found = captures[i].event == schema_events[e].num;
		if (!found)
			fail_msg("%s is captured, but has no row", schema_events[e].name);
	}
}

static void
test_numbers(void **state)
{
	const struct drv_capture *c = capture_of("dup3");

	(void) state;
	assert_int_equal(DRV_PROGRAM_numbers, c->program);
	assert_int_equal(sizeof(struct ev_DUP3), c->size);
	assert_int_equal(0xf, c->nums);
	assert_int_equal(4, c->nnumbers);
	assert_int_equal(0, c->ntexts);
	assert_int_equal(DRV_ENTER_NOTHING, c->enter);
	assert_int_equal(DRV_RESULT, c->numbers[0].value);
	assert_int_equal(0, c->numbers[0].cut);
	assert_int_equal(DRV_ARG(1), c->numbers[2].value);
	assert_int_equal(32, c->numbers[2].cut);
	assert_true(c->numbers[2].sign);
	assert_int_equal(DRV_ARG(2), c->numbers[3].value);
	assert_false(c->numbers[3].sign);
}

static void
test_paths(void **state)
{
	const struct drv_capture *c = capture_of("linkat");

	(void) state;
	assert_int_equal(DRV_PROGRAM_texts, c->program);
	assert_int_equal(DRV_ENTER_PATHS, c->enter);
	assert_int_equal(DRV_ARG(1), c->what[0]);
	assert_int_equal(DRV_ARG(3), c->what[1]);
	assert_int_equal(2, c->ntexts);
	assert_int_equal(EVP_LINKAT_oldpath, c->texts[0].bit);
	assert_int_equal(EVP_LINKAT_newpath | DRV_SECOND, c->texts[1].bit);
	assert_int_equal(1U << EVP_LINKAT_res | 1U << EVP_LINKAT_olddir | 1U << EVP_LINKAT_newdir |
			     1U << EVP_LINKAT_flags,
	    c->nums);
	c = capture_of("openat2");
	assert_int_equal(DRV_ENTER_HOW, c->enter);
	assert_int_equal(DRV_ARG(1), c->what[0]);
	assert_int_equal(DRV_ARG(2), c->what[1]);
	c = capture_of("connect");
	assert_int_equal(DRV_ENTER_ADDR, c->enter);
	assert_int_equal(DRV_ARG(1), c->what[0]);
	assert_int_equal(DRV_ARG(2), c->what[1]);
}

/* The tracepoint of each, and the arguments that its hook takes from the context. */
static void
test_entries(void **state)
{
	static const struct {
		const char *call, *entry;
		unsigned nargs;
	} rows[] = {
		{ "chdir", "chdir", 1 },
		{ "execve", "execve", 1 },
		{ "openat", "openat", 2 },
		{ "openat2", "openat2", 3 },
		{ "linkat", "linkat", 4 },
		{ "sendto", "sendto", 6 },
		{ "close", NULL, 0 },
		{ "execveat", NULL, 0 },
	};

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned nargs = 0;
		const char *entry = captures_entry(row_of(rows[i].call), &nargs);

		if (rows[i].entry == NULL)
			assert_null(entry);
		else
			assert_string_equal(rows[i].entry, entry);
		assert_int_equal(rows[i].nargs, nargs);
	}
}

static bool
wants(const struct drv_control *ctl, int kind, int nr)
{
	return nr >= 0 && (ctl->calls[kind][nr / 64] >> (nr % 64) & 1);
}

/* A hook at an entry belongs to a call that is wanted, and whose arguments are. */
static void
test_entry_wanted(void **state)
{
	static const struct {
		const char *call;
		bool all, some, lean;
	} rows[] = {
		{ "openat", true, true, false },
		{ "open", true, false, false },
		{ "close", false, false, false },
		{ "connect", true, true, true },
	};
	struct event_set every = { 0 }, some = { 0 };
	struct drv_control all = { 0 }, two = { 0 }, lean = { 0 };

	(void) state;
	for (size_t i = 0; i < ncaptures; i++)
		event_set_add(&every, captures[i].event);
	event_set_add(&some, EV_OPENAT);
	event_set_add(&some, EV_CONNECT);
	memcpy(all.events, every.w, sizeof(every.w));
	memcpy(two.events, some.w, sizeof(some.w));
	memcpy(lean.events, some.w, sizeof(some.w));
	lean.lean[EV_OPENAT / 64] |= 1ULL << (EV_OPENAT % 64);
	captures_wanted(&all, &every);
	captures_wanted(&two, &some);
	captures_wanted(&lean, &some);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t at = row_of(rows[i].call);

		if (captures[at].nr[0] < 0) /* not on this architecture */
			continue;
		assert_int_equal(rows[i].all, captures_entry_wanted(at, &all));
		assert_int_equal(rows[i].some, captures_entry_wanted(at, &two));
		assert_int_equal(rows[i].lean, captures_entry_wanted(at, &lean));
	}
}

/* A wanted event enables all its calls: other names, and the calls that carry it. */
static void
test_wanted(void **state)
{
	struct drv_control ctl = { .events = { 0 } };

	(void) state;
	ctl.events[EV_CONNECT / 64] |= 1ULL << (EV_CONNECT % 64);
	ctl.events[EV_FCNTL / 64] |= 1ULL << (EV_FCNTL % 64);
	captures_wanted(&ctl, &(struct event_set){ 0 });
	assert_true(wants(&ctl, 0, NR64_connect));
	assert_true(wants(&ctl, 1, NR32_connect));
	assert_int_equal(NR32_socketcall >= 0, wants(&ctl, 1, NR32_socketcall));
	assert_true(wants(&ctl, 0, NR64_fcntl));
	assert_true(wants(&ctl, 1, NR32_fcntl64));
	assert_false(wants(&ctl, 0, NR64_close));
	assert_false(wants(&ctl, 1, NR32_ipc));
	assert_true(ctl.any[NR64_connect / 64] >> (NR64_connect % 64) & 1);
}

/* Of a clone that only state needs, the child's side has its own hook. */
static void
test_lean(void **state)
{
	struct drv_control ctl = { .events = { 0 } };

	(void) state;
	ctl.events[EV_CLONE / 64] |= 1ULL << (EV_CLONE % 64);
	captures_wanted(&ctl, &(struct event_set){ 0 });
	assert_true(wants(&ctl, 0, NR64_clone));
	memset(ctl.calls, 0, sizeof(ctl.calls));
	ctl.lean[EV_CLONE / 64] |= 1ULL << (EV_CLONE % 64);
	captures_wanted(&ctl, &(struct event_set){ 0 });
	assert_false(wants(&ctl, 0, NR64_clone));
}

/* A wanted name enables its numbers only; what has a row is no generic call. */
static void
test_generic(void **state)
{
	struct drv_control ctl = { 0 };
	struct event_set wanted = { 0 };
	unsigned n = 0;

	(void) state;
	event_set_add_call(&wanted, SC_getsid);
	event_set_add_call(&wanted, SC_close);
	event_set_add_call(&wanted, SC_msgget);
	captures_wanted(&ctl, &wanted);
	assert_true(wants(&ctl, 0, NR64_getsid));
	assert_true(wants(&ctl, 1, NR32_getsid));
	assert_true(wants(&ctl, 0, NR64_msgget));
	assert_false(wants(&ctl, 0, NR64_close));
	for (int nr = 0; nr < DRV_NR_MAX; nr++)
		n += wants(&ctl, 0, nr);
	assert_int_equal(2, n);
	assert_int_equal(DRV_PROGRAM_generic, table.calls[0][NR64_getsid].program);
	assert_int_equal(syscalls[SC_getsid].id, table.calls[0][NR64_getsid].capture);
	if (NR32_ipc >= 0) {
		assert_true(wants(&ctl, 1, NR32_ipc));
		assert_int_equal(1 << 13, ctl.within[table.calls[1][NR32_ipc].capture]);
	}
	assert_int_equal(0, ctl.within[0]);
}

/* Numbers without a name are wanted together. */
static void
test_unnamed(void **state)
{
	struct drv_control ctl = { 0 };
	struct event_set wanted = { 0 };

	(void) state;
	event_set_add_call(&wanted, SC_UNNAMED);
	captures_wanted(&ctl, &wanted);
	assert_true(wants(&ctl, 0, 1000));
	assert_true(wants(&ctl, 1, 1000));
	assert_false(wants(&ctl, 0, NR64_getsid));
	assert_int_equal(SC_UNNAMED, syscall_of_id(table.calls[0][1000].capture));
	assert_int_equal(SC_UNNAMED, syscall_of_id(table.calls[1][1000].capture));
}

#if defined(__x86_64__)
/* Calls of x32 have their names: by 64-bit numbers, or by their own from 512 on. */
static void
test_x32(void **state)
{
	struct drv_control ctl = { .events = { 0 } };
	struct event_set wanted = { 0 };
	const struct drv_call *call;

	(void) state;
	for (unsigned c = 0; c < SC_MAX; c++) {
		int nr = syscalls[c].number[CALLER_X32];

		if (nr < 0)
			continue;
		assert_true(nr == syscalls[c].number[CALLER_X86_64] || nr >= 512);
		assert_true(syscalls[c].number[CALLER_X86_64] < 512 || nr < 512);
		call = &table.calls[nr >= 512][nr];
		if (call->program == DRV_PROGRAM_generic)
			assert_int_equal(syscalls[c].id, call->capture);
		else
			assert_string_equal(schema_get(table.captures[call->capture].event)->name,
			    syscall_event(c)->name);
	}
	assert_int_equal(EV_IOCTL, table.captures[table.calls[1][514].capture].event);
	assert_int_equal(EV_SENDMSG, table.captures[table.calls[1][518].capture].event);
	event_set_add_call(&wanted, SC_rt_sigaction);
	ctl.events[EV_IOCTL / 64] |= 1ULL << (EV_IOCTL % 64);
	captures_wanted(&ctl, &wanted);
	assert_true(wants(&ctl, 1, 512)); /* rt_sigaction */
	assert_true(wants(&ctl, 0, 13));
	assert_true(wants(&ctl, 1, 514)); /* ioctl */
	assert_false(wants(&ctl, 1, 513));
}

static void
test_branches(void **state)
{
	const struct drv_call *call = &table.calls[1][NR32_socketcall];
	const struct drv_branch *b = &table.branches[call->capture][3];

	(void) state;
	assert_int_equal(DRV_PROGRAM_branch, call->program);
	assert_int_equal(EV_CONNECT, table.captures[b->capture].event);
	assert_int_equal(3, b->memory);
	assert_int_equal(0, table.branches[call->capture][31].capture);
	call = &table.calls[1][NR32_ipc];
	b = &table.branches[call->capture][2];
	assert_int_equal(EV_SEMGET, table.captures[b->capture].event);
	assert_int_equal(0, b->memory);
	assert_int_equal(DRV_ARG(1), b->from[0]);
	assert_int_equal(DRV_ARG(3), b->from[2]);
	assert_int_equal(DRV_ZERO, b->from[3]);
	call = &table.calls[1][NR32_mmap];
	b = &table.branches[call->capture][0];
	assert_int_equal(DRV_DEMUX_ONLY, call->capture);
	assert_int_equal(EV_MMAP, table.captures[b->capture].event);
	assert_int_equal(6, b->memory);
	assert_int_equal(DRV_ARG(0), b->at);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_entry_wanted),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_lean),
		cmocka_unit_test(test_generic),
		cmocka_unit_test(test_unnamed),
#if defined(__x86_64__)
		cmocka_unit_test(test_x32),
		cmocka_unit_test(test_branches),
#endif
	};

	return cmocka_run_group_tests(tests, compile_all, NULL);
}
