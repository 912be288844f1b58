/* SPDX-License-Identifier: Apache-2.0 */
/* test_spool_disk.c - a spool with a folder, and what the next process finds there. */
#include "sensor/backlog.h"
#include "sensor/message.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MB (1u << 20)

static char dir[TMPDIR_SIZE + 8];

static int
setup(void **state)
{
	static unsigned n;

	(void) state;
	(void) snprintf(dir, sizeof(dir), "%s/%u", tmpdir, ++n);
	return 0;
}

/* A sensor process: its folder and its spool. */
struct proc {
	struct spool_disk *disk;
	struct spool spool;
};

static void
hello_of(const char *node, uint64_t start, struct buf *out)
{
	Wire__Hello h = WIRE__HELLO__INIT;
	Wire__Request rq = WIRE__REQUEST__INIT;

	h.node = (char *) node;
	h.sensor_start = start;
	rq.body_case = WIRE__REQUEST__BODY_HELLO;
	rq.hello = &h;
	assert_int_equal(0, message_pack(&rq, out));
}

static void
begin(struct proc *p, const char *node, uint64_t start, uint64_t memory, uint64_t disk)
{
	CLEANUP(buf_fini) struct buf hello = BUF_INIT;

	p->disk = NULL;
	assert_int_equal(0, spool_disk_open(dir, disk, 0, &p->disk));
	hello_of(node, start, &hello);
	spool_init(&p->spool, memory);
	assert_int_equal(0, spool_use_disk(&p->spool, p->disk, buf_get(&hello)));
}

/* As kill -9: nothing is done in order. What close() would remove stays. */
static void
die(struct proc *p)
{
	spool_fini(&p->spool);
	spool_disk_close(p->disk);
}

/* Add batches of n bytes whose texts are "START/NUMBER". */
static void
add(struct proc *p, uint64_t start, unsigned times, uint32_t n, uint32_t events)
{
	while (times-- > 0) {
		char *msg = calloc(1, n);

		assert_non_null(msg);
		(void) snprintf(msg, n, "%d/%d", (int) start, (int) spool_next(&p->spool));
		assert_int_equal(0, spool_add(&p->spool, msg, n, events));
	}
}

static void
expect(struct spool *s, uint64_t start, uint64_t seq)
{
	struct spool_entry *e = spool_get(s, seq);
	char want[32];

	(void) snprintf(want, sizeof(want), "%d/%d", (int) start, (int) seq);
	assert_non_null(e);
	assert_string_equal(want, spool_msg(s, e));
}

static unsigned
files(const char *with)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) /* NOLINT(concurrency-mt-unsafe): one thread */
		n += strstr(e->d_name, with) != NULL;
	(void) closedir(d);
	return n;
}

