/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit.c - changes through the API, in the log.
 *
 * A line says who (a token's name and role, or a local user), from where, what with which
 * arguments, and HTTP's status; the log adds when. Its level is "audit", which is always written.
 * Refused ones are limited per address, as anybody can cause them.
 */
#include "collector/api/api_int.h"
#include "common/log_peer.h"

static enum MHD_Result
add_argument(void *arg, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct buf *b = arg;

	(void) kind;
	buf_printf(b, " %.40s=", key);
	buf_json(b, slice_str(value == NULL ? "" : value));
	return b->n < 500 ? MHD_YES : MHD_NO;
}

void
audit_who(const struct request *q, struct buf *b)
{
	const char *peer = q->conn == NULL ? "unknown" : q->conn->peer;

	if (q->conn != NULL && q->conn->trusted)
		buf_printf(b, "%s (operate)", peer);
	else if (q->who.role == TOKEN_NONE)
		buf_printf(b, "nobody known, at %s", peer);
	else
		buf_printf(b, "\"%s\" (%s) at %s", q->who.name, token_role_name(q->who.role), peer);
}

void
audit(struct request *q, unsigned status)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	if (!q->change)
		return;
	q->change = false;
	counter_add(&q->door->changes, 1);
	audit_who(q, &b);
	buf_printf(&b, ": %s", q->route->path);
	(void) MHD_get_connection_values(q->mhd, MHD_GET_ARGUMENT_KIND, add_argument, &b);
	if (status == 0)
		buf_str(&b, ": nothing done, the client left");
	else
		buf_printf(&b, ": %u %s", status, status == MHD_HTTP_OK ? "done" : "not done");
	if (buf_ok(&b) == 0)
		log_line(LOG_AUDIT, "API: %.*s", (int) MIN(b.n, 1500), b.p);
	else
		log_line(LOG_AUDIT, "API: %s: %u", q->route->path, status);
}

void
audit_refused(const struct request *q, const char *why)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	audit_who(q, &b);
	if (buf_ok(&b) == 0)
		log_peer(LOG_AUDIT, q->conn->peer, "API: %.*s: %s: refused: %s", (int) b.n, b.p,
		    q->route->path, why);
}
