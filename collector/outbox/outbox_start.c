/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_start.c - open the file: create, recognize, check, migrate or salvage it. */
#include "collector/outbox/outbox_int.h"
#include "common/clock.h"
#include "common/log.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_AHEAD  65536 /* bytes at a time */
#define STREAM_DAYS 30    /* a stream not heard for longer is forgotten */

int
outbox_fail(const struct outbox *o, int r, struct diag *d)
{
	switch (r) {
	case -EBADMSG:
		diag_set(d, 0, 0,
		    "'%s' is not an outbox of Mews, or its beginning is damaged; set outbox.path "
		    "to another file, or move it aside with its -wal and -shm",
		    o->path);
		break;
	case -EBUSY:
		diag_set(d, 0, 0,
		    "another collector has the outbox '%s'; stop it, or set outbox.path to a file "
		    "of "
		    "its own",
		    o->path);
		break;
	case -ENOSPC:
		diag_set(
		    d, 0, 0, "no room on the disk for the outbox '%s'; free some space", o->path);
		break;
	case -ENOENT:
		diag_set(d, 0, 0,
		    "the folder of the outbox '%s' is missing; create it, or set outbox.path",
		    o->path);
		break;
	case -EACCES:
	case -EPERM:
	case -EROFS:
		diag_set(d, 0, 0,
		    "cannot write the outbox '%s': %s; let the collector's user write to it and to "
		    "its folder, or set outbox.path",
		    o->path, strerrordesc_np(-r));
		break;
	default:
		diag_set(d, 0, 0, "cannot open the outbox '%s': %s", o->path, strerrordesc_np(-r));
	}
	return r;
}