/* Change a file: write a byte at 'at' of the newest one (negative: from its end), or cut it. */
static void
spoil(const struct proc *p, long at, bool cut)
{
	char path[128], byte;
	struct stat st;
	int fd;

	(void) snprintf(path, sizeof(path), "%s/%08x.spool", dir, (unsigned) p->disk->tail->number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(0, fstat(fd, &st));
	if (at < 0)
		at += st.st_size;
	assert_in_range(pread(fd, &byte, 1, at), 0, 1);
	byte = (char) ~byte;
	assert_int_equal(cut ? 0 : 1, cut ? ftruncate(fd, at) : pwrite(fd, &byte, 1, at));
	(void) close(fd);
}

static void
test_memory_then_disk(void **state)
{
	struct proc p;

	(void) state;
	begin(&p, "n1", 1, 64000, 64 * MB);
	add(&p, 1, 60, 1000, 1);
	assert_int_equal(0, files(".spool")); /* nothing is written before it must be */
	add(&p, 1, 440, 1000, 1);
	assert_in_range(p.spool.bytes, 1, 64000);
	assert_int_equal(500 * 1000, p.spool.kept);
	assert_int_equal(0, p.spool.events_dropped);
	for (uint64_t seq = 1; seq <= 500; seq++)
		expect(&p.spool, 1, seq);
	spool_durable(&p.spool, 400);
	assert_int_equal(100 * 1000, p.spool.kept);
	expect(&p.spool, 1, 401);
	spool_durable(&p.spool, 500);
	assert_int_equal(0, p.spool.kept);
	assert_int_equal(1, files(".spool")); /* the newest is used again */
	assert_in_range(p.disk->bytes, 1, 1000);
	add(&p, 1, 1, 1000, 1);
	assert_int_equal(0, spool_save(&p.spool));
	spool_durable(&p.spool, 501);
	die(&p);
	assert_int_equal(0, files(".spool"));
}

static void
test_full(void **state)
{
	struct proc p;

	(void) state;
	begin(&p, "n1", 1, 64000, MB);
	for (int i = 0; i < 3000; i++) {
		add(&p, 1, 1, 1000, 7);
		assert_in_range(p.disk->bytes, 0, MB);
	}
	assert_int_equal(3000, p.spool.batches_dropped + p.spool.n);
	assert_int_equal(7 * p.spool.batches_dropped, p.spool.events_dropped);
	assert_in_range(p.spool.n, 900, 1100);
	assert_int_equal(3001 - p.spool.n, p.spool.first); /* the oldest went */
	for (uint64_t seq = p.spool.first; seq <= 3000; seq++)
		expect(&p.spool, 1, seq);
	die(&p);
}

/* Each batch in memory costs an entry: their number is bounded too. */
static void
test_small_batches(void **state)
{
	struct proc p;

	(void) state;
	begin(&p, "n1", 1, 64000, 64 * MB);
	add(&p, 1, 3000, 20, 1);
	assert_int_equal(1000, p.spool.n);
	assert_int_equal(2000, p.spool.events_dropped);
	die(&p);
}

/* Nothing can be written: the memory goes on alone, its oldest batches go, those in files stay. */
static void
test_disk_is_gone(void **state)
{
	struct proc p;

	(void) state;
	begin(&p, "n1", 1, 64000, 64 * MB);
	add(&p, 1, 100, 1000, 1);
	assert_int_equal(0, spool_save(&p.spool));
	p.disk->min_free = UINT64_MAX / 2;
	add(&p, 1, 200, 1000, 1);
	assert_int_equal(-EAGAIN, spool_save(&p.spool)); /* not at once again */
	assert_int_equal(1, p.disk->errors);
	assert_in_range(p.spool.batches_dropped, 130, 145);
	assert_int_equal(101 + p.spool.batches_dropped, spool_seek(&p.spool, 101));
	expect(&p.spool, 1, 100);
	expect(&p.spool, 1, 300);
	p.disk->min_free = 0;
	p.disk->retry_at = 0;
	assert_int_equal(0, spool_save(&p.spool));
	assert_int_equal(0, p.disk->said);
	die(&p);
}

static void
test_next_process(void **state)
{
	struct backlog b = { 0 };
	struct proc p;

	(void) state;
	begin(&p, "n1", 1, MB, 64 * MB);
	add(&p, 1, 50, 1000, 1);
	spool_durable(&p.spool, 10);
	assert_int_equal(0, spool_save(&p.spool));
	die(&p);
	begin(&p, "n1", 2, MB, 64 * MB);
	add(&p, 2, 10, 1000, 1);
	assert_int_equal(0, spool_end(&p.spool)); /* this one is stopped in order */
	die(&p);

	begin(&p, "n1", 3, MB, 64 * MB);
	add(&p, 3, 1, 1000, 1);
	b.disk = p.disk;
	assert_true(backlog_begin(&b, "n1", ""));
	assert_int_equal(1, b.hello->hello->sensor_start);
	assert_int_equal(10, b.spool.durable);
	assert_false(b.ended);
	for (uint64_t seq = 11; seq <= 50; seq++)
		expect(&b.spool, 1, seq);
	assert_int_equal(51, spool_next(&b.spool));
	spool_durable(&b.spool, 49);
	assert_false(backlog_over(&b));
	spool_durable(&b.spool, 50);
	assert_true(backlog_over(&b));
	backlog_end(&b, &p.spool, false);

	assert_true(backlog_begin(&b, "n1", ""));
	assert_int_equal(2, b.hello->hello->sensor_start);
	assert_true(b.ended);
	expect(&b.spool, 2, 10);
	spool_durable(&b.spool, 10);
	backlog_end(&b, &p.spool, false);
	assert_false(backlog_begin(&b, "n1", ""));
	assert_int_equal(0, files(".spool"));
	expect(&p.spool, 3, 1);
	die(&p);
}

/* A stream of many files is indexed one after the other. */
static void
test_many_files(void **state)
{
	struct backlog b = { 0 };
	uint64_t next = 1;
	struct proc p;

	(void) state;
	begin(&p, "n1", 1, 64000, 4 * MB);
	add(&p, 1, 1000, 1000, 1);
	assert_int_equal(0, spool_save(&p.spool));
	assert_in_range(files(".spool"), 10, 20);
	die(&p);
	begin(&p, "n1", 2, 64000, 4 * MB);
	b.disk = p.disk;
	assert_true(backlog_begin(&b, "n1", ""));
	assert_in_range(b.spool.n, 50, 70);
	while (!backlog_over(&b)) {
		backlog_more(&b, next);
		expect(&b.spool, 1, next);
		spool_durable(&b.spool, next++);
		assert_in_range(b.spool.n, 0, 120);
	}
	assert_int_equal(1001, next);
	backlog_end(&b, &p.spool, false);
	assert_int_equal(0, files(".spool"));
	die(&p);
}

/* The files of earlier sensors are the oldest: they go first, and their events are counted. */
static void
test_full_of_backlog(void **state)
{
	struct backlog b = { 0 };
	struct proc p;

	(void) state;
	begin(&p, "n1", 1, 64000, MB);
	add(&p, 1, 900, 1000, 3);
	assert_int_equal(0, spool_save(&p.spool));
	die(&p);
	begin(&p, "n1", 2, 64000, MB);
	b.disk = p.disk;
	assert_true(backlog_begin(&b, "n1", ""));
	add(&p, 2, 500, 1000, 5);
	assert_int_equal(0, spool_save(&p.spool));
	assert_int_equal(500, p.spool.n);
	assert_int_equal(0, b.spool.n); /* the file that was indexed went too */
	assert_false(backlog_over(&b));
	for (uint64_t seq = 900; !backlog_over(&b); seq = 900) {
		backlog_more(&b, spool_next(&b.spool));
		spool_durable(&b.spool, seq);
	}
	assert_int_equal(b.spool.durable, 900);
	backlog_end(&b, &p.spool, false);
	assert_in_range(p.spool.batches_dropped, 350, 500);
	assert_int_equal(3 * p.spool.batches_dropped, p.spool.events_dropped);
	die(&p);
}

static const struct {
	const char *what;
	long at;
	bool cut;
	uint64_t damaged; /* batches counted as such, of 10 events each */
	const char *left; /* numbers */
} damage_cases[] = {
	{ "nothing", 0, false, 0, "1 2 3 4 " },
	{ "a torn tail", -1, true, 0, "1 2 3 " },
	{ "a torn head", -1000 - 20, true, 0, "1 2 3 " },
	{ "the last request", -1, false, 1, "1 2 3 " },
	{ "a request", -1 - 1064, false, 1, "1 2 4 " },
	{ "a head", -1064 - 1000 - 1, false, 0, "1 2 " },
};

static void
test_damage(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(damage_cases); i++) {
		struct backlog b = { 0 };
		struct proc p;
		char left[64] = "";

		(void) setup(NULL);
		begin(&p, "n1", 1, MB, 64 * MB);
		add(&p, 1, 4, 1000, 10);
		assert_int_equal(0, spool_save(&p.spool));
		if (damage_cases[i].at != 0)
			spoil(&p, damage_cases[i].at, damage_cases[i].cut);
		die(&p);
		begin(&p, "n1", 2, MB, 64 * MB);
		b.disk = p.disk;
		assert_true(backlog_begin(&b, "n1", ""));
		assert_int_equal(damage_cases[i].at != 0, p.disk->damaged);
		for (uint64_t seq = 1; seq <= 4; seq++) {
			size_t n = strlen(left);

			if (spool_get(&b.spool, seq) != NULL)
				(void) snprintf(left + n, sizeof(left) - n, "%d ", (int) seq);
		}
		if (strcmp(left, damage_cases[i].left) != 0)
			fail_msg("%s: %s is left, not %s", damage_cases[i].what, left,
			    damage_cases[i].left);
		backlog_end(&b, &p.spool, false);
		assert_int_equal(10 * damage_cases[i].damaged, p.spool.events_damaged);
		die(&p);
	}
}

