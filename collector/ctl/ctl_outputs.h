/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_outputs.h - the commands of 'mewsctl outputs'. */
#ifndef MEWS_COLLECTOR_CTL_CTL_OUTPUTS_H
#define MEWS_COLLECTOR_CTL_CTL_OUTPUTS_H

#include "collector/ctl/ctl.h"

/* argv[0] is the name; '--help' is answered there; enum ctl_exit. */
#define COMMAND(name, text, help) int ctl_outputs_##name(int argc, char **argv);
#include "collector/ctl/outputs_commands.def"

#endif
