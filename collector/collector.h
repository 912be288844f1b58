/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collector.h - the collector as a program: its options and its parts.
 */
#ifndef MEWS_COLLECTOR_COLLECTOR_H
#define MEWS_COLLECTOR_COLLECTOR_H

#include "collector/api/api.h"
#include "collector/checkpoint/checkpoint.h"
#include "collector/kube/kube.h"
#include "collector/rule/rule_config.h"
#include "collector/watch/in_force.h"
#include "collector/watch/lookout.h"
#include "collector/watch/reload.h"
#include "common/config.h"
#include "common/notify.h"
#include "common/stage.h"
#include <signal.h>

#define APP_CONFIG "/etc/mews/collector.yaml" /* if it exists */

/* Exit codes; mews-collector(8) lists them. */
enum app_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1,  /* a failure that no change of configuration fixes */
	EXIT_USAGE = 2,   /* the command line */
	EXIT_CONFIG = 3,  /* the configuration file, a certificate */
	EXIT_RULES = 4,   /* a rule file */
	EXIT_OUTBOX = 5,  /* the outbox */
	EXIT_ADDRESS = 6, /* an address that cannot be listened on */
};

#define OPT_C_STR  const char *
#define OPT_C_BOOL bool
#define OPT_C_U64  uint64_t
#define OPT_C_SIZE uint64_t
#define OPT_C_MSEC uint64_t
#define OPT_C_LIST struct opt_list

struct app_options {
#define OPT(type, field, key, def, min, max, help) OPT_C_##type field;
#include "collector/collector.def"
};

extern const struct opt app_opts[];
extern const size_t app_nopts;

enum { APP_OUTPUTS_MAX = 16 };

struct app {
	const char *config;     /* the file of -c, or NULL */
	const char *const *set; /* -o */
	size_t nset;
	struct cfg *cfg;
	bool again;  /* read while the collector runs: nothing of the process changes */
	bool check;  /* start nothing: only check, and continue after an error */
	bool wrong;  /* ... and an error was found */
	bool beside; /* ... while a collector runs: resources it uses are no error */
	struct outbox_output output[APP_OUTPUTS_MAX];
	size_t noutputs; /* enabled ones */
	struct app_options opt;
	struct rule_config rules_config;
	char token_file[4096]; /* the file of the API's tokens, ... */
	bool token_beside;     /* ... beside the outbox, since none is configured */
	pthread_mutex_t rules_lock;
	struct ruleset *rules; /* guarded by rules_lock */
	struct outbox *outbox;
	struct checkpoint *checkpoint; /* NULL: none */
	struct outputs *outputs;
	struct kubes *kubes; /* NULL: none is configured */
	struct silences *silences;
	struct streams *streams;
	struct lookout lookout;
	struct in_force in_force;
	struct shards *shards;
	struct ingest *ingest;
	struct reload *reload;
	struct api *api;
	struct notify notify;    /* the service manager */
	sigset_t signals;        /* that app_run() waits for */
	enum app_exit exit_code; /* why a stage failed to start */
	struct diag why;         /* the first error that was logged for that */
};

/* The stages in order, and their number. */

extern const struct stage app_stages[];
extern const size_t app_nstages;
extern const size_t app_ncheck; /* the first so many, which create nothing: --check runs these */

/* Wait for signals: SIGHUP reloads rules, outputs and certificates, SIGUSR1 reopens output files,
 * SIGTERM and SIGINT end it. Rules are also reloaded when reload.h asks for it. Meanwhile log
 * trouble with outbox and outputs. */
int app_run(void *app);

/* Read the file and the command line into a->cfg. -EINVAL and *d. */
int app_read(struct app *a, struct diag *d) MUST_CHECK;

/* Bind the options and check their values. -EINVAL and *d, or, with DIAG_NONE, each unknown key is
 * printed. */
int app_configure(struct app *a, struct diag *d) MUST_CHECK;

#endif
