/* SPDX-License-Identifier: Apache-2.0 */
#include "common/intern.h"
#include "common/array.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

enum { SLOTS_MIN = 64, SCAN_MIN = 64, SCAN_PER_BYTES = 16 };

#define TICK_MASK    0x7fffU
#define ACCOUNTS_MAX 0x10000U

/* A text, or a free slot (p NULL). Texts of one bucket form a chain, free slots another. */
struct slot {
	char *p; /* NUL-terminated; n does not count the NUL */
	uint32_t n;
	uint32_t next;
	uint32_t hash;
	uint32_t refs;
	uint32_t gen;
	uint16_t owner;     /* the account charged while the text is held */
	uint16_t tick : 15; /* of the last put */
	uint16_t hot : 1;   /* used since the hand last passed */
};

struct account {
	uint64_t bytes;
	bool open;
};
_Static_assert(sizeof(struct slot) == 32, "two slots per cache line");

/*
 * Ids number the slots, so a slot cannot be moved to another's place as common/hashtable.h does:
 * each bucket is a chain of slots. The array moves when the table grows, texts do not. Eviction is
 * a clock: the hand goes round the slots, spares hot ones once, and frees texts that are not held
 * and were not used since the last tick. A put looks at a bounded number of slots, so it is O(1).
 */
struct intern {
	struct slot *slot;
	uint32_t *bucket; /* as many as slots: a power of two */
	uint32_t n, cap;  /* slots ever used, slots */
	uint32_t free;    /* chain of free slots; 0: none */
	uint32_t hand;
	struct account *accounts;
	size_t accounts_cap;
	uint32_t naccounts, account; /* the one in force */
	uint32_t tick;
	uint64_t mark; /* evict above this many bytes */
	uint64_t seed; /* keeps outsiders from preparing colliding texts */
	struct intern_stats stats;
};

static uint64_t
cost(uint32_t n)
{
	return n + 1 + sizeof(struct slot) + sizeof(uint32_t);
}

static int
grow(struct intern *p)
{
	uint32_t cap = p->cap == 0 ? SLOTS_MIN : p->cap * 2;
	struct slot *slot;
	uint32_t *bucket;

	if (p->cap > UINT32_MAX / 4)
		return -ENOMEM;
	slot = realloc(p->slot, cap * sizeof(*slot));
	if (slot == NULL)
		return -ENOMEM;
	p->slot = slot;
	bucket = calloc(cap, sizeof(*bucket));
	if (bucket == NULL)
		return -ENOMEM;
	memset(slot + p->cap, 0, (cap - p->cap) * sizeof(*slot));
	for (uint32_t i = 1; i < p->n; i++) {
		if (slot[i].p == NULL)
			continue;
		slot[i].next = bucket[slot[i].hash & (cap - 1)];
		bucket[slot[i].hash & (cap - 1)] = i;
	}
	free(p->bucket);
	p->bucket = bucket;
	p->cap = cap;
	return 0;
}

int
intern_new(uint64_t max_bytes, struct intern **ret)
{
	struct intern *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	p->mark = max_bytes - max_bytes / 16; /* early, since each sweep is bounded */
	p->n = 1;                             /* id 0 is no text */
	if (ARRAY_RESERVE(p->accounts, 0, 1, p->accounts_cap) < 0) {
		intern_free(p);
		return -ENOMEM;
	}
	p->accounts[p->naccounts++] = (struct account){ 0 };
	if (getrandom(&p->seed, sizeof(p->seed), GRND_NONBLOCK) < 0)
		p->seed = (uintptr_t) p; /* getrandom is not ready at early boot */
	if (grow(p) < 0 || intern_ref(p, intern_put(p, SLICE(""))) != INTERN_EMPTY) {
		intern_free(p);
		return -ENOMEM;
	}
	p->slot[INTERN_EMPTY].refs = 1; /* for ever */
	*ret = p;
	return 0;
}

void
intern_free(struct intern *p)
{
	if (p == NULL)
		return;
	for (uint32_t i = 1; i < p->n; i++)
		free(p->slot[i].p);
	free(p->slot);
	free(p->bucket);
	free(p->accounts);
	free(p);
}

static void
evict(struct intern *p, uint32_t id)
{
	struct slot *s = &p->slot[id];
	uint32_t *at = &p->bucket[s->hash & (p->cap - 1)];

	while (*at != id)
		at = &p->slot[*at].next;
	*at = s->next;
	p->stats.bytes -= cost(s->n);
	p->stats.texts--;
	p->stats.evicted++;
	free(s->p);
	s->p = NULL;
	s->gen++;
	s->next = p->free;
	p->free = id;
}

