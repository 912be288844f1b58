/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/containers.h"
#include "common/hex.h"
#include "common/log_peer.h"
#include "proto/schema.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xxhash.h>

#define SLOTS      (2 * CONTAINERS_KNOWN)
#define SILENCE_NS (5 * NS_PER_S) /* after which a worker counts as stuck */
#define WAITS_MAX  256            /* in a second: control groups can be made by users */
#define ID_LEN     64

enum known_as { UNKNOWN, NO_CONTAINER, ASKED, PARTLY, REPORTED };

struct known {
	uint64_t hash; /* of the control groups; 0: free */
	uint32_t id;   /* hash of the whole container id and its owner; 0: none */
	enum known_as as;
};

struct asked {
	uint64_t serial, hash, since; /* serial 0: free */
	bool waits;
	bool again; /* asked before a runtime spoke of it: if nothing is found, once more */
	struct container_ask ask;
};

struct containers {
	struct scanner *scanner;
	containers_add_fn *add;
	void *arg;
	int fd; /* of the worker; -1: none */
	struct known known[SLOTS];
	size_t nknown;
	struct asked asked[CONTAINERS_ASKED];
	unsigned nasked, nwaiting;
	uint64_t serial;
	uint64_t heard;         /* the worker's last answer, or the question that it owes one to */
	uint64_t doubt;         /* nothing waits until then */
	uint64_t shun;          /* nor are users' files read until then */
	uint64_t retry;         /* what is known partly is asked about again from then on */
	uint64_t second, waits; /* how often something waited in this second */
	struct container_hints hints;
	struct containers_stats stats;
	union {
		struct container_answer answer;
		char bytes[CONTAINER_ANSWER_MAX];
	} u __attribute__((aligned(8)));
};

int
containers_new(struct scanner *scanner, containers_add_fn *add, void *arg, struct containers **ret)
{
	struct containers *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->scanner = scanner;
	c->add = add;
	c->arg = arg;
	c->fd = -1;
	*ret = c;
	return 0;
}

void
containers_free(struct containers *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		(void) close(c->fd);
	free(c);
}

int
containers_fd(const struct containers *c)
{
	return c->fd;
}

void
containers_stats(const struct containers *c, struct containers_stats *ret)
{
	*ret = c == NULL ? (struct containers_stats){ 0 } : c->stats;
}

/* ---- what is known of control groups ---- */

static struct known *
find(struct containers *c, uint64_t hash)
{
	size_t i = hash % SLOTS;

	while (c->known[i].hash != 0 && c->known[i].hash != hash)
		i = (i + 1) % SLOTS;
	return &c->known[i];
}

static void
set(struct containers *c, uint64_t hash, enum known_as as)
{
	struct known *k = find(c, hash);

	if (k->hash == 0 && c->nknown++ >= CONTAINERS_KNOWN) {
		containers_forget(c);
		c->nknown = 1;
		k = find(c, hash);
	}
	k->hash = hash;
	k->as = as;
}

void
containers_forget(struct containers *c)
{
	if (c->nknown > 0) /* otherwise its memory is not touched yet */
		memset(c->known, 0, sizeof(c->known));
	c->nknown = 0;
}

static uint32_t
id_hash(struct slice full, uint32_t owner)
{
	return (uint32_t) XXH3_64bits_withSeed(full.p, full.n, owner) | 1;
}

/* A runtime speaks of a container: what was asked about before its files were known is asked again.
 * 'made': it makes it, and one that was there before has ended, or been restarted. */
static void
expire(struct containers *c, struct slice full, uint32_t owner, bool made)
{
	uint32_t id = id_hash(full, owner), unknown = id_hash(full, 0);

	for (size_t i = 0; i < SLOTS; i++) {
		struct known *k = &c->known[i];

		if ((made && k->id == id && k->as != ASKED) ||
		    (k->as == NO_CONTAINER && (k->id == id || k->id == unknown)))
			k->as = UNKNOWN;
	}
	for (unsigned i = 0; c->nasked > 0 && i < CONTAINERS_ASKED; i++) {
		struct asked *q = &c->asked[i];

		if (q->serial != 0 && q->ask.bundle[0] == '\0' &&
		    slice_eq(slice_str(q->ask.full), full))
			q->again = true;
	}
}

/* ---- the worker ---- */

static void
settle(struct containers *c, struct asked *q, enum known_as as)
{
	set(c, q->hash, as);
	c->nwaiting -= q->waits;
	c->nasked--;
	*q = (struct asked){ .serial = 0 };
}

static struct asked *
asked_by(struct containers *c, uint64_t serial, uint64_t hash)
{
	for (unsigned i = 0; c->nasked > 0 && i < CONTAINERS_ASKED; i++) {
		struct asked *q = &c->asked[i];

		if (q->serial != 0 && (q->serial == serial || q->hash == hash))
			return q;
	}
	return NULL;
}

