/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scanner.h - scans run in processes of their own, which can be killed when they are stuck.
 *
 * A keeper process is forked before there are threads or programs in the kernel, so it has nothing
 * that it could keep alive or hold locked; for each scan it forks a worker, and it kills the one
 * before. A worker that does not die of it (it waits in a file system that cannot be interrupted)
 * is left alone, and at most SCANNER_STUCK_MAX of them: then no scan begins. Nobody waits for a
 * worker. They all end with the sensor.
 */
#ifndef MEWS_SENSOR_SCANNER_H
#define MEWS_SENSOR_SCANNER_H

#include "common/macros.h"
#include "sensor/scan.h"
#include <stdint.h>

#define SCANNER_STUCK_MAX 8

struct scanner;

/* Fork the keeper, which drops to the rights that reading /proc takes. -errno. */
int scanner_start(const char *host_root, struct scanner **ret) MUST_CHECK;

/* The keeper's process id. */
uint32_t scanner_pid(const struct scanner *s);

/* End the worker there is, begin a scan: the descriptor, which does not block and is the caller's,
 * from which its records come; it ends without SCAN_DONE where the worker could not begin or was
 * ended. Never waits. 'tasks' and 'files' stay the caller's. -errno. */
int scanner_begin(struct scanner *s, const struct scan_order *o, int tasks, int files) MUST_CHECK;

/* End keeper and worker. Waits for the keeper alone, which waits for nobody. NULL is nothing. */
void scanner_stop(struct scanner *s);

#endif
