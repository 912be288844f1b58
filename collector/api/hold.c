/* SPDX-License-Identifier: Apache-2.0 */
/* hold.c - a request that waits for another thread: suspended, then ready, then continued by its
 * door. */
#include "collector/api/api_int.h"
#include "common/clock.h"
#include <unistd.h>

void
request_hold(struct request *q)
{
	q->asked = true;
	if (q->conn != NULL)
		q->conn->held = true;
	MHD_suspend_connection(q->mhd);
}

void
request_ready(struct request *q)
{
	struct door *d = q->door;
	const uint64_t one = 1;

	pthread_mutex_lock(&d->lock);
	q->next = d->asks;
	d->asks = q;
	pthread_mutex_unlock(&d->lock);
	(void) !write(d->wake, &one, sizeof(one));
}

bool
request_wait(struct request *q, struct api_wait *w, unsigned seconds)
{
	struct door *d = q->door;

	for (size_t i = 0; i < PS_MAX; i++) {
		if (d->waits[i] != NULL)
			continue;
		w->request = q;
		w->until = clock_mono() + seconds * NS_PER_S;
		q->held = w;
		q->wait = &d->waits[i];
		d->waits[i] = q;
		request_hold(q);
		return true;
	}
	return false;
}

void
wait_over(struct api_wait *w)
{
	int seen = WAIT_OPEN;

	if (atomic_compare_exchange_strong(&w->state, &seen, WAIT_OVER))
		request_ready(w->request);
	else
		w->free(w);
}

void
waits_give_up(struct door *d, uint64_t now)
{
	for (size_t i = 0; i < PS_MAX; i++) {
		struct request *q = d->waits[i];
		int seen = WAIT_OPEN;

		if (q == NULL || q->held->until > now ||
		    !atomic_compare_exchange_strong(&q->held->state, &seen, WAIT_GIVEN_UP))
			continue;
		q->held = NULL; /* the other thread frees it */
		request_ready(q);
	}
}

bool
waits_open(const struct door *d)
{
	for (size_t i = 0; i < PS_MAX; i++) {
		if (d->waits[i] != NULL)
			return true;
	}
	return false;
}

void
wait_end(struct request *q)
{
	if (q->held != NULL)
		q->held->free(q->held);
}

void
answer_asks(struct door *d)
{
	struct request *q;

	pthread_mutex_lock(&d->lock);
	q = d->asks;
	d->asks = NULL;
	pthread_mutex_unlock(&d->lock);
	while (q != NULL) {
		struct request *next = q->next;

		if (q->conn != NULL) {
			q->conn->held = false;
			q->conn->since = clock_mono();
		}
		if (q->wait != NULL)
			*q->wait = NULL;
		q->wait = NULL;
		MHD_resume_connection(q->mhd); /* calls its function again */
		q = next;
	}
}
