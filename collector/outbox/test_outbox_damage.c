/* SPDX-License-Identifier: Apache-2.0 */
/* test_outbox_damage.c - bytes flipped, files cut or removed: detected, reported, and the rest is
 * kept. */
#include "collector/outbox/outbox.h"
#include "tests/support/outbox_kit.h"
#include <fcntl.h>
#include <glob.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALERTS 80
#define FILES  3
#define GONE   (-1)

static const char *const suffixes[FILES] = { "", "-wal", "-high" };

/* The files before each case. */
static struct {
	char *p;
	size_t n;
	bool there;
} pristine[FILES];

static const char *
path_of(size_t file)
{
	static char path[128];

	(void) snprintf(path, sizeof(path), "%s%s", kit_path, suffixes[file]);
	return path;
}

static void
keep_files(void)
{
	struct stat sb;
	int fd;

	for (size_t i = 0; i < FILES; i++) {
		free(pristine[i].p);
		pristine[i].p = NULL;
		fd = open(path_of(i), O_RDONLY);
		pristine[i].there = fd >= 0;
		if (fd < 0)
			continue;
		assert_int_equal(0, fstat(fd, &sb));
		pristine[i].n = (size_t) sb.st_size;
		pristine[i].p = malloc(pristine[i].n + 1);
		assert_non_null(pristine[i].p);
		assert_int_equal(sb.st_size, read(fd, pristine[i].p, pristine[i].n));
		assert_int_equal(0, close(fd));
	}
}

/* Restore them under a new path. */
static void
restore_files(void)
{
	int fd;

	(void) kit_setup(NULL);
	for (size_t i = 0; i < FILES; i++) {
		if (!pristine[i].there)
			continue;
		fd = open(path_of(i), O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_true(fd >= 0);
		assert_int_equal(pristine[i].n, write(fd, pristine[i].p, pristine[i].n));
		assert_int_equal(0, close(fd));
	}
}

static struct alert *
one(unsigned id, size_t len)
{
	return make(id, "r", "n", PRIO_ERROR, len + id % 7);
}

static void
write_alerts(size_t len)
{
	struct outbox *o = open_it(0, 1);

	for (unsigned i = 1; i < ALERTS; i++)
		assert_int_equal(0, put(o, &node1, i, one(i, len)));
	outbox_delivered(o, "kafka", ALERTS / 2);
	assert_int_equal(0, put(o, &node1, ALERTS, one(ALERTS, len)));
	outbox_close(o);
}

/* Kill the collector: the log remains. */
static void
killed(size_t len)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct outbox *o = open_it(0, 1);

		for (unsigned i = 1; i < ALERTS; i++)
			(void) put(o, &node1, i, one(i, len));
		outbox_delivered(o, "kafka", ALERTS / 2);
		(void) put(o, &node1, ALERTS, one(ALERTS, len));
		_exit(0);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_int_equal(0, status);
}

struct kept {
	unsigned rows; /* written rows that are unchanged */
	unsigned told; /* alerts of the outbox itself */
	uint64_t lost; /* according to the newest of them */
};

static bool
keep(void *arg, const struct outbox_row *row)
{
	struct kept *k = arg;
	unsigned long id = strtoul(row->alert.id, NULL, 16);
	const char *lost = strstr(row->alert.json, "\"mews.rows_lost\":");

	if (strcmp(row->alert.rule, "Mews outbox damaged") == 0) {
		k->told++;
		assert_non_null(lost);
		k->lost = strtoul(lost + strlen("\"mews.rows_lost\":"), NULL, 10);
		assert_string_equal("prod", row->alert.cluster);
		assert_string_equal("collector", row->alert.node);
		return true;
	}
	assert_int_equal(id, row->rowid);
	assert_in_range(id, 1, ALERTS);
	assert_string_equal("r", row->alert.rule);
	assert_int_equal(row->alert.json_len, strspn(row->alert.json, "x"));
	k->rows++;
	return true;
}

static size_t
set_aside_files(void)
{
	char pattern[128];
	glob_t g;
	size_t n;

	(void) snprintf(pattern, sizeof(pattern), "%s.damaged-*", kit_path);
	n = glob(pattern, 0, NULL, &g) == 0 ? g.gl_pathc : 0;
	globfree(&g);
	return n;
}

/* Open the damaged outbox: the start succeeds, and the report is true. Returns the number of lost
 * alerts. */
