/* SPDX-License-Identifier: Apache-2.0 */
/* enroll_main.c - mews-sensor enroll. */
#include "common/cmdline.h"
#include "common/file.h"
#include "common/log.h"
#include "sensor/enrolled.h"
#include "sensor/sensor.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define DIR_DEFAULT "/var/lib/mews-sensor/enrolled"

static const char help_text[] =
    "Usage: mews-sensor enroll [--dir FOLDER] [--node NAME] [LINE-FILE]\n"
    "       mews-sensor enroll --renew [--dir FOLDER]\n"
    "\n"
    "Gets this node's certificate from the fleet's enroller, with a line that 'mewsctl pki token'\n"
    "has printed. The line is in LINE-FILE, which only its owner may read; default: the file "
    "named\n"
    "by MEWS_ENROLL_FILE, or standard input. (A LINE is taken as well, but every user of the\n"
    "machine can see it while the command runs.) The node's key is made here and stays here.\n"
    "\n"
    "  --dir FOLDER  where certificate and key go, enroll.dir of the sensor (default\n"
    "                " DIR_DEFAULT
    ")\n"
    "  --node NAME   the node's name (default: the host name)\n"
    "  --renew       fetch what the fleet trusts, and a new certificate in the last third of the\n"
    "                life of the present one; a running sensor does so by itself\n"
    "  -h, --help\n"
    "\n"
    "Exit codes: 0 done; 1 nobody answers, or not now: try again; 2 usage error; 3 refused, or\n"
    "a file or certificate is wrong. With --renew: 0 something is new, 1 nothing is, 4 not now.\n";

enum { O_DIR = 256, O_NODE, O_RENEW, O_HELP, EXIT_NOT_NOW = 4 };

static const struct option options[] = {
	{ "dir", required_argument, NULL, O_DIR },
	{ "node", required_argument, NULL, O_NODE },
	{ "renew", no_argument, NULL, O_RENEW },
	{ "help", no_argument, NULL, O_HELP },
	{ NULL, 0, NULL, 0 },
};

struct wish {
	const char *dir, *node, *from;
	bool renew;
};

/* -1: go on; else the exit code. */
static int
parse(int argc, char **argv, struct wish *w)
{
	int c;

	optind = 0;
	while ((c = cmdline_next(argc, argv, "-:h", options)) != -1) {
		switch (c) {
		case O_DIR:
			w->dir = optarg;
			break;
		case O_NODE:
			w->node = optarg;
			break;
		case O_RENEW:
			w->renew = true;
			break;
		case 'h':
		case O_HELP:
			fputs(help_text, stdout);
			return EXIT_OK;
		case 1:
			if (w->from == NULL) {
				w->from = optarg;
				break;
			}
			fprintf(stderr, "mews-sensor: enroll: unexpected argument '%s'\n", optarg);
			return EXIT_USAGE;
		default:
			fprintf(stderr,
			    "mews-sensor: enroll: %s\nTry 'mews-sensor enroll --help'.\n", optarg);
			return EXIT_USAGE;
		}
	}
	return -1;
}

/* The line: the argument itself, a file, or standard input. */
static int
read_line(const char *from, struct buf *b, struct diag *d)
{
	int r;

	if (from != NULL && strncmp(from, "mews-enroll/", 12) == 0) {
		buf_str(b, from);
		return buf_ok(b);
	}
	if (from == NULL)
		from = getenv("MEWS_ENROLL_FILE"); /* NOLINT(concurrency-mt-unsafe): one thread */
	if (from != NULL && strcmp(from, "-") != 0)
		return file_read(from, "enrolment line", true, b, d);
	r = fd_read_all(STDIN_FILENO, ENROLL_BODY_MAX, b);
	if (r < 0)
		diag_set(d, 0, 0, "cannot read the enrolment line from standard input: %s",
		    strerrordesc_np(-r));
	return r;
}

static int
enroll_once(const struct wish *w, const char *node, struct diag *d)
{
	struct buf b = BUF_INIT;
	int r = read_line(w->from, &b, d);

	if (r == 0)
		r = enroll(w->dir, buf_get(&b), node, d);
	if (b.p != NULL)
		OPENSSL_cleanse(b.p, b.cap);
	buf_fini(&b);
	if (r == 0)
		log_info(
		    "enrolled as node '%s', in %s: start the sensor again to use it", node, w->dir);
	return r;
}

static int
renew(const struct wish *w, struct diag *d)
{
	bool renewed, changed;
	int r;

	r = enroll_renew(w->dir, &renewed, &changed, d);
	if (r == 0 && renewed)
		log_info("the certificate of this node is renewed");
	else if (r == 0 && changed)
		log_info("what the fleet trusts has changed");
	if (r == 0)
		return changed ? EXIT_OK : EXIT_FAILED;
	log_error("the certificate cannot be renewed: %s", d->msg);
	return r == -EAGAIN ? EXIT_NOT_NOW : EXIT_CONFIG;
}

int
enroll_main(int argc, char **argv)
{
	struct wish w = { .dir = DIR_DEFAULT };
	struct diag d = { 0 };
	char host[256];
	int r = parse(argc, argv, &w);

	if (r >= 0)
		return r;
	log_init("mews-sensor", LOG_INFO);
	(void) signal(SIGPIPE, SIG_IGN);
	(void) alarm(ENROLL_CALL_S);
	if (w.renew)
		return renew(&w, &d);
	r = enroll_once(&w, w.node != NULL ? w.node : enroll_host(host), &d);
	if (r == 0)
		return EXIT_OK;
	log_error("%s", d.code == DIAG_NONE ? strerrordesc_np(-r) : d.msg);
	return r == -EAGAIN ? EXIT_FAILED : EXIT_CONFIG;
}
