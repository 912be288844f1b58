/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/collector_int.h"
#include "collector/watch/beat.h"
#include "collector/watch/kube_watch.h"
#include "collector/watch/notice.h"
#include "collector/watch/trouble.h"
#include "common/clock.h"
#include "common/log_peer.h"
#include "common/rights.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { DRAIN_MS = 5000 };

static int
start_signals(void *app)
{
	struct app *a = app;

	sigemptyset(&a->signals);
	sigaddset(&a->signals, SIGHUP);
	sigaddset(&a->signals, SIGUSR1);
	sigaddset(&a->signals, SIGINT);
	sigaddset(&a->signals, SIGTERM);
	(void) signal(SIGPIPE, SIG_IGN);
	return -pthread_sigmask(SIG_BLOCK, &a->signals, NULL);
}

/* The port of an address, or 0. */
static unsigned long
port_of(const char *address)
{
	const char *colon = address == NULL ? NULL : strrchr(address, ':');

	return colon == NULL ? 0 : strtoul(colon + 1, NULL, 10);
}

static bool
is_low(unsigned long port)
{
	return port > 0 && port < 1024;
}

/* The collector keeps at most one of root's capabilities. Called before any thread starts: threads
 * inherit them. */
static int
start_rights(void *app)
{
	static const cap_value_t low_port[] = { CAP_NET_BIND_SERVICE };
	struct app *a = app;
	bool low = is_low(port_of(a->opt.listen)) || is_low(port_of(a->opt.http));
	struct diag d = { 0 };
	int r = rights_keep(low_port, low ? 1 : 0);

	if (r < 0)
		diag_set(&d, 0, 0, "cannot give up capabilities: %s", strerrordesc_np(-r));
	return r < 0 ? app_fail(a, EXIT_FAILED, &d, r) : 0;
}

static int
load_rules(struct app *a, struct ruleset **ret)
{
	struct rule_log log = { 0 };
	int r = ruleset_load((const char *const *) a->opt.rules.v, a->opt.rules.n,
	    &a->rules_config.options, ret, &log);

	rule_log_print(stderr, &log);
	rule_log_fini(&log);
	return r;
}

static int
start_rules(void *app)
{
	struct app *a = app;
	struct ruleset_counts c;
	struct diag d = { 0 };
	int r = load_rules(a, &a->rules);

	pthread_mutex_init(&a->rules_lock, NULL);
	if (r < 0) {
		diag_set(&d, 0, 0,
		    "the rules did not load: correct the file ('mewsctl rules check' shows the "
		    "same errors)");
		return app_fail(a, EXIT_RULES, &d, r);
	}
	ruleset_counts(a->rules, &c);
	if (c.in_force == 0)
		log_warn(
		    "no rule is in force, so nothing raises an alert: name rule files or their "
		    "folder in 'rules'");
	else
		log_info("rules in force: %zu, of them blind: %zu", c.in_force, c.blind);
	return 0;
}

static void
stop_rules(void *app)
{
	struct app *a = app;

	ruleset_unref(a->rules);
	pthread_mutex_destroy(&a->rules_lock);
}

static int
start_outbox(void *app)
{
	struct app *a = app;
	const struct outbox_cfg cfg = app_outbox_cfg(a);
	struct diag d = { 0 };
	int r = outbox_open(&cfg, &a->outbox, &d);

	return r < 0 ? app_fail(a, EXIT_OUTBOX, &d, r) : 0;
}

static void
stop_outbox(void *app)
{
	struct app *a = app;

	outbox_close(a->outbox);
}

/* The silences, beside the outbox. Without their file more is sent, not less. */
static int
open_silences(struct app *a, struct diag *d)
{
	char path[PATH_MAX];
	int r;

	(void) snprintf(path, sizeof(path), "%s-silences", a->opt.outbox_path);
	r = silences_open(path, &a->silences, d);
	if (r < 0 && r != -ENOMEM) {
		log_error("silences: %s", d->msg);
		r = 0;
	}
	return r;
}

static int
start_outputs(void *app)
{
	struct app *a = app;
	struct diag d = { 0 };
	int r = open_silences(a, &d);

	if (r == 0)
		r = outputs_start(a->cfg, a->outbox, a->silences, &a->outputs, &d);
	return r < 0 ? app_fail(a, EXIT_CONFIG, &d, r) : 0;
}

static void
stop_outputs(void *app)
{
	struct app *a = app;

	outputs_stop(a->outputs, DRAIN_MS);
	silences_close(a->silences);
}

static int
start_checkpoint(void *app)
{
	struct app *a = app;
	struct diag d = { 0 };
	const char *path = a->opt.check_path;
	int r = path == NULL || path[0] == '\0' ? 0 : checkpoint_open(path, &a->checkpoint, &d);

	return r < 0 ? app_fail(a, EXIT_CONFIG, &d, r) : 0;
}

