/* SPDX-License-Identifier: Apache-2.0 */
/* live_mmsg.c - sendmmsg and recvmmsg: a record for each message. */
#include "tests/driver/live_msg.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY  10 /* messages */
#define NAMED 8  /* whose addresses are read at entry */

/* An array of one message, of which the kernel notes the length behind the header. */
static int64_t
message(struct facts *f, int64_t name, size_t len, const char *text)
{
	const char *const pieces[] = { text, NULL };
	int64_t at = msg_header(f, name, len, pieces, 0, 0);

	(void) live_mem(f, (int64_t[1]){ 0 }, sizeof(int64_t));
	return at;
}

/* The call returns the number of messages, the record has the bytes: one of each. */
static void
t_sendmmsg(struct facts *f)
{
	struct datagrams d = datagrams();
	int64_t to = live_mem(f, &d.to, sizeof(d.to));

	(void) CALL(f, "sendmmsg", d.fd, message(f, to, sizeof(d.to), "x"), 1, 0);
	WANT(f, "fd=%d size=1 data=x tuple=%s", d.fd, msg_tuple(&d.from, &d.to));
	(void) CALL(f, "sendmmsg", 4711, message(f, to, sizeof(d.to), "yz"), 1, 0);
	WANT(f, "fd=4711 size=2 data=yz tuple=-");
	(void) CALL(f, "sendmmsg", d.fd, 8, 0, 0); /* no message */
	WANT(f, "fd=%d size=0 data= tuple=-", d.fd);
}

static void
receive(struct facts *f, const char *call)
{
	struct datagrams d = datagrams();
	int64_t name = live_mem(f, (char[64]){ 0 }, 64);
	int64_t at = message(f, name, 64, "....");

	if (sendto(d.fd, "y", 1, 0, (struct sockaddr *) &d.to, sizeof(d.to)) != 1)
		_exit(1);
	(void) CALL(f, call, d.at, at, 1, MSG_DONTWAIT, 0);
	WANT(f, "fd=%d size=4 data=y tuple=%s msgcontrol=", d.at, msg_tuple(&d.from, &d.to));
	(void) CALL(f, call, d.at, at, 1, MSG_DONTWAIT, 0);
	WANT(f, "fd=%d size=4 data= tuple=- msgcontrol=-", d.at);
}

static void
t_recvmmsg(struct facts *f)
{
	receive(f, "recvmmsg");
}

static void
t_recvmmsg_time64(struct facts *f)
{
	receive(f, "recvmmsg_time64");
}

/* Send messages of one to ten bytes to two sockets in turn, and receive all that one got. */
static void
d_many(struct facts *f)
{
	struct datagrams d = datagrams(), other = datagrams();
	struct sockaddr_in *to[2] = { &d.to, &other.to };
	struct mmsghdr m[MANY] = { 0 };
	struct iovec v[MANY];

	memcpy(f->s[0], "0123456789", MANY);
	for (size_t i = 0; i < MANY; i++) {
		v[i] = (struct iovec){ f->s[0], i + 1 };
		m[i].msg_hdr = (struct msghdr){ .msg_name = to[i % 2],
			.msg_namelen = sizeof(*to[0]),
			.msg_iov = &v[i],
			.msg_iovlen = 1 };
	}
	f->n[0] = sendmmsg(d.fd, m, MANY, 0);
	for (size_t i = 0; i < MANY; i++) {
		v[i] = (struct iovec){ f->s[1] + i * MANY, MANY };
		m[i].msg_hdr.msg_name = NULL;
		m[i].msg_hdr.msg_namelen = 0;
	}
	f->n[1] = recvmmsg(other.at, m, MANY, MSG_DONTWAIT, NULL);
	f->n[2] = ntohs(d.to.sin_port);
	f->n[3] = ntohs(other.to.sin_port);
}

/* The port of the record's peer. */
static int64_t
peer_port(const struct ev_hdr *r)
{
	struct slice t = record_text(r, schema_get(r->type), EVP_SENDMMSG_tuple);

	return t.n == 13 ? (unsigned char) t.p[11] | (unsigned char) t.p[12] << 8 : -1;
}

static void
c_many(struct live *l)
{
	live_that(l, l->f->n[0] == MANY && l->f->n[1] == MANY / 2, "messages were sent and got");
	live_that(l, live_count(l, EV_SENDMMSG) == MANY, "there is a record for each message");
	live_that(l, live_count(l, EV_RECVMMSG) == MANY / 2, "and for each that was received");
	for (unsigned i = 0; i < MANY; i++) {
		const struct ev_hdr *r = live_rec(l, EV_SENDMMSG, i);

		live_num(l, r, "res", i + 1);
		live_num(l, r, "size", i + 1);
		live_bytes(l, r, "data", "0123456789", i + 1);
		live_that(l, r != NULL && peer_port(r) == l->f->n[2 + i % 2], "it has its peer");
		live_that(l, r != NULL && !(r->flags & EVF_REREAD) == (i < NAMED),
		    "only the first addresses were read at entry");
	}
	for (unsigned i = 0; i < MANY / 2; i++) {
		const struct ev_hdr *r = live_rec(l, EV_RECVMMSG, i);

		live_num(l, r, "res", 2 * i + 2);
		live_num(l, r, "size", MANY);
		live_bytes(l, r, "data", "0123456789", 2 * i + 2);
	}
}

const struct live_case mmsg_cases[] = {
	{ "sendmmsg and recvmmsg, many messages", d_many, c_many, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct live_row mmsg_rows[] = {
	LIVE_ROW(sendmmsg),
	LIVE_ROW(recvmmsg),
	LIVE_ROW(recvmmsg_time64),
	{ .name = NULL },
};
