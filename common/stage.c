/* SPDX-License-Identifier: Apache-2.0 */
#include "common/stage.h"
#include "common/log.h"

int
stages_run(const struct stage *v, size_t n, void *app, int (*run)(void *app))
{
	size_t i;
	int r = 0;

	for (i = 0; i < n; i++) {
		r = v[i].start(app);
		if (r < 0) {
			log_debug("stage %s did not start", v[i].name);
			break;
		}
	}
	if (i == n)
		r = run(app);
	while (i-- > 0) {
		if (v[i].stop != NULL)
			v[i].stop(app);
	}
	return r;
}
