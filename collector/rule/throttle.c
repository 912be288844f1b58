/* SPDX-License-Identifier: Apache-2.0 */
/*
 * throttle.c - token buckets, stored as the time at which each would be full again (the generic
 * cell rate algorithm): one number, and a bucket whose time has passed needs no memory.
 */
#include "collector/rule/throttle.h"
#include "collector/rule/alert_summary.h"
#include "common/clock.h"
#include "common/hashtable.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
	SLOTS_MIN = 64,
	SLOTS_MAX = 2 * THROTTLE_BUCKETS,
	SEEN_SLOTS = 128, /* more than THROTTLE_DISTINCT, a power of two */
	LIKE_SLOTS = 16,
};
#define FULL_NS (100 * NS_PER_MS) /* a full table is not swept again within this time */

enum level { PROCESS, USER, LEVELS };

/* Data of a bucket that was empty at some time. */
struct dry {
	struct dry *next; /* in the list of those with matches in their summary */
	uint64_t window;  /* boot ns of its first match without a token */
	uint32_t nseen;
	uint64_t seen[SEEN_SLOTS]; /* hashes of outputs, 0: free */
	uint64_t like[LIKE_SLOTS]; /* of matches whose output is already in 'seen' */
	struct alert_summary summary;
};

struct bucket {
	uint64_t key; /* 0: a free slot */
	uint64_t full_at;
	struct dry *dry;
};

struct throttle {
	struct {
		uint64_t token_ns; /* interval of tokens; 0: no limit */
		uint64_t empty_ns; /* a bucket that needs longer to fill is empty */
	} level[LEVELS];
	struct bucket *slots; /* a table swept rather than grown */
	size_t nslots, used;
	uint64_t sweep_at;            /* boot ns: the table is full until then */
	struct dry *open, **open_end; /* with matches of the current batch */
};

/* A match being decided. */
struct match {
	const struct rule *rule;
	const struct view *v;
	const struct alert_origin *o;
	struct fscratch *fs;
	struct buf *scratch;
	uint64_t rule_hash;
	uint64_t like, output; /* hashes; 0: not known yet */
};

int
throttle_new(const struct throttle_limits *l, struct throttle **ret)
{
	const struct throttle_limit *limits[] = { [PROCESS] = &l->process, [USER] = &l->user };
	struct throttle *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < LEVELS && l->process.rate > 0; i++) {
		if (limits[i]->rate == 0)
			continue;
		t->level[i].token_ns = NS_PER_S / limits[i]->rate;
		t->level[i].empty_ns = t->level[i].token_ns * MAX(limits[i]->burst, 1u);
	}
	t->open_end = &t->open;
	*ret = t;
	return 0;
}

static void
dry_free(struct dry *d)
{
	if (d == NULL)
		return;
	alert_summary_fini(&d->summary);
	free(d);
}

void
throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->nslots; i++)
		dry_free(t->slots[i].dry);
	free(t->slots);
	free(t);
}

size_t
throttle_buckets(const struct throttle *t)
{
	return t->used;
}

/* ---- the table ---- */

TABLE_TYPE(buckets, struct bucket, uint64_t, s->key == 0, s->key == *k, s->key);
TABLE_TYPE(outputs, uint64_t, uint64_t, *s == 0, *s == *k, *s);

/* The slot of the key, or the free slot for it. */
static struct bucket *
slot_of(struct bucket *slots, size_t n, uint64_t key)
{
	return &slots[slots_find(&buckets, slots, n - 1, key, &key)];
}

/* A bucket that is full again, and whose summary was sent, is not needed. */
static bool
is_needed(const struct bucket *b, uint64_t now)
{
	return b->key != 0 && (b->full_at > now || (b->dry != NULL && b->dry->summary.count > 0));
}

/* Remove unneeded buckets, and resize the table to fit. -ENOMEM: unchanged. */
static int
sweep(struct throttle *t, uint64_t now)
{
	size_t needed = 0, n = SLOTS_MIN;
	struct bucket *slots;

	for (size_t i = 0; i < t->nslots; i++)
		needed += is_needed(&t->slots[i], now);
	while (n < 4 * needed && n < SLOTS_MAX)
		n *= 2;
	slots = calloc(n, sizeof(*slots));
	if (slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < t->nslots; i++) {
		struct bucket *b = &t->slots[i];

		if (is_needed(b, now))
			*slot_of(slots, n, b->key) = *b;
		else
			dry_free(b->dry);
	}
	free(t->slots);
	t->slots = slots;
	t->nslots = n;
	t->used = needed;
	if (needed > SLOTS_MAX * 3 / 8)
		t->sweep_at = now + FULL_NS;
	return 0;
}

