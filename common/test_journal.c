/* SPDX-License-Identifier: Apache-2.0 */
/* test_journal.c - what systemd's journal gets of a line with fields, and where the line goes
 * without it. */
#include "common/journal.h"
#include "common/log_int.h"
#include "common/log_peer.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char path[TMPDIR_SIZE + 8];

static int
setup(void **state)
{
	int r = tmpdir_begin(state);

	(void) snprintf(path, sizeof(path), "%s/socket", tmpdir);
	return r;
}

/* A journal's socket at 'path'. */
static int
listen_there(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	(void) snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_int_equal(0, bind(fd, (const struct sockaddr *) &at, sizeof(at)));
	return fd;
}

/* The next datagram; "": there is none. */
static const char *
datagram(int fd)
{
	static char text[9000];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void
test_fields(void **state)
{
	int fd = listen_there();

	(void) state;
	log_init("mews-test", LOG_INFO);
	log_journal(path);
	log_peer(LOG_WARN, "web\n1", "odd\nMEWS_LEVEL=%s", "error");
	assert_string_equal(
	    "MESSAGE=odd\\x0aMEWS_LEVEL=error\nPRIORITY=4\nSYSLOG_IDENTIFIER=mews-test\n"
	    "MEWS_LEVEL=warn\nMEWS_PEER=web\\x0a1\n",
	    datagram(fd));
	log_line(LOG_AUDIT, "changed");
	assert_string_equal(
	    "MESSAGE=changed\nPRIORITY=5\nSYSLOG_IDENTIFIER=mews-test\nMEWS_LEVEL=audit\n",
	    datagram(fd));
	log_info("an ordinary line, through standard error");
	assert_string_equal("", datagram(fd));
	log_journal(NULL);
	assert_int_equal(0, close(fd));
	assert_int_equal(0, unlink(path));
}

/* What the journal does not take goes to standard error. */
static void
test_gone(void **state)
{
	int fd = listen_there(), saved = dup(STDERR_FILENO);
	char text[1000] = "";
	FILE *f = tmpfile();

	(void) state;
	assert_true(f != NULL && saved >= 0);
	log_journal(path);
	assert_int_equal(0, close(fd));
	assert_true(dup2(fileno(f), STDERR_FILENO) >= 0);
	log_peer(LOG_WARN, "web1", "nobody listens");
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	assert_int_equal(0, close(saved));
	rewind(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	assert_non_null(strstr(text, " mews-test warn: nobody listens\n"));
	assert_int_equal(0, fclose(f));
	assert_int_equal(0, unlink(path));
	log_journal(path); /* no such socket: none */
	log_journal(NULL);
}

static void
test_refused(void **state)
{
	char longer[sizeof(((struct sockaddr_un *) 0)->sun_path) + 1], message[9000];
	int fd = listen_there(), to = journal_open(path);

	(void) state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(-ENAMETOOLONG, journal_open(longer));
	assert_int_equal(-ENOENT, journal_open("/nowhere/socket"));
	memset(message, 'x', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	assert_int_equal(-EMSGSIZE,
	    journal_send(to, &(struct journal_line){ 4, "mews-test", "warn", NULL, message }));
	assert_int_equal(0, close(to));
	assert_int_equal(0, close(fd));
	assert_int_equal(0, unlink(path));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, tmpdir_end);
}
