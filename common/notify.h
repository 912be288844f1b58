/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - tell the service manager about a service's state: the protocol of sd_notify(3).
 *
 * For systemd's Type=notify and WatchdogSec=. Without NOTIFY_SOCKET in the environment every call
 * does nothing. A message that cannot be sent is dropped: nothing waits for the manager. One
 * thread.
 */
#ifndef MEWS_COMMON_NOTIFY_H
#define MEWS_COMMON_NOTIFY_H

#include "common/macros.h"
#include <stdint.h>

struct notify {
	int fd;             /* connected to the manager; -1: there is none */
	uint64_t period_ns; /* of signs of life; 0: the manager wants none */
	uint64_t due_ns;    /* the next one, clock_mono() */
};

#define NOTIFY_NONE      \
	{                \
		.fd = -1 \
	}

/* Read the environment, so call it before the first other thread starts. 0, also without a manager;
 * -errno: NOTIFY_SOCKET cannot be used, and the service must do without. */
int notify_open(struct notify *n) MUST_CHECK;
void notify_close(struct notify *n);

void notify_ready(const struct notify *n);    /* started; or done with a reload */
void notify_stopping(const struct notify *n); /* begins to stop */

/* A sign of life, sent twice in the time after which the manager would restart the service. Call it
 * in every turn of the main loop. 'now': clock_mono(). */
void notify_alive(struct notify *n, uint64_t now);

#endif
