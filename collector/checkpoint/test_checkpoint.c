/* SPDX-License-Identifier: Apache-2.0 */
/* test_checkpoint.c - files of nodes' states: whole, damaged, of others; and when they are written.
 */
#include "tests/support/test.h"

#include "collector/checkpoint/checkpoint.h"
#include "collector/checkpoint/checkpoint_file.h"
#include "collector/checkpoint/checkpoint_note.h"
#include "common/clock.h"
#include "tests/support/fault.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct lab {
	char folder[64], file[128];
	struct checkpoint *c;
	struct streams *streams;
	struct stream *st;
};

static const struct stream_id id = {
	.cluster = "lab", .node = "n1", .boot_id = "b1", .sensor_start = 7
};

static void
begin(struct lab *l, const char *folder)
{
	struct diag d = { 0 };
	char name[CHECKPOINT_NAME];

	(void) snprintf(l->folder, sizeof(l->folder), "%s/%s", tmpdir, folder);
	checkpoint_name(stream_node_hash(&id), "", name);
	(void) snprintf(l->file, sizeof(l->file), "%s/%s", l->folder, name);
	assert_int_equal(0, checkpoint_open(l->folder, &l->c, &d));
	assert_int_equal(0, streams_new(&l->streams));
	assert_int_equal(0, stream_get(l->streams, &id, 0, false, NULL, &l->st));
}

static void
end(struct lab *l)
{
	checkpoint_close(l->c);
	stream_unref(l->st);
	streams_free(l->streams);
}

/* Data as a shard makes it: a mark, and an image of n bytes. */
static void
data_of(uint64_t seq, size_t n, struct buf *data)
{
	struct checkpoint_mark m = { .seq = seq };

	buf_clear(data);
	buf_add(data, &m, sizeof(m));
	for (size_t i = 0; i < n; i++)
		buf_char(data, (char) i);
	assert_int_equal(0, buf_ok(data));
}

static void
put(struct lab *l, uint64_t seq)
{
	struct buf data = BUF_INIT;

	data_of(seq, 1000, &data);
	assert_int_equal(0, checkpoint_put(l->c, l->st, &data));
	assert_int_equal(0, data.n);
}

static uint64_t
written(struct lab *l)
{
	struct checkpoint_stats st;

	checkpoint_stats(l->c, &st);
	return st.written;
}

static void
await_written(struct lab *l, uint64_t n)
{
	for (int i = 0; written(l) < n; i++) {
		assert_true(i < 2000);
		(void) usleep(10000);
	}
}

/* An image is written when all of it is durable; a later one replaces it, also before that. */
static void
test_durable(void **unused)
{
	struct buf data = BUF_INIT, want = BUF_INIT;
	struct checkpoint_stats st;
	struct lab l = { 0 };

	(void) unused;
	begin(&l, "durable");
	assert_int_equal(-ENOENT, checkpoint_read(l.c, &id, &data));
	put(&l, 5);
	l.st->durable = 4;
	(void) usleep(200000);
	checkpoint_stats(l.c, &st);
	assert_true(st.written == 0 && st.waiting == 1 && l.st->state_seq == 0);
	put(&l, 6);
	checkpoint_stats(l.c, &st);
	assert_int_equal(1, st.waiting);
	l.st->durable = 6;
	await_written(&l, 1);
	assert_int_equal(6, l.st->state_seq);
	assert_int_equal(0, checkpoint_read(l.c, &id, &data));
	data_of(6, 1000, &want);
	assert_int_equal(want.n, data.n);
	assert_memory_equal(want.p, data.p, want.n);
	buf_fini(&data);
	buf_fini(&want);
	end(&l);
}

/* The end does not wait for what is not durable, and a stream that is gone is not written. */
static void
test_end(void **unused)
{
	struct buf data = BUF_INIT;
	struct lab l = { 0 };

	(void) unused;
	begin(&l, "end");
	put(&l, 5);
	end(&l);
	begin(&l, "end");
	assert_int_equal(-ENOENT, checkpoint_read(l.c, &id, &data));
	l.st->durable = 5;
	l.st->forgotten = true;
	put(&l, 5);
	end(&l);
	begin(&l, "end");
	assert_int_equal(-ENOENT, checkpoint_read(l.c, &id, &data));
	end(&l);
	buf_fini(&data);
}

/* Many that are ready at once: each is written, and can be read. */
static void
test_many(void **unused)
{
	enum { MANY = 150 };
	struct buf data = BUF_INIT;
	struct stream *st[MANY];
	struct stream_id of = id;
	struct lab l = { 0 };

	(void) unused;
	begin(&l, "many");
	for (uint64_t i = 0; i < MANY; i++) {
		(void) snprintf(of.node, sizeof(of.node), "m%d", (int) i);
		st[i] = NULL;
		assert_int_equal(0, stream_get(l.streams, &of, 0, false, NULL, &st[i]));
		data_of(i + 1, 1000, &data);
		assert_int_equal(0, checkpoint_put(l.c, st[i], &data));
	}
	for (uint64_t i = 0; i < MANY; i++)
		st[i]->durable = MANY;
	await_written(&l, MANY);
	for (uint64_t i = 0; i < MANY; i++) {
		struct checkpoint_mark m;

		assert_int_equal(i + 1, st[i]->state_seq);
		buf_clear(&data);
		assert_int_equal(0, checkpoint_read(l.c, &st[i]->id, &data));
		memcpy(&m, data.p, sizeof(m));
		assert_int_equal(i + 1, m.seq);
		stream_unref(st[i]);
	}
	buf_fini(&data);
	end(&l);
}