/* A batch goes bad while the process runs. */
static void
test_read_back(void **state)
{
	struct proc p;

	(void) state;
	begin(&p, "n1", 1, 4000, 64 * MB);
	add(&p, 1, 10, 1000, 10);
	assert_int_equal(0, spool_save(&p.spool));
	spoil(&p, -9 * 1064 - 1, false); /* the first */
	assert_null(spool_msg(&p.spool, spool_get(&p.spool, 1)));
	assert_null(spool_get(&p.spool, 1));
	assert_int_equal(2, spool_seek(&p.spool, 1));
	assert_int_equal(10, p.spool.events_damaged);
	assert_int_equal(1, p.disk->damaged);
	expect(&p.spool, 1, 2);
	die(&p);
}

static void
put_file(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	(void) snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(0, fclose(f));
}

/* Files that are not ours, or of somebody else, do no harm and are not harmed. */
static void
test_foreign(void **state)
{
	struct backlog b = { 0 };
	struct proc p;

	(void) state;
	begin(&p, "n2", 1, MB, 64 * MB);
	add(&p, 1, 1, 1000, 10);
	assert_int_equal(0, spool_save(&p.spool));
	die(&p);
	put_file("00000007.spool", "something else");
	put_file("00000008.spool", "MEWSSPL9 a newer one, of a size that this one does not know");
	begin(&p, "n1", 2, MB, 64 * MB);
	assert_int_equal(1, p.disk->damaged);
	assert_int_equal(1, files("00000007.spool.damaged"));
	b.disk = p.disk;
	assert_false(backlog_begin(&b, "n1", "")); /* n2's is not for us */
	add(&p, 2, 1, 1000, 10);
	assert_int_equal(0, spool_save(&p.spool));
	assert_int_equal(9, p.disk->tail->number);
	spool_durable(&p.spool, 1);
	die(&p);
	assert_int_equal(1, files("00000001.spool"));
	assert_int_equal(1, files("00000008.spool"));
}

