/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - mews-sensor: parse the command line, then run the stages of sensor.c. */
#include "common/cmdline.h"
#include "common/descriptors.h"
#include "common/log.h"
#include "common/nng/way.h"
#include "common/stage.h"
#include "sensor/bpf_pin.h"
#include "sensor/enrolled.h"
#include "sensor/sensor.h"
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_DEFAULT "/etc/mews/sensor.yaml"

static void
usage(FILE *f)
{
	fputs(
	    "Usage: mews-sensor [-c FILE] [-o KEY=VALUE]... [--check]\n"
	    "       mews-sensor enroll [OPTION]... [LINE-FILE]    (see mews-sensor enroll --help)\n"
	    "       mews-sensor --unpin FOLDER\n"
	    "       mews-sensor --record FILE [--seconds N] [-o KEY=VALUE]...\n"
	    "       mews-sensor --replay FILE [--speed max] [--loop N] [--nodes N] [-o "
	    "KEY=VALUE]...\n"
	    "\n"
	    "Captures this machine's system calls and sends them to a collector, which evaluates\n"
	    "the rules. Keeps events until the collector has committed them, and resends them.\n"
	    "\n"
	    "  -c, --config FILE     configuration (default " CONFIG_DEFAULT
	    ", if it exists)\n"
	    "  -o, --option KEY=VAL  set an option, overriding the file; may be repeated\n"
	    "      --check           check configuration, certificates and kernel, and exit\n"
	    "      --unpin FOLDER    end the capture that a killed sensor has left in its\n"
	    "                        capture.pin, and exit\n"
	    "      --record FILE     write events to FILE instead of sending them\n"
	    "      --seconds N       ... for N seconds; default: until stopped\n"
	    "      --replay FILE     send a recording instead of this machine's events (no root\n"
	    "                        needed); exit when the collector has committed all of it\n"
	    "      --speed real|max  ... at the recorded pace (default), or as fast as "
	    "possible\n"
	    "      --loop N          ... N times, each time as a newly started sensor\n"
	    "      --nodes N         ... as N nodes at once, NAME-0001 and so on, each with its "
	    "own\n"
	    "                        connection and its own certificate from tls.dir\n"
	    "      --skew MS         ... with clocks that are off by at most MS milliseconds\n"
	    "      --version\n"
	    "  -h, --help\n"
	    "\n"
	    "Connect this machine to a collector:\n"
	    "\n"
	    "  mews-sensor -o collector=tls+tcp://collector.example:7443 -o tls.ca=ca.pem \\\n"
	    "      -o tls.certificate=node.pem -o tls.key=node.key\n"
	    "\n"
	    "Record ten seconds, then send the recording as a hundred nodes:\n"
	    "\n"
	    "  mews-sensor --record ten.rec --seconds 10\n"
	    "  mews-sensor --replay ten.rec --nodes 100 -o collector=ipc:///run/mews.sock\n"
	    "\n"
	    "SIGTERM and SIGINT send the remaining events, tell the collector and stop. SIGHUP\n"
	    "reloads the certificates and checks that the kernel runs all hooks. Exit codes:\n"
	    "0 stopped, 1 failed, 2 usage error, 3 configuration or certificates, 4 kernel or\n"
	    "permissions, 5 recording.\n"
	    "\n"
	    "Options (in the file as nested keys; labels.NAME sets a label):\n",
	    f);
	opt_print(f, app_opts, app_nopts);
}

enum {
	OPT_CHECK = 256,
	OPT_VERSION,
	OPT_UNPIN,
	OPT_RECORD,
	OPT_SECONDS,
	OPT_REPLAY,
	OPT_SPEED,
	OPT_LOOP,
	OPT_NODES,
	OPT_SKEW
};

static const struct option longs[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "option", required_argument, NULL, 'o' },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "unpin", required_argument, NULL, OPT_UNPIN },
	{ "record", required_argument, NULL, OPT_RECORD },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "replay", required_argument, NULL, OPT_REPLAY },
	{ "speed", required_argument, NULL, OPT_SPEED },
	{ "loop", required_argument, NULL, OPT_LOOP },
	{ "nodes", required_argument, NULL, OPT_NODES },
	{ "skew", required_argument, NULL, OPT_SKEW },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* Parse a number option. -1 on success; otherwise the exit code. */
static int
number(const char *opt, const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || v < min || v > max) {
		fprintf(stderr, "mews-sensor: --%s takes a number from %llu to %llu, not '%s'\n",
		    opt, (unsigned long long) min, (unsigned long long) max, text);
		return EXIT_USAGE;
	}
	*ret = v;
	return -1;
}

static int
parse_speed(struct args *args, const char *text)
{
	args->fast = strcmp(text, "max") == 0;
	if (args->fast || strcmp(text, "real") == 0)
		return -1;
	fprintf(stderr, "mews-sensor: --speed is real or max, not '%s'\n", text);
	return EXIT_USAGE;
}

