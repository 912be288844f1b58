/* SPDX-License-Identifier: Apache-2.0 */
/* xport_err.h - NNG's numbers as sentences; the only place that knows them. */
#ifndef MEWS_SENSOR_XPORT_ERR_H
#define MEWS_SENSOR_XPORT_ERR_H

#include <stdbool.h>
#include <stddef.h>

/* Could TLS be the reason of this failure to connect? */
bool xport_tls_failed(int rv);
bool xport_absent(int rv); /* no connection was made: nothing answers at the address */

/* One sentence, in 'buf'. */
const char *xport_reason(const char *url, bool tls, int rv, char *buf, size_t n);

#endif
