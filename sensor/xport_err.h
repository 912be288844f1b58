/* SPDX-License-Identifier: Apache-2.0 */
/* xport_err.h - NNG's error numbers as sentences; no other file interprets them. */
#ifndef MEWS_SENSOR_XPORT_ERR_H
#define MEWS_SENSOR_XPORT_ERR_H

#include <stdbool.h>
#include <stddef.h>

/* Can TLS be the reason for this failure to connect? */
bool xport_tls_failed(int rv);
bool xport_absent(int rv); /* no connection: nothing answers at the address */

/* One sentence, in 'buf'. */
const char *xport_reason(const char *url, bool tls, int rv, char *buf, size_t n);

#endif
