/* SPDX-License-Identifier: Apache-2.0 */
/* collector_int.h - shared by the collector*.c files only. */
#ifndef MEWS_COLLECTOR_COLLECTOR_INT_H
#define MEWS_COLLECTOR_COLLECTOR_INT_H

#include "collector/collector.h"

/* Log a diagnosis, remember the exit code, and return 'r'; with --check return 0, and the next part
 * is checked. */
int app_fail(struct app *a, enum app_exit code, const struct diag *d, int r);

/* Configurations of the parts, for their start and the check before it. */
struct ingest_cfg app_ingest_cfg(const struct app *a);
struct api_cfg app_api_cfg(const struct app *a);
struct outbox_cfg app_outbox_cfg(const struct app *a);

/* collector_check.c: two stages. The first checks what depends on the configuration only: outputs,
 * certificates, the syntax of addresses; the second, whether outbox and addresses are free. */
int app_check_config(void *app);
int app_check_places(void *app);

/* collector_reload.c: read the configuration again, and take over its outputs. A wrong one is
 * logged, and changes nothing: -EINVAL, or -ENOMEM. 'said', or NULL, gets the result as JSON. */
int app_reload_outputs(void *app, struct buf *said);

/* collector_api.c */

/* Fill in paths derived from others, once the options are bound. */
void app_api_places(struct app *a);
int app_api_start(void *app);
void app_api_stop(void *app);

#endif
