/* SPDX-License-Identifier: Apache-2.0 */
/*
 * httpd.h - an HTTP server for tests of outputs: keeps the bodies of requests, answers as told.
 */
#ifndef MEWS_TESTS_SUPPORT_HTTPD_H
#define MEWS_TESTS_SUPPORT_HTTPD_H

#include <stddef.h>

struct httpd;

/* Listen on a port of loopback. A failure ends the test. */
struct httpd *httpd_start(void);
void httpd_stop(struct httpd *h);

/* "http://127.0.0.1:PORT/hook"; valid until httpd_stop(). */
const char *httpd_url(const struct httpd *h);

/* An answer; texts are borrowed. */
struct httpd_answer {
	unsigned status;
	const char *body;        /* NULL: none */
	const char *retry_after; /* NULL: none */
};

/* Answer the next requests with these, further ones with 200. */
void httpd_script(struct httpd *h, const struct httpd_answer *v, size_t n);

/* How many requests have come, and over how many connections. */
size_t httpd_count(struct httpd *h);
size_t httpd_connections(struct httpd *h);

/* The body of request 'i'; or what it has of a header ("" if none). Valid until httpd_stop(). */
const char *httpd_body(struct httpd *h, size_t i);
const char *httpd_header(struct httpd *h, size_t i, const char *name);

#endif
