/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_bundle.h - shared by the commands of 'mewsctl rules' that change the bundles of a machine. */
#ifndef MEWS_COLLECTOR_CTL_CTL_BUNDLE_H
#define MEWS_COLLECTOR_CTL_CTL_BUNDLE_H

#include "collector/ctl/bundle_dir.h"
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_fetch.h"
#include "collector/ctl/ctl_http.h"

#define BUNDLE_RULES  "/etc/mews/rules.d"
#define BUNDLE_KEYS   "/etc/mews/rules-keys.d"
#define BUNDLE_CONFIG "/etc/mews/collector.yaml"

struct bundle_args {
	struct ctl_target target;
	struct ctl_fetch fetch;
	const char *dir, *keys, *config; /* config NULL: BUNDLE_CONFIG, if it is there */
	bool no_reload;
};

/* A bundle and the version of it that becomes the one in force; NULL: it is removed. */
struct bundle_change {
	const char *name, *version, *before; /* before NULL: it is not installed */
	const char *what;                    /* for the collector's log: "install" */
};

/* ---- ctl_bundle.c ---- */

/* Check that the collector's rules load with the change and that no bundle clashes with another,
 * switch, and tell the collector; if that does not take it, switch back. CTL_FAIL, reported. */
int bundle_apply(const struct bundle_args *a, const struct bundle_dir *dir,
    const struct bundle_change *c) MUST_CHECK;

#endif