static void
flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char c;

	assert_true(fd >= 0);
	assert_int_equal(1, pread(fd, &c, 1, at));
	c ^= 0x20;
	assert_int_equal(1, pwrite(fd, &c, 1, at));
	(void) close(fd);
}

/* Damage anywhere is found; the file is set aside once, and a new one takes its place. */
static void
test_damage(void **unused)
{
	const struct {
		off_t at, cut; /* the byte changed, or the length left */
	} cases[] = { { 0, 0 }, { 30, 0 }, { 300, 0 }, { 460, 0 }, { 0, 0 }, { 0, 1 }, { 0, 400 },
		{ 0, 470 } };
	struct buf data = BUF_INIT;
	struct checkpoint_stats st;
	struct lab l = { 0 };
	char aside[160];

	(void) unused;
	begin(&l, "damage");
	(void) snprintf(aside, sizeof(aside), "%s.damaged", l.file);
	l.st->durable = 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put(&l, 1);
		await_written(&l, i + 1);
		assert_int_equal(0, checkpoint_read(l.c, &id, &data));
		buf_clear(&data);
		if (cases[i].cut > 0)
			assert_int_equal(0, truncate(l.file, cases[i].cut));
		else
			flip(l.file, cases[i].at);
		assert_int_equal(-EBADMSG, checkpoint_read(l.c, &id, &data));
		assert_int_equal(0, data.n);
		assert_int_equal(-1, access(l.file, F_OK));
		assert_int_equal(0, access(aside, F_OK));
		assert_int_equal(-ENOENT, checkpoint_read(l.c, &id, &data));
		checkpoint_stats(l.c, &st);
		assert_int_equal(i + 1, st.damaged);
	}
	checkpoint_used(l.c, &id, "why not");
	checkpoint_used(l.c, &id, NULL);
	checkpoint_stats(l.c, &st);
	assert_true(st.damaged == ARRAY_SIZE(cases) + 1 && st.loaded == 1);
	end(&l);
	buf_fini(&data);
}

/* Another sensor's state, and one of another version, are none; they stay. */
static void
test_others(void **unused)
{
	struct buf data = BUF_INIT;
	struct stream_id other = id;
	struct lab l = { 0 };

	(void) unused;
	begin(&l, "others");
	l.st->durable = 1;
	put(&l, 1);
	await_written(&l, 1);
	other.sensor_start++;
	assert_int_equal(-ENOENT, checkpoint_read(l.c, &other, &data));
	other = id;
	other.boot_id[0] = 'x';
	assert_int_equal(-ENOENT, checkpoint_read(l.c, &other, &data));
	flip(l.file, 8); /* the version */
	assert_int_equal(-ENOENT, checkpoint_read(l.c, &id, &data));
	assert_int_equal(0, access(l.file, F_OK));
	end(&l);
	buf_fini(&data);
}

static void
make_file(const struct lab *l, const char *name, time_t age)
{
	struct timespec at[2] = { { .tv_sec = time(NULL) - age }, { .tv_sec = time(NULL) - age } };
	char path[160];
	int fd;

	(void) snprintf(path, sizeof(path), "%s/%s", l->folder, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(0, futimens(fd, at));
	(void) close(fd);
}

/* A start removes what is old or half written, and nothing that is not ours. */
static void
test_clean(void **unused)
{
	static const struct {
		const char *name;
		time_t age;
		bool stays;
	} cases[] = {
		{ "0123456789abcdef", 6 * 86400, true },
		{ "0123456789abcdea", 8 * 86400, false },
		{ "0123456789abcdeb.damaged", 8 * 86400, false },
		{ "0123456789abcdec.new", 0, false },
		{ "0123456789abcde", 8 * 86400, true },
		{ "notes.txt", 8 * 86400, true },
		{ "0123456789abcdef.old", 8 * 86400, true },
	};
	struct lab l = { 0 };
	char path[160];

	(void) unused;
	begin(&l, "clean");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		make_file(&l, cases[i].name, cases[i].age);
	end(&l);
	begin(&l, "clean");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		(void) snprintf(path, sizeof(path), "%s/%s", l.folder, cases[i].name);
		assert_int_equal(cases[i].stays ? 0 : -1, access(path, F_OK));
	}
	end(&l);
}

