/* SPDX-License-Identifier: Apache-2.0 */
/* collector_reload.c - SIGHUP: outputs as the configuration now says, their secrets included. */
#include "collector/collector_int.h"
#include "common/log.h"

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

void
app_reload_outputs(struct app *a)
{
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
		return;
	}
	log_info("outputs reloaded: %u changed, %u added, %u removed", changes.changed,
	    changes.added, changes.removed);
}
