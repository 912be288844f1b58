/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collector_check.c - check the options and everything a start would refuse, before anything is
 * created or opened.
 *
 * A start runs the stages of --check too, so that both refuse the same with the same messages, and
 * no outbox is created for a wrong configuration.
 */
#include "collector/api/token.h"
#include "collector/collector_int.h"
#include "common/log.h"
#include <errno.h>

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
		log_error("%s", d->msg[0] == '\0' ? strerrordesc_np(-r) : d->msg);
	if (!a->wrong)
		a->exit_code = code;
	a->wrong = true;
	return a->check ? 0 : r;
}

static void
tell_unknown(void *arg, const struct diag *d)
{
	(void) arg;
	log_diag(d);
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
	if (log_format(a->opt.log_format) < 0) {
		cfg_place(a->cfg, "log.format", d);
		return diag_fail(
		    d, d->line, d->col, "log.format: '%s' is not text or json", a->opt.log_format);
	}
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
	app_api_places(a);
	r = outputs_enabled(a->cfg, a->output, ARRAY_SIZE(a->output), d);
	a->noutputs = r < 0 ? 0 : (size_t) r;
	return r < 0 ? r : cfg_tell_unknown(a->cfg, tell_unknown, NULL); /* all are bound now */
}

static void
tell_output(void *arg, const struct diag *d, int r)
{
	(void) app_fail(arg, EXIT_CONFIG, d, r);
}

int
app_check_config(void *app)
{
	struct app *a = app;
	const struct ingest_cfg ingest = app_ingest_cfg(a);
	const struct api_cfg api = app_api_cfg(a);
	const char *key = NULL;
	struct diag d = { 0 };
	int r = outputs_check(a->cfg, tell_output, a), e;

	e = ingest_check(&ingest, &d);
	if (e < 0)
		r = app_fail(a, EXIT_CONFIG, &d, e);
	d = (struct diag){ 0 };
	e = api_check(&api, &key, &d);
	if (e < 0) {
		cfg_place(a->cfg, key, &d);
		r = app_fail(a, EXIT_CONFIG, &d, e);
	}
	return a->check ? 0 : r;
}

/* Accept what a running collector has in use: the new configuration is to replace the running
 * one. */
static int
in_place(struct app *a, enum app_exit code, const struct diag *d, int r)
{
	if (!a->beside || (r != -EBUSY && r != -EADDRINUSE))
		return app_fail(a, code, d, r);
	log_info("%s (a collector is running, so this is no error)", d->msg);
	return 0;
}

int
app_check_places(void *app)
{
	struct app *a = app;
	const struct ingest_cfg ingest = app_ingest_cfg(a);
	const struct outbox_cfg outbox = app_outbox_cfg(a);
	const struct api_cfg api = app_api_cfg(a);
	struct nng_stream_listener *held = NULL;
	struct diag d = { 0 };
	int r = outbox_probe(&outbox, &d);

	if (r < 0)
		r = in_place(a, EXIT_OUTBOX, &d, r);
	if (r == 0) {
		d = (struct diag){ 0 };
		r = ingest_probe(&ingest, &held, &d);
		if (r < 0)
			r = in_place(a, EXIT_ADDRESS, &d, r);
	}
	if (r == 0) {
		d = (struct diag){ 0 };
		r = api_probe_tcp(&api, &d);
		if (r < 0)
			r = in_place(a, EXIT_ADDRESS, &d, r);
	}
	if (r == 0) {
		d = (struct diag){ 0 };
		r = api_probe_unix(&api, &d);
		if (r < 0)
			r = in_place(a, EXIT_ADDRESS, &d, r);
	}
	ingest_probe_end(held);
	return r;
}
