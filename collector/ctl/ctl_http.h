/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_http.h - requests to a collector's API.
 */
#ifndef MEWS_COLLECTOR_CTL_CTL_HTTP_H
#define MEWS_COLLECTOR_CTL_CTL_HTTP_H

#include "common/buf.h"
#include "common/macros.h"
#include <jansson.h>
#include <sys/types.h>

#define CTL_COLLECTOR "http://127.0.0.1:8765"
#define CTL_SOCKET    "/run/mews/api.sock"

/* The collector to ask, and the credentials. Texts are borrowed. */
struct ctl_target {
	const char *url;        /* http://HOST:PORT, https://HOST:PORT or unix:PATH */
	const char *token_file; /* NULL: the token file of this machine's collector */
	const char *ca;         /* PEM file for https://; NULL: the system's authorities */
	bool use_token;         /* the collector asked for it */
	bool json;              /* show the answer as JSON: see ctl_get() */
};

/* The collector of this machine: its socket if we may use it, else its TCP address. */
struct ctl_target ctl_target(void);

/* The options of every command that asks a collector, as rows of its table, except --json, which
 * each command describes. 'at': where struct ctl_target is in the command's arguments. */
#define CTL_TARGET_OPTIONS(at)                                                                     \
	{ "collector", 0, "URL",                                                                   \
		"the collector: http://, https:// or unix:PATH (default\nunix:" CTL_SOCKET         \
		" or " CTL_COLLECTOR ")",                                                          \
		ctl_set_text, (at) + offsetof(struct ctl_target, url) },                           \
	    { "token-file", 0, "FILE",                                                             \
		    "a token of the collector's http.token_file; root on its\nmachine needs none", \
		    ctl_set_text, (at) + offsetof(struct ctl_target, token_file) },                \
	{                                                                                          \
		"ca", 0, "FILE", "PEM file of the authority of an https:// collector",             \
		    ctl_set_text, (at) + offsetof(struct ctl_target, ca)                           \
	}

/*
 * GET t->url + path, as JSON; the caller json_decref()s. NULL: reported on standard error (not
 * reachable, an HTTP error with the collector's own message, not JSON).
 *
 * An answer is for people: its strings, some of which come from events, are escaped (escape.h).
 * With t->json they are as the collector sent them, for ctl_dump().
 */
json_t *ctl_get(struct ctl_target *t, const char *path) MUST_CHECK;

/* POST without a body. *status: the HTTP status; the answer's JSON even for an error status, but
 * NULL if the token is missing. */
json_t *ctl_post(struct ctl_target *t, const char *path, long *status) MUST_CHECK;

/* ---- ctl_token.c ---- */

struct ctl_token {
	char header[320]; /* "Authorization: Bearer ..." */
	uid_t owner;      /* of the file */
	bool found;       /* found, not given by the user: only for this machine's collector */
};

/* CTL_FAIL: no token. Reported on standard error if the user gave the file. */
int ctl_token_read(const struct ctl_target *t, struct ctl_token *ret) MUST_CHECK;

/*
 * May a token that was found be sent to the listener at this address? Any user can take a port that
 * the collector has left. So only on this machine, and only if the port belongs to root, to the
 * file's owner or to us. 'local': our end of the connection.
 */
bool ctl_token_may_go(
    const struct ctl_token *t, const char *local, const char *remote, int port) MUST_CHECK;

/* ---- answers ---- */

/* Print on standard output, with jansson's flags; no string can move a terminal's cursor. */
void ctl_dump(const json_t *j, size_t flags);

/* Append "key=value" to a query, with the value percent-encoded; NULL: nothing. */
void ctl_query(struct buf *path, const char *key, const char *value);

/* Append the cluster and the node of "CLUSTER/NODE" to a query. CTL_USAGE, reported
 * (ctl_nodes.c). */
int ctl_node_query(const char *command, struct buf *path, const char *name) MUST_CHECK;

/* "3.2M", "17.4k", "950": a count for people. */
const char *ctl_count(uint64_t n, char buf[16]);

/* Parse a time, "10m", in seconds. -EINVAL. */
int ctl_seconds(const char *text, uint64_t *ret) MUST_CHECK;
/* Convert an age, "10m", to the realtime ns that long ago, as text. -EINVAL. */
enum { CTL_SINCE = 24 };
int ctl_since(const char *age, char ret[CTL_SINCE]) MUST_CHECK;

/* "45s", "12m", "5h", "3d" */
const char *ctl_age(uint64_t seconds, char buf[16]);

/* Count the sensors in the API's status that are not up (ctl_nodes.c). */
size_t ctl_unseen(const json_t *status);

/* Members of an object; 0 and "" if missing. */
uint64_t ctl_num(const json_t *o, const char *key);
const char *ctl_str(const json_t *o, const char *key);

#endif
