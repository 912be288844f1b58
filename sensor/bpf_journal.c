/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_journal.c - what the next process must know to go on: in memory that is pinned like the
 * driver, up to which positions of the rings each batch reaches.
 *
 * A process can be killed between any two stores. A batch is first noted in the slot that the
 * newest one does not use, then written to its file, then the rings move, and at last 'done': so it
 * is always known whether a batch in a file still has its events in the rings.
 */
#include "common/log.h"
#include "sensor/account.h"
#include "sensor/bpf_int.h"
#include "sensor/lost.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct slot {
	struct source_mark mark; /* mark.seq is written last */
};

struct journal {
	uint64_t stream; /* 0: no batch yet */
	uint64_t done;   /* the newest batch that is in a file, or was there and is durable */
	uint64_t unsafe; /* one is, or was, in memory only */
	struct slot slots[2];
	struct lost_kept lost[2]; /* source.h: losses() */
	struct lost_kept unread;  /* bpf_left.c */
	uint64_t pos[];           /* of each ring: of slot 0, then of slot 1; then their accounts */
};

static size_t
size_of(const struct source_state *s)
{
	size_t n =
	    sizeof(struct journal) + 2 * (s->ncpu * sizeof(uint64_t) + account_kept_size(s->ncpu));

	return (n + s->page - 1) / s->page * s->page;
}

static struct slot *
slot_of(struct journal *j, uint64_t seq)
{
	return &j->slots[seq % 2];
}

static uint64_t *
pos_of(const struct source_state *s, uint64_t seq)
{
	return &s->journal->pos[seq % 2 * s->ncpu];
}

static struct account_kept *
account_of(const struct source_state *s, uint64_t seq)
{
	char *first = (char *) &s->journal->pos[(size_t) 2 * s->ncpu];

	return (struct account_kept *) (void *) (first + seq % 2 * account_kept_size(s->ncpu));
}

/* ---- open ---- */

static int
map_journal(struct source_state *s, int fd)
{
	struct journal *j = mmap(NULL, size_of(s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (j == MAP_FAILED)
		return -errno;
	s->journal = j;
	return 0;
}

static int
journal_new(struct source_state *s)
{
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = BPF_F_MMAPABLE);
	int fd = bpf_map_create(
	    BPF_MAP_TYPE_ARRAY, "mews_journal", sizeof(uint32_t), (uint32_t) size_of(s), 1, &o);

	if (fd < 0)
		return fd;
	s->journal_fd = fd;
	return map_journal(s, fd);
}

int
journal_take(struct source_state *s)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	int fd = pin_get(s->pin, PIN_JOURNAL, "0"), r;

	if (fd < 0)
		return fd;
	s->journal_fd = fd;
	r = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (r == 0 && (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != size_of(s)))
		r = -ESTALE;
	return r < 0 ? r : map_journal(s, fd);
}

void
journal_close(struct source_state *s)
{
	if (s->journal != NULL)
		(void) munmap(s->journal, size_of(s));
	if (s->journal_fd > 0)
		(void) close(s->journal_fd);
	s->journal = NULL;
	s->journal_fd = 0;
}

/* ---- pin ---- */

static void
pin_links(struct source_state *s)
{
	const struct hooks *h = &s->hooks;

	for (unsigned i = 0; i < h->n; i++)
		pin_put(s->pin, PIN_LINK, prog_name(h->progs[i]), h->links[i]);
	pin_put(s->pin, PIN_LINK, prog_name(PROG_on_sys_enter), s->enter);
}

static void
pin_objects(struct source_state *s)
{
	char name[16];

	for (unsigned i = 0; i < s->ndriver_maps; i++)
		pin_put(s->pin, PIN_MAP, s->driver_maps[i].name, s->driver_maps[i].fd);
	for (enum prog i = 0; i < PROG_MAX; i++)
		pin_put(s->pin, PIN_PROG, prog_name(i), s->progs.fd[i]);
	for (unsigned i = 0; i < s->ncpu; i++) {
		(void) snprintf(name, sizeof(name), "%u", i);
		pin_put(s->pin, PIN_RING, name, s->ring_fds[i]);
	}
	pin_links(s);
	pin_put(s->pin, PIN_JOURNAL, "0", s->journal_fd); /* last: it says that all is there */
}

void
bpf_pin_all(struct source_state *s)
{
	int r = 0;

	if (s->pin == NULL || s->taken) {
		if (s->taken)
			log_info("capture has gone on in %s: taken over", s->o.pin);
		return;
	}
	r = journal_new(s);
	if (r == 0)
		r = pin_begin(s->pin);
	if (r == 0)
		pin_objects(s);
	if (r == 0)
		r = pin_failed(s->pin);
	if (r == 0)
		return;
	log_warn("capture.pin: cannot pin to %s: %s: capture will pause while the sensor restarts",
	    s->o.pin, strerrordesc_np(-r));
	bpf_unpin(s);
}

