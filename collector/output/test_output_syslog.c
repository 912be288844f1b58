/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_syslog.c - syslog's transports, and servers that fail. */
#include "collector/output/output.h"
#include "collector/output/peer.h"
#include "common/clock.h"
#include "tests/support/sink.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <unistd.h>

#define ROWS 3000

struct bench {
	struct cfg *cfg;
	void *st;
	unsigned ended[ROWS + 1], delivered[ROWS + 1];
	unsigned ndelivered, nretry, nrefused;
};

static void
ended(void *arg, uint64_t rowid, enum output_result result, const char *why)
{
	struct bench *b = arg;

	(void) why;
	b->ended[rowid]++;
	b->delivered[rowid] += result == OUTPUT_DELIVERED;
	b->ndelivered += result == OUTPUT_DELIVERED;
	b->nretry += result == OUTPUT_RETRY;
	b->nrefused += result == OUTPUT_REFUSED;
}

static struct bench *
bench_new(const char *address, const char *more)
{
	const struct output_ops *ops = &output_syslog;
	struct bench *b = calloc(1, sizeof(*b));
	struct diag d = { 0 };
	char text[256];

	assert_non_null(b);
	b->st = calloc(1, ops->state_size);
	(void) snprintf(text, sizeof(text),
	    "outputs: { syslog: { address: '%s', structured_data: '', %s } }", address, more);
	assert_int_equal(0, cfg_parse("mews.yaml", slice_str(text), &b->cfg, &d));
	assert_int_equal(0, cfg_bind(b->cfg, ops->opts, ops->nopts, b->st, &d));
	assert_int_equal(0, ops->open(b->st, b->cfg, ended, b, &d));
	return b;
}

static void
bench_free(struct bench *b)
{
	output_syslog.close(b->st);
	cfg_free(b->cfg);
	free(b->st);
	free(b);
}

static int
submit(struct bench *b, unsigned n, size_t size)
{
	struct outbox_row row = { .rowid = n };
	struct alert *a = &row.alert;
	char *json = malloc(size + 64);
	int r;

	assert_non_null(json);
	(void) snprintf(json, size + 64, "{\"output\":\"alert %u %0*d\"}", n, (int) size, 0);
	a->rule = "r";
	a->cluster = "c";
	a->node = "n";
	a->json = json;
	a->json_len = strlen(json);
	r = output_syslog.submit(b->st, &row);
	free(json);
	return r;
}

static void
submit_all(struct bench *b, unsigned from, unsigned to, size_t size)
{
	int r;

	for (unsigned n = from; n <= to; n++) {
		while ((r = submit(b, n, size)) == -EAGAIN)
			output_syslog.poll(b->st, 10);
		assert_int_equal(0, r);
	}
}

/* Submit again what was given up, as the output's thread does, until all is delivered. */
static void
deliver(struct bench *b, unsigned rows, size_t size)
{
	bool missing = true;

	while (missing) {
		while (output_syslog.drain(b->st, 1000) > 0)
			;
		missing = false;
		for (unsigned n = 1; n <= rows; n++) {
			if (b->delivered[n] == 0) {
				submit_all(b, n, n, size);
				missing = true;
			}
		}
	}
}

static char text[16 << 20];

/* Count the messages of a stream; each must be framed. seen[] counts each row. */
static unsigned
frames(const char *p, size_t n, unsigned *seen)
{
	unsigned count = 0, row;
	size_t len;
	int used;

	for (size_t i = 0; i < n; i += len, count++) {
		assert_int_equal(1, sscanf(p + i, "%zu %n", &len, &used));
		i += (size_t) used;
		if (i + len > n)
			return count; /* the connection was cut here */
		assert_memory_equal("<8>1 1970-01-01T", p + i, strlen("<8>1 1970-01-01T"));
		assert_int_equal(
		    1, sscanf(strstr(p + i, "alert - {"), "alert - {\"output\":\"alert %u", &row));
		assert_true(row <= ROWS);
		seen[row]++;
	}
	return count;
}