/* Make room for 'need' bytes if a bounded sweep finds it. */
static void
sweep(struct intern *p, uint64_t need)
{
	uint64_t scan = SCAN_MIN + need / SCAN_PER_BYTES;

	for (; scan > 0 && p->stats.bytes + need > p->mark; scan--) {
		struct slot *s;

		p->hand = p->hand + 1 >= p->n ? INTERN_EMPTY : p->hand + 1;
		s = &p->slot[p->hand];
		if (s->p == NULL || s->refs > 0 || s->tick == p->tick)
			continue;
		if (s->hot)
			s->hot = 0;
		else
			evict(p, p->hand);
	}
}

/* Return a slot for a new text, or 0. */
static uint32_t
take_slot(struct intern *p)
{
	uint32_t id = p->free;

	if (id != 0) {
		p->free = p->slot[id].next;
		return id;
	}
	if (p->n == p->cap && grow(p) < 0)
		return 0;
	return p->n++;
}

static uint32_t
add(struct intern *p, struct slice text, uint32_t hash)
{
	char *copy = malloc(text.n + 1);
	struct slot *s;
	uint32_t id;

	if (copy == NULL)
		return INTERN_NULL;
	id = take_slot(p);
	if (id == 0) {
		free(copy);
		return INTERN_NULL;
	}
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	s = &p->slot[id];
	*s = (struct slot){ .p = copy,
		.n = (uint32_t) text.n,
		.next = p->bucket[hash & (p->cap - 1)],
		.hash = hash,
		.gen = s->gen,
		.tick = p->tick & TICK_MASK };
	p->bucket[hash & (p->cap - 1)] = id;
	p->stats.bytes += cost(s->n);
	p->stats.texts++;
	return id;
}

uint32_t
intern_put(struct intern *p, struct slice text)
{
	uint32_t hash, id;

	if (text.p == NULL)
		return INTERN_NULL;
	if (text.n >= UINT32_MAX) {
		p->stats.failed++;
		return INTERN_NULL;
	}
	hash = (uint32_t) XXH3_64bits_withSeed(text.p, text.n, p->seed);
	for (id = p->bucket[hash & (p->cap - 1)]; id != 0; id = p->slot[id].next) {
		struct slot *s = &p->slot[id];

		if (s->hash == hash && s->n == text.n && s->p != NULL &&
		    memcmp(s->p, text.p, text.n) == 0) {
			s->tick = p->tick & TICK_MASK;
			s->hot = 1;
			return id;
		}
	}
	if (p->stats.bytes + cost((uint32_t) text.n) > p->mark)
		sweep(p, cost((uint32_t) text.n));
	id = add(p, text, hash);
	p->stats.failed += id == INTERN_NULL;
	return id;
}

struct slice
intern_get(const struct intern *p, uint32_t id)
{
	const struct slot *s = &p->slot[id];

	return (struct slice){ s->p, s->p == NULL ? 0 : s->n };
}

uint32_t
intern_gen(const struct intern *p, uint32_t id)
{
	return p->slot[id].gen;
}

uint32_t
intern_ref(struct intern *p, uint32_t id)
{
	struct slot *s = &p->slot[id];

	if (id > INTERN_EMPTY && s->refs++ == 0) {
		s->owner = (uint16_t) p->account;
		p->accounts[s->owner].bytes += cost(s->n);
		p->stats.held++;
	}
	return id;
}

void
intern_unref(struct intern *p, uint32_t id)
{
	struct slot *s = &p->slot[id];

	if (id > INTERN_EMPTY && --s->refs == 0) {
		p->accounts[s->owner].bytes -= cost(s->n);
		p->stats.held--;
	}
}

int
intern_account_open(struct intern *p, uint32_t *ret)
{
	uint32_t i = 1;

	while (i < p->naccounts && (p->accounts[i].open || p->accounts[i].bytes > 0))
		i++;
	if (i >= p->naccounts) {
		*ret = 0;
		if (p->naccounts == ACCOUNTS_MAX)
			return 0;
		if (ARRAY_RESERVE(p->accounts, p->naccounts, 1, p->accounts_cap) < 0)
			return -ENOMEM;
		i = p->naccounts++;
		p->accounts[i].bytes = 0;
	}
	p->accounts[i].open = true;
	*ret = i;
	return 0;
}

void
intern_account_close(struct intern *p, uint32_t account)
{
	if (account != 0)
		p->accounts[account].open = false;
	if (p->account == account)
		p->account = 0;
}

void
intern_charge(struct intern *p, uint32_t account)
{
	p->account = account;
}

uint64_t
intern_charged(const struct intern *p, uint32_t account)
{
	return p->accounts[account].bytes;
}

void
intern_tick(struct intern *p)
{
	p->tick = (p->tick + 1) & TICK_MASK;
	sweep(p, 0);
}

void
intern_stats(const struct intern *p, struct intern_stats *ret)
{
	*ret = p->stats;
}
