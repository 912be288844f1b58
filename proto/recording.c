/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/recording.h"
#include "common/buf.h"
#include "proto/wire.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAGIC_SIZE = sizeof(RECORDING_MAGIC) - 1 };

struct recorder {
	FILE *f;
	struct buf frame;
	bool begun;
};

struct recording {
	FILE *f;
	struct buf frame;
	uint64_t offset, next;
};

static int
file_errno(void)
{
	return errno == 0 ? -EIO : -errno;
}

int
recorder_open(const char *path, struct recorder **ret)
{
	struct recorder *w = calloc(1, sizeof(*w));
	int fd, r;

	if (w == NULL)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		goto fail;
	w->f = fdopen(fd, "w");
	if (w->f == NULL) {
		r = file_errno();
		(void) close(fd);
		errno = -r;
		goto fail;
	}
	if (fwrite(RECORDING_MAGIC, 1, MAGIC_SIZE, w->f) != MAGIC_SIZE || fflush(w->f) != 0)
		goto fail;
	*ret = w;
	return 0;
fail:
	r = file_errno();
	(void) recorder_close(w);
	return r;
}

int
recorder_put(struct recorder *w, const Wire__Request *req)
{
	size_t n = wire__request__get_packed_size(req);
	uint8_t *p;

	if (n > WIRE_MESSAGE_MAX)
		return -EMSGSIZE;
	if (!w->begun && req->body_case != WIRE__REQUEST__BODY_HELLO)
		return -EINVAL;
	buf_clear(&w->frame);
	if (buf_reserve(&w->frame, 4 + n) < 0)
		return -ENOMEM;
	p = (uint8_t *) w->frame.p;
	p[0] = (uint8_t) n;
	p[1] = (uint8_t) (n >> 8);
	p[2] = (uint8_t) (n >> 16);
	p[3] = (uint8_t) (n >> 24);
	(void) wire__request__pack(req, p + 4);
	if (fwrite(p, 1, 4 + n, w->f) != 4 + n)
		return file_errno();
	w->begun = true;
	return 0;
}

int
recorder_put_packed(struct recorder *w, const void *msg, size_t n)
{
	const uint8_t len[4] = { (uint8_t) n, (uint8_t) (n >> 8), (uint8_t) (n >> 16),
		(uint8_t) (n >> 24) };

	if (n > WIRE_MESSAGE_MAX)
		return -EMSGSIZE;
	if (fwrite(len, 1, sizeof(len), w->f) != sizeof(len) || fwrite(msg, 1, n, w->f) != n)
		return file_errno();
	w->begun = true;
	return 0;
}

int
recorder_close(struct recorder *w)
{
	int r = 0;

	if (w == NULL)
		return 0;
	if (w->f != NULL && fclose(w->f) != 0)
		r = file_errno();
	buf_fini(&w->frame);
	free(w);
	return r;
}

int
recording_open(const char *path, struct recording **ret)
{
	struct recording *r = calloc(1, sizeof(*r));
	char magic[MAGIC_SIZE];
	int err;

	if (r == NULL)
		return -ENOMEM;
	r->f = fopen(path, "re");
	if (r->f == NULL) {
		err = file_errno();
		recording_close(r);
		return err;
	}
	if (fread(magic, 1, MAGIC_SIZE, r->f) != MAGIC_SIZE ||
	    memcmp(magic, RECORDING_MAGIC, MAGIC_SIZE) != 0) {
		err = ferror(r->f) ? file_errno() : -EBADMSG;
		recording_close(r);
		return err;
	}
	r->next = MAGIC_SIZE;
	*ret = r;
	return 0;
}

void
recording_close(struct recording *r)
{
	if (r == NULL)
		return;
	if (r->f != NULL)
		(void) fclose(r->f);
	buf_fini(&r->frame);
	free(r);
}

/* Read n bytes of the file. */
static int
take(struct recording *r, void *p, size_t n, const char **why)
{
	if (fread(p, 1, n, r->f) == n)
		return 0;
	*why = "the recording is cut short";
	return ferror(r->f) ? file_errno() : -EBADMSG;
}

int
recording_next(struct recording *r, Wire__Request **ret, const char **why)
{
	bool first = r->next == MAGIC_SIZE;
	Wire__Request *req;
	uint8_t len[4];
	uint32_t n;
	int c, err;

	r->offset = r->next;
	c = fgetc(r->f);
	if (c == EOF) {
		*why = "the recording is empty";
		return ferror(r->f) ? file_errno() : first ? -EBADMSG : 0;
	}
	len[0] = (uint8_t) c;
	err = take(r, len + 1, 3, why);
	if (err < 0)
		return err;
	n = len[0] | (uint32_t) len[1] << 8 | (uint32_t) len[2] << 16 | (uint32_t) len[3] << 24;
	*why = "a frame is longer than a message may be";
	if (n > WIRE_MESSAGE_MAX)
		return -EBADMSG;
	buf_clear(&r->frame);
	if (buf_reserve(&r->frame, n) < 0)
		return -ENOMEM;
	err = take(r, r->frame.p, n, why);
	if (err < 0)
		return err;
	req = wire__request__unpack(NULL, n, (const uint8_t *) r->frame.p);
	*why = "a frame is not a request";
	if (req == NULL)
		return -EBADMSG;
	*why = "it does not begin with a Hello";
	if (first && req->body_case != WIRE__REQUEST__BODY_HELLO) {
		wire__request__free_unpacked(req, NULL);
		return -EBADMSG;
	}
	r->next += 4 + (uint64_t) n;
	*ret = req;
	return 1;
}

uint64_t
recording_offset(const struct recording *r)
{
	return r->offset;
}
