/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_check.c - is the file complete and unchanged?
 *
 * At every start: SQLite's integrity check, which reads all pages and checks each index entry; the
 * checksum of each row; and the newest number against the one kept beside the file. It reads the
 * whole file, so it takes a few seconds per GiB and logs its progress.
 */
#include "collector/outbox/outbox_int.h"
#include "common/clock.h"
#include "common/log.h"
#include <errno.h>

struct patience {
	const struct outbox *o;
	uint64_t begun, told;
};

/* SQLite's progress callback. */
static int
still_there(void *arg)
{
	struct patience *p = arg;
	uint64_t now = clock_mono();

	if (now - p->told < OUTBOX_TELL_NS)
		return 0;
	p->told = now;
	log_info("outbox '%s': still checking after %lu s", p->o->path,
	    (unsigned long) ((now - p->begun) / NS_PER_S));
	return 0;
}

static int
check_pages(struct outbox *o, struct outbox_damage *d)
{
	static const char preamble[] = "*** in database main ***\n";
	sqlite3_stmt *st = NULL;
	const char *text;
	int r = outbox_err(sqlite3_prepare_v2(o->db, "PRAGMA integrity_check(1)", -1, &st, NULL));

	if (r == 0)
		r = outbox_err(sqlite3_step(st));
	if (r == 0) {
		text = (const char *) sqlite3_column_text(st, 0);
		if (text == NULL || strcmp(text, "ok") != 0) {
			if (text != NULL && strncmp(text, preamble, sizeof(preamble) - 1) == 0)
				text += sizeof(preamble) - 1;
			(void) snprintf(d->what, sizeof(d->what), "%s",
			    text == NULL ? "its pages cannot be read" : text);
			for (char *c = d->what; *c != '\0'; c++)
				*c = *c == '\n' ? ' ' : *c;
			r = -EBADMSG;
		}
	}
	(void) sqlite3_finalize(st);
	return r;
}

static int
check_rows(struct outbox *o, struct outbox_damage *d)
{
	struct outbox_record rec;
	sqlite3_stmt *st = NULL;
	uint64_t bad = 0;
	int rc = sqlite3_prepare_v2(
	    o->db, "SELECT " OUTBOX_COLUMNS " FROM alert ORDER BY n", -1, &st, NULL);

	while (outbox_err(rc) == 0 && (rc = sqlite3_step(st)) == SQLITE_ROW)
		bad += !outbox_record_read(st, &rec);
	(void) sqlite3_finalize(st);
	if (outbox_err(rc) < 0)
		return outbox_err(rc);
	if (bad == 0)
		return 0;
	(void) snprintf(
	    d->what, sizeof(d->what), "the checksums of %lu alerts are wrong", (unsigned long) bad);
	return -EBADMSG;
}

static int
check_newest(struct outbox *o, struct outbox_damage *d)
{
	uint64_t newest = 0;
	int r = outbox_ask(o->db, OUTBOX_NEWEST, &newest);

	if (r < 0 || o->high.newest <= newest)
		return r;
	(void) snprintf(d->what, sizeof(d->what), "its newest %lu alerts are missing",
	    (unsigned long) (o->high.newest - newest));
	return -EBADMSG;
}

int
outbox_check(struct outbox *o, bool summed, struct outbox_damage *d)
{
	struct patience p = { o, clock_mono(), clock_mono() };
	int r;

	(void) snprintf(d->what, sizeof(d->what), "its pages cannot be read");
	(void) sqlite3_exec(o->db, "PRAGMA cache_size=-65536", NULL, NULL, NULL);
	sqlite3_progress_handler(o->db, 1000000, still_there, &p);
	r = check_newest(o, d); /* first: its message is the most precise */
	if (r == 0)
		r = check_pages(o, d);
	if (r == 0 && summed)
		r = check_rows(o, d);
	sqlite3_progress_handler(o->db, 0, NULL, NULL);
	(void) sqlite3_exec(o->db, "PRAGMA cache_size=-2000", NULL, NULL, NULL);
	return r;
}
