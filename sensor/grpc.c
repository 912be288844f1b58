/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/grpc.h"
#include "common/clock.h"
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PREFACE       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define FRAME_MAX     16384u /* of what the server may send; the default, which we keep */
#define FRAME_HEADER  9
#define FRAMES_MAX    1024 /* of an answer */
#define GRPC_PREFIX   5    /* a flag and a length, in front of a message */
#define WINDOW_SIZE   4    /* the setting */
#define OUR_STREAM    1u
#define LITERAL_PLAIN 0x00 /* of HPACK: a literal without indexing, with a new name */

enum frame_type {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_RST = 3,
	FRAME_SETTINGS = 4,
	FRAME_PING = 6,
	FRAME_GOAWAY = 7,
	FRAME_WINDOW = 8,
};

enum frame_flag {
	FLAG_END_STREAM = 1, /* of data and headers */
	FLAG_ACK = 1,        /* of settings and ping */
	FLAG_END_HEADERS = 4,
	FLAG_PADDED = 8,
};

struct frame {
	uint32_t n;
	uint8_t type, flags;
	uint32_t stream;
	uint8_t body[FRAME_MAX];
};

/* ---- the socket ---- */

static int
wait_for(int fd, short events, uint64_t deadline)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = clock_mono();
	int r;

	if (now >= deadline)
		return -ETIMEDOUT;
	r = poll(&p, 1, (int) ((deadline - now) / NS_PER_MS) + 1);
	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

static int
send_all(int fd, uint64_t deadline, struct slice s)
{
	while (s.n > 0) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);
		int r = n < 0 && errno == EAGAIN ? wait_for(fd, POLLOUT, deadline) : 0;

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (r < 0)
			return r;
		s.p += MAX(n, 0);
		s.n -= (size_t) MAX(n, 0);
	}
	return 0;
}

static int
recv_all(int fd, uint64_t deadline, void *to, size_t size)
{
	for (size_t got = 0; got < size;) {
		ssize_t n = recv(fd, (char *) to + got, size - got, 0);
		int r = n < 0 && errno == EAGAIN ? wait_for(fd, POLLIN, deadline) : 0;

		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (r < 0)
			return r;
		got += (size_t) MAX(n, 0);
	}
	return 0;
}

/* ---- what we send ---- */

static void
put_u32(struct buf *b, uint32_t v)
{
	v = htobe32(v);
	buf_add(b, &v, sizeof(v));
}

static void
put_frame(struct buf *b, enum frame_type type, unsigned flags, uint32_t stream, struct slice body)
{
	buf_char(b, (char) (body.n >> 16));
	buf_char(b, (char) (body.n >> 8));
	buf_char(b, (char) body.n);
	buf_char(b, (char) type);
	buf_char(b, (char) flags);
	put_u32(b, stream);
	buf_slice(b, body);
}

/* False: a text is too long for a length of one byte. */
static bool
put_header(struct buf *b, const char *name, const char *value)
{
	const char *const texts[] = { name, value };

	buf_char(b, LITERAL_PLAIN);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t n = strlen(texts[i]);

		if (n > GRPC_TEXT_MAX)
			return false;
		buf_char(b, (char) n);
		buf_str(b, texts[i]);
	}
	return true;
}

static bool
put_headers(struct buf *b, const char *path, const struct grpc_header *extra)
{
	const struct grpc_header all[] = {
		{ ":method", "POST" },
		{ ":scheme", "http" },
		{ ":path", path },
		{ ":authority", "localhost" },
		{ "content-type", "application/grpc" },
		{ "te", "trailers" },
		*extra,
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (!put_header(b, all[i].name, all[i].value))
			return false;
	}
	return true;
}

static int
ask(int fd, uint64_t deadline, const char *path, const struct grpc_header *extra,
    struct slice request)
{
	struct buf out = BUF_INIT, part = BUF_INIT;
	int r = -EINVAL;

	buf_str(&out, PREFACE);
	buf_char(&part, 0);
	buf_char(&part, WINDOW_SIZE);
	put_u32(&part, GRPC_ANSWER_MAX);
	put_frame(&out, FRAME_SETTINGS, 0, 0, buf_get(&part));
	buf_clear(&part);
	put_u32(&part, GRPC_ANSWER_MAX);
	put_frame(&out, FRAME_WINDOW, 0, 0, buf_get(&part));
	buf_clear(&part);
	if (put_headers(&part, path, extra)) {
		put_frame(&out, FRAME_HEADERS, FLAG_END_HEADERS, OUR_STREAM, buf_get(&part));
		r = buf_ok(&part);
		buf_clear(&part);
		buf_char(&part, 0);
		put_u32(&part, (uint32_t) request.n);
		buf_slice(&part, request);
		put_frame(&out, FRAME_DATA, FLAG_END_STREAM, OUR_STREAM, buf_get(&part));
	}
	if (r == 0)
		r = buf_ok(&part);
	if (r == 0)
		r = buf_ok(&out);
	if (r == 0)
		r = send_all(fd, deadline, buf_get(&out));
	buf_fini(&part);
	buf_fini(&out);
	return r;
}