static bool
send_question(struct containers *c, const struct asked *q)
{
	if (c->fd < 0)
		c->fd = scanner_containers(c->scanner);
	return c->fd >= 0 && send(c->fd, &q->ask, sizeof(q->ask), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* A user may have the files of his containers on something that does not answer. The worker is at
 * the oldest question: it is the one that takes long. */
static void
shun(struct containers *c, const struct asked *q, uint64_t now)
{
	for (unsigned i = 0; i < CONTAINERS_ASKED; i++) {
		if (c->asked[i].serial != 0 && c->asked[i].serial < q->serial)
			return;
	}
	if (q->ask.owner == 0)
		return;
	log_peer(LOG_WARN, "containers",
	    "container %s of user %u: its files are slow: files of users' containers are not read "
	    "for ten minutes; look at the disk of that user",
	    q->ask.id, q->ask.owner);
	c->shun = now + CONTAINERS_SHUN_NS;
}

/* Begin another worker. The oldest question is the one that the last worker was at: it is given up;
 * the others are asked again. */
static void
replace_worker(struct containers *c, uint64_t now, const char *why)
{
	struct asked *oldest = NULL;

	if (c->fd >= 0)
		(void) close(c->fd);
	c->fd = -1;
	c->heard = now;
	for (unsigned i = 0; i < CONTAINERS_ASKED; i++) {
		struct asked *q = &c->asked[i];

		if (q->serial != 0 && (oldest == NULL || q->serial < oldest->serial))
			oldest = q;
	}
	if (oldest == NULL)
		return;
	log_peer(LOG_WARN, "containers",
	    "container %s: %s: its name and image stay unknown; look at the disk of its runtime",
	    oldest->ask.id, why);
	shun(c, oldest, now);
	c->stats.refused++;
	settle(c, oldest, NO_CONTAINER);
	for (unsigned i = 0; i < CONTAINERS_ASKED; i++) {
		if (c->asked[i].serial != 0 && !send_question(c, &c->asked[i]))
			settle(c, &c->asked[i], NO_CONTAINER);
	}
}

/* Add the records of an answer, 'n' bytes. False: it does not begin with a container's. */
static bool
add_records(struct containers *c, const char *p, size_t n)
{
	bool first = true;

	while (n >= sizeof(struct ev_hdr)) {
		const struct ev_hdr *rec = (const void *) p;

		if (rec->len > n || record_check(rec, rec->len) < 0)
			return !first;
		if (first ? rec->type != EV_CONTAINER_INFO
			  : rec->type != EV_USERADDED && rec->type != EV_GROUPADDED)
			return !first;
		if (c->add(c->arg, rec) == 0 && first)
			c->stats.reported++;
		first = false;
		p += rec->len;
		n -= rec->len;
	}
	return !first;
}

static void
take(struct containers *c, size_t n, uint64_t now)
{
	const struct container_answer *a = &c->u.answer;
	struct asked *q = n < sizeof(*a) ? NULL : asked_by(c, a->serial, 0);
	enum known_as as;

	c->heard = now;
	if (q == NULL)
		return;
	as = q->again ? UNKNOWN : NO_CONTAINER;
	if (container_has_records(a->fault) &&
	    add_records(c, c->u.bytes + sizeof(*a), n - sizeof(*a)))
		as = a->fault == CONTAINER_PARTLY ? PARTLY : REPORTED;
	if (as == PARTLY && now >= c->retry)
		c->retry = now + CONTAINERS_RETRY_NS;
	if (a->fault == CONTAINER_REFUSED) {
		c->stats.refused++;
		log_peer(LOG_WARN, "containers",
		    "container %s: %.*s: its name and image stay unknown", q->ask.id,
		    (int) strnlen(a->why, sizeof(a->why)), a->why);
	}
	settle(c, q, as);
}

bool
containers_tick(struct containers *c)
{
	uint64_t now;

	if (c->nasked == 0)
		return false;
	now = clock_mono();
	while (c->fd >= 0 && c->nasked > 0) {
		ssize_t n = recv(c->fd, c->u.bytes, sizeof(c->u.bytes), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0)
			replace_worker(c, now, "the process that reads its files has ended");
		else
			take(c, (size_t) n, now);
	}
	if (c->nasked > 0 && now - c->heard > SILENCE_NS)
		replace_worker(c, now, "its files do not answer");
	return c->nwaiting > 0;
}

/* ---- events ---- */

static struct slice
cgroups_of(const struct ev_hdr *rec)
{
	_Static_assert((int) EVP_CLONE_cgroups == (int) EVP_EXECVE_cgroups &&
			   (int) EVP_CLONE_cgroups == (int) EVP_EXECVEAT_cgroups &&
			   (int) EVP_CLONE_cgroups == (int) EVP_CLONE3_cgroups &&
			   (int) EVP_CLONE_cgroups == (int) EVP_FORK_cgroups &&
			   (int) EVP_CLONE_cgroups == (int) EVP_VFORK_cgroups,
	    "the same position");
	unsigned i =
	    rec->type == EV_TASK ? (unsigned) EVP_TASK_cgroups : (unsigned) EVP_CLONE_cgroups;

	return record_text(rec, schema_get(rec->type), i);
}

/* Ids of this form are those of containers; others may be any folder's name. */
static bool
is_certain(struct slice full)
{
	size_t i = 0;

	while (i < full.n && hex_digit(full.p[i]) >= 0)
		i++;
	return i == ID_LEN && full.n == ID_LEN;
}

/* May the event wait? Only for what is most probably a container, and not too often. */
static bool
may_wait(struct containers *c, const struct container_ask *ask, uint64_t now)
{
	if (now / NS_PER_S != c->second) {
		c->second = now / NS_PER_S;
		c->waits = 0;
	}
	return now >= c->doubt && (ask->bundle[0] != '\0' || is_certain(slice_str(ask->full))) &&
	       c->waits++ < WAITS_MAX;
}

static const struct container_hint *
hint(const struct containers *c, struct slice cgroups, struct slice full, uint64_t now)
{
	const struct container_hint *of_root = hints_find(&c->hints, full, 0);
	uint32_t user = of_root != NULL || now < c->shun ? 0 : container_user_of(cgroups);

	return user == 0 ? of_root : hints_find(&c->hints, full, user);
}

static void
ask(struct containers *c, uint64_t hash, struct slice cgroups, const struct container_ids *ids,
    bool hurry)
{
	uint64_t now = clock_mono();
	const struct container_hint *h = hint(c, cgroups, ids->full, now);
	struct asked *q = c->asked;

	if (c->nasked == CONTAINERS_ASKED || ids->full.n >= CONTAINER_ID_MAX)
		return; /* its next clone or exec asks again */
	while (q->serial != 0)
		q++;
	*q = (struct asked){ .serial = ++c->serial, .hash = hash, .since = now };
	q->ask.serial = q->serial;
	(void) snprintf(q->ask.id, sizeof(q->ask.id), "%.*s", SLICE_ARG(ids->id));
	(void) snprintf(q->ask.full, sizeof(q->ask.full), "%.*s", SLICE_ARG(ids->full));
	if (h != NULL) {
		memcpy(q->ask.bundle, h->bundle, sizeof(q->ask.bundle));
		q->ask.owner = h->uid;
	}
	if (c->nasked++ == 0)
		c->heard = now;
	q->waits = !hurry && may_wait(c, &q->ask, now);
	c->nwaiting += q->waits;
	set(c, hash, ASKED);
	find(c, hash)->id = id_hash(ids->full, q->ask.owner);
	if (!send_question(c, q))
		settle(c, q, UNKNOWN);
}

/* Has it waited for long enough? */
static bool
is_over(struct containers *c, struct asked *q, bool hurry)
{
	uint64_t now = clock_mono();
	bool late = now - q->since >= CONTAINERS_WAIT_NS;

	if (!late && !hurry)
		return false;
	q->waits = false;
	c->nwaiting--;
	c->stats.late++;
	if (late) {
		c->doubt = now + CONTAINERS_DOUBT_NS;
		shun(c, q, now);
	}
	log_peer(LOG_WARN, "containers",
	    "container %s: its first events go without its name and image, which %s", q->ask.id,
	    late ? "cannot be read within 500 ms" : "cannot be waited for");
	return true;
}

int
containers_see(struct containers *c, const struct ev_hdr *rec, bool hurry)
{
	struct slice cgroups = cgroups_of(rec);
	struct container_ids ids = { { NULL, 0 }, { NULL, 0 } };
	struct slice began = { NULL, 0 };
	uint32_t uid = 0;
	uint64_t hash;
	struct asked *q;
	enum known_as as;
	bool late;

	if (cgroups.n == 0)
		return 0;
	hash = XXH3_64bits(cgroups.p, cgroups.n) | 1;
	if (find(c, hash)->as == ASKED)
		(void) containers_tick(c);
	as = find(c, hash)->as;
	late = as == PARTLY && clock_mono() >= c->retry;
	if (as == UNKNOWN || late) {
		if (container_find(cgroups, &ids))
			ask(c, hash, cgroups, &ids, hurry || late);
		else
			set(c, hash, NO_CONTAINER);
		as = find(c, hash)->as;
	}
	q = as == ASKED ? asked_by(c, 0, hash) : NULL;
	if (q != NULL && q->waits && !is_over(c, q, hurry))
		return -EAGAIN;
	/* A command in a container can name a bundle of another one. */
	if (as == NO_CONTAINER ||
	    (q != NULL && q->ask.bundle[0] == '\0' && !is_certain(slice_str(q->ask.full))))
		began = hints_see(&c->hints, rec, &uid);
	if (began.n > 0)
		expire(c, began, uid, rec->type != EV_TASK);
	return 0;
}
