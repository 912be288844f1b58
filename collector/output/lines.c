/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/lines.h"
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define PIECE 4096 /* a writable pipe takes so much without blocking */

void
lines_fini(struct lines *l)
{
	buf_fini(&l->out);
	l->n = l->settled = l->written = 0;
}

int
lines_add(struct lines *l, const struct outbox_row *row, enum text_format format)
{
	size_t before = l->out.n;

	if (l->n == LINES_MAX || (l->n > 0 && l->out.n > LINES_BYTES))
		return -EAGAIN;
	text_alert(&l->out, &row->alert, format);
	if (buf_ok(&l->out) < 0) {
		l->out.n = before;
		l->out.failed = false;
		return -ENOMEM;
	}
	l->line[l->n].rowid = row->rowid;
	l->line[l->n++].end = l->out.n;
	return 0;
}

int
lines_write(struct lines *l, int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t n;

	while (l->written < l->out.n) {
		n = poll(&p, 1, timeout_ms);
		if (n <= 0)
			return n == 0 || errno == EINTR ? 0 : -errno;
		n = write(fd, l->out.p + l->written, MIN(l->out.n - l->written, (size_t) PIECE));
		if (n < 0)
			return errno == EINTR || errno == EAGAIN ? 0 : -errno;
		l->written += (size_t) n;
	}
	return 0;
}

void
lines_settle(struct lines *l)
{
	while (l->settled < l->n && l->line[l->settled].end <= l->written) {
		l->done(l->arg, l->line[l->settled].rowid, OUTPUT_DELIVERED, NULL);
		l->settled++;
	}
	if (l->settled < l->n)
		return;
	buf_clear(&l->out);
	l->n = l->settled = l->written = 0;
}

void
lines_restart(struct lines *l)
{
	size_t start = 0;

	for (size_t i = 0; i < l->n && l->line[i].end <= l->written; i++)
		start = l->line[i].end;
	l->written = start;
}
