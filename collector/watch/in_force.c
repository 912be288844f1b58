/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch/in_force.h"
#include "common/clock.h"
#include "common/log.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { VERSION = 1 };

/* The file's data begin so; the times of rules follow: ruleset_force_keep(). */
struct kept {
	uint32_t versions[COVERAGE_VERSIONS];
	uint64_t next, outbox, history;
};

/* A file that was deleted and made again, or restored, is another one. */
static uint64_t
file_identity(const char *path)
{
	struct statx st;

	if (statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &st) < 0)
		return 0;
	return (st.stx_ino * 0x9e3779b97f4a7c15U + (uint64_t) st.stx_btime.tv_sec) *
		   0x9e3779b97f4a7c15U +
	       st.stx_btime.tv_nsec;
}

static int
read_kept(struct in_force *f)
{
	CLEANUP(buf_fini) struct buf data = BUF_INIT;
	struct kept k;
	int r = checkpoint_noted(f->to, VERSION, &data);

	if (r == 0 && data.n < sizeof(k))
		r = -EBADMSG;
	if (r < 0)
		return r;
	memcpy(&k, data.p, sizeof(k));
	memcpy(f->versions.v, k.versions, sizeof(k.versions));
	f->next = (unsigned) (k.next % COVERAGE_VERSIONS);
	if (k.outbox == f->outbox)
		f->history = k.history;
	buf_add(&f->before, data.p + sizeof(k), data.n - sizeof(k));
	return buf_ok(&f->before);
}

void
in_force_begin(struct in_force *f, struct checkpoint *to, const char *outbox, bool lost)
{
	uint64_t now = clock_real();
	int r;

	*f = (struct in_force){
		.to = to, .outbox = file_identity(outbox), .history = now, .before = BUF_INIT
	};
	if (to == NULL)
		return;
	r = read_kept(f);
	if (r < 0 && r != -ENOENT)
		log_error(
		    "checkpoint.path: the times of rules cannot be read: %s: nothing is known "
		    "of the time before this start",
		    r == -EBADMSG ? "the file is damaged" : strerrordesc_np(-r));
	if (r < 0)
		buf_clear(&f->before);
	if (lost || f->outbox == 0)
		f->history = now;
}

void
in_force_end(struct in_force *f)
{
	buf_fini(&f->before);
}

static void
complain(int r)
{
	log_error(
	    "checkpoint.path: the times of rules cannot be written: %s: a restarted collector "
	    "will not know since when they are in force",
	    strerrordesc_np(-r));
}

void
in_force_changing(struct in_force *f)
{
	int r = f->to == NULL ? 0 : checkpoint_note_remove(f->to);

	if (r < 0)
		complain(r);
}

static int
write_kept(struct in_force *f, struct ruleset *s)
{
	CLEANUP(buf_fini) struct buf data = BUF_INIT;
	struct kept k = { .next = f->next, .outbox = f->outbox, .history = f->history };
	int r;

	memcpy(k.versions, f->versions.v, sizeof(k.versions));
	buf_add(&data, &k, sizeof(k));
	ruleset_force_keep(s, &data);
	r = buf_ok(&data);
	return r < 0 ? r : checkpoint_note(f->to, VERSION, buf_get(&data));
}

void
in_force_set(struct in_force *f, struct ruleset *s, struct ruleset *before, uint32_t version)
{
	int r = 0;

	ruleset_in_force(s, before, clock_real(), version);
	if (f->to == NULL)
		return;
	if (before == NULL && f->before.n > 0)
		r = ruleset_force_resume(s, buf_get(&f->before));
	buf_clear(&f->before);
	f->versions.v[f->next] = version;
	f->next = (f->next + 1) % COVERAGE_VERSIONS;
	if (r == 0)
		r = write_kept(f, s);
	if (r < 0) {
		complain(r);
		in_force_changing(f);
	}
}
