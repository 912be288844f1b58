/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_int.h - shared by sensor.c, sensor_nodes.c, sensor_certs.c and sensor_loop.c. */
#ifndef MEWS_SENSOR_SENSOR_INT_H
#define MEWS_SENSOR_SENSOR_INT_H

#include "sensor/sensor.h"

/* Is an option more than an empty text? */
static inline bool
is_set(const char *s)
{
	return s != NULL && s[0] != '\0';
}

int app_start_identities(void *app);
void app_stop_identities(void *app);
int app_start_nodes(void *app);
void app_stop_nodes(void *app);

/* Take name, collector and certificates from enroll.dir; enrol first if there is a line and no
 * certificate. -EAGAIN and *d: nobody answers, try again; other -errno and
 * *d. */
int app_enroll(struct app *a, struct diag *d) MUST_CHECK;

/* Renew the certificate in time, and fetch daily what the fleet trusts, in a process of its own. */
void app_renew(struct app *a, uint64_t now);

/* Load a node's certificate; NULL if none is configured. -EINVAL... and *d. */
int app_identity(
    const struct app *a, const char *node, struct identity **ret, struct diag *d) MUST_CHECK;

/* Reload certificates on request or when the revocation list has changed, and close connections to
 * a collector that is no longer trusted. Without a request, at most once a second. */
void app_watch_certs(struct app *a, uint64_t now);

#endif