static void
a_stream_is_octet_counted(void **state)
{
	struct sink *s = sink_start(SINK_TCP);
	struct bench *b = bench_new(sink_address(s), "facility: user");
	unsigned seen[ROWS + 1] = { 0 };

	(void) state;
	submit_all(b, 1, ROWS, 100);
	assert_int_equal(0, output_syslog.drain(b->st, 20000));
	assert_int_equal(ROWS, frames(text, sink_text(s, text, sizeof(text)), seen));
	for (unsigned n = 1; n <= ROWS; n++)
		assert_int_equal(1, seen[n]);
	assert_int_equal(1, sink_connections(s));
	bench_free(b);
	sink_stop(s);
}

/* The server resets the connection while unread messages are in its kernel: they were confirmed by
 * it, and must be sent again. */
static void
what_a_reset_may_have_lost_is_sent_again(void **state)
{
	struct sink *s = sink_start(SINK_TCP);
	struct bench *b = bench_new(sink_address(s), "facility: user");
	unsigned before;

	(void) state;
	submit_all(b, 1, 10, 10);
	assert_int_equal(0, output_syslog.drain(b->st, 5000));
	sink_pause(s, true);
	submit_all(b, 11, 200, 10);
	output_syslog.poll(b->st, 10); /* all is in the server's kernel */
	before = b->ndelivered;
	sink_cut(s);
	while (b->nretry == 0 && b->ndelivered < 200)
		output_syslog.poll(b->st, 1);
	assert_int_equal(10, before);
	assert_int_equal(190, b->nretry);
	assert_non_null(output_syslog.trouble(b->st));
	assert_non_null(
	    strstr(output_syslog.trouble(b->st), "syslog: lost the connection to 127.0.0.1 port "));
	sink_pause(s, false);
	deliver(b, 200, 10);
	assert_null(output_syslog.trouble(b->st));
	assert_int_equal(200, b->ndelivered);
	bench_free(b);
	sink_stop(s);
}

/* A server that reads nothing holds up only what it has not confirmed. */
static void
a_server_that_does_not_read_gets_no_more(void **state)
{
	struct sink *s = sink_start(SINK_TCP);
	struct bench *b = bench_new(sink_address(s), "facility: user, max_size: 1MiB");
	unsigned n = 0, seen[ROWS + 1] = { 0 };
	int r = 0;

	(void) state;
	submit_all(b, 1, 1, 10);
	assert_int_equal(0, output_syslog.drain(b->st, 5000));
	sink_pause(s, true);
	for (n = 2; n < 200; n++) {
		r = submit(b, n, 200000);
		for (int i = 0; r == -EAGAIN && i < 30; i++) {
			output_syslog.poll(b->st, 10);
			r = submit(b, n, 200000);
		}
		if (r == -EAGAIN)
			break;
	}
	assert_int_equal(-EAGAIN, r);
	assert_int_equal(0, b->nretry);
	assert_true(b->ndelivered < n - 1);
	sink_pause(s, false);
	assert_int_equal(0, output_syslog.drain(b->st, 20000));
	assert_int_equal(n - 1, frames(text, sink_text(s, text, sizeof(text)), seen));
	bench_free(b);
	sink_stop(s);
}

static void
a_datagram_is_a_message(void **state)
{
	enum sink_kind kinds[] = { SINK_UDP, SINK_UNIX };

	(void) state;
	for (size_t i = 0; i < 2; i++) {
		struct sink *s = sink_start(kinds[i]);
		struct bench *b =
		    bench_new(sink_address(s), "header: rfc5424, facility: local0, max_size: 1MiB");
		const char *p = text;

		submit_all(b, 1, 3, 10);
		submit_all(b, 4, 4, 900000); /* no datagram is as long */
		submit_all(b, 5, 6, 10);
		assert_int_equal(0, output_syslog.drain(b->st, 5000));
		assert_int_equal(1, b->nrefused);
		assert_int_equal(5, b->ndelivered);
		assert_int_equal(1, b->ended[4]);
		assert_int_equal(0, b->delivered[4]);
		while (sink_text(s, text, sizeof(text)) == 0 || strstr(text, "alert 6") == NULL)
			(void) usleep(1000);
		for (unsigned n = 1; n <= 6; n++) {
			char want[128];

			if (n == 4)
				continue;
			(void) snprintf(want, sizeof(want),
			    "<128>1 1970-01-01T00:00:00.000000Z n mews - alert - "
			    "{\"output\":\"alert %u 0000000000\"}\n",
			    n);
			assert_memory_equal(want, p, strlen(want));
			p += strlen(want);
		}
		bench_free(b);
		sink_stop(s);
	}
}

