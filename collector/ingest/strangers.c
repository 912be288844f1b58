/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strangers.c - limit unauthenticated connections.
 *
 * NNG accepts every peer and gives up on a handshake after ten seconds; until then a connection
 * costs a descriptor and the memory of a TLS session, and NNG does not report it. So when many are
 * open, or descriptors run short, the older ones are ended. A sensor that was too slow reconnects.
 * While there is a crowd all descriptors are examined; otherwise a check costs three system calls.
 */
#include "collector/ingest/ingest_int.h"
#include "common/array.h"
#include "common/descriptors.h"
#include "common/log.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <xxhash.h>

enum {
	STRANGERS_MAX = 1024,  /* more: examine them */
	STRANGERS_FULL = 4096, /* more: end new ones too */
	OTHERS = 1024,         /* descriptors other than sensors' connections */
	OLD_WALKS = 4,         /* two seconds */
};

#define TELL_NS (60 * NS_PER_S)

/* A descriptor's history over the walks. */
struct seen {
	uint64_t peer;        /* hash of its address; 0: no stranger */
	unsigned first, last; /* numbers of walks that found the same peer */
};

struct strangers {
	struct seen *v; /* by descriptor */
	size_t n, cap;
	unsigned walk;
	uint64_t told; /* monotonic ns */
};

static uint64_t
peer_hash(const char *peer)
{
	return XXH3_64bits(peer, strlen(peer)) | 1;
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

	return (x > y) - (x < y);
}

/* Collect the addresses of connections that speak for a node, as sorted hashes. */
static int
known_peers(struct ingest *i, uint64_t **ret, size_t *n)
{
	size_t room = i->speaking + 64, k = 0;
	uint64_t *v = calloc(room, sizeof(*v));
	bool all = true;

	if (v == NULL)
		return -ENOMEM;
	pthread_mutex_lock(&i->lock);
	for (size_t b = 0; all && b < CONN_BUCKETS; b++) {
		for (struct conn *c = i->by_node[b]; all && c != NULL; c = c->next_node) {
			all = k < room;
			if (all)
				v[k++] = peer_hash(c->peer);
		}
	}
	pthread_mutex_unlock(&i->lock);
	if (!all) {
		free(v);
		return -EAGAIN;
	}
	qsort(v, k, sizeof(*v), by_value);
	*ret = v;
	*n = k;
	return 0;
}

static struct seen *
seen_of(struct strangers *s, int fd)
{
	size_t n = (size_t) fd + 1;

	if (n > s->n) {
		if (ARRAY_RESERVE(s->v, s->n, n - s->n, s->cap) < 0)
			return NULL;
		memset(s->v + s->n, 0, (n - s->n) * sizeof(*s->v));
		s->n = n;
	}
	return &s->v[fd];
}

/* Returns whether it is a stranger. */
static bool
see(struct strangers *s, int fd, const char *local, const uint64_t *known, size_t nknown)
{
	struct seen *seen = seen_of(s, fd);
	char peer[PEER_TEXT];
	uint64_t h;

	if (seen == NULL)
		return false;
	h = connected_to(fd, local, peer) ? peer_hash(peer) : 0;
	if (h != 0 && bsearch(&h, known, nknown, sizeof(h), by_value) != NULL)
		h = 0;
	if (h != seen->peer || seen->last + 1 != s->walk)
		seen->first = s->walk;
	seen->peer = h;
	seen->last = s->walk;
	return h != 0;
}

/* Examine all descriptors; returns the number of strangers. */
static size_t
walk(struct ingest *i, struct strangers *s, DIR *fds, const char *local)
{
	uint64_t *known = NULL;
	size_t nknown = 0, n = 0;
	int fd;

	if (known_peers(i, &known, &nknown) < 0)
		return 0;
	rewinddir(fds);
	while ((fd = next_descriptor(fds)) >= 0)
		n += see(s, fd, local, known, nknown);
	free(known);
	return n;
}

/* End the connections of strangers that at least 'walks' walks have seen; returns their number. */
static size_t
end_old(const struct strangers *s, unsigned walks)
{
	size_t n = 0;

	for (size_t fd = 0; fd < s->n; fd++) {
		const struct seen *seen = &s->v[fd];

		if (seen->peer != 0 && seen->last == s->walk && s->walk - seen->first >= walks) {
			(void) shutdown((int) fd, SHUT_RDWR);
			n++;
		}
	}
	return n;
}

void
strangers_look(struct ingest *i, DIR *fds, const char *local, uint64_t now)
{
	uint64_t used = descriptors_used(), max = descriptors_max();
	bool scarce = used >= max - max / 4;
	struct strangers *s = i->strangers;
	size_t n, ended = 0;

	if (s == NULL)
		s = i->strangers = calloc(1, sizeof(*s));
	if (s == NULL || (!scarce && used < i->speaking + OTHERS + STRANGERS_MAX))
		return;
	s->walk++;
	n = walk(i, s, fds, local);
	if (n > STRANGERS_MAX || scarce)
		ended = end_old(s, n > STRANGERS_FULL ? 0 : OLD_WALKS);
	i->strangers_ended += ended;
	if (ended == 0 || (s->told != 0 && now < s->told + TELL_NS))
		return;
	s->told = now;
	log_warn(
	    "%zu connections without a proven identity, %lu of %lu file descriptors "
	    "in use: the %zu oldest are closed",
	    n, (unsigned long) used, (unsigned long) max, ended);
}

void
strangers_free(struct strangers *s)
{
	if (s != NULL)
		free(s->v);
	free(s);
}
