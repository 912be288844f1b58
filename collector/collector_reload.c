/* SPDX-License-Identifier: Apache-2.0 */
/* collector_reload.c - outputs as the configuration now says, their secrets included. */
#include "collector/collector_int.h"
#include "common/buf.h"
#include "common/log.h"
#include <errno.h>

static void
tell(void *arg, const struct diag *d, int r)
{
	(void) app_fail(arg, EXIT_CONFIG, d, r);
}

/* Read and check the whole configuration, as a start does. What is wrong is logged. */
static int
read_again(struct app *fresh)
{
	struct diag d = { 0 };
	int r = app_read(fresh, &d);

	if (r == 0)
		r = app_configure(fresh, &d);
	if (r < 0)
		return d.code == DIAG_NONE ? r : app_fail(fresh, EXIT_CONFIG, &d, r);
	return outputs_check(fresh->cfg, tell, fresh);
}

static void
say_error(struct buf *said, const struct diag *d)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;

	if (d->line > 0)
		buf_printf(&text, "%s:%u: ", d->file, d->line);
	buf_printf(&text, "%s; the old outputs stay", d->code == DIAG_NONE ? "no memory" : d->msg);
	buf_str(said, "{\"error\":");
	buf_json(said, buf_get(&text));
	buf_str(said, "}\n");
}

int
app_reload_outputs(void *app, struct buf *said)
{
	struct app *a = app;
	struct app fresh = { .config = a->config, .set = a->set, .nset = a->nset, .again = true };
	struct outputs_changes changes = { 0 };
	struct diag d = { 0 };
	int r = read_again(&fresh);

	if (r == 0) {
		r = outputs_reload(a->outputs, fresh.cfg, &changes, &d);
		if (r < 0)
			(void) app_fail(&fresh, EXIT_CONFIG, &d, r);
	}
	kubes_free(fresh.kubes);
	if (r < 0) {
		cfg_free(fresh.cfg);
		log_error("the outputs were not reloaded: the old ones stay");
		if (said != NULL)
			say_error(said, &fresh.why);
		return r == -ENOMEM ? r : -EINVAL;
	}
	log_info("outputs reloaded: %u changed, %u added, %u removed", changes.changed,
	    changes.added, changes.removed);
	if (said != NULL)
		buf_printf(said, "{\"changed\":%u,\"added\":%u,\"removed\":%u}\n", changes.changed,
		    changes.added, changes.removed);
	return 0;
}
