/* SPDX-License-Identifier: Apache-2.0 */
/* scan_out.c - a scan's output: records, and notes of how far it is. */
#include "sensor/scan_int.h"
#include <errno.h>
#include <unistd.h>

#define CHUNK 8192 /* write records in chunks of this many bytes */

static int
flush(struct scan *s)
{
	size_t at = 0;

	if (buf_ok(&s->out) < 0)
		return -ENOMEM;
	while (at < s->out.n) {
		ssize_t n = write(s->fd, s->out.p + at, s->out.n - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n < 0 ? 0 : (size_t) n;
	}
	buf_clear(&s->out);
	return 0;
}

int
scan_add(struct scan *s)
{
	const struct ev_hdr *rec = rec_end(&s->rec);

	buf_add(&s->out, rec, rec->len);
	return s->out.n < CHUNK ? buf_ok(&s->out) : flush(s);
}

int
scan_at(struct scan *s, enum scan_step step, uint32_t pid)
{
	struct scan_note n = {
		.hdr = { .len = sizeof(n), .pid = pid }, .step = step, .stats = s->stats
	};

	buf_add(&s->out, &n, sizeof(n));
	return flush(s);
}
