/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/watch/notice.h"
#include "collector/output/output.h"
#include "collector/rule/alert_internal.h"
#include "collector/watch/own_alert.h"
#include "collector/watch/reload.h"
#include "common/clock.h"

#define EXPIRES_S (14 * 86400ULL) /* a certificate is told of so long before */

static const struct {
	const char *rule, *over;
	enum priority priority;
	uint64_t after; /* ns */
} kinds[] = {
#define NOTICE(id, rule, over, priority, seconds) { rule, over, priority, (seconds) *NS_PER_S },
#include "collector/watch/notice.def"
};

/* Raise the alert that it has begun, or is over. False: not now. */
static bool
raise_alert(
    struct notices *w, struct notice *n, enum notice_kind kind, const char *what, const char *why)
{
	const struct alert_internal_field said[] = { { "mews.part", what, 0 },
		{ n->trouble ? "mews.why" : "mews.resolves", n->trouble ? why : n->id, 0 } };
	char output[512], identity[128];
	struct alert_internal from = {
		.rule = n->trouble ? kinds[kind].rule : kinds[kind].over,
		.priority = n->trouble ? kinds[kind].priority : PRIO_NOTICE,
		.cluster = w->cfg.cluster,
		.node = w->cfg.name,
		.time = clock_real(),
		.output = output,
		.fields = said,
		.nfields = ARRAY_SIZE(said),
		.identity = identity,
	};
	struct alert *a = NULL;
	char id[ALERT_ID_SIZE];

	(void) snprintf(output, sizeof(output), "Collector %s, %s: %s", w->cfg.name, what,
	    n->trouble ? why : "this is over");
	(void) snprintf(
	    identity, sizeof(identity), "%.80s %llu", what, (unsigned long long) from.time);
	if (alert_internal(&from, w->cfg.json, &a) < 0)
		return false;
	memcpy(id, a->id, sizeof(id));
	if (!own_alert_put(w->cfg.outbox, w->cfg.cluster, w->cfg.name, a))
		return false;
	memcpy(n->id, id, sizeof(n->id));
	return true;
}

void
notice_set(struct notices *w, struct notice *n, enum notice_kind kind, bool trouble,
    const char *what, const char *why, uint64_t now)
{
	if (trouble != n->trouble) {
		n->trouble = trouble;
		n->changed = now;
	}
	if (n->trouble == n->told || now - n->changed < kinds[kind].after)
		return;
	if (raise_alert(w, n, kind, what, why))
		n->told = n->trouble;
}

static void
look_at_output(
    struct notices *w, struct notice_output *o, const char *name, const char *error, uint64_t now)
{
	char what[64];

	(void) snprintf(what, sizeof(what), "output %s", name);
	notice_set(w, &o->n, NOTICE_OUTPUT, error[0] != '\0', what, error, now);
}

/* The notice of an output, which keeps it when others come and go, or a free one; NULL: none. */
static struct notice_output *
output_of(struct notices *w, const char *name)
{
	struct notice_output *unused = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(w->outputs); i++) {
		if (strcmp(w->outputs[i].name, name) == 0)
			return &w->outputs[i];
		if (w->outputs[i].name[0] == '\0')
			unused = &w->outputs[i];
	}
	return unused;
}

static bool
is_there(const struct output_stats *st, size_t n, const char *name)
{
	while (n > 0) {
		if (strcmp(st[--n].name, name) == 0)
			return true;
	}
	return false;
}

static void
look_at_outputs(struct notices *w, uint64_t now)
{
	struct output_stats st[OUTBOX_OUTPUTS];
	size_t n = outputs_stats(w->cfg.outputs, st, ARRAY_SIZE(st));

	for (size_t i = 0; i < ARRAY_SIZE(w->outputs); i++) {
		struct notice_output *o = &w->outputs[i];

		if (o->name[0] == '\0' || is_there(st, n, o->name))
			continue;
		look_at_output(w, o, o->name, "", now); /* it is no more, and so is its trouble */
		if (!o->n.told)
			*o = (struct notice_output){ 0 };
	}
	for (size_t i = 0; i < n; i++) {
		struct notice_output *o = output_of(w, st[i].name);

		if (o == NULL)
			continue;
		(void) snprintf(o->name, sizeof(o->name), "%s", st[i].name);
		look_at_output(w, o, st[i].name, st[i].error, now);
	}
}

static void
look_at_rules(struct notices *w, uint64_t now)
{
	struct reload_stats st;
	bool trouble = w->rules.trouble;

	reload_stats(w->cfg.reload, &st);
	if (st.failed > w->failed)
		trouble = true;
	else if (st.done > w->done)
		trouble = false;
	w->failed = st.failed;
	w->done = st.done;
	notice_set(w, &w->rules, NOTICE_RULES, trouble, "rules",
	    "they could not be loaded, and the old ones stay in force; the collector's log and "
	    "'mewsctl rules reload' say why",
	    now);
}

static void
look_at_certificate(
    struct notices *w, struct notice *n, const char *what, uint64_t until, uint64_t now)
{
	uint64_t s = clock_real() / NS_PER_S;
	char at[CLOCK_TEXT], why[128];

	(void) snprintf(
	    why, sizeof(why), "it expires on %s: renew it", clock_text(until * NS_PER_S, at));
	notice_set(w, n, NOTICE_CERTIFICATE, until != 0 && until < s + EXPIRES_S, what, why, now);
}

void
notice_look(struct notices *w, const struct notice_certificates *certificates, uint64_t now)
{
	look_at_outputs(w, now);
	look_at_rules(w, now);
	look_at_certificate(w, &w->certificates[0], "tls.certificate", certificates->sensors, now);
	look_at_certificate(w, &w->certificates[1], "http.tls.certificate", certificates->api, now);
}
