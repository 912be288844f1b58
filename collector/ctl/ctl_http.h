/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ctl_http.h - ask a collector's API.
 */
#ifndef MEWS_COLLECTOR_CTL_CTL_HTTP_H
#define MEWS_COLLECTOR_CTL_CTL_HTTP_H

#include "common/buf.h"
#include "common/macros.h"
#include <jansson.h>

#define CTL_COLLECTOR "http://127.0.0.1:8765"
#define CTL_SOCKET    "/run/mews/api.sock"

/* The collector of this machine: its socket if we may use it, else its TCP address. */
const char *ctl_collector(void);

/*
 * GET base + path, as JSON; base: http://HOST:PORT or unix:PATH; the caller json_decref()s. NULL:
 * standard error has said what is wrong (not reachable, an HTTP error with the collector's own
 * words, not JSON).
 */
json_t *ctl_get(const char *base, const char *path) MUST_CHECK;

/* POST without a body. *status: what HTTP said; the answer's JSON also when that is no success. */
json_t *ctl_post(const char *base, const char *path, long *status) MUST_CHECK;

/* Append "key=value" to a query, value percent-encoded. */
void ctl_query(struct buf *path, const char *key, const char *value);

/* "3.2M", "17.4k", "950": a count for people. */
const char *ctl_count(uint64_t n, char buf[16]);

/* How many of the sensors in the API's status are not up (ctl_nodes.c). */
size_t ctl_unseen(const json_t *status);

/* Members of an object; 0 and "" where they are missing. */
uint64_t ctl_num(const json_t *o, const char *key);
const char *ctl_str(const json_t *o, const char *key);

#endif
