/* SPDX-License-Identifier: Apache-2.0 */
/* collector_api.c - the API's options, and its stage. */
#include "collector/api/token.h"
#include "collector/collector_int.h"
#include "common/clock.h"
#include "common/descriptors.h"
#include "common/log.h"
#include <unistd.h>

enum {
	HTTP_CONNECTIONS = 256,
	HTTP_REQUEST_MS = 10000,
	HTTP_ANSWER_MS = 60000,
};

/* Use the default socket if its folder exists and belongs to us. */
static const char *
http_socket(const struct app *a)
{
	bool usual = strcmp(a->opt.http_socket, API_SOCKET) == 0;

	return usual && access(API_FOLDER, W_OK) < 0 ? NULL : a->opt.http_socket;
}

void
app_api_places(struct app *a)
{
	a->token_beside = tokens_place(
	    a->opt.token_file, a->opt.outbox_path, a->token_file, sizeof(a->token_file));
}

struct api_cfg
app_api_cfg(const struct app *a)
{
	return (struct api_cfg){
		.listen = a->opt.http,
		.socket = http_socket(a),
		.tls_cert = a->opt.http_cert,
		.tls_key = a->opt.http_key,
		.insecure = a->opt.insecure,
		.token_file = a->token_file,
		.token_beside = a->token_beside,
		.connections = (unsigned) MIN(HTTP_CONNECTIONS, descriptors_max() / 8),
		.request_ms = HTTP_REQUEST_MS,
		.answer_ms = HTTP_ANSWER_MS,
	};
}

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
		.outbox = a->outbox,
		.outputs = a->outputs,
		.streams = a->streams,
		.shards = a->shards,
		.ingest = a->ingest,
		.rules_lock = &a->rules_lock,
		.rules = &a->rules,
		.reload = a->reload,
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
