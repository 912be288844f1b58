/* SPDX-License-Identifier: Apache-2.0 */
/* collector_api.c - the API's stage. */
#include "collector/collector_int.h"
#include "common/clock.h"
#include "common/log.h"

int
app_api_start(void *app)
{
	struct app *a = app;
	struct diag d = { 0 };
	const struct api_cfg cfg = app_api_cfg(a);
	const struct api_view v = {
		.name = a->opt.name,
		.cluster = a->opt.cluster,
		.version = MEWS_VERSION,
		.started = clock_real(),
		.history = a->in_force.history,
		.outbox = a->outbox,
		.checkpoint = a->checkpoint,
		.kubes = a->kubes,
		.outputs = a->outputs,
		.silences = a->silences,
		.streams = a->streams,
		.shards = a->shards,
		.ingest = a->ingest,
		.rules_lock = &a->rules_lock,
		.rules = &a->rules,
		.reload = a->reload,
		.unready_after = a->opt.unready_after,
	};
	int r = api_start(&cfg, &v, &a->api, &d);

	if (cfg.socket == NULL)
		log_info("no API on a unix socket: " API_FOLDER " does not exist or is not ours");
	return r < 0 ? app_fail(a, EXIT_ADDRESS, &d, r) : 0;
}

void
app_api_stop(void *app)
{
	struct app *a = app;

	api_stop(a->api);
}
