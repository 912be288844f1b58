/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_fetch.h - get a file by its URL. */
#ifndef MEWS_COLLECTOR_CTL_CTL_FETCH_H
#define MEWS_COLLECTOR_CTL_CTL_FETCH_H

#include "common/buf.h"
#include "common/macros.h"
#include <stdbool.h>

struct ctl_fetch {
	const char *ca;    /* PEM file of authorities; NULL: the system's */
	const char *proxy; /* file with the proxy's "USER:PASSWORD", 0600; NULL: none is needed */
};

/* Is it a URL, and no file? */
bool ctl_is_url(const char *text);

/* GET a file of at most 'max' bytes over HTTP or HTTPS, through the proxy of the environment
 * (https_proxy, http_proxy, no_proxy), if there is one. CTL_FAIL, reported. */
int ctl_fetch(const char *url, const struct ctl_fetch *f, size_t max, struct buf *ret) MUST_CHECK;

#endif