/* Make room for one more. false: the table is full, or out of memory. */
static bool
make_room(struct throttle *t, bool shared, uint64_t now)
{
	if (t->used < t->nslots / 2)
		return true;
	if (t->nslots < SLOTS_MAX || now >= t->sweep_at) {
		if (sweep(t, now) < 0)
			return false;
	}
	/* The rest of a full table is reserved for shared buckets. */
	return t->used < (shared ? t->nslots * 7 / 8 : t->nslots / 2);
}

/* Find its bucket, or add a full one. NULL: no room for a new one. */
static struct bucket *
find(struct throttle *t, uint64_t key, bool shared, uint64_t now)
{
	struct bucket *b =
	    t->nslots == 0 ? NULL : slots_get(&buckets, t->slots, t->nslots - 1, key, &key);

	if (b != NULL)
		return b;
	if (!make_room(t, shared, now))
		return NULL;
	b = slot_of(t->slots, t->nslots, key);
	*b = (struct bucket){ .key = key };
	t->used++;
	return b;
}

/* ---- process and user ---- */

static bool
in_container(struct slice id)
{
	return id.n > 0 && !slice_eq(id, SLICE("host"));
}

static struct slice
container_of(const struct view *v)
{
	return intern_get(state_pool(v->state), v->thread->container_id);
}

/* A user is a container, a login (su and sudo do not change it), or else a uid: none of these can
 * be chosen by an unprivileged process. */
static uint64_t
user_of(const struct view *v)
{
	struct slice container = container_of(v);

	if (in_container(container))
		return XXH3_64bits(container.p, container.n);
	if (v->thread->loginuid != UINT32_MAX)
		return 1ull << 32 | v->thread->loginuid;
	return v->thread->uid;
}

static void
describe_user(const struct view *v, char by[SUMMARY_BY])
{
	struct slice c = container_of(v);

	if (in_container(c))
		(void) snprintf(by, SUMMARY_BY, "container %.*s", (int) MIN(c.n, 32u), c.p);
	else if (v->thread->loginuid != UINT32_MAX)
		(void) snprintf(by, SUMMARY_BY, "login user %" PRIu32, v->thread->loginuid);
	else
		(void) snprintf(by, SUMMARY_BY, "user %" PRIu32, v->thread->uid);
}

/* Describe the bucket's owner, for people. */
static void
describe(enum level level, bool shared, const struct view *v, char by[SUMMARY_BY])
{
	if (shared)
		(void) snprintf(
		    by, SUMMARY_BY, level == USER ? "several users" : "several processes");
	else if (level == USER)
		describe_user(v, by);
	else
		(void) snprintf(by, SUMMARY_BY, "process %" PRIu32, v->ev->pid);
}

static uint64_t
key_of(enum level level, bool shared, const struct match *m)
{
	struct {
		uint64_t rule, level, who, start;
	} k = { .rule = m->rule_hash, .level = level };

	if (shared) {
		k.level = LEVELS + level;
	} else if (level == USER) {
		k.who = user_of(m->v);
	} else {
		k.who = m->v->ev->pid;
		k.start = m->v->main->start;
	}
	return XXH3_64bits(&k, sizeof(k)) | 1; /* not 0 */
}

/* ---- the decision ---- */

static bool
has_token(const struct throttle *t, enum level level, const struct bucket *b, uint64_t now)
{
	return MAX(b->full_at, now) - now + t->level[level].token_ns <= t->level[level].empty_ns;
}

/* The output's slot in the window: it is there, or free. */
static uint64_t *
seen_slot(struct dry *d, uint64_t output)
{
	return &d->seen[slots_find(&outputs, d->seen, SEEN_SLOTS - 1, output, &output)];
}

/* -ENOMEM */
static int
begin_window(struct bucket *b, uint64_t now)
{
	struct dry *d = b->dry;

	if (d == NULL) {
		d = b->dry = calloc(1, sizeof(*d));
		if (d == NULL)
			return -ENOMEM;
		d->window = now;
	} else if (now > d->window && now - d->window >= THROTTLE_WINDOW_NS) {
		d->window = now;
		d->nseen = 0;
		memset(d->seen, 0, sizeof(d->seen));
		memset(d->like, 0, sizeof(d->like));
	}
	return 0;
}

/*
 * A hash of everything an output depends on, except the time and number of the event and the
 * process's other descriptors. A storm is mostly one repeated match: rendering it to notice that
 * costs ten times as much as this hash.
 */
