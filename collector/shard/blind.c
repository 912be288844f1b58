/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/shard/blind.h"
#include "collector/rule/alert_internal.h"

/* Make an alert about the stream's node; 'what' and 'at' identify it. */
static int
raise_alert(const struct alert_internal *from, const struct stream *st, const char *what,
    uint64_t at, const struct alert_json *shape, struct alert **ret)
{
	struct alert_internal a = *from;
	char identity[192];

	(void) snprintf(identity, sizeof(identity), "%s %s %llu %llu", what, st->id.boot_id,
	    (unsigned long long) st->id.sensor_start, (unsigned long long) at);
	a.cluster = st->id.cluster;
	a.node = st->id.node;
	a.time = clock_real();
	a.identity = identity;
	return alert_internal(&a, shape, ret);
}

int
blind_sight(const struct stream *st, enum sight sight, uint64_t times,
    const struct alert_json *shape, struct alert **ret)
{
	uint64_t seen = st->last_seen;
	char time[CLOCK_TEXT], output[600];
	const struct alert_internal_field fields[] = {
		{ "mews.last_seen", clock_text(seen, time), 0 },
		{ "mews.node_state", sight_name(sight), 0 },
		{ "mews.times", NULL, times },
	};
	const struct alert_internal a = {
		.rule = BLIND_SIGHT,
		.priority = PRIO_CRITICAL,
		.output = output,
		.fields = fields,
		.nfields = ARRAY_SIZE(fields),
	};

	(void) snprintf(output, sizeof(output), "Node %s has not been seen since %s: %s",
	    st->id.node, time, sight_text(sight));
	return raise_alert(&a, st, "sight", seen, shape, ret);
}

int
blind_loss(const struct stream *st, enum loss_cause cause, uint64_t times, uint64_t at,
    const struct alert_json *shape, struct alert **ret)
{
	char time[CLOCK_TEXT], output[600];
	const struct alert_internal_field fields[] = {
		{ "mews.loss_cause", loss_name(cause), 0 },
		{ "mews.loss_since", clock_text(st->loss.since[cause], time), 0 },
		{ "mews.times", NULL, times },
	};
	const struct alert_internal a = {
		.rule = BLIND_LOSS,
		.priority = (enum priority) loss_priority(cause),
		.output = output,
		.fields = fields,
		.nfields = ARRAY_SIZE(fields),
	};

	(void) snprintf(output, sizeof(output), "Events of node %s may be missing since %s: %s",
	    st->id.node, time, loss_text(cause));
	return raise_alert(&a, st, loss_name(cause), at, shape, ret);
}

int
blind_harm(
    const struct stream *st, enum harm harm, const struct alert_json *shape, struct alert **ret)
{
	uint64_t at = st->harm.at[harm], tracer = harm == HARM_traced ? st->harm.tracer : 0;
	char time[CLOCK_TEXT], by[40] = "", output[600];
	const struct alert_internal_field fields[] = {
		{ "mews.harm", harm_name(harm), 0 },
		{ "mews.harm_since", clock_text(at, time), 0 },
		{ "mews.tracer_pid", NULL, tracer },
	};
	const struct alert_internal a = {
		.rule = BLIND_HARM,
		.priority = PRIO_CRITICAL,
		.output = output,
		.fields = fields,
		.nfields = ARRAY_SIZE(fields) - (tracer == 0),
	};

	if (tracer != 0)
		(void) snprintf(by, sizeof(by), " (pid %llu)", (unsigned long long) tracer);
	(void) snprintf(
	    output, sizeof(output), "Node %s, %s: %s%s", st->id.node, time, harm_text(harm), by);
	return raise_alert(&a, st, harm_name(harm), at, shape, ret);
}