/* What a start refuses, the check refuses with the same sentence. */
static void
test_folder(void **unused)
{
	struct checkpoint *c = NULL;
	struct diag a = { 0 }, b = { 0 };
	struct lab l = { 0 };
	struct stat st;
	char path[160];

	(void) unused;
	begin(&l, "folder");
	assert_int_equal(0, stat(l.folder, &st));
	assert_int_equal(0700, st.st_mode & 07777);
	assert_int_equal(-EBUSY, checkpoint_open(l.folder, &c, &a));
	assert_int_equal(-EBUSY, checkpoint_probe(l.folder, &b));
	assert_string_equal(a.msg, b.msg);
	assert_non_null(strstr(a.msg, "another collector uses"));
	(void) snprintf(path, sizeof(path), "%s/none/below", l.folder);
	assert_int_equal(-ENOENT, checkpoint_open(path, &c, &a));
	assert_int_equal(-ENOENT, checkpoint_probe(path, &b));
	assert_string_equal(a.msg, b.msg);
	make_file(&l, "file", 0);
	(void) snprintf(path, sizeof(path), "%s/file", l.folder);
	assert_int_equal(-ENOTDIR, checkpoint_open(path, &c, &a));
	assert_int_equal(-ENOTDIR, checkpoint_probe(path, &b));
	(void) snprintf(path, sizeof(path), "%s/new", l.folder);
	assert_int_equal(0, checkpoint_probe(path, &b));
	assert_int_equal(-1, access(path, F_OK)); /* and creates nothing */
	end(&l);
}

/* A folder that cannot be written: counted, nothing is called checkpointed; it goes on later. */
static void
test_failing(void **unused)
{
	struct checkpoint_stats st = { 0 };
	struct lab l = { 0 };
	char aside[160];

	(void) unused;
	begin(&l, "failing");
	(void) snprintf(aside, sizeof(aside), "%s.new", l.file);
	assert_int_equal(0, mkdir(aside, 0700)); /* in the way */
	l.st->durable = 1;
	put(&l, 1);
	for (int i = 0; st.failed == 0; i++) {
		assert_true(i < 2000);
		(void) usleep(10000);
		checkpoint_stats(l.c, &st);
	}
	assert_int_equal(0, l.st->state_seq);
	assert_int_equal(0, rmdir(aside));
	put(&l, 1);
	await_written(&l, 1);
	assert_int_equal(1, l.st->state_seq);
	end(&l);
}

/* The collector's own file: whole, of this version, or not there. */
static void
test_note(void **unused)
{
	const struct slice text = { "some data", 9 };
	struct buf back = BUF_INIT;
	struct lab l = { 0 };
	struct stat st;
	char path[160];
	int fd;

	(void) unused;
	begin(&l, "note");
	assert_int_equal(-ENOENT, checkpoint_noted(l.c, 1, &back));
	assert_int_equal(0, checkpoint_note_remove(l.c));
	assert_int_equal(0, checkpoint_note(l.c, 1, text));
	end(&l);
	begin(&l, "note"); /* a start does not clean it away */
	assert_int_equal(0, checkpoint_noted(l.c, 1, &back));
	assert_int_equal(text.n, back.n);
	assert_memory_equal(text.p, back.p, text.n);
	assert_int_equal(-ENOENT, checkpoint_noted(l.c, 2, &back));
	(void) snprintf(path, sizeof(path), "%s/collector", l.folder);
	assert_int_equal(0, stat(path, &st));
	assert_int_equal(0600, st.st_mode & 07777);
	for (off_t at = 0; at < st.st_size; at++) { /* each byte counts */
		char c;

		fd = open(path, O_RDWR | O_CLOEXEC);
		assert_int_equal(1, pread(fd, &c, 1, at));
		c ^= 1;
		assert_int_equal(1, pwrite(fd, &c, 1, at));
		assert_int_equal(-EBADMSG, checkpoint_noted(l.c, 1, &back));
		c ^= 1;
		assert_int_equal(1, pwrite(fd, &c, 1, at));
		(void) close(fd);
	}
	assert_int_equal(0, truncate(path, 10));
	assert_int_equal(-EBADMSG, checkpoint_noted(l.c, 1, &back));
	assert_int_equal(0, checkpoint_note(l.c, 1, text));
	assert_int_equal(0, checkpoint_note_remove(l.c));
	assert_int_equal(-ENOENT, checkpoint_noted(l.c, 1, &back));
	assert_int_equal(text.n, back.n);
	buf_fini(&back);
	end(&l);
}

static void
test_no_memory(void **unused)
{
	struct buf data = BUF_INIT, file = BUF_INIT, back = BUF_INIT;

	(void) unused;
	data_of(1, 100, &data);
	fault_arm_nth(0);
	assert_int_equal(-ENOMEM, checkpoint_pack(&id, buf_get(&data), &file));
	assert_true(fault_disarm());
	assert_int_equal(0, checkpoint_pack(&id, buf_get(&data), &file));
	fault_arm_nth(0);
	assert_int_equal(-ENOMEM, checkpoint_unpack(&id, buf_get(&file), &back));
	assert_true(fault_disarm());
	buf_fini(&data);
	buf_fini(&file);
	buf_fini(&back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durable),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_failing),
		cmocka_unit_test(test_note),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