static void
test_folder(void **state)
{
	struct spool_disk *d = NULL, *other = NULL;
	char below[64];
	struct stat st;

	(void) state;
	(void) snprintf(below, sizeof(below), "%s/no/such", tmpdir);
	assert_int_equal(-ENOENT, spool_disk_open(below, MB, 0, &d));
	assert_int_equal(0, spool_disk_open(dir, MB, 0, &d));
	assert_int_equal(0, stat(dir, &st));
	assert_int_equal(0700, st.st_mode & 0777);
	assert_int_equal(-EBUSY, spool_disk_open(dir, MB, 0, &other));
	spool_disk_close(d);
	assert_int_equal(0, spool_disk_open(dir, MB, 0, &d));
	spool_disk_close(d);
}

/* Whichever allocation fails: an error, no leak, and nothing is lost that was in a file. */
static void
test_no_memory(void **state)
{
	struct spool_disk *d = NULL;
	struct proc p;

	(void) state;
	begin(&p, "n1", 1, MB, 64 * MB);
	add(&p, 1, 1, 1000, 10);
	assert_int_equal(0, spool_save(&p.spool));
	die(&p);
	for (unsigned n = 0;; n++) {
		int r;

		fault_arm_nth(n);
		r = spool_disk_open(dir, MB, 0, &d);
		if (!fault_disarm())
			break;
		if (r == 0) /* in the C library, which did without */
			spool_disk_close(d);
		else
			assert_int_equal(-ENOMEM, r);
		assert_int_equal(1, files(".spool"));
	}
	assert_non_null(d->head);
	spool_disk_close(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_memory_then_disk, setup),
		cmocka_unit_test_setup(test_full, setup),
		cmocka_unit_test_setup(test_small_batches, setup),
		cmocka_unit_test_setup(test_disk_is_gone, setup),
		cmocka_unit_test_setup(test_next_process, setup),
		cmocka_unit_test_setup(test_many_files, setup),
		cmocka_unit_test_setup(test_full_of_backlog, setup),
		cmocka_unit_test_setup(test_damage, setup),
		cmocka_unit_test_setup(test_read_back, setup),
		cmocka_unit_test_setup(test_foreign, setup),
		cmocka_unit_test_setup(test_folder, setup),
		cmocka_unit_test_setup(test_no_memory, setup),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