static const struct {
	const char *address, *trouble;
} absent[] = {
	{ "unix:/none/log", "syslog: cannot write to '/none/log': No such file or directory" },
	{ "tcp://127.0.0.1:1", "syslog: cannot connect to 127.0.0.1 port 1: Connection refused" },
	{ "tls://127.0.0.1:1", "syslog: cannot connect to 127.0.0.1 port 1: Connection refused" },
	{ "tcp://no.such.invalid", "syslog: cannot resolve the host 'no.such.invalid': " },
};

static void
an_absent_server_is_one_sentence(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
		struct bench *b = bench_new(absent[i].address, "facility: user");
		const char *trouble = NULL;

		for (int n = 0; n < 1000 && trouble == NULL; n++) {
			assert_int_equal(-EAGAIN, submit(b, 1, 1));
			output_syslog.poll(b->st, 10);
			trouble = output_syslog.trouble(b->st);
		}
		assert_non_null(trouble);
		assert_memory_equal(absent[i].trouble, trouble, strlen(absent[i].trouble));
		assert_int_equal(0, output_syslog.drain(b->st, 0));
		bench_free(b);
	}
}

/* The kernel reports a closed port only after a datagram was sent there. */
static void
a_closed_port_of_udp_is_noticed(void **state)
{
	struct bench *b = bench_new("udp://127.0.0.1:1", "facility: user");
	const char *want = "syslog: cannot send datagrams to 127.0.0.1 port 1: Connection refused";

	(void) state;
	submit_all(b, 1, 1, 1);
	while (b->ended[1] == 0)
		output_syslog.poll(b->st, 10);
	assert_int_equal(1, b->nretry);
	assert_string_equal(want, output_syslog.trouble(b->st));
	bench_free(b);
}

static const struct {
	const char *text;
	int r;
	enum peer_kind kind;
	const char *host, *port;
} addresses[] = {
	{ "unix:/dev/log", 0, PEER_UNIX, "/dev/log", "" },
	{ "udp://h", 0, PEER_UDP, "h", "514" },
	{ "tcp://h", 0, PEER_TCP, "h", "601" },
	{ "tls://h", 0, PEER_TLS, "h", "6514" },
	{ "tls://h.example:10514", 0, PEER_TLS, "h.example", "10514" },
	{ "tcp://[::1]:514", 0, PEER_TCP, "::1", "514" },
	{ "tcp://[::1]", 0, PEER_TCP, "::1", "601" },
	{ "unix:log", -EINVAL, 0, "", "" },
	{ "unix:", -EINVAL, 0, "", "" },
	{ "tcp://", -EINVAL, 0, "", "" },
	{ "tcp://:1", -EINVAL, 0, "", "" },
	{ "tcp://h:", -EINVAL, 0, "", "" },
	{ "tcp://h:0", -EINVAL, 0, "", "" },
	{ "tcp://h:65536", -EINVAL, 0, "", "" },
	{ "tcp://h:1x", -EINVAL, 0, "", "" },
	{ "tcp://h/x", -EINVAL, 0, "", "" },
	{ "tcp://[::1]x", -EINVAL, 0, "", "" },
	{ "tcp://[]", -EINVAL, 0, "", "" },
	{ "http://h", -EINVAL, 0, "", "" },
	{ "", -EINVAL, 0, "", "" },
};

static void
addresses_are_parsed(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
		struct peer_to to = { 0 };

		assert_int_equal(addresses[i].r, peer_parse(addresses[i].text, &to));
		if (addresses[i].r < 0)
			continue;
		assert_int_equal(addresses[i].kind, to.kind);
		assert_string_equal(addresses[i].host, to.host);
		assert_string_equal(addresses[i].port, to.port);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_octet_counted),
		cmocka_unit_test(what_a_reset_may_have_lost_is_sent_again),
		cmocka_unit_test(a_server_that_does_not_read_gets_no_more),
		cmocka_unit_test(a_datagram_is_a_message),
		cmocka_unit_test(an_absent_server_is_one_sentence),
		cmocka_unit_test(a_closed_port_of_udp_is_noticed),
		cmocka_unit_test(addresses_are_parsed),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