static void
stop_checkpoint(void *app)
{
	struct app *a = app;

	checkpoint_close(a->checkpoint);
}

static int
start_kubes(void *app)
{
	struct app *a = app;
	int r = kubes_start(a->kubes);

	return r < 0 ? app_fail(a, EXIT_FAILED, &(struct diag){ 0 }, r) : 0;
}

static void
stop_kubes(void *app)
{
	struct app *a = app;

	kubes_stop(a->kubes);
}

static int
start_shards(void *app)
{
	struct app *a = app;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = a->opt.shards != 0 ? (unsigned) a->opt.shards : (unsigned) MAX(cpus, 1);
	struct shard_cfg cfg = {
		.outbox = a->outbox,
		.queue = (unsigned) a->opt.shard_queue,
		.nodes.rules = a->rules,
		.nodes.intern_bytes = a->opt.intern_max,
		.nodes.state = {
			.threads = (uint32_t) a->opt.threads_max,
			.fds = (uint32_t) a->opt.fds_max,
			.bytes = a->opt.node_bytes,
			.dead_grace_ns = a->opt.dead_grace * NS_PER_MS,
		},
		.nodes.throttle = {
			.process = { a->opt.alert_rate, a->opt.alert_burst },
			.user = { a->opt.user_rate, a->opt.user_burst },
		},
		.nodes.json = &a->rules_config.options.json,
		.nodes.log_drops = a->opt.log_drops,
		.nodes.kubes = a->kubes,
		.nodes.checkpoint = a->checkpoint,
		.nodes.checkpoint_ns = a->opt.check_every * NS_PER_MS,
	};
	int r = shards_start(n, &cfg, &a->shards);

	return r < 0 ? app_fail(a, EXIT_FAILED, &(struct diag){ 0 }, r) : 0;
}

static void
stop_shards(void *app)
{
	struct app *a = app;

	shards_stop(a->shards);
}

static int
start_streams(void *app)
{
	struct app *a = app;
	int r = streams_new(&a->streams);

	return r < 0 ? app_fail(a, EXIT_FAILED, &(struct diag){ 0 }, r) : 0;
}

static int
start_lookout(void *app)
{
	struct app *a = app;
	struct diag d = { 0 };
	const struct lookout_cfg cfg = {
		.streams = a->streams,
		.outbox = a->outbox,
		.json = &a->rules_config.options.json,
		.forget_ns = a->opt.forget_after * NS_PER_MS,
	};
	int r = lookout_start(&a->lookout, &cfg, &d);

	return r < 0 ? app_fail(a, EXIT_OUTBOX, &d, r) : 0;
}

static void
stop_streams(void *app)
{
	struct app *a = app;

	streams_free(a->streams);
}

/* Were alerts lost from the outbox? */
static bool
outbox_lost(const struct app *a)
{
	struct outbox_stats st;

	outbox_stats(a->outbox, &st);
	return st.lost > 0;
}

static int
start_ingest(void *app)
{
	struct app *a = app;
	struct interest in;
	struct ingest_cfg cfg;
	struct diag d = { 0 };
	int r;

	in_force_begin(&a->in_force, a->checkpoint, a->opt.outbox_path, outbox_lost(a));
	cfg = app_ingest_cfg(a);
	r = ingest_start(&cfg, &a->ingest, &d);
	if (r < 0)
		return app_fail(
		    a, r == -EADDRINUSE || r == -EADDRNOTAVAIL ? EXIT_ADDRESS : EXIT_CONFIG, &d, r);
	ruleset_interest(a->rules, NULL, &in);
	in_force_set(&a->in_force, a->rules, NULL, ingest_set_interest(a->ingest, &in));
	log_info("listening for sensors on %s", a->opt.listen);
	return 0;
}

static void
stop_ingest(void *app)
{
	struct app *a = app;

	ingest_stop(a->ingest);
	a->ingest = NULL;
	in_force_end(&a->in_force);
}

static int
start_reload(void *app)
{
	struct app *a = app;
	const struct reload_cfg cfg = {
		.paths = (const char *const *) a->opt.rules.v,
		.npaths = a->opt.rules.n,
		.options = &a->rules_config.options,
		.watch = a->opt.rules_watch,
		.shards = a->shards,
		.ingest = a->ingest,
		.lock = &a->rules_lock,
		.rules = &a->rules,
		.in_force = &a->in_force,
		.outputs = app_reload_outputs,
		.arg = a,
	};
	int r = reload_new(&cfg, &a->reload);

	return r < 0 ? app_fail(a, EXIT_FAILED, &(struct diag){ 0 }, r) : 0;
}

static void
stop_reload(void *app)
{
	struct app *a = app;

	reload_free(a->reload);
}

/* Stages start top to bottom and stop bottom to top. A stage may use the stages above it and
 * nothing below it. */
