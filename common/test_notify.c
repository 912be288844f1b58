/* SPDX-License-Identifier: Apache-2.0 */
/* test_notify.c - what a service manager hears. */
#include "common/clock.h"
#include "common/notify.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Be the manager at 'name', and say so in the environment. */
static int
manager(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(at.sun_path, name, len);
	if (name[0] == '@')
		at.sun_path[0] = '\0';
	assert_return_code(bind(fd, (struct sockaddr *) &at,
			       (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len)),
	    errno);
	assert_return_code(setenv("NOTIFY_SOCKET", name, 1), errno);
	return fd;
}

/* The next message; "": none. */
static const char *
heard(int fd)
{
	static char text[64];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void
test_messages(void **state)
{
	char file[64], abstract[64];
	const char *const names[] = { file, abstract };

	(void) state;
	(void) snprintf(file, sizeof(file), "%s/notify", tmpdir);
	(void) snprintf(abstract, sizeof(abstract), "@mews-test-notify-%d", (int) getpid());
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = manager(names[i]);
		struct notify n;

		assert_int_equal(0, notify_open(&n));
		assert_string_equal("", heard(fd));
		notify_ready(&n);
		assert_string_equal("READY=1", heard(fd));
		notify_alive(&n, clock_mono()); /* nobody asked for signs of life */
		assert_string_equal("", heard(fd));
		notify_stopping(&n);
		assert_string_equal("STOPPING=1", heard(fd));
		notify_close(&n);
		notify_ready(&n);
		assert_string_equal("", heard(fd));
		(void) close(fd);
	}
	(void) unlink(file);
}

static void
test_watchdog(void **state)
{
	char name[64], own[32];
	const struct {
		const char *usec, *pid;
		uint64_t period;
	} cases[] = {
		{ "30000000", NULL, 15 * NS_PER_S },
		{ "30000000", own, 15 * NS_PER_S },
		{ "30000000", "1", 0 }, /* inherited: another process is watched */
		{ NULL, own, 0 },
	};
	int fd;

	(void) state;
	(void) snprintf(name, sizeof(name), "@mews-test-notify-%d", (int) getpid());
	(void) snprintf(own, sizeof(own), "%d", (int) getpid());
	fd = manager(name);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t now = 1000 * NS_PER_S;
		struct notify n;

		(void) unsetenv("WATCHDOG_USEC");
		(void) unsetenv("WATCHDOG_PID");
		if (cases[i].usec != NULL)
			assert_return_code(setenv("WATCHDOG_USEC", cases[i].usec, 1), errno);
		if (cases[i].pid != NULL)
			assert_return_code(setenv("WATCHDOG_PID", cases[i].pid, 1), errno);
		assert_int_equal(0, notify_open(&n));
		assert_int_equal(cases[i].period, n.period_ns);
		for (unsigned k = 0; k < 3 && n.period_ns != 0; k++) { /* once in each period */
			notify_alive(&n, now);
			assert_string_equal("WATCHDOG=1", heard(fd));
			notify_alive(&n, now + n.period_ns - 1);
			assert_string_equal("", heard(fd));
			now += n.period_ns;
		}
		notify_alive(&n, now + NS_PER_S);
		assert_string_equal(n.period_ns == 0 ? "" : "WATCHDOG=1", heard(fd));
		notify_close(&n);
	}
	(void) close(fd);
}

static void
test_no_manager(void **state)
{
	static const struct {
		const char *name; /* NULL: no such variable */
		int r;
	} cases[] = {
		{ NULL, 0 },
		{ "", 0 },
		{ "/nonexistent/notify", -ENOENT },
		{ "relative", -EAFNOSUPPORT },
		{ "/0123456789012345678901234567890123456789012345678901234567890123456789012345678"
		  "901234567890123456789012345678901234567890",
		    -ENAMETOOLONG },
	};

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct notify n;

		(void) unsetenv("NOTIFY_SOCKET");
		if (cases[i].name != NULL)
			assert_return_code(setenv("NOTIFY_SOCKET", cases[i].name, 1), errno);
		assert_int_equal(cases[i].r, notify_open(&n));
		notify_ready(&n); /* does nothing */
		notify_alive(&n, clock_mono());
		notify_close(&n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_watchdog),
		cmocka_unit_test(test_no_manager),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
