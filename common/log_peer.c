/* SPDX-License-Identifier: Apache-2.0 */
#include "common/log_peer.h"
#include "common/bucket.h"
#include "common/clock.h"
#include "common/log_int.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define SLOTS   256 /* peers that share a slot are limited together */
#define TELL_NS (10 * NS_PER_S)

struct slot {
	struct bucket bucket;
	uint64_t held;  /* lines held back since 'since' */
	uint64_t since; /* monotonic ns */
	bool shared;    /* several peers use this slot */
	char name[64];
};

/* Locking: 'lock' guards all of it; lines come from any thread. */
static struct {
	pthread_mutex_t lock;
	struct bucket all;
	struct slot slot[SLOTS];
	uint64_t held;
	_Atomic bool pending; /* some slot holds lines back */
} limits = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.all = { .per_s = LOG_ALL_PER_S, .burst = LOG_ALL_BURST },
};

static struct slot *
slot_of(const char *peer, uint64_t now)
{
	struct slot *s = &limits.slot[XXH3_64bits(peer, strlen(peer)) % SLOTS];

	if (s->bucket.burst > 0 && strncmp(s->name, peer, sizeof(s->name) - 1) == 0)
		return s;
	if (s->held > 0 || !bucket_full(&s->bucket, now)) {
		s->shared = true;
		return s;
	}
	*s = (struct slot){ .bucket = { .per_s = LOG_PEER_PER_S, .burst = LOG_PEER_BURST } };
	(void) snprintf(s->name, sizeof(s->name), "%s", peer);
	return s;
}

static bool
may_log(const char *peer, uint64_t now)
{
	struct slot *s;
	bool ok;

	pthread_mutex_lock(&limits.lock);
	s = slot_of(peer, now);
	ok = bucket_take(&s->bucket, now) && bucket_take(&limits.all, now);
	if (!ok) {
		if (s->held++ == 0)
			s->since = now;
		limits.held++;
		limits.pending = true;
	}
	pthread_mutex_unlock(&limits.lock);
	return ok;
}

void
log_peer(enum log_level level, const char *peer, const char *fmt, ...)
{
	va_list ap;

	if (!log_enabled(level) || !may_log(peer, clock_mono()))
		return;
	va_start(ap, fmt);
	log_vabout(level, peer, fmt, ap);
	va_end(ap);
}

static void
tell(uint64_t now, uint64_t wait)
{
	bool rest = false;

	if (!atomic_exchange(&limits.pending, false))
		return;
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot s;

		pthread_mutex_lock(&limits.lock);
		s = limits.slot[i];
		if (s.held > 0 && now - s.since >= wait)
			limits.slot[i].held = 0;
		else
			rest = rest || s.held > 0;
		pthread_mutex_unlock(&limits.lock);
		if (s.held > 0 && now - s.since >= wait)
			log_warn("%llu more lines about %s%s were held back in %llu s",
			    (unsigned long long) s.held, s.name, s.shared ? " and others" : "",
			    (unsigned long long) ((now - s.since) / NS_PER_S + 1));
	}
	if (rest)
		limits.pending = true;
}

void
log_peer_tick(void)
{
	tell(clock_mono(), TELL_NS);
}

void
log_peer_flush(void)
{
	tell(clock_mono(), 0);
}

uint64_t
log_peer_held(void)
{
	uint64_t n;

	pthread_mutex_lock(&limits.lock);
	n = limits.held;
	pthread_mutex_unlock(&limits.lock);
	return n;
}