static uint64_t
likeness(const struct match *m)
{
	enum { FD_BYTES = offsetof(struct fd_entry, state) + 1 };
	const struct view *v = m->v;
	const struct event *ev = v->ev;
	struct {
		uint64_t batch, state, present;
		int64_t fd_num;
		uint32_t tid, pid, flags, type, cpu, path, pathraw, fd_name_changed;
		uint8_t fd[FD_BYTES];
	} k;

	memset(&k, 0, sizeof(k));
	k.batch = m->o->seq; /* indices of texts are valid within a batch */
	k.state = state_version(v->state, STATE_ALL);
	k.present = ev->present;
	k.fd_num = v->fd_num;
	k.tid = ev->tid;
	k.pid = ev->pid;
	k.flags = ev->flags;
	k.type = ev->schema->num;
	k.cpu = ev->cpu;
	k.path = v->event_path;
	k.pathraw = v->event_pathraw;
	k.fd_name_changed = v->fd_name_changed;
	if (v->fd != NULL) {
		struct fd_entry fd = *v->fd;

		fd.since = 0;
		memcpy(k.fd, &fd, FD_BYTES);
	}
	return XXH3_64bits_withSeed(
		   &k, sizeof(k), XXH3_64bits(ev->v, ev->schema->nparams * sizeof(*ev->v))) |
	       1;
}

/* Is the output new, and among the window's first hundred? Renders it only while the answer can be
 * yes. */
static bool
is_new_output(struct dry *d, struct match *m)
{
	uint64_t *like;

	if (d->nseen == THROTTLE_DISTINCT)
		return false;
	if (m->like == 0)
		m->like = likeness(m);
	like = &d->like[(m->like >> 1) % LIKE_SLOTS];
	if (*like == m->like)
		return false;
	if (m->output == 0) {
		buf_clear(m->scratch);
		format_text(m->rule->format, m->v, m->fs, m->scratch);
		m->output = XXH3_64bits(m->scratch->p, m->scratch->n) | 1;
	}
	if (*seen_slot(d, m->output) == 0)
		return true;
	*like = m->like;
	return false;
}

static void
count(struct throttle *t, struct dry *d, const struct match *m, enum level level, bool shared)
{
	char by[SUMMARY_BY] = "";

	if (d->summary.count == 0) {
		d->next = NULL;
		*t->open_end = d;
		t->open_end = &d->next;
		describe(level, shared, m->v, by);
	}
	alert_summary_add(&d->summary, m->rule, m->v, m->o, by, m->fs);
}

/* Use up a token, or the output's slot. */
static void
take(struct throttle *t, enum level level, struct bucket *b, const struct match *m, uint64_t now)
{
	if (has_token(t, level, b, now)) {
		b->full_at = MAX(b->full_at, now) + t->level[level].token_ns;
	} else if (b->dry != NULL && b->dry->nseen < THROTTLE_DISTINCT) {
		*seen_slot(b->dry, m->output) = m->output;
		b->dry->nseen++;
	}
}

bool
throttle_suppress(struct throttle *t, const struct rule *rule, const struct view *v,
    const struct alert_origin *o, struct fscratch *fs, struct buf *scratch)
{
	struct match m = {
		.rule = rule,
		.v = v,
		.o = o,
		.fs = fs,
		.scratch = scratch,
		.rule_hash = XXH3_64bits(rule->name, strlen(rule->name)),
	};
	uint64_t now = v->ev->ts, key[LEVELS] = { 0 };
	struct bucket *b;

	for (enum level i = 0; i < LEVELS; i++) {
		bool shared = false;

		if (t->level[i].token_ns == 0)
			continue;
		key[i] = key_of(i, false, &m);
		b = find(t, key[i], false, now);
		if (b == NULL) {
			shared = true;
			key[i] = key_of(i, true, &m);
			b = find(t, key[i], true, now);
		}
		if (b == NULL || has_token(t, i, b, now) || begin_window(b, now) < 0)
			continue;
		if (!is_new_output(b->dry, &m)) {
			count(t, b->dry, &m, i, shared);
			return true;
		}
	}
	for (enum level i = 0; i < LEVELS; i++) { /* the table may have moved */
		b = key[i] == 0 ? NULL : find(t, key[i], true, now);
		if (b != NULL)
			take(t, i, b, &m, now);
	}
	return false;
}

int
throttle_next_summary(struct throttle *t, const struct alert_origin *o, struct alert_scratch *s,
    struct alert **ret, uint64_t *nmatches)
{
	struct dry *d = t->open;
	int r;

	if (d == NULL)
		return 0;
	t->open = d->next;
	if (t->open == NULL)
		t->open_end = &t->open;
	*nmatches = d->summary.count;
	r = alert_summary_end(&d->summary, o, s, ret);
	return r < 0 ? r : 1;
}