/* A separate lock file: closing the database's file would drop SQLite's locks on it. */
static int
take_lock(struct outbox *o)
{
	char path[4096];
	int r;

	if (snprintf(path, sizeof(path), "%s.lock", o->path) >= (int) sizeof(path))
		return -ENAMETOOLONG;
	o->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (o->lock_fd < 0)
		return -errno;
	if (flock(o->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	r = open(o->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* private from the start */
	if (r < 0)
		return -errno;
	(void) close(r);
	return 0;
}

/* Does a file that SQLite would not open as an outbox begin like one? */
static bool
begins_like_ours(const struct outbox *o, bool *summed)
{
	uint8_t head[72] = { 0 };
	int fd = open(o->path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	if (fd >= 0)
		(void) close(fd);
	*summed = head[63] != 1; /* user_version */
	return n == (ssize_t) sizeof(head) && memcmp(head, "SQLite format 3", 16) == 0 &&
	       memcmp(head + 68, "mews", 4) == 0; /* application_id */
}

int
outbox_refuse(const struct outbox *o, const struct outbox_schema *s, struct diag *d)
{
	if (!s->ours)
		return outbox_fail(o, -EBADMSG, d);
	diag_set(d, 0, 0,
	    "the outbox '%s' has schema %llu, this collector knows %d; run the version that wrote "
	    "it, or move the file aside",
	    o->path, (unsigned long long) s->version, OUTBOX_SCHEMA);
	return -EBADMSG;
}

/* 0: a valid outbox of this schema. DAMAGED, and *g. Or -errno and *d. */
enum { DAMAGED = 1 };

static int
migrate(struct outbox *o)
{
	o->migrated = true; /* so PATH-high does not exist yet */
	return outbox_schema_migrate(o);
}

static int
recognise(struct outbox *o, struct outbox_damage *g, struct diag *d)
{
	struct outbox_schema s = { 0 };
	bool known = outbox_high_known(&o->high), summed;
	int r = outbox_schema_look(o->db, &s);

	(void) snprintf(g->what, sizeof(g->what), "its beginning cannot be read");
	if (r == -EBADMSG && (known || begins_like_ours(o, &summed)))
		return DAMAGED;
	if (r < 0)
		return outbox_fail(o, r, d);
	if (s.tables == 0 && !s.ours && !known) {
		r = outbox_schema_make(o->db);
		return r < 0 ? outbox_fail(o, r, d) : 0;
	}
	if (!s.ours || s.version < 1 || s.version > OUTBOX_SCHEMA)
		return known ? DAMAGED : outbox_refuse(o, &s, d);
	r = outbox_check(o, s.version == OUTBOX_SCHEMA, g);
	if (r == 0 && s.version == 1)
		r = migrate(o);
	if (r == -EBADMSG)
		return DAMAGED;
	return r < 0 ? outbox_fail(o, r, d) : 0;
}

/* Until it is known to be intact, closing it must not move the log into it. */
static void
keep_log(struct outbox *o, int yes)
{
	if (o->db != NULL)
		(void) sqlite3_db_config(o->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, yes, NULL);
}

/* The check reads the file in the order of its trees, which is slow on a disk: read all of it into
 * memory sequentially first, if it fits. Before SQLite opens it: closing it here would drop
 * SQLite's locks. */
static void
read_ahead(const struct outbox *o)
{
	uint64_t memory = (uint64_t) sysconf(_SC_PHYS_PAGES) * (uint64_t) sysconf(_SC_PAGESIZE);
	int fd = open(o->path, O_RDONLY | O_CLOEXEC);
	char chunk[READ_AHEAD];
	struct stat sb;

	if (fd >= 0 && fstat(fd, &sb) == 0 && (uint64_t) sb.st_size < memory / 2) {
		while (read(fd, chunk, READ_AHEAD) > 0)
			;
	}
	if (fd >= 0)
		(void) close(fd);
}

/* Like recognise(). */
static int
open_checked(struct outbox *o, struct outbox_damage *g, struct diag *d)
{
	bool known = outbox_high_known(&o->high), summed;
	struct stat sb;
	int r;

	if (known && o->high.newest > 0 && stat(o->path, &sb) == 0 && sb.st_size == 0) {
		(void) snprintf(g->what, sizeof(g->what), "it is empty or missing");
		return DAMAGED;
	}
	read_ahead(o);
	r = outbox_db_connect(o);
	keep_log(o, 1);
	if (r == -EBADMSG && (known || begins_like_ours(o, &summed))) {
		(void) snprintf(g->what, sizeof(g->what), "its beginning cannot be read");
		return DAMAGED;
	}
	if (r < 0)
		return outbox_fail(o, r, d);
	r = recognise(o, g, d);
	if (r == 0)
		keep_log(o, 0);
	return r;
}

/* Open it, and salvage it if needed. 0; DAMAGED: it was damaged, see *g; or -errno and *d. */
static int
open_or_salvage(
    struct outbox *o, const struct outbox_cfg *cfg, struct outbox_damage *g, struct diag *d)
{
	bool summed = true;
	int r = open_checked(o, g, d);

	if (r != DAMAGED)
		return r;
	(void) sqlite3_close(o->db);
	o->db = NULL;
	if (begins_like_ours(o, &summed) && outbox_high_known(&o->high))
		summed = true; /* PATH-high exists only with checksums */
	r = outbox_salvage(o, cfg, summed, g);
	if (r == 0)
		r = outbox_db_connect(o);
	return r < 0 ? outbox_fail(o, r, d) : DAMAGED;
}

static int
open_to_read(struct outbox *o, struct diag *d)
{
	struct outbox_schema s = { 0 };
	int r = access(o->path, R_OK) < 0 ? -errno : outbox_db_connect(o);

	if (r == 0)
		r = outbox_schema_look(o->db, &s);
	if (r < 0)
		return outbox_fail(o, r, d);
	return s.ours && s.version == OUTBOX_SCHEMA ? 0 : outbox_refuse(o, &s, d);
}

/* Was PATH-high there before, or should it have been? */
static bool
high_is_damaged(const struct outbox *o)
{
	uint64_t rows = 0;

	if (o->high.state != HIGH_MISSING)
		return o->high.state != HIGH_WHOLE;
	return !o->migrated && outbox_ask(o->db, "SELECT count(*) FROM alert", &rows) == 0 &&
	       rows > 0;
}

/* Set a damaged PATH-high aside, and raise an alert. */
static int
tell_of_high(struct outbox *o, const struct outbox_cfg *cfg, struct outbox_damage *g)
{
	uint64_t newest = 0;
	struct outbox_record rec;
	struct alert *a = NULL;
	int r;

	(void) snprintf(g->what, sizeof(g->what), "the file with the newest number beside it %s",
	    o->high.state == HIGH_MISSING ? "is missing: more may be lost"
	    : o->high.state == HIGH_HALF  ? "was changed in one of its halves"
					  : "was changed: more may be lost");
	outbox_damaged_name(o, g->identity);
	if (o->high.state != HIGH_MISSING)
		memcpy(g->aside, g->identity, sizeof(g->aside));
	r = outbox_damaged_move(o, "-high", g->identity);
	if (r == 0)
		r = outbox_ask(o->db, "SELECT count(*) FROM alert", &g->kept);
	if (r == 0)
		r = outbox_ask(o->db, OUTBOX_NEWEST, &newest);
	outbox_damage_text(o, g);
	if (r == 0)
		r = outbox_damage_alert(o, cfg, g, &a);
	if (r < 0)
		return r;
	outbox_record_of(&rec, a, newest + 1, clock_real() / NS_PER_MS);
	outbox_record_bind(o->st[ST_INSERT], &rec);
	r = outbox_run(o, ST_INSERT);
	alert_free(a);
	return r;
}

int
outbox_start(struct outbox *o, const struct outbox_cfg *cfg, struct diag *d)
{
	struct outbox_damage *g;
	bool damaged;
	int r;

	if (o->read_only)
		return open_to_read(o, d);
	g = calloc(1, sizeof(*g));
	r = g == NULL ? -ENOMEM : take_lock(o);
	if (r == 0)
		r = outbox_salvage_finish(o, NULL);
	if (r == 0)
		r = outbox_high_load(o);
	if (r < 0) {
		free(g);
		return outbox_fail(o, r, d);
	}
	r = open_or_salvage(o, cfg, g, d);
	damaged = r == DAMAGED;
	if (r >= 0) {
		r = outbox_db_prepare(o);
		if (r == 0 && !damaged && high_is_damaged(o)) {
			r = tell_of_high(o, cfg, g);
			damaged = true;
		}
		if (r < 0)
			(void) outbox_fail(o, r, d);
	}
	if (r == 0 && damaged) {
		o->stats.lost = g->lost;
		log_error("%s", g->text);
	}
	free(g);
	return r;
}

int
outbox_load(struct outbox *o, const struct outbox_cfg *cfg, struct diag *d)
{
	uint64_t now = clock_real() / NS_PER_MS;
	char sql[128];
	int r;

	(void) snprintf(sql, sizeof(sql), "DELETE FROM stream WHERE updated < %llu",
	    (unsigned long long) (now - STREAM_DAYS * 86400000ULL));
	r = o->read_only ? 0 : outbox_exec(o->db, sql);
	if (r == 0)
		r = outbox_ask(o->db, OUTBOX_NEWEST, &o->stats.last_rowid);
	if (r == 0)
		r = outbox_ask(o->db, "SELECT count(*) FROM alert", &o->stats.rows);
	if (r == 0)
		r = outbox_ask(o->db, "SELECT count(*) FROM aside", &o->stats.set_aside);
	if (r == 0)
		r = outbox_places_load(o, cfg);
	if (r == 0 && !o->read_only)
		r = outbox_clock_load(o);
	if (r == 0 && !o->read_only)
		r = outbox_oldest(o);
	if (r == 0 && !o->read_only)
		r = outbox_measure(o);
	if (r == 0 && !o->read_only)
		r = outbox_high_make(o);
	if (r == 0 && !o->read_only)
		outbox_damaged_count(o);
	return r < 0 ? outbox_fail(o, r, d) : 0;
}
