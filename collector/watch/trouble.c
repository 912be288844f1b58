/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch/trouble.h"
#include "common/descriptors.h"
#include "common/log.h"

static void
look_at_outbox(struct trouble *w, struct outbox *o)
{
	struct outbox_stats st;
	bool trouble;

	outbox_stats(o, &st);
	trouble = st.error[0] != '\0';
	if (trouble && !w->outbox)
		log_error(
		    "%s; alerts are not acknowledged until then, and sensors keep them", st.error);
	else if (!trouble && w->outbox)
		log_info("outbox: commits go on");
	w->outbox = trouble;
	if (st.damaged > 0 && w->damaged == 0)
		log_error(
		    "outbox: a row with a wrong checksum was left out; restart the collector, "
		    "which checks all of it");
	w->damaged = st.damaged;
}

static void
look_at_outputs(struct trouble *w, struct outputs *set)
{
	struct output_stats st[OUTBOX_OUTPUTS];
	size_t n = outputs_stats(set, st, ARRAY_SIZE(st));

	for (size_t i = 0; i < n; i++) {
		bool trouble = st[i].error[0] != '\0';

		if (strcmp(w->outputs[i].name, st[i].name) != 0) { /* others came, or went */
			w->outputs[i].refused = w->outputs[i].name[0] == '\0' ? 0 : st[i].refused;
			w->outputs[i].trouble = false;
			(void) snprintf(
			    w->outputs[i].name, sizeof(w->outputs[i].name), "%s", st[i].name);
		}
		if (st[i].refused > w->outputs[i].refused)
			log_warn(
			    "output %s refused %lu alerts for good; they are set aside in the "
			    "outbox",
			    st[i].name, (unsigned long) (st[i].refused - w->outputs[i].refused));
		if (trouble && !w->outputs[i].trouble)
			log_warn("output %s: %s; its alerts wait in the outbox", st[i].name,
			    st[i].error);
		else if (!trouble && w->outputs[i].trouble)
			log_info("output %s: alerts flow again", st[i].name);
		w->outputs[i].refused = st[i].refused;
		w->outputs[i].trouble = trouble;
	}
}

static void
look_at_descriptors(struct trouble *w)
{
	uint64_t used = descriptors_used(), max = descriptors_max();

	if (!w->descriptors && used >= max - max / 8) {
		w->descriptors = true;
		log_error(
		    "%lu of %lu file descriptors are in use; when none is left no sensor can "
		    "connect: raise the limit (LimitNOFILE of the service, or 'ulimit -Hn')",
		    (unsigned long) used, (unsigned long) max);
	} else if (w->descriptors && used < max / 4 * 3) {
		w->descriptors = false;
		log_info("file descriptors: there are enough again");
	}
}

void
trouble_look(struct trouble *w, struct outbox *o, struct outputs *set)
{
	look_at_outbox(w, o);
	look_at_outputs(w, set);
	look_at_descriptors(w);
}
