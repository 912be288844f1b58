/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice.h - trouble of the collector as alerts, and its end: an output that fails, rules that did
 * not load, a certificate that expires soon (notice.def).
 *
 * Each is one alert when it has lasted for a while, and one when it is over, whose
 * "mews.resolves" is the id of the first. They go through the same outputs as all alerts. What is
 * told of before a restart of the collector is told of again after it if it lasts. Main thread
 * only.
 */
#ifndef MEWS_COLLECTOR_WATCH_NOTICE_H
#define MEWS_COLLECTOR_WATCH_NOTICE_H

#include "collector/outbox/outbox.h"

struct alert_json;
struct outputs;
struct reload;

enum notice_kind {
#define NOTICE(id, rule, over, priority, seconds) NOTICE_##id,
#include "collector/watch/notice.def"
};

struct notice {
	bool trouble, told;
	uint64_t changed; /* monotonic ns: 'trouble' is so since then */
	char id[ALERT_ID_SIZE];
};

struct notice_output {
	char name[32]; /* "": unused */
	struct notice n;
};

struct notice_cfg {
	struct outbox *outbox;
	const struct alert_json *json; /* of the alerts; borrowed, as are: */
	const char *cluster, *name;    /* of the collector */
	struct outputs *outputs;
	struct reload *reload;
};

/* Zeroed at first, but for 'cfg'. */
struct notices {
	struct notice_cfg cfg;
	struct notice_output outputs[OUTBOX_OUTPUTS];
	struct notice rules, certificates[2];
	uint64_t failed, done; /* reloads, as looked at last */
};

/* The collector's certificates: realtime s when each expires; 0: none. */
struct notice_certificates {
	uint64_t sensors, api;
};

/* Look, and raise what is due. Every second or so; 'now': monotonic ns. */
void notice_look(struct notices *w, const struct notice_certificates *certificates, uint64_t now);

/* The state of one, as found now; 'what' and 'why': a part of the collector, and a sentence. Raises
 * what is due. */
void notice_set(struct notices *w, struct notice *n, enum notice_kind kind, bool trouble,
    const char *what, const char *why, uint64_t now);

#endif
