/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_int.h - between app.c, app_nodes.c and app_loop.c. */
#ifndef MEWS_SENSOR_SENSOR_INT_H
#define MEWS_SENSOR_SENSOR_INT_H

#include "sensor/sensor.h"

int app_start_identities(void *app);
void app_stop_identities(void *app);
int app_start_nodes(void *app);
void app_stop_nodes(void *app);

/* Certificates read again when asked to or when the revocation list has changed; connections to a
 * collector that is no longer trusted are given up. At most once a second, but for what was
 * asked. */
void app_watch_certs(struct app *a, uint64_t now);

#endif
