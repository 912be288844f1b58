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
