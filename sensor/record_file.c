/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/record_file.h"
#include "proto/recording.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct record {
	struct recorder *w;
	char *path;
	uint64_t next, events, bytes;
};

static int
put(struct record *r, const void *p, size_t n)
{
	int e = recorder_put_packed(r->w, p, n);

	if (e == 0)
		r->bytes += 4 + n;
	return e;
}

int
record_open(const char *path, struct record **ret, struct diag *d)
{
	struct record *r = calloc(1, sizeof(*r));
	int e = -ENOMEM;

	if (r == NULL)
		return -ENOMEM;
	r->next = 1;
	r->bytes = 8;
	r->path = strdup(path);
	if (r->path != NULL)
		e = recorder_open(path, &r->w);
	if (e < 0) {
		diag_set(d, 0, 0, "cannot write the recording %s: %s", path, strerrordesc_np(-e));
		free(r->path);
		free(r);
		return e;
	}
	*ret = r;
	return 0;
}

int
record_hello(struct record *r, const struct buf *msg)
{
	return put(r, msg->p, msg->n);
}

int
record_spool(struct record *r, struct spool *s)
{
	int e = 0;

	if (spool_seek(s, r->next) == spool_next(s))
		return 0;
	while (e == 0 && (r->next = spool_seek(s, r->next)) < spool_next(s)) {
		const struct spool_entry *b = spool_get(s, r->next);

		e = put(r, b->msg, b->n);
		r->events += b->events;
		r->next++;
	}
	if (e == 0)
		spool_durable(s, r->next - 1);
	return e;
}

uint64_t
record_events(const struct record *r)
{
	return r->events;
}

uint64_t
record_bytes(const struct record *r)
{
	return r->bytes;
}

int
record_close(struct record *r, struct diag *d)
{
	int e = recorder_close(r->w);

	if (e < 0)
		diag_set(
		    d, 0, 0, "the recording %s is incomplete: %s", r->path, strerrordesc_np(-e));
	free(r->path);
	free(r);
	return e;
}
