/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_config.c - read the options and check them. */
#include "sensor/sensor_int.h"
#include <errno.h>
#include <nng/nng.h>
#include <stdio.h>
#include <string.h>

const struct opt app_opts[] = {
#define OPT(type, field, key, def, min, max, help) \
	{ key, def, help, OPT_##type, offsetof(struct options, field), min, max },
#include "sensor/sensor.def"
};
const size_t app_nopts = ARRAY_SIZE(app_opts);

int
app_fail(struct app *a, enum app_exit code, const struct diag *d, int r)
{
	if (d->file[0] != '\0')
		log_error("%s:%u: %s", d->file, d->line, d->msg);
	else
		log_error("%s", d->code == DIAG_NONE ? strerrordesc_np(-r) : d->msg);
	a->exit_code = code;
	return r;
}

static int
check_url(struct app *a, struct diag *d)
{
	const struct options *o = &a->opt;
	nng_url *u = NULL;
	const char *bad = NULL;

	if (a->args.record != NULL)
		return 0;
	if (!is_set(o->url))
		return diag_fail(d, 0, 0,
		    "set 'collector' to the collector's address, such as tls+tcp://HOST:7443 (or "
		    "use --record FILE, which needs none)");
	cfg_place(a->cfg, "collector", d);
	if (strncmp(o->url, "tcp://", 6) == 0 && !o->insecure)
		return diag_fail(d, d->line, d->col,
		    "collector: %s is not encrypted: use tls+tcp://, or set 'insecure: true'",
		    o->url);
	if (strncmp(o->url, "tls+tcp://", 10) != 0 && strncmp(o->url, "tcp://", 6) != 0 &&
	    strncmp(o->url, "ipc://", 6) != 0)
		bad = "does not begin with tls+tcp://, ipc:// or tcp://";
	else if (nng_url_parse(&u, o->url) != 0)
		bad = "is not a valid URL";
	else if (strncmp(o->url, "ipc://", 6) != 0 && !is_set(u->u_port))
		bad = "has no port";
	if (u != NULL)
		nng_url_free(u);
	return bad == NULL
		   ? 0
		   : diag_fail(d, d->line, d->col,
			 "collector: '%s' %s; use a URL such as tls+tcp://HOST:7443", o->url, bad);
}

static int
check_options(struct app *a, struct diag *d)
{
	const struct options *o = &a->opt;
	int r;

	if (strncmp(is_set(o->url) ? o->url : "", "tls+tcp://", 10) == 0 &&
	    a->args.record == NULL) {
		if (!is_set(o->tls_ca) && is_set(o->enroll_dir) && is_set(o->enroll_file))
			return diag_fail(d, 0, 0,
			    "this node has no certificate: put a line of 'mewsctl pki token' into "
			    "%s (enroll.file), or set tls.*",
			    o->enroll_file);
		if (!is_set(o->tls_ca))
			return diag_fail(
			    d, 0, 0, "set tls.ca to the PEM file of the fleet's authority");
		if (!is_set(o->tls_cert) && !is_set(o->tls_dir))
			return diag_fail(d, 0, 0,
			    "set tls.certificate and tls.key to this node's PEM files (mewsctl pki "
			    "issue makes them)");
	}
	if ((o->ring & (o->ring - 1)) != 0) {
		cfg_place(a->cfg, "capture.ring", d);
		return diag_fail(d, d->line, d->col, "capture.ring: must be a power of two");
	}
	if (o->batch_bytes > o->batch_max) {
		cfg_place(a->cfg, "batch.bytes", d);
		return diag_fail(d, d->line, d->col, "batch.bytes: must not be above batch.max");
	}
	if (is_set(o->pin) && !is_set(o->spool_path)) {
		cfg_place(a->cfg, "capture.pin", d);
		return diag_fail(d, d->line, d->col,
		    "capture.pin: set spool.path too, for the events that the kernel hands over");
	}
	r = log_level_of(o->log_level);
	if (r < 0) {
		cfg_place(a->cfg, "log.level", d);
		return diag_fail(d, d->line, d->col,
		    "log.level: '%s' is not error, warn, info or debug", o->log_level);
	}
	if (log_format(o->log_format) < 0) {
		cfg_place(a->cfg, "log.format", d);
		return diag_fail(
		    d, d->line, d->col, "log.format: '%s' is not text or json", o->log_format);
	}
	log_init("mews-sensor", (enum log_level) r);
	return check_url(a, d);
}

static int
add_label(void *arg, const char *key, const char *value, struct diag *d)
{
	struct app *a = arg;
	int r = env_label(&a->env, key, value);

	if (r == -E2BIG)
		return diag_fail(d, 0, 0, "labels: at most 64");
	return r;
}

int
app_configure(struct app *a, struct diag *d)
{
	int r = cfg_bind(a->cfg, app_opts, app_nopts, &a->opt, d);

	if (r < 0)
		return r;
	r = env_init(&a->env, a->opt.host_root);
	if (r < 0 && r != -ENOMEM)
		return diag_fail(d, 0, 0, "host_root: cannot read %s/proc: %s",
		    strcmp(a->opt.host_root, "/") == 0 ? "" : a->opt.host_root,
		    strerrordesc_np(-r));
	if (r == 0)
		r = cfg_each(a->cfg, "labels", add_label, a, d);
	if (r == 0)
		r = cfg_check_unknown(a->cfg, d);
	if (r == 0 && a->opt.redact)
		r = redactor_new((const char *const *) a->opt.redact_patterns.v,
		    a->opt.redact_patterns.n, &a->redactor, d);
	if (r == 0)
		r = app_enroll(a, d);
	return r < 0 ? r : check_options(a, d);
}
