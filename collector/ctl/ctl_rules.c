/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_rules.c - 'mewsctl rules': its commands. */
#include "collector/ctl/ctl_rules.h"

static const struct ctl_command commands[] = {
#define COMMAND(name, help) { #name, help, rules_##name },
#include "collector/ctl/rules_commands.def"
};

static const struct ctl_group group = {
	"rules",
	"Load and inspect Falco rule files as a collector does: in the given order, a folder as\n"
	"its *.yaml and *.yml files by name; a later file may redefine, append to and override\n"
	"the definitions of earlier ones.\n",
	" A collector reloads changed rule\n"
	"files by itself (rule.watch), so check a file before you copy it there:\n"
	"  mewsctl rules check /etc/mews/rules.d my_rules.yaml\n"
	"\n"
	"Exit status: 0 done, 1 the files do not load, or the answer is no, 2 usage error.\n",
	commands,
	ARRAY_SIZE(commands),
};

int
ctl_rules(int argc, char **argv)
{
	return ctl_group_run(&group, argc, argv);
}
