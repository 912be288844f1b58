/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/outbox_kit.h"
#include "tests/support/tmpdir.h"
#include <sqlite3.h>
#include <unistd.h>

int __real_sqlite3_step(sqlite3_stmt *st);
int __wrap_sqlite3_step(sqlite3_stmt *st);

static const char *_Atomic fail_what;
static _Atomic int fail_rc, fail_times;

int
__wrap_sqlite3_step(sqlite3_stmt *st)
{
	const char *what = fail_what;

	if (what != NULL && strncmp(sqlite3_sql(st), what, strlen(what)) == 0 && fail_times > 0) {
		fail_times--;
		return fail_rc;
	}
	return __real_sqlite3_step(st);
}

void
kit_fail(const char *what, int rc, int times)
{
	fail_rc = rc;
	fail_times = times;
	fail_what = what;
}

static char dir[TMPDIR_SIZE];
char kit_path[64];
const struct stream_id node1 = { "prod", "web-1", "b00t", 77 };
const struct stream_id node2 = { "prod", "web-2", "b00t", 78 };

int
kit_begin(void **state)
{
	(void) state;
	/* In memory, where an fsync costs nothing: the disk is not under test. */
	(void) snprintf(dir, sizeof(dir), "/dev/shm/mews-test-XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : tmpdir_make(dir);
}

int
kit_end(void **state)
{
	(void) state;
	return tmpdir_remove(dir);
}

int
kit_setup(void **state)
{
	static int n;

	(void) state;
	kit_fail(NULL, 0, 0);
	(void) snprintf(kit_path, sizeof(kit_path), "%s/%d.db", dir, n++);
	return 0;
}

static const struct outbox_output kafka_only[] = { { "kafka", false } };

struct outbox *
open_it(uint64_t max_bytes, size_t noutputs)
{
	struct outbox_cfg cfg = {
		.path = kit_path, .max_bytes = max_bytes, .cluster = "prod", .node = "collector"
	};
	struct outbox *o = NULL;
	struct diag d = { 0 };

	cfg.outputs = kafka_only;
	cfg.noutputs = noutputs;
	assert_int_equal(0, outbox_open(&cfg, &o, &d));
	return o;
}

struct alert *
make(unsigned id, const char *rule, const char *node, enum priority prio, size_t json_len)
{
	struct alert a = { .priority = prio, .time = 1000ULL * id, .rule = rule };
	struct alert *ret = NULL;
	char *json = malloc(json_len + 1);

	assert_non_null(json);
	memset(json, 'x', json_len);
	json[json_len] = '\0';
	(void) snprintf(a.id, sizeof(a.id), "%08x-0000-8000-8000-000000000000", id);
	a.cluster = "prod";
	a.node = node;
	a.json = json;
	a.json_len = json_len;
	assert_int_equal(0, alert_new(&a, &ret));
	free(json);
	return ret;
}

static void
ticket_done(struct outbox_txn *t, int r)
{
	struct ticket *k = t->arg;

	k->r = r;
	atomic_store(&k->state, 1);
	(void) sem_post(&k->done);
}

void
ticket_init(struct ticket *k, const struct stream_id *s, uint64_t seq, struct alert *alerts)
{
	memset(k, 0, sizeof(*k));
	(void) sem_init(&k->done, 0, 0);
	k->txn = (struct outbox_txn){ s, seq, alerts, ticket_done, k, 0 };
}

void
ticket_put(struct outbox *o, struct ticket *k, const struct stream_id *s, uint64_t seq,
    struct alert *alerts)
{
	ticket_init(k, s, seq, alerts);
	assert_int_equal(0, outbox_put(o, &k->txn));
}

int
ticket_wait(struct ticket *k)
{
	while (sem_wait(&k->done) < 0)
		; /* a signal */
	return k->r;
}

int
put(struct outbox *o, const struct stream_id *s, uint64_t seq, struct alert *alerts)
{
	struct ticket k;

	ticket_put(o, &k, s, seq, alerts);
	return ticket_wait(&k);
}

uint64_t
seq_of(struct outbox *o, const struct stream_id *s)
{
	uint64_t seq = 4711;

	assert_int_equal(0, outbox_stream_seq(o, s, &seq));
	return seq;
}

struct outbox_stats
stats(struct outbox *o)
{
	struct outbox_stats st;

	outbox_stats(o, &st);
	return st;
}

bool
see(void *arg, const struct outbox_row *row)
{
	struct seen *s = arg;

	assert_int_equal(row->alert.json_len, strlen(row->alert.json));
	s->n += (size_t) snprintf(s->text + s->n, sizeof(s->text) - s->n, "%s%lu", s->n ? " " : "",
	    strtoul(row->alert.id, NULL, 16));
	return s->stop_after == 0 || --s->stop_after > 0;
}
