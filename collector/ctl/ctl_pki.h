/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_pki.h - shared by ctl_pki*.c: mewsctl pki. */
#ifndef MEWS_COLLECTOR_CTL_CTL_PKI_H
#define MEWS_COLLECTOR_CTL_CTL_PKI_H

#include "collector/ctl/ctl.h"

/* Run enroller, token, tokens or serve, which is argv[0]. Returns an enum ctl_exit. */
int ctl_pki_enroll(int argc, char **argv);

/* Parse the time that an option takes: a number and its unit. CTL_OK and *ret in seconds;
 * CTL_USAGE: reported. */
int ctl_pki_time(const char *option, const char *text, long *ret);

/* Print the newest certificate of each name that the authority in 'dir' has issued. */
int ctl_pki_list(const char *dir);

/* Print the help of all of pki. */
void ctl_pki_help(void);

#endif