static int
parse_one(struct args *args, int c)
{
	switch (c) {
	case 'c':
		args->config = optarg;
		return -1;
	case 'o':
		if (args->nset == ARGS_SET_MAX) {
			fputs("mews-sensor: at most 64 -o; use a file (-c)\n", stderr);
			return EXIT_USAGE;
		}
		args->set[args->nset++] = optarg;
		return -1;
	case OPT_CHECK:
		args->check = true;
		return -1;
	case OPT_UNPIN:
		args->unpin = optarg;
		return -1;
	case OPT_RECORD:
		args->record = optarg;
		return -1;
	case OPT_SECONDS:
		return number("seconds", optarg, 1, 31536000, &args->seconds);
	case OPT_REPLAY:
		args->replay = optarg;
		return -1;
	case OPT_SPEED:
		return parse_speed(args, optarg);
	case OPT_LOOP:
		return number("loop", optarg, 1, 1000000000, &args->loop);
	case OPT_NODES:
		return number("nodes", optarg, 1, NODES_MAX, &args->nodes);
	case OPT_SKEW:
		return number("skew", optarg, 0, 86400000, &args->skew_ms);
	case OPT_VERSION:
		printf("mews-sensor " MEWS_VERSION " (%s)\n", nng_way());
		return EXIT_OK;
	case 'h':
		usage(stdout);
		return EXIT_OK;
	default:
		fprintf(stderr, "mews-sensor: %s\nTry 'mews-sensor --help'.\n", optarg);
		return EXIT_USAGE;
	}
}

static int
parse_args(int argc, char **argv, struct args *args)
{
	const char *wrong = NULL;
	int c, r = -1;

	args->loop = 1;
	while (r < 0 && (c = cmdline_next(argc, argv, "c:o:h", longs)) != -1)
		r = parse_one(args, c);
	if (r >= 0)
		return r;
	if (optind < argc)
		wrong = "takes only options, no other arguments; see --help";
	else if (args->record != NULL && args->replay != NULL)
		wrong = "use either --record or --replay, not both";
	else if (args->seconds != 0 && args->record == NULL)
		wrong = "--seconds needs --record";
	else if (args->replay == NULL &&
		 (args->nodes != 0 || args->loop != 1 || args->fast || args->skew_ms != 0))
		wrong = "--nodes, --loop, --speed and --skew need --replay";
	if (wrong == NULL)
		return -1;
	fprintf(stderr, "mews-sensor: %s\n", wrong);
	return EXIT_USAGE;
}

static int
check_run(void *app)
{
	(void) app;
	log_info("the configuration, the certificates and the kernel are valid");
	return 0;
}

static int
unpin(const char *folder)
{
	int n = pins_remove(folder);

	if (n < 0)
		return EXIT_FAILED;
	if (n > 0)
		log_info("%s: %d objects are unpinned: no capture goes on from there", folder, n);
	else
		log_info("%s: nothing is pinned there", folder);
	return EXIT_OK;
}

int
main(int argc, char **argv)
{
	static struct app app;
	struct diag d = { 0 };
	int r;

	if (argc > 1 && strcmp(argv[1], "enroll") == 0)
		return enroll_main(argc - 1, argv + 1);
	r = parse_args(argc, argv, &app.args);
	if (r >= 0)
		return r;
	/* Only one thread works, so more malloc arenas would lie idle. */
	(void) mallopt(M_ARENA_MAX, 1); /* NOLINT(concurrency-mt-unsafe): no other thread yet */
	log_init("mews-sensor", LOG_INFO);
	if (app.args.unpin != NULL)
		return unpin(app.args.unpin);
	(void) descriptors_raise();
	r = notify_open(&app.notify);
	if (r < 0)
		log_warn("NOTIFY_SOCKET cannot be used: %s", strerrordesc_np(-r));
	r = cfg_open(app.args.config, CONFIG_DEFAULT, &app.cfg, &d);
	if (r == 0)
		r = cfg_check_foreign(app.cfg, &d);
	for (size_t i = 0; r == 0 && i < app.args.nset; i++)
		r = cfg_override(app.cfg, app.args.set[i], &d);
	if (r == 0)
		r = app_configure(&app, &d);
	if (r < 0) {
		log_diag(&d);
		r = r == -EAGAIN ? EXIT_FAILED : EXIT_CONFIG;
	} else {
		app.exit_code = EXIT_FAILED;
		r = app.args.check ? stages_run(app_stages, app_ncheck, &app, check_run)
				   : stages_run(app_stages, app_nstages, &app, app_run);
		r = r < 0 ? (int) app.exit_code : EXIT_OK;
	}
	env_fini(&app.env);
	redactor_free(app.redactor);
	notify_close(&app.notify);
	cfg_free(app.enrolled);
	cfg_free(app.cfg);
	return r;
}
