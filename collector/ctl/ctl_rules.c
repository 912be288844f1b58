/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_rules.c - 'mewsctl rules': its commands. */
#include "collector/ctl/ctl_rules.h"

static const struct ctl_command commands[] = {
#define COMMAND(name, help) { #name, help, rules_##name },
#include "collector/ctl/rules_commands.def"
};

static void
help(void)
{
	fputs(
	    "Usage: mewsctl rules COMMAND [ARGUMENTS]\n\n"
	    "Load and inspect Falco rule files as a collector does: in the given order, a folder "
	    "as\n"
	    "its *.yaml and *.yml files by name; a later file may redefine, append to and "
	    "override\n"
	    "the definitions of earlier ones.\n\n"
	    "Commands:\n",
	    stdout);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-9s %s\n", commands[i].name, commands[i].help);
	fputs(
	    "\n'mewsctl rules COMMAND --help' describes a command. A collector reloads changed "
	    "rule\n"
	    "files by itself (rule.watch), so check a file before you copy it there:\n"
	    "  mewsctl rules check /etc/mews/rules.d my_rules.yaml\n"
	    "\nExit status: 0 done, 1 the files do not load, or the answer is no, 2 usage "
	    "error.\n",
	    stdout);
}

int
ctl_rules(int argc, char **argv)
{
	if (argc < 2)
		return ctl_usage("rules", "name a command of rules");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help();
		return CTL_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	return ctl_unknown("rules", argv[1], commands, ARRAY_SIZE(commands));
}
