/* SPDX-License-Identifier: Apache-2.0 */
/* collector_config.c - read the options, and derive the configuration of each part. */
#include "collector/api/token.h"
#include "collector/collector_int.h"
#include "collector/field/field.h"
#include "common/descriptors.h"
#include "common/log.h"
#include <errno.h>
#include <unistd.h>

enum {
	HTTP_CONNECTIONS = 256,
	HTTP_REQUEST_MS = 10000,
	HTTP_ANSWER_MS = 60000,
};

const struct opt app_opts[] = {
#define OPT(type, field, key, def, min, max, help) \
	{ key, def, help, OPT_##type, offsetof(struct app_options, field), min, max },
#include "collector/collector.def"
};
const size_t app_nopts = ARRAY_SIZE(app_opts);

int
app_fail(struct app *a, enum app_exit code, const struct diag *d, int r)
{
	if (d->file[0] != '\0' && d->line > 0)
		log_error("%s:%u: %s", d->file, d->line, d->msg);
	else if (d->file[0] != '\0')
		log_error("%s: %s", d->file, d->msg);
	else
		log_error("%s", d->code == DIAG_NONE ? strerrordesc_np(-r) : d->msg);
	if (a->why.code == DIAG_NONE) {
		a->why = *d;
		if (d->code == DIAG_NONE)
			diag_set(&a->why, 0, 0, "%s", strerrordesc_np(-r));
	}
	if (!a->wrong)
		a->exit_code = code;
	a->wrong = true;
	return a->check ? 0 : r;
}

static void
tell_unknown(void *arg, const struct diag *d)
{
	struct app *a = arg;

	log_diag(d);
	if (a->why.code == DIAG_NONE)
		a->why = *d;
}

int
app_read(struct app *a, struct diag *d)
{
	int r = cfg_open(a->config, APP_CONFIG, &a->cfg, d);

	if (r == 0)
		r = cfg_check_foreign(a->cfg, d);
	for (size_t i = 0; r == 0 && i < a->nset; i++)
		r = cfg_override(a->cfg, a->set[i], d);
	return r;
}

int
app_configure(struct app *a, struct diag *d)
{
	int r = cfg_bind(a->cfg, app_opts, app_nopts, &a->opt, d), level;

	if (r < 0)
		return r;
	level = log_level_of(a->opt.log_level);
	if (level < 0) {
		cfg_place(a->cfg, "log.level", d);
		return diag_fail(d, d->line, d->col,
		    "log.level: '%s' is not error, warn, info or debug", a->opt.log_level);
	}
	if (!a->again && log_format(a->opt.log_format) < 0) {
		cfg_place(a->cfg, "log.format", d);
		return diag_fail(
		    d, d->line, d->col, "log.format: '%s' is not text or json", a->opt.log_format);
	}
	if (!a->again)
		log_init("mews-collector", (enum log_level) level);
	r = priority_of(a->opt.min_priority);
	if (r < 0) {
		cfg_place(a->cfg, "rule.priority", d);
		return diag_fail(d, d->line, d->col,
		    "rule.priority: '%s' is not emergency, alert, critical, error, warning, "
		    "notice, informational or debug",
		    a->opt.min_priority);
	}
	a->rules_config.options.min_priority = (enum priority) r;
	a->rules_config.options.match_all = strcmp(a->opt.matching, "all") == 0;
	if (!a->rules_config.options.match_all && strcmp(a->opt.matching, "first") != 0) {
		cfg_place(a->cfg, "rule.matching", d);
		return diag_fail(
		    d, d->line, d->col, "rule.matching: '%s' is not first or all", a->opt.matching);
	}
	r = rule_config_read(&a->rules_config, a->cfg, d);
	if (r < 0)
		return r;
	r = kubes_new(a->cfg, &a->kubes, d);
	if (r < 0)
		return r;
	if (!a->again)
		field_has_kube(a->kubes != NULL);
	app_api_places(a);
	r = outputs_enabled(a->cfg, a->output, ARRAY_SIZE(a->output), d);
	a->noutputs = r < 0 ? 0 : (size_t) r;
	return r < 0 ? r : cfg_tell_unknown(a->cfg, tell_unknown, a); /* all are bound now */
}

struct outbox_cfg
app_outbox_cfg(const struct app *a)
{
	return (struct outbox_cfg){
		.path = a->opt.outbox_path,
		.max_bytes = a->opt.outbox_max,
		.max_age_ms = a->opt.outbox_age,
		.min_free_bytes = a->opt.outbox_free,
		.cluster = a->opt.cluster,
		.node = a->opt.name,
		.outputs = a->output,
		.noutputs = a->noutputs,
	};
}

struct ingest_cfg
app_ingest_cfg(const struct app *a)
{
	return (struct ingest_cfg){
		.listen = a->opt.listen,
		.cluster = a->opt.cluster,
		.name = a->opt.name,
		.ca = a->opt.tls_ca,
		.cert = a->opt.tls_cert,
		.key = a->opt.tls_key,
		.crl = a->opt.tls_crl,
		.ipc_group = a->opt.ipc_group,
		.insecure = a->opt.insecure,
		.contexts = (unsigned) a->opt.contexts,
		.streams = a->streams,
		.shards = a->shards,
		.outbox = a->outbox,
		.checkpoint = a->checkpoint,
		.versions = a->in_force.versions,
	};
}

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
