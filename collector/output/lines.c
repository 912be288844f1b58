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
	template_free(l->template);
	l->template = NULL;
	l->n = l->settled = l->written = 0;
}

int
lines_render(const struct lines *l, const struct alert *a, enum text_format format, struct buf *ret)
{
	size_t before = ret->n;
	bool lacks;
	int r = l->template == NULL ? -EBADMSG : template_line(l->template, a, &lacks, ret);

	if (r == -EBADMSG) { /* or its body is not JSON, and has no fields */
		ret->n = before;
		text_alert(ret, a, format);
	} else {
		buf_char(ret, '\n');
	}
	return buf_ok(ret);
}

int
lines_add(struct lines *l, const struct outbox_row *row, enum text_format format)
{
	size_t before = l->out.n;

	if (l->n == LINES_MAX || (l->n > 0 && l->out.n > LINES_BYTES))
		return -EAGAIN;
	if (lines_render(l, &row->alert, format, &l->out) < 0) {
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
lines_end(struct lines *l, enum output_result result, const char *why)
{
	uint64_t rowid = l->line[l->settled++].rowid;

	if (l->settled == l->n) {
		buf_clear(&l->out);
		l->n = l->settled = l->written = 0;
	}
	l->done(l->arg, rowid, result, why);
}

void
lines_settle_to(struct lines *l, size_t upto)
{
	while (l->settled < l->n && l->line[l->settled].end <= upto)
		lines_end(l, OUTPUT_DELIVERED, NULL);
}

void
lines_settle(struct lines *l)
{
	lines_settle_to(l, l->written);
}

void
lines_give_up(struct lines *l, const char *why)
{
	while (l->settled < l->n)
		lines_end(l, OUTPUT_RETRY, why);
}

void
lines_restart(struct lines *l)
{
	size_t start = 0;

	for (size_t i = 0; i < l->n && l->line[i].end <= l->written; i++)
		start = l->line[i].end;
	l->written = start;
}
