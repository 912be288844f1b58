/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_pki_enroll.c - mewsctl pki enroller, token, tokens, serve: the command line of enroll.h. */
#include "collector/ctl/ctl_pki.h"
#include "collector/ctl/enroll.h"
#include "collector/ctl/enroll_serve.h"
#include <stdlib.h>
#include <unistd.h>

#define TOKEN_S 3600L
#define LIFE_S  (30L * 86400)

enum {
	O_ADDRESS = 256,
	O_LISTEN,
	O_COLLECTOR,
	O_ONLY,
	O_NODES,
	O_FOR,
	O_USES,
	O_LIFE,
	O_REPLACE,
	O_HELP
};

static const struct option options[] = {
	{ "address", required_argument, NULL, O_ADDRESS },
	{ "listen", required_argument, NULL, O_LISTEN },
	{ "collector", required_argument, NULL, O_COLLECTOR },
	{ "only", no_argument, NULL, O_ONLY },
	{ "nodes", required_argument, NULL, O_NODES },
	{ "for", required_argument, NULL, O_FOR },
	{ "uses", required_argument, NULL, O_USES },
	{ "life", required_argument, NULL, O_LIFE },
	{ "replace", no_argument, NULL, O_REPLACE },
	{ "help", no_argument, NULL, O_HELP },
	{ NULL, 0, NULL, 0 },
};

struct args {
	const char *folder[2];
	int nfolders;
	struct enroll_options opt;
	const char *nodes;
	long for_s, uses, life_s;
	bool only, replace, help;
};

static int
parse_uses(const char *text, long *ret)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < 1 || v > 1000000)
		return ctl_usage("pki", "--uses takes a number from 1 to 1000000, not '%s'", text);
	*ret = v;
	return CTL_OK;
}

static int
parse_one(int opt, char *value, struct args *a)
{
	switch (opt) {
	case O_ADDRESS:
		a->opt.address = value;
		return CTL_OK;
	case O_LISTEN:
		a->opt.listen = value;
		return CTL_OK;
	case O_COLLECTOR:
		a->opt.collector = value;
		return CTL_OK;
	case O_ONLY:
		a->only = true;
		return CTL_OK;
	case O_NODES:
		a->nodes = value;
		return CTL_OK;
	case O_FOR:
		return ctl_pki_time("--for", value, &a->for_s);
	case O_USES:
		return parse_uses(value, &a->uses);
	case O_LIFE:
		return ctl_pki_time("--life", value, &a->life_s);
	case O_REPLACE:
		a->replace = true;
		return CTL_OK;
	case 'h':
	case O_HELP:
		a->help = true;
		return CTL_OK;
	case 1: /* not an option */
		if (a->nfolders == 2)
			return ctl_usage("pki", "unexpected argument '%s'", value);
		a->folder[a->nfolders++] = value;
		return CTL_OK;
	default:
		return ctl_usage("pki", "%s", value);
	}
}

static int
cmd_enroller(const struct args *a)
{
	struct diag d = { 0 };

	if (a->nfolders != 2)
		return ctl_usage(
		    "pki", "name the folder of the fleet's authority, and the enroller's");
	if (enroll_init(a->folder[1], a->folder[0], a->only, &a->opt, &d) < 0)
		return ctl_fail("%s", d.msg);
	printf(
	    "%s  the enroller: for the service that runs 'mewsctl pki serve', and nobody else\n"
	    "%s/trust.pem      tls.ca of the collector, from now on\n"
	    "%s/trust-crl.pem  its tls.crl\n"
	    "Next: start the service, then mewsctl pki token %s --nodes 'web-*' --for 1h --uses "
	    "50\n",
	    a->folder[1], a->folder[1], a->folder[1], a->folder[1]);
	return CTL_OK;
}

static int
cmd_token(const struct args *a)
{
	struct enroll_token t = { .expires = (long) time(NULL) + a->for_s,
		.uses = a->uses,
		.life_s = a->life_s,
		.replace = a->replace };
	char line[ENROLL_LINE_MAX];
	struct enroll_line l;
	struct diag d = { 0 };

	if (a->nfolders != 1)
		return ctl_usage("pki", "name the enroller's folder");
	if (a->nodes == NULL || !enroll_nodes_ok(a->nodes))
		return ctl_usage("pki",
		    "say which nodes the token is for: --nodes NAME, or a pattern such as "
		    "--nodes 'web-*'");
	(void) snprintf(t.nodes, sizeof(t.nodes), "%s", a->nodes);
	if (enroll_token_make(a->folder[0], &t, &l, &d) < 0)
		return ctl_fail("%s", d.msg);
	enroll_line_print(&l, line);
	puts(line);
	return CTL_OK;
}

static int
cmd_tokens(const struct args *a)
{
	struct enroll_token *v = NULL;
	time_t now = time(NULL);
	struct diag d = { 0 };
	int n;

	if (a->nfolders != 1)
		return ctl_usage("pki", "name the enroller's folder");
	n = enroll_tokens_read(a->folder[0], &v, &d);
	if (n < 0)
		return ctl_fail("%s", d.msg);
	printf("%-8s  %-20s %-16s %s\n", "TOKEN", "NODES", "USED", "UNTIL");
	for (int i = 0; i < n; i++) {
		time_t t = v[i].expires;
		char when[32] = "?", used[48];
		struct tm tm;

		if (gmtime_r(&t, &tm) != NULL)
			(void) strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
		(void) snprintf(used, sizeof(used), "%ld of %ld", v[i].used, v[i].uses);
		printf("%-8s  %-20s %-16s %s%s%s\n", v[i].id, v[i].nodes, used, when,
		    t <= now ? " (over)" : "", v[i].replace ? ", replaces" : "");
	}
	free(v);
	return CTL_OK;
}

static int
cmd_serve(const struct args *a)
{
	struct diag d = { 0 };

	if (a->nfolders != 1)
		return ctl_usage("pki", "name the enroller's folder");
	return enroll_serve(a->folder[0], &d) < 0 ? ctl_fail("%s", d.msg) : CTL_OK;
}

int
ctl_pki_enroll(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct args *a);
	} verbs[] = { { "enroller", cmd_enroller }, { "token", cmd_token },
		{ "tokens", cmd_tokens }, { "serve", cmd_serve } };
	struct args a = { .for_s = TOKEN_S, .uses = 1, .life_s = LIFE_S };
	int opt, r = CTL_OK;

	optind = 0;
	while (r == CTL_OK && (opt = cmdline_next(argc, argv, "-:h", options)) != -1)
		r = parse_one(opt, optarg, &a);
	if (r != CTL_OK)
		return r;
	if (a.help) {
		ctl_pki_help();
		return CTL_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(argv[0], verbs[i].name) == 0)
			return verbs[i].run(&a);
	}
	return CTL_USAGE;
}
