/* SPDX-License-Identifier: Apache-2.0 */
/* test_containers_worker.h - the worker that reads files is the test, which also sets the clock. */
#ifndef MEWS_SENSOR_TEST_CONTAINERS_WORKER_H
#define MEWS_SENSOR_TEST_CONTAINERS_WORKER_H

#include "sensor/containers.h"
#include "sensor/event_build.h"
#include "tests/support/test.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

extern int worker, workers; /* the newest worker's end; how many there were */
extern char added[256];     /* the ids of the records that were added */
extern uint64_t later;      /* ns by which time has passed more quickly */
extern const char *comm;    /* of the commands that are seen */

struct containers *begin(void);
void end(struct containers *c);

/* An execve with these arguments, each with its NUL. */
const struct ev_hdr *exec(const char *cgroups, const char *args, size_t nargs, int64_t uid);
int see(struct containers *c, const char *cgroups, bool hurry);

struct container_ask question(void); /* the next one, which must be there */
bool asked(void);                    /* is there one? */
void reply(const struct container_ask *q, enum container_fault fault);

#endif