static unsigned
open_damaged(const char *what, long at)
{
	struct outbox *o = open_it(0, 1);
	struct kept k = { 0 };
	uint64_t place = 0;

	assert_true(outbox_read(o, 0, 10 * ALERTS, keep, &k) >= 0);
	if (k.rows + k.lost != ALERTS || stats(o).lost != k.lost || k.told > 1)
		fail_msg("%s at %ld: %u rows kept, %lu told to be lost, by %u alerts", what, at,
		    k.rows, (unsigned long) k.lost, k.told);
	if (k.told != (set_aside_files() > 0) && at != GONE) /* nothing to set aside */
		fail_msg("%s at %ld: %u alerts, %zu files set aside", what, at, k.told,
		    set_aside_files());
	assert_int_equal(0, stats(o).damaged);
	assert_int_equal(0, outbox_cursor(o, "kafka", &place, NULL));
	assert_int_equal(ALERTS / 2, place);
	/* and it works as before */
	assert_int_equal(0, put(o, &node1, ALERTS + 1, make(9999, "r", "n", PRIO_ERROR, 3)));
	assert_int_equal(ALERTS + k.told + 1, stats(o).last_rowid);
	outbox_close(o);
	o = open_it(0, 1);
	assert_int_equal(0, stats(o).lost);
	assert_int_equal(k.rows + k.told + 1, stats(o).rows);
	outbox_close(o);
	return (unsigned) k.lost;
}

static void
flip(size_t file, size_t at)
{
	int fd = open(path_of(file), O_WRONLY);
	char c = (char) (pristine[file].p[at] ^ 0x10);

	assert_true(fd >= 0);
	assert_int_equal(1, pwrite(fd, &c, 1, (off_t) at));
	assert_int_equal(0, close(fd));
}

/* Flip one byte in so many; each costs at most the rows around it. */
static const struct {
	const char *what;
	bool kill;
	size_t len, file, step;
	unsigned most;
} flips[] = {
	{ "the file", false, 500, 0, 3989, 1 },
	{ "the file, rows on several pages", false, 9000, 0, 40009, 1 },
	{ "the log", true, 500, 1, 90001, 1 },
	{ "the log, rows on several pages", true, 9000, 1, 150001, 1 },
	{ "the newest number", false, 500, 2, 97, 0 },
	{ "the newest number beside a log", true, 500, 2, 97, 0 },
};

static void
a_flipped_byte_costs_a_row_at_most(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(flips); i++) {
		size_t found = 0, cases = 0;

		(void) kit_setup(NULL);
		if (flips[i].kill)
			killed(flips[i].len);
		else
			write_alerts(flips[i].len);
		keep_files();
		assert_true(pristine[flips[i].file].there);
		for (size_t at = 0; at < pristine[flips[i].file].n; at += flips[i].step) {
			unsigned lost;

			restore_files();
			flip(flips[i].file, at);
			lost = open_damaged(flips[i].what, (long) at);
			if (lost > flips[i].most)
				fail_msg("%s at %zu: %u lost", flips[i].what, at, lost);
			found += set_aside_files() > 0;
			cases++;
		}
		assert_true(cases >= 10);
		assert_true(found > 0);
		if (flips[i].file == 2) /* every byte of it matters */
			assert_int_equal(cases, found);
	}
}

/* Cut to so many of 8 parts, or GONE. The reported loss is exact. */
static const struct {
	bool kill;
	size_t file;
	int eighths;
	bool all; /* nothing is lost */
} cuts[] = {
	{ false, 0, 7, false },
	{ false, 0, 4, false },
	{ false, 0, 1, false },
	{ false, 0, 0, false },
	{ false, 0, GONE, false },
	{ true, 1, 7, false },
	{ true, 1, 4, false },
	{ true, 1, 1, false },
	{ true, 1, 0, false },
	{ true, 1, GONE, false },
	{ true, 0, 0, true }, /* all rows are in the log */
	{ false, 2, 4, true },
	{ false, 2, 0, true },
	{ false, 2, GONE, true },
	{ true, 2, GONE, true },
};

static void
a_cut_is_counted_to_the_row(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cuts); i++) {
		unsigned lost;

		(void) kit_setup(NULL);
		if (cuts[i].kill)
			killed(700);
		else
			write_alerts(700);
		keep_files();
		restore_files();
		if (cuts[i].eighths == GONE)
			assert_int_equal(0, unlink(path_of(cuts[i].file)));
		else
			assert_int_equal(
			    0, truncate(path_of(cuts[i].file),
				   (off_t) pristine[cuts[i].file].n * cuts[i].eighths / 8));
		lost = open_damaged(suffixes[cuts[i].file], cuts[i].eighths);
		if ((lost == 0) != cuts[i].all)
			fail_msg("case %zu: %u lost", i, lost);
	}
}

