/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/stream/balance.h"
#include <stdlib.h>
#include <string.h>

void
accounts_init(struct accounts *a)
{
	pthread_mutex_init(&a->lock, NULL);
}

void
accounts_fini(struct accounts *a)
{
	pthread_mutex_destroy(&a->lock);
	free(a->row);
}

static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Complete a row whose 'dropped' is set. */
static void
balance(struct account_row *r, const Wire__Account *from, uint64_t delivered)
{
	uint64_t before = less(from->generated, from->emitted);

	r->type = from->event;
	r->generated = from->generated;
	r->delivered = delivered;
	r->undelivered = less(from->emitted, delivered);
	for (size_t i = 0; i < ACCOUNT_CAUSES; i++)
		before = less(before, r->dropped[i]);
	r->unaccounted = before;
}

static void
add(struct account_row *sum, const struct account_row *r)
{
	sum->generated += r->generated;
	sum->delivered += r->delivered;
	sum->undelivered += r->undelivered;
	sum->unaccounted += r->unaccounted;
	for (size_t i = 0; i < ACCOUNT_CAUSES; i++)
		sum->dropped[i] += r->dropped[i];
}

static void
set_dropped(struct account_row *r, uint32_t type, const Wire__Batch *b)
{
	for (size_t i = 0; i < b->n_drops; i++) {
		const Wire__Drop *d = b->drops[i];

		if (d->event == type && d->cause - DROP_RING_FULL < ACCOUNT_CAUSES)
			r->dropped[d->cause - DROP_RING_FULL] += d->count;
	}
}

struct account_row
accounts_set(struct accounts *a, const Wire__Batch *batch, const uint64_t delivered[EV_TYPE_MAX])
{
	struct account_row *fresh = calloc(batch->n_accounts, sizeof(*fresh)), *old;
	struct account_row sum = { .type = 0 };
	size_t n = 0;

	for (size_t i = 0; i < batch->n_accounts; i++) {
		const Wire__Account *from = batch->accounts[i];
		struct account_row r = { .type = 0 };

		if (from->event >= EV_TYPE_MAX)
			continue;
		set_dropped(&r, from->event, batch);
		balance(&r, from, delivered[from->event]);
		add(&sum, &r);
		if (fresh != NULL)
			fresh[n++] = r;
	}
	if (fresh == NULL)
		return sum;
	pthread_mutex_lock(&a->lock);
	old = a->row;
	a->row = fresh;
	a->n = n;
	a->at = batch->real_ns;
	pthread_mutex_unlock(&a->lock);
	free(old);
	return sum;
}

size_t
accounts_get(struct accounts *a, struct account_row **ret, uint64_t *at)
{
	struct account_row *copy = NULL;
	size_t n;

	pthread_mutex_lock(&a->lock);
	n = a->n;
	*at = a->at;
	if (n > 0)
		copy = malloc(n * sizeof(*copy));
	if (copy != NULL)
		memcpy(copy, a->row, n * sizeof(*copy));
	pthread_mutex_unlock(&a->lock);
	*ret = copy;
	return copy == NULL ? 0 : n;
}

struct account_row
accounts_sum(struct accounts *a)
{
	struct account_row sum = { .type = 0 };

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->n; i++)
		add(&sum, &a->row[i]);
	pthread_mutex_unlock(&a->lock);
	return sum;
}
