/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/syscalls.h"
#include "tests/support/test.h"

enum { X86_64, X32, IA32, ARM64, ARM32, COLUMNS };

static const struct call {
	const char *name, *entry;
	int number[COLUMNS];
} calls[] = {
#define SYSCALL(name, entry, ...) { #name, #entry, { __VA_ARGS__ } },
#include "proto/syscalls.def"
};

static const struct call *
call_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (strcmp(calls[i].name, name) == 0)
			return &calls[i];
	}
	return NULL;
}

/* Sorted by name, for the filter's binary search. No two calls share a number. */
static void
order(void **state)
{
	static bool taken[COLUMNS][1024];

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (i > 0 && strcmp(calls[i - 1].name, calls[i].name) >= 0)
			fail_msg("%s stands before %s", calls[i - 1].name, calls[i].name);
		for (int k = 0; k < COLUMNS; k++) {
			int number = calls[i].number[k];

			assert_true(number >= -1 && number < (int) ARRAY_SIZE(taken[k]));
			if (number >= 0 && taken[k][number])
				fail_msg("column %d: %s has another's number", k, calls[i].name);
			if (number >= 0)
				taken[k][number] = true;
		}
	}
}

/* Calls that differ between callers, and cases where the generator uses other columns. */
static const struct call rows[] = {
	{ "umount2", "umount", { 166, 166, 52, 39, 52 } },
	{ "umount", "oldumount", { -1, -1, 22, -1, -1 } },
	{ "rt_sigaction", "rt_sigaction", { 13, 512, 174, 134, 174 } },
	{ "fcntl64", "fcntl64", { -1, -1, 221, -1, 221 } },
	{ "renameat", "renameat", { 264, 264, 302, 38, 329 } },
	{ "socketcall", "socketcall", { -1, -1, 102, -1, -1 } },
	{ "tuxcall", "none", { 184, 184, -1, -1, -1 } },
	{ "page_fault_user", "none", { -1, -1, -1, -1, -1 } },
};

static void
numbers(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct call *c = call_named(rows[i].name);

		if (c == NULL) {
			fail_msg("no %s", rows[i].name);
			return;
		}
		assert_string_equal(rows[i].entry, c->entry);
		assert_memory_equal(rows[i].number, c->number, sizeof(c->number));
	}
}

/* Events that are not named like a system call. */
static const struct exception {
	const char *event;
	const char *call; /* NULL: not a system call; else the call's real name */
} exceptions[] = {
	{ "llseek", "_llseek" },
	{ "pread", "pread64" },
	{ "pwrite", "pwrite64" },
	{ "prlimit", "prlimit64" },
	{ "syscall", NULL }, /* all calls without their own event */
	{ "asyncevent", NULL },
	{ "container", NULL },
	{ "cpu_hotplug", NULL },
	{ "drop", NULL },
	{ "groupdeleted", NULL },
	{ "infra", NULL },
	{ "notification", NULL },
	{ "page_fault", NULL },
	{ "pluginevent", NULL },
	{ "procexit", NULL },
	{ "procinfo", NULL },
	{ "scapevent", NULL },
	{ "signaldeliver", NULL },
	{ "switch", NULL },
	{ "userdeleted", NULL },
};

/* Every event is named like a system call, or is a known exception. */
static void
events(void **state)
{
	bool used[ARRAY_SIZE(exceptions)] = { false };

	(void) state;
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];
		bool known = s->capture == CAP_SNAP || call_named(s->name) != NULL;

		for (size_t k = 0; k < ARRAY_SIZE(exceptions); k++) {
			if (strcmp(s->name, exceptions[k].event) != 0)
				continue;
			used[k] = true;
			assert_false(known);
			known =
			    exceptions[k].call == NULL || call_named(exceptions[k].call) != NULL;
		}
		if (!known)
			fail_msg("event %s: no such system call in syscalls.def", s->name);
	}
	for (size_t k = 0; k < ARRAY_SIZE(exceptions); k++) {
		if (!used[k])
			fail_msg("%s is no event", exceptions[k].event);
	}
}

/* One id for each name that has a number, and one name for each id. */
static void
ids(void **state)
{
	(void) state;
	for (unsigned i = 0; i < SC_MAX; i++) {
		bool none = true;

		assert_int_equal(i, syscall_find(slice_str(syscalls[i].name)));
		for (int k = 0; k < COLUMNS; k++)
			none = none && syscalls[i].number[k] < 0;
		assert_int_equal(none, syscalls[i].id == SYSCALL_ID_NONE);
		if (!none && syscall_of_id(syscalls[i].id) != i)
			fail_msg("%s has another's id", syscalls[i].name);
	}
	assert_int_equal(99, syscalls[SC_sysinfo].id);
	assert_string_equal("clock_gettime64", syscall_name(syscalls[SC_clock_gettime64].id));
	assert_null(syscall_name(999));
	assert_null(syscall_name(-1));
	assert_null(syscall_name(SYSCALL_ID_NONE));
	assert_int_equal(SC_UNNAMED, syscall_of_id(SYSCALL_ID_UNNAMED));
	assert_true(syscall_find(SLICE("no_such")) < 0);
}

static void
own_events(void **state)
{
	(void) state;
	assert_int_equal(EV_PREAD, syscall_event(SC_pread64)->num);
	assert_string_equal("openat", syscall_event(SC_openat)->name);
	assert_null(syscall_event(SC_sysinfo));
	assert_null(syscall_event(SC_UNNAMED));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(numbers),
		cmocka_unit_test(events),
		cmocka_unit_test(ids),
		cmocka_unit_test(own_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
