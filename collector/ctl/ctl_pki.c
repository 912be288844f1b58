/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/ctl.h"

int
ctl_pki(int argc, char **argv)
{
	(void) argc;
	return ctl_usage(argv[0], "not yet");
}
