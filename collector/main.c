/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - mews-collector: command line, then the stages of collector.c. */
#include "collector/collector.h"
#include "common/cmdline.h"
#include "common/descriptors.h"
#include "common/log.h"
#include "common/nng/way.h"
#include "common/stage.h"
#include <errno.h>
#include <stdlib.h>

static void
usage(FILE *f)
{
	fputs(
	    "Usage: mews-collector [-c FILE] [-o KEY=VALUE]... [--check [--running]]\n"
	    "\n"
	    "Receives the events of sensors, evaluates Falco rules on them, keeps the alerts in "
	    "an\n"
	    "outbox and sends them on.\n"
	    "\n"
	    "  -c, --config FILE     configuration (default " APP_CONFIG
	    ", if it exists)\n"
	    "  -o, --option KEY=VAL  set an option, overriding the file; may be repeated\n"
	    "      --check           report what a start would refuse, and exit: options, files,\n"
	    "                        certificates, outputs, rules, outbox, addresses\n"
	    "      --running         with --check: accept files and addresses in use by a running\n"
	    "                        collector\n"
	    "      --version\n"
	    "  -h, --help\n"
	    "\n"
	    "A collector for one machine, alerts on standard output:\n"
	    "\n"
	    "  mews-collector -o listen=ipc:///run/mews.sock -o outbox.path=/tmp/outbox.db \\\n"
	    "      -o rules=/usr/share/mews/rules -o outputs.stdout.enabled=true\n"
	    "\n"
	    "and its sensor:\n"
	    "\n"
	    "  mews-sensor -o collector=ipc:///run/mews.sock\n"
	    "\n"
	    "SIGTERM and SIGINT commit received alerts, deliver for up to 5 seconds and stop.\n"
	    "SIGHUP reloads rules, outputs, tokens and certificates, SIGUSR1 reopens output "
	    "files.\n"
	    "Exit codes: 0 stopped, 1 failed, 2 usage error, 3 configuration, 4 rules, 5 outbox,\n"
	    "6 address.\n"
	    "\n"
	    "A size is written as 512, 64KiB or 1GiB, a time as 250ms, 10s, 5m, 2h or 7d. Repeat "
	    "-o\n"
	    "to set several elements of a list.\n"
	    "\n"
	    "Options (in the file as nested keys):\n",
	    f);
	opt_print(f, app_opts, app_nopts);
	rule_config_help(f);
	outputs_help(f);
	kubes_help(f);
}

struct args {
	const char *config;
	const char *set[64];
	size_t nset;
	bool check, beside;
};

/* -1: continue; else the exit code. */
static int
parse_args(int argc, char **argv, struct args *args)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "option", required_argument, NULL, 'o' },
		{ "check", no_argument, NULL, 'k' },
		{ "running", no_argument, NULL, 'r' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = cmdline_next(argc, argv, "c:o:h", longs)) != -1) {
		switch (c) {
		case 'c':
			args->config = optarg;
			break;
		case 'o':
			if (args->nset == ARRAY_SIZE(args->set)) {
				fputs("mews-collector: at most 64 -o; use a file (-c)\n", stderr);
				return EXIT_USAGE;
			}
			args->set[args->nset++] = optarg;
			break;
		case 'k':
			args->check = true;
			break;
		case 'r':
			args->beside = true;
			break;
		case 'v':
			printf("mews-collector " MEWS_VERSION " (%s)\n", nng_way());
			return EXIT_OK;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			fprintf(
			    stderr, "mews-collector: %s\nTry 'mews-collector --help'.\n", optarg);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		fprintf(
		    stderr, "mews-collector: unexpected argument '%s'; try --help\n", argv[optind]);
		return EXIT_USAGE;
	}
	if (args->beside && !args->check) {
		fputs("mews-collector: --running needs --check\n", stderr);
		return EXIT_USAGE;
	}
	return -1;
}

static int
check_run(void *app)
{
	const struct app *a = app;

	if (a->wrong)
		return -EINVAL;
	log_info(
	    "the configuration, the certificates, the rules, the outbox and the addresses are "
	    "valid");
	return 0;
}

int
main(int argc, char **argv)
{
	struct app app = { 0 };
	struct args args = { 0 };
	struct diag d = { 0 };
	int r = parse_args(argc, argv, &args);

	if (r >= 0)
		return r;
	log_init("mews-collector", LOG_INFO);
	(void) descriptors_raise();
	r = notify_open(&app.notify);
	if (r < 0)
		log_warn("NOTIFY_SOCKET cannot be used: %s", strerrordesc_np(-r));
	app.check = args.check;
	app.beside = args.beside;
	app.config = args.config;
	app.set = args.set;
	app.nset = args.nset;
	r = app_read(&app, &d);
	if (r == 0)
		r = app_configure(&app, &d);
	if (r < 0) {
		if (d.code != DIAG_NONE)
			log_diag(&d);
		kubes_free(app.kubes);
		cfg_free(app.cfg);
		return EXIT_CONFIG;
	}
	app.exit_code = EXIT_FAILED;
	r = args.check ? stages_run(app_stages, app_ncheck, &app, check_run)
		       : stages_run(app_stages, app_nstages, &app, app_run);
	kubes_free(app.kubes);
	cfg_free(app.cfg);
	notify_close(&app.notify);
	return r < 0 ? (int) app.exit_code : EXIT_OK;
}
