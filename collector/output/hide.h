/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hide.h - secrets that are not shown when a destination sends them back.
 *
 * An answer such as "404: nothing at /services/T0/B0/SECRET" would carry the secret into logs,
 * status and alerts. The secrets are borrowed. One thread.
 */
#ifndef MEWS_COLLECTOR_OUTPUT_HIDE_H
#define MEWS_COLLECTOR_OUTPUT_HIDE_H

#include "common/buf.h"
#include "common/slice.h"
#include <stdbool.h>

#define HIDE_MAX  64
#define HIDE_WORD 12 /* bytes: a shorter part of a URL is a word rather than a secret */

/* Zeroed: none. */
struct hide {
	struct slice v[HIDE_MAX];
	size_t n;
	bool all; /* there are too many: nothing is shown */
};

/* Hide a text of at least 'least' bytes. */
void hide_add(struct hide *h, struct slice secret, size_t least);
/* Hide the parts of a URL that may be secrets: user and password, and parts of path and query of at
 * least HIDE_WORD bytes. */
void hide_url(struct hide *h, const char *url);
/* Hide the value of a header "NAME: VALUE", and its words behind the first ("Bearer SECRET"). */
void hide_header(struct hide *h, const char *line);

/* Append a text with "(not shown)" for each secret. 'h' NULL: there are none. */
void hide_text(const struct hide *h, struct slice text, struct buf *ret);

#endif
