/* SPDX-License-Identifier: Apache-2.0 */
/* collector_int.h - what app.c app_check.c and app_api.c share; nobody else includes it. */
#ifndef MEWS_COLLECTOR_COLLECTOR_INT_H
#define MEWS_COLLECTOR_COLLECTOR_INT_H

#include "collector/collector.h"

/* Log a diagnosis, remember the exit code, and pass 'r' on; with --check 0, and the next part is
 * looked at. */
int app_fail(struct app *a, enum app_exit code, const struct diag *d, int r);

/* What the parts are started with, and checked with before. */
struct ingest_cfg app_ingest_cfg(const struct app *a);
struct api_cfg app_api_cfg(const struct app *a);
struct outbox_cfg app_outbox_cfg(const struct app *a);

/* app_check.c: two stages. What the configuration alone decides: outputs, certificates, what stands
 * for an address. And what others decide: is the outbox free, is the address? */
int app_check_config(void *app);
int app_check_places(void *app);

/* app_api.c */

/* Fill in the places that follow from others, once the options are bound. */
void app_api_places(struct app *a);
int app_api_start(void *app);
void app_api_stop(void *app);

#endif
