/* SPDX-License-Identifier: Apache-2.0 */
/* test_bpf_journal.c - a process is killed at any point around a batch: the next one continues. */
#include "sensor/account.h"
#include "sensor/bpf_int.h"
#include "sensor/lost.h"
#include "tests/support/test.h"
#include <stdlib.h>

#define RINGS  2
#define STREAM 77

/* A process: its rings and the pinned journal. */
struct proc {
	struct source_state s;
	uint64_t consumer[RINGS];
};

static char journal[65536] __attribute__((aligned(8)));

/* A process that uses the journal; 'taken': an earlier one's driver. */
static void
begin(struct proc *p, bool taken)
{
	memset(p, 0, sizeof(*p));
	if (!taken)
		memset(journal, 0, sizeof(journal));
	p->s.ncpu = RINGS;
	p->s.page = sizeof(journal);
	p->s.taken = taken;
	p->s.pin = (struct pin *) (void *) journal; /* only compared with NULL */
	p->s.journal = (struct journal *) (void *) journal;
	assert_int_equal(0, rings_new(RINGS, &p->s.rings));
	for (unsigned i = 0; i < RINGS; i++)
		p->s.rings.v[i].consumer = &p->consumer[i];
}

/* Read the rings up to these positions. */
static void
read_to(struct proc *p, uint64_t first, uint64_t second)
{
	p->s.rings.v[0].pos = first;
	p->s.rings.v[1].pos = second;
}

static void
mark(struct proc *p, uint64_t stream, uint64_t seq)
{
	struct source_mark m = { .stream = stream, .seq = seq, .interest = 5 };
	struct account *a = account_new();

	assert_non_null(a);
	a->emitted[EV_CLOSE] = (int64_t) seq * 7;
	a->missing[EV_CLOSE] = (int64_t) seq;
	m.account = a;
	m.lost.spool_full = seq * 100;
	assert_true(bpf_mark(&p->s, &m));
	account_free(a);
}

/* The account of EV_CLOSE with which the next process goes on. */
static void
check_account(struct proc *p, uint64_t emitted, uint64_t missing)
{
	unsigned ncpu = 0;
	const struct account_kept *k = bpf_account(&p->s, &ncpu);

	assert_int_equal(RINGS, ncpu);
	assert_int_equal(emitted, k->emitted[EV_CLOSE]);
	assert_int_equal(missing, k->missing[EV_CLOSE]);
}

static void
batch(struct proc *p, uint64_t seq, bool saved)
{
	read_to(p, seq * 10, seq * 20);
	mark(p, STREAM, seq);
	bpf_settle(&p->s, saved);
}

static void
end(struct proc *p)
{
	rings_free(&p->s.rings);
}

/* Three batches are saved. The process is killed in the fourth, at one of these points. */
static const struct {
	const char *name;
	bool marked, settled;
	bool saved;   /* is it in the file? */
	uint64_t seq; /* the newest batch, and where the rings go on */
	bool more;
} kills[] = {
	{ "read", false, false, false, 3, false },
	{ "marked", true, false, false, 3, true },
	{ "written", true, false, true, 4, true },
	{ "settled", true, true, true, 4, false },
};

static void
test_kills(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(kills); i++) {
		struct source_past past = { 0 };
		struct source_mark m = { 0 };
		struct proc old, new;

		begin(&old, false);
		for (uint64_t seq = 1; seq <= 3; seq++)
			batch(&old, seq, true);
		read_to(&old, 40, 80);
		if (kills[i].marked)
			mark(&old, STREAM, 4);
		if (kills[i].settled)
			bpf_settle(&old.s, true);
		bpf_losses(&old.s)[0].events[EV_CLOSE] = 7;
		begin(&new, true);
		memcpy(new.consumer, old.consumer, sizeof(new.consumer));
		read_to(&new, new.consumer[0], new.consumer[1]);
		assert_true(bpf_past(&new.s, &past));
		assert_true(past.whole);
		assert_int_equal(STREAM, past.stream);
		assert_int_equal(kills[i].more, past.more);
		bpf_resume(&new.s, past.seq + (kills[i].saved && past.more), &m);
		assert_int_equal(kills[i].seq, m.seq);
		assert_int_equal(5, m.interest);
		assert_int_equal(kills[i].seq * 100, m.lost.spool_full);
		check_account(&new, kills[i].seq * 7, kills[i].seq);
		assert_int_equal(7, bpf_losses(&new.s)[0].events[EV_CLOSE]);
		assert_int_equal(kills[i].seq * 10, new.consumer[0]);
		assert_int_equal(kills[i].seq * 20, new.consumer[1]);
		assert_int_equal(kills[i].seq * 10, new.s.rings.v[0].pos);
		end(&old);
		end(&new);
	}
}

/* A batch that is in no file cannot be continued after, until all are in files again. */
static void
test_not_saved(void **state)
{
	struct source_past past = { 0 };
	struct proc p;

	(void) state;
	begin(&p, false);
	batch(&p, 1, true);
	batch(&p, 2, false);
	assert_int_equal(20, p.consumer[0]);
	p.s.taken = true;
	assert_true(bpf_past(&p.s, &past));
	assert_false(past.whole);
	assert_int_equal(2, past.seq);
	batch(&p, 3, true);
	assert_true(bpf_past(&p.s, &past));
	assert_true(past.whole);
	end(&p);
}

/* A new stream in an old journal: its numbers begin again. */
static void
test_new_stream(void **state)
{
	struct source_past past = { 0 };
	struct proc p;

	(void) state;
	begin(&p, false);
	for (uint64_t seq = 1; seq <= 5; seq++)
		batch(&p, seq, true);
	read_to(&p, 60, 120);
	bpf_losses(&p.s)[1].events[EV_CLOSE] = 7;
	mark(&p, STREAM + 1, 1);
	assert_int_equal(0, bpf_losses(&p.s)[1].events[EV_CLOSE]);
	p.s.taken = true;
	assert_true(bpf_past(&p.s, &past));
	assert_int_equal(STREAM + 1, past.stream);
	assert_int_equal(0, past.seq);
	assert_true(past.more);
	check_account(&p, 0, 5); /* what the stream before has missed, up to where the rings are */
	bpf_settle(&p.s, true);
	assert_true(bpf_past(&p.s, &past));
	assert_int_equal(1, past.seq);
	assert_int_equal(60, p.consumer[0]);
	end(&p);
}

static void
test_nothing_pinned(void **state)
{
	struct source_past past = { 0 };
	struct proc p;

	(void) state;
	begin(&p, false);
	assert_false(bpf_past(&p.s, &past));
	p.s.pin = NULL;
	assert_false(bpf_mark(&p.s, &(struct source_mark){ .seq = 1 }));
	bpf_settle(&p.s, true);
	end(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kills),
		cmocka_unit_test(test_not_saved),
		cmocka_unit_test(test_new_stream),
		cmocka_unit_test(test_nothing_pinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
