/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hangup.c - end TCP connections at the socket.
 *
 * For plain NNG 1.5.2 (common/nng/README.md), which waits for ever, in its only reaper thread, when
 * a TLS connection is closed between a read's end and its callback: the read that the callback
 * submits never completes. After that no connection is ever freed. Therefore the socket is shut
 * down first, which ends reads, and NNG is told to close once nothing has arrived for a while.
 * Tuned NNG does not need it: close.c ends such a read. strangers.c needs the rest of this file
 * with every NNG.
 *
 * The socket is found by its addresses, since NNG does not expose it. If it was closed meanwhile
 * and its number reused, another peer is disconnected; it reconnects, as every sensor does.
 */
#include "collector/ingest/ingest_int.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

void
peer_text(const struct sockaddr *a, char text[PEER_TEXT])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *) (const void *) a;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) (const void *) a;
	char host[INET6_ADDRSTRLEN] = "?";

	if (a->sa_family == AF_INET) {
		(void) inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		(void) snprintf(text, PEER_TEXT, "%s:%u", host, ntohs(v4->sin_port));
	} else if (a->sa_family == AF_INET6) {
		(void) inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		(void) snprintf(text, PEER_TEXT, "[%s]:%u", host, ntohs(v6->sin6_port));
	} else {
		(void) snprintf(text, PEER_TEXT, "this machine");
	}
}

static bool
is_tcp(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET || a->ss_family == AF_INET6;
}

/* Compare the port after the address. */
static bool
same_port(const struct sockaddr_storage *a, const char *address)
{
	char text[PEER_TEXT];

	peer_text((const struct sockaddr *) a, text);
	return strcmp(strrchr(text, ':'), strrchr(address, ':')) == 0;
}

bool
connected_to(int fd, const char *local, char peer[PEER_TEXT])
{
	struct sockaddr_storage theirs = { 0 }, ours = { 0 };
	socklen_t n = sizeof(theirs), m = sizeof(ours);

	if (getpeername(fd, (struct sockaddr *) &theirs, &n) < 0 || !is_tcp(&theirs) ||
	    getsockname(fd, (struct sockaddr *) &ours, &m) < 0 || !same_port(&ours, local))
		return false;
	peer_text((struct sockaddr *) &theirs, peer);
	return true;
}

int
next_descriptor(DIR *fds)
{
	struct dirent *e;

	do
		e = readdir(fds); /* NOLINT(concurrency-mt-unsafe): one thread at a time */
	while (e != NULL && e->d_name[0] == '.');
	return e == NULL ? -1 : (int) strtol(e->d_name, NULL, 10);
}

void
hang_up(DIR *fds, const char *peer, const char *local)
{
	char text[PEER_TEXT];
	int fd;

	if (fds == NULL)
		return;
	rewinddir(fds);
	while ((fd = next_descriptor(fds)) >= 0) {
		if (connected_to(fd, local, text) && (peer == NULL || strcmp(text, peer) == 0))
			(void) shutdown(fd, SHUT_RDWR);
	}
}
