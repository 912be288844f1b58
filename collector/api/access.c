/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.c - may a request be answered?
 *
 * On a listener that only this machine can reach, or with 'insecure: true', harmless requests are
 * open; alerts and changes need a token everywhere. On the unix socket the kernel identifies the
 * peer: root and the collector's own user need no token.
 */
#include "collector/api/api_int.h"
#include "common/log_peer.h"
#include <arpa/inet.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

void
access_peer(const struct door *d, struct api_conn *c)
{
	struct sockaddr_storage a = { 0 };
	const struct sockaddr_in *v4 = (const void *) &a;
	const struct sockaddr_in6 *v6 = (const void *) &a;
	struct ucred who = { 0 };
	socklen_t n = d->path != NULL ? sizeof(who) : sizeof(a);

	(void) snprintf(c->peer, sizeof(c->peer), "unknown");
	if (d->path != NULL) {
		if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0)
			return;
		c->trusted = who.uid == 0 || who.uid == geteuid();
		(void) snprintf(c->peer, sizeof(c->peer), "user %u", who.uid);
	} else if (getpeername(c->fd, (struct sockaddr *) &a, &n) == 0) {
		(void) inet_ntop(a.ss_family,
		    a.ss_family == AF_INET ? (const void *) &v4->sin_addr
					   : (const void *) &v6->sin6_addr,
		    c->peer, sizeof(c->peer));
	}
}

/* Return the token of "Authorization: Bearer TOKEN"; empty if there is none. */
static struct slice
bearer(struct MHD_Connection *c)
{
	static const char scheme[] = "Bearer ";
	struct slice token;
	const char *h =
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);

	if (h == NULL || strncasecmp(h, scheme, sizeof(scheme) - 1) != 0)
		return (struct slice){ 0 };
	h += sizeof(scheme) - 1;
	token = slice_str(h + strspn(h, " "));
	while (token.n > 0 && (token.p[token.n - 1] == ' ' || token.p[token.n - 1] == '\t'))
		token.n--;
	return token;
}

/* As access_refused(), without the log. */
static unsigned
refused(struct request *q, enum access need, const char **why)
{
	struct door *d = q->door;
	struct slice token;

	if (need == ACCESS_ANY || (need == ACCESS_LOCAL && d->local))
		return 0;
	if (q->conn != NULL && q->conn->trusted)
		return 0;
	token = bearer(q->mhd);
	if (token.n == 0) {
		counter_add(&d->no_token, 1);
		*why =
		    "a token is needed: send 'Authorization: Bearer TOKEN' with a token of the "
		    "collector's http.token_file";
		return MHD_HTTP_UNAUTHORIZED;
	}
	q->who = tokens_match(&d->api->tokens, token);
	if (q->who.role == TOKEN_NONE) {
		counter_add(&d->wrong_token, 1);
		*why = "the token is wrong: it is none of the collector's http.token_file";
		return MHD_HTTP_UNAUTHORIZED;
	}
	if (need != ACCESS_OPERATE || q->who.role == TOKEN_OPERATE)
		return 0;
	counter_add(&d->wrong_role, 1);
	*why = "the token's role is 'read': a change needs one with the role 'operate'";
	return MHD_HTTP_FORBIDDEN;
}

unsigned
access_refused(struct request *q, enum access need, const char *url, const char **why)
{
	unsigned status = refused(q, need, why);

	if (status == 0 || q->conn == NULL)
		return status;
	if (need == ACCESS_OPERATE)
		audit_refused(q, *why);
	else if (bearer(q->mhd).n > 0)
		log_peer(LOG_WARN, q->conn->peer, "API: %s asked for %.100s with a wrong token",
		    q->conn->peer, url);
	return status;
}