/* From now on as if there had never been a folder. */
void
bpf_unpin(void *st)
{
	struct source_state *s = st;

	(void) pin_clear(s->pin);
	pin_close(s->pin);
	s->pin = s->hooks.pin = s->hooks.entries.pin = NULL;
	s->rings.hold = s->rings.crowded = false;
}

/* Others have removed pins: pin everything once more. */
static void
pin_again(struct source_state *s)
{
	int r;

	(void) pin_clear(s->pin);
	r = pin_begin(s->pin);
	if (r == 0) {
		pin_objects(s);
		entries_pin(&s->hooks.entries);
		r = pin_failed(s->pin);
	}
	if (r == 0) {
		log_info("capture.pin: pinned again in %s", s->o.pin);
		return;
	}
	log_warn(
	    "capture.pin: cannot pin to %s again: %s: capture will pause while the sensor restarts",
	    s->o.pin, strerrordesc_np(-r));
	bpf_unpin(s);
}

bool
bpf_kept(void *st)
{
	struct source_state *s = st;
	bool kept = pin_whole(s->pin);

	if (!kept)
		pin_again(s);
	return kept;
}

/* ---- batches ---- */

bool
bpf_past(void *st, struct source_past *ret)
{
	struct source_state *s = st;
	struct journal *j = s->journal;

	if (!s->taken)
		return false;
	*ret = (struct source_past){
		.stream = j->stream,
		.seq = j->done,
		.more = slot_of(j, j->done + 1)->mark.seq == j->done + 1,
		.whole = j->stream != 0 && !j->unsafe,
	};
	return true;
}

static void
release(struct source_state *s, uint64_t seq)
{
	rings_release(&s->rings, pos_of(s, seq));
	__atomic_store_n(&s->journal->done, seq, __ATOMIC_RELEASE);
}

void
bpf_resume(void *st, uint64_t seq, struct source_mark *ret)
{
	struct source_state *s = st;

	if (seq == s->journal->done + 1) {
		for (unsigned i = 0; i < s->ncpu; i++)
			s->rings.v[i].pos = pos_of(s, seq)[i];
		release(s, seq);
	}
	*ret = slot_of(s->journal, s->journal->done)->mark;
	s->rings.stats.bad = ret->lost.bad;
}

/* The first batch of a stream. Until all is set, nothing can be continued. The rings' positions,
 * and what is missing before them, stay those of the stream before. */
static void
begin_stream(const struct source_state *s, const struct source_mark *m)
{
	struct journal *j = s->journal;
	struct account_kept *k = account_of(s, m->seq - 1);

	__atomic_store_n(&j->unsafe, 1, __ATOMIC_RELEASE);
	j->slots[0].mark.seq = j->slots[1].mark.seq = 0;
	if (k != account_of(s, j->done))
		memcpy(k, account_of(s, j->done), account_kept_size(s->ncpu));
	memset(k->emitted, 0, sizeof(k->emitted));
	memset(j->lost, 0, sizeof(j->lost));
	if (!s->left) /* else this process has counted them, for this stream */
		memset(&j->unread, 0, sizeof(j->unread));
	j->stream = m->stream;
	j->done = m->seq - 1;
	__atomic_store_n(&j->unsafe, 0, __ATOMIC_RELEASE);
}

bool
bpf_mark(void *st, const struct source_mark *m)
{
	struct source_state *s = st;
	struct journal *j = s->journal;
	struct slot *slot;

	if (s->pin == NULL)
		return false;
	if (j->stream != m->stream)
		begin_stream(s, m);
	slot = slot_of(j, m->seq);
	(void) __atomic_exchange_n(&slot->mark.seq, 0, __ATOMIC_SEQ_CST); /* before the rest */
	for (unsigned i = 0; i < s->ncpu; i++)
		pos_of(s, m->seq)[i] = s->rings.v[i].pos;
	account_keep(m->account, account_of(s, m->seq), s->ncpu);
	slot->mark.stream = m->stream;
	slot->mark.interest = m->interest;
	slot->mark.lost = m->lost;
	slot->mark.lost.bad = s->rings.stats.bad;
	__atomic_store_n(&slot->mark.seq, m->seq, __ATOMIC_RELEASE);
	return true;
}

const struct account_kept *
bpf_account(void *st, unsigned *ncpu)
{
	const struct source_state *s = st;

	*ncpu = s->ncpu;
	return account_of(s, s->journal->done);
}

struct lost_kept *
bpf_losses(void *st)
{
	const struct source_state *s = st;

	return s->journal->lost;
}

struct lost_kept *
bpf_unread(const struct source_state *s)
{
	return s->journal == NULL ? NULL : &s->journal->unread;
}

void
bpf_settle(void *st, bool saved)
{
	struct source_state *s = st;
	struct journal *j = s->journal;

	if (s->pin == NULL)
		return;
	if (!saved)
		__atomic_store_n(&j->unsafe, 1, __ATOMIC_RELEASE);
	release(s, j->done + 1);
	if (saved)
		__atomic_store_n(&j->unsafe, 0, __ATOMIC_RELEASE);
}

bool
bpf_crowded(void *st)
{
	const struct source_state *s = st;

	return s->rings.crowded;
}