/* ---- what comes ---- */

static int
recv_frame(int fd, uint64_t deadline, struct frame *f)
{
	uint8_t h[FRAME_HEADER];
	int r = recv_all(fd, deadline, h, sizeof(h));

	if (r < 0)
		return r;
	f->n = (uint32_t) h[0] << 16 | (uint32_t) h[1] << 8 | h[2];
	f->type = h[3];
	f->flags = h[4];
	f->stream = ((uint32_t) h[5] << 24 | (uint32_t) h[6] << 16 | (uint32_t) h[7] << 8 | h[8]) &
		    ~(1u << 31);
	return f->n > FRAME_MAX ? -EBADMSG : recv_all(fd, deadline, f->body, f->n);
}

/* The server wants to know that we have got this one. */
static int
confirm(int fd, uint64_t deadline, const struct frame *f)
{
	struct buf out = BUF_INIT;
	struct slice body = { (const char *) f->body, f->type == FRAME_PING ? f->n : 0 };
	int r;

	put_frame(&out, f->type, FLAG_ACK, 0, body);
	r = buf_ok(&out);
	if (r == 0)
		r = send_all(fd, deadline, buf_get(&out));
	buf_fini(&out);
	return r;
}

static int
take_data(const struct frame *f, struct buf *answer)
{
	size_t skip = (f->flags & FLAG_PADDED) != 0;
	size_t pad = skip == 1 && f->n > 0 ? f->body[0] : 0;

	if (f->n < skip + pad || answer->n + f->n > GRPC_ANSWER_MAX)
		return -EBADMSG;
	buf_add(answer, f->body + skip, f->n - skip - pad);
	return 0;
}

/* 1: the answer is complete. */
static int
take(int fd, uint64_t deadline, const struct frame *f, struct buf *answer)
{
	bool ours = f->stream == OUR_STREAM;
	bool end = ours && (f->flags & FLAG_END_STREAM) != 0;
	int r = 0;

	switch (f->type) {
	case FRAME_DATA:
		r = ours ? take_data(f, answer) : -EBADMSG;
		return r == 0 ? end : r;
	case FRAME_HEADERS:
		return end;
	case FRAME_RST:
		return ours ? -ENOENT : 0;
	case FRAME_GOAWAY:
		return -ECONNRESET;
	case FRAME_SETTINGS:
	case FRAME_PING:
		return (f->flags & FLAG_ACK) != 0 ? 0 : confirm(fd, deadline, f);
	default:
		return 0;
	}
}

/* The message in the stream's bytes; p NULL: there is none. */
static struct slice
message_in(const struct buf *b)
{
	uint32_t n;

	if (b->n < GRPC_PREFIX || b->p[0] != 0)
		return (struct slice){ NULL, 0 };
	memcpy(&n, b->p + 1, sizeof(n));
	if (be32toh(n) != b->n - GRPC_PREFIX)
		return (struct slice){ NULL, 0 };
	return (struct slice){ b->p + GRPC_PREFIX, be32toh(n) };
}

int
grpc_call(int fd, uint64_t deadline, const char *path, const struct grpc_header *extra,
    struct slice request, struct buf *answer)
{
	struct frame f;
	struct buf data = BUF_INIT;
	struct slice message;
	int r = request.n > FRAME_MAX / 2 ? -EINVAL : ask(fd, deadline, path, extra, request);

	for (int i = 0; r == 0 && i < FRAMES_MAX; i++) {
		r = recv_frame(fd, deadline, &f);
		if (r == 0)
			r = take(fd, deadline, &f, &data);
	}
	if (r == 0)
		r = -EBADMSG; /* it does not end */
	if (r == 1)
		r = buf_ok(&data);
	message = message_in(&data);
	if (r == 0 && message.p == NULL)
		r = -ENOENT;
	if (r == 0)
		buf_slice(answer, message);
	buf_fini(&data);
	return r == 0 ? buf_ok(answer) : r;
}