const struct stage app_stages[] = {
	{ "signals", start_signals, NULL }, /* first: threads inherit the mask */
	{ "rights", start_rights, NULL },   /* before files are read: as they are reread later */
	/* Before anything is created: refuse what would fail. */
	{ "configuration", app_check_config, NULL },
	{ "rules", start_rules, stop_rules }, /* most mistakes are here */
	{ "places", app_check_places, NULL }, /* --check ends here: app_ncheck */
	{ "outbox", start_outbox, stop_outbox }, { "outputs", start_outputs, stop_outputs },
	{ "checkpoint", start_checkpoint, stop_checkpoint },
	{ "kubernetes", start_kubes,
	    stop_kubes }, /* before events come: they are evaluated with it */
	{ "shards", start_shards, stop_shards }, /* drained while the outbox still commits */
	{ "streams", start_streams, stop_streams },
	{ "lookout", start_lookout, NULL },      /* before sensors connect: load the known nodes */
	{ "ingest", start_ingest, stop_ingest }, /* starts to listen */
	{ "reload", start_reload, stop_reload },
	{ "api", app_api_start, app_api_stop }, /* last: it shows all of the above */
};
const size_t app_nstages = ARRAY_SIZE(app_stages);
const size_t app_ncheck = 5;

static void
reload_tls(struct app *a)
{
	struct diag d = { 0 };

	if (a->opt.tls_cert != NULL && ingest_reload_tls(a->ingest, &d) < 0)
		log_error("certificates not reloaded: %s", d.msg);
	if (api_reload_tokens(a->api, &d) < 0)
		log_error("the API's tokens were not reloaded: %s", d.msg);
	if (api_reload_tls(a->api, &d) < 0)
		log_error("the API's certificate was not reloaded: %s", d.msg);
}

/* The next signal that has arrived; 0: none. */
static int
next_signal(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == (ssize_t) sizeof(info) ? (int) info.ssi_signo : 0;
}

/* Wait for signals and for reload's descriptors. false: stop. */
static bool
run_once(struct app *a, int signals)
{
	struct pollfd v[1 + RELOAD_FDS] = { { .fd = signals, .events = POLLIN } };
	int n = 1 + reload_fds(a->reload, v + 1), sig;
	bool asked = false;

	(void) poll(v, (nfds_t) n, MIN(reload_timeout_ms(a->reload), LOOKOUT_MS));
	while ((sig = next_signal(signals)) != 0) {
		if (sig == SIGINT || sig == SIGTERM)
			return false;
		if (sig == SIGUSR1)
			outputs_reopen(a->outputs);
		if (sig == SIGHUP) {
			asked = true;
			reload_tls(a);
			(void) app_reload_outputs(a, NULL);
		}
	}
	reload_run(a->reload, asked);
	return true;
}

static void
look_for_notices(struct app *a, struct notices *w)
{
	struct ingest_stats in;
	struct api_stats api;

	ingest_stats(a->ingest, &in);
	api_stats(a->api, &api);
	notice_look(w,
	    &(struct notice_certificates){
		in.certificate_expiry_seconds, api.certificate_expiry_seconds },
	    clock_mono());
}

/* Every ten seconds, for those who want it. */
static void
beat(struct app *a, uint64_t *at)
{
	struct beat_cfg cfg = { a->streams, a->rules, a->opt.name };

	if (*at != 0 && clock_mono() - *at < BEAT_NS)
		return;
	*at = clock_mono();
	outputs_beat(a->outputs, beats_make, &cfg);
}

int
app_run(void *app)
{
	struct app *a = app;
	int fd = signalfd(-1, &a->signals, SFD_NONBLOCK | SFD_CLOEXEC);
	struct trouble trouble = { 0 };
	struct kube_watch kube = {
		.kubes = a->kubes,
		.outbox = a->outbox,
		.json = &a->rules_config.options.json,
		.cluster = a->opt.cluster,
		.name = a->opt.name,
	};
	struct notices notices = { .cfg = {
				       .outbox = a->outbox,
				       .json = &a->rules_config.options.json,
				       .cluster = a->opt.cluster,
				       .name = a->opt.name,
				       .outputs = a->outputs,
				       .reload = a->reload,
				   } };
	uint64_t looked = 0, beaten = 0;

	if (fd < 0)
		return -errno;
	notify_ready(&a->notify);
	while (run_once(a, fd)) {
		notify_alive(&a->notify, clock_mono());
		if (clock_mono() - a->lookout.looked >= LOOKOUT_MS * NS_PER_MS)
			lookout_run(&a->lookout, clock_mono());
		if (clock_mono() - looked < NS_PER_S)
			continue;
		looked = clock_mono();
		ingest_watch_tls(a->ingest);
		trouble_look(&trouble, a->outbox, a->outputs);
		kube_watch_look(&kube, looked);
		look_for_notices(a, &notices);
		beat(a, &beaten);
	}
	notify_stopping(&a->notify);
	log_info("stopping");
	log_peer_flush();
	reload_close(a->reload);
	(void) close(fd);
	return 0;
}
