/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collector_check.c - check everything a start would refuse, before anything is created or opened.
 *
 * A start runs the stages of --check too, so that both refuse the same with the same messages, and
 * no outbox is created for a wrong configuration.
 */
#include "collector/collector_int.h"
#include "common/log.h"
#include <errno.h>

static bool
is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
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
	if (r == 0 && is_set(a->opt.check_path)) {
		d = (struct diag){ 0 };
		r = checkpoint_probe(a->opt.check_path, &d);
		if (r < 0)
			r = in_place(a, EXIT_CONFIG, &d, r);
	}
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
