/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scanner.h - run scans in separate processes, which can be killed when stuck.
 *
 * A keeper process is forked before threads and BPF programs exist, so it keeps none of them alive
 * and holds no locks. For each scan, and for reading about containers, it kills the previous worker
 * of that kind and forks a new one. A worker that
 * survives SIGKILL (blocked uninterruptibly in a file system) is left behind; with
 * SCANNER_STUCK_MAX of those, no scan begins. Nothing waits for a worker. All end with the sensor.
 */
#ifndef MEWS_SENSOR_SCANNER_H
#define MEWS_SENSOR_SCANNER_H

#include "common/macros.h"
#include "sensor/scan.h"
#include <stdint.h>

#define SCANNER_STUCK_MAX 8

struct scanner;

/* Fork the keeper, which keeps only the capabilities for reading /proc. -errno. */
int scanner_start(const char *host_root, struct scanner **ret) MUST_CHECK;

/* The keeper's process id. */
uint32_t scanner_pid(const struct scanner *s);

/* End the current worker and begin a scan. Return a non-blocking descriptor, owned by the caller,
 * that delivers the records; it ends without SCAN_DONE if the worker could not begin or was killed.
 * Never waits. The caller keeps 'tasks' and 'files'. -errno. */
int scanner_begin(struct scanner *s, const struct scan_order *o, int tasks, int files) MUST_CHECK;

/* End the current worker that reads about containers, and begin another. Return a non-blocking
 * descriptor, owned by the caller, for questions and answers (container_read.h); it ends if the
 * worker could not begin or was killed. Never waits. -errno. */
int scanner_containers(struct scanner *s) MUST_CHECK;

/* End keeper and workers. Waits only for the keeper, which never blocks. NULL is allowed. */
void scanner_stop(struct scanner *s);

#endif
