/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_api_kit.h - a server on a unix socket, and clients. Bodies made whole are fakes.
 */
#ifndef MEWS_COLLECTOR_API_TEST_API_KIT_H
#define MEWS_COLLECTOR_API_TEST_API_KIT_H

#include "tests/support/put_file.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"

#include "collector/api/api_int.h"
#include <curl/curl.h>

extern struct op *_Atomic shard_op; /* by /api/v1/processes; the test takes it, and answers */
extern _Atomic bool shard_room;     /* false: the shard takes no op */
extern struct output_test *_Atomic tested; /* by POST .../outputs/test; the test answers it */
extern struct reload_ask *_Atomic asked;   /* by POST .../reload; the test answers it */
extern char sock[108];                     /* set by the test; the server listens on it */
extern char token_file[64];                /* in 'tmpdir'; start() fills it */
extern struct api *running;                /* by start(), until stop() */
extern struct outbox *outbox;              /* shown by the server */
extern struct silences *silences;          /* shown by the server */
extern const struct api_cfg patient;       /* never ends a connection within a test */

void start(const struct api_cfg *cfg);
int stop(void **state); /* a cmocka teardown */
struct api_stats counts(void);

int dial(void); /* a connected socket */
void say(int fd, const char *text);
/* Read until the other side closes, as text. */
size_t hear(int fd, char *to, size_t max);

/* Make a whole request: HTTP's status, or 0; the body is in 'out'. 'body' may be NULL. */
long ask(const char *method, const char *path, const char *body, struct buf *out);

/* Make each request, and expect its answer. */
struct expected {
	const char *method, *path, *body;
	long status;
	const char *text;
};
void ask_each(const struct expected *v, size_t n);

/* Make the request that 'c' is set up for, without a proxy. HTTP's status, or 0. */
long answer(CURL *c, struct buf *out);

/* A port on loopback that was free a moment ago. */
unsigned free_port(void);

#endif