/* Not closed, not damaged: nothing is reported, nothing set aside. */
static void
a_kill_is_no_damage(void **state)
{
	(void) state;
	killed(700);
	assert_int_equal(0, open_damaged("killed", 0));
	assert_int_equal(0, set_aside_files());
}

/* A row that changes while the collector runs is left out; the others are returned. */
static void
a_row_that_changed_is_not_shown(void **state)
{
	struct outbox_query q = { .priority_max = -1, .newest_first = true };
	struct outbox *o = open_it(0, 1);
	struct seen s = { 0 }, t = { 0 };
	sqlite3 *db = NULL;

	(void) state;
	for (unsigned i = 1; i <= 3; i++)
		assert_int_equal(0, put(o, &node1, i, one(i, 10)));
	assert_int_equal(SQLITE_OK, sqlite3_open(kit_path, &db));
	assert_int_equal(SQLITE_OK,
	    sqlite3_exec(db, "UPDATE alert SET json = 'xyx' WHERE n = 2", NULL, NULL, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	assert_int_equal(2, outbox_read(o, 0, 10, see, &s));
	assert_string_equal("1 3", s.text);
	assert_int_equal(2, outbox_select(o, &q, see, &t));
	assert_string_equal("3 1", t.text);
	assert_int_equal(2, stats(o).damaged);
	outbox_close(o);
}

static int
count_node(void *arg, const struct outbox_node *n)
{
	*(unsigned *) arg += strcmp(n->id.node, "known") == 0;
	return 0;
}

/* Known nodes are copied to the fresh file too. */
static void
known_nodes_are_salvaged(void **state)
{
	const struct outbox_node n = { .id = { "c", "known", "b", 1 }, .seen = 1 };
	struct outbox *o = open_it(0, 1);
	sqlite3 *db = NULL;
	unsigned nodes = 0;

	(void) state;
	assert_int_equal(0, outbox_node_put(o, &n));
	for (unsigned i = 1; i <= 3; i++)
		assert_int_equal(0, put(o, &node1, i, one(i, 10)));
	outbox_close(o);
	assert_int_equal(SQLITE_OK, sqlite3_open(kit_path, &db));
	assert_int_equal(SQLITE_OK,
	    sqlite3_exec(db, "UPDATE alert SET json = 'xyx' WHERE n = 2", NULL, NULL, NULL));
	assert_int_equal(SQLITE_OK, sqlite3_close(db));
	o = open_it(0, 1);
	assert_int_equal(1, stats(o).lost);
	assert_int_equal(0, outbox_nodes(o, count_node, &nodes));
	assert_int_equal(1, nodes);
	outbox_close(o);
}

/* Only a few files are kept set aside, and they are deleted before any alert. */
static void
set_aside_files_are_few(void **state)
{
	struct outbox *o;
	uint64_t rows;

	(void) state;
	write_alerts(9000);
	keep_files();
	for (int i = 0; i < 5; i++) {
		flip(0, (size_t) 4096 * (20 + (size_t) i));
		o = open_it(0, 1);
		assert_int_equal(MIN(3 * (i + 1), 9), set_aside_files()); /* -wal, -high */
		assert_true(stats(o).bytes > pristine[0].n);
		outbox_close(o);
		keep_files();
	}
	assert_int_equal(9, set_aside_files());
	o = open_it(1 << 20, 1);
	rows = stats(o).rows;
	assert_int_equal(0, put(o, &node1, 1000, make(1000, "r", "n", PRIO_ERROR, 3)));
	assert_int_equal(0, set_aside_files());
	assert_int_equal(rows + 1, stats(o).rows);
	outbox_close(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_kill_is_no_damage, kit_setup),
		cmocka_unit_test_setup(a_flipped_byte_costs_a_row_at_most, kit_setup),
		cmocka_unit_test_setup(a_cut_is_counted_to_the_row, kit_setup),
		cmocka_unit_test_setup(a_row_that_changed_is_not_shown, kit_setup),
		cmocka_unit_test_setup(known_nodes_are_salvaged, kit_setup),
		cmocka_unit_test_setup(set_aside_files_are_few, kit_setup),
	};
	int r = cmocka_run_group_tests(tests, kit_begin, kit_end);

	for (size_t i = 0; i < FILES; i++)
		free(pristine[i].p);
	return r;
}
