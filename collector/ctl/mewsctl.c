/* SPDX-License-Identifier: Apache-2.0 */
/* mewsctl.c - the command-line tool of Mews; commands.def lists its commands. */
#include "collector/ctl/ctl.h"

static const struct ctl_command commands[] = {
#define COMMAND(name, help) { #name, help, ctl_##name },
#include "collector/ctl/commands.def"
};

static void
help(FILE *f)
{
	fputs(
	    "Usage: mewsctl COMMAND [ARGUMENTS]\n"
	    "       mewsctl --version\n\n"
	    "Manage Mews: its rules, certificates, collectors and alerts.\n\n"
	    "Commands:\n",
	    f);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs(
	    "\n'mewsctl COMMAND --help' describes a command. To begin:\n"
	    "  mewsctl status               are all sensors connected?\n"
	    "  mewsctl alerts --follow      alerts as they are raised\n"
	    "  mewsctl rules list           the rules, and what each matches on\n"
	    "\n"
	    "status, nodes, ps, alerts, absence, accounts, outputs, silence, rules reload and\n"
	    "rules top ask the collector of this machine, or that of --collector URL; the others\n"
	    "need none.\n"
	    "\n"
	    "Exit status: 0 done, 1 refused or failed (standard error has the reason), 2 usage "
	    "error,\n"
	    "3 a node is not seen (status, nodes).\n",
	    f);
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		help(stderr);
		return CTL_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		help(stdout);
		return CTL_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("mewsctl " MEWS_VERSION);
		return CTL_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	return ctl_unknown(NULL, argv[1], commands, ARRAY_SIZE(commands));
}
