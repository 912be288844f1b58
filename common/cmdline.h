/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmdline.h - the options of a command line, and one sentence for each mistake in them.
 *
 * For the time before a program starts threads: like getopt_long(), which it stands in for, it
 * keeps its place in global variables.
 */
#ifndef MEWS_COMMON_CMDLINE_H
#define MEWS_COMMON_CMDLINE_H

#include "common/macros.h"
#include <getopt.h>

/* getopt_long() that prints nothing. For a mistake it returns '?', and optarg is the sentence,
 * without a full stop, valid until the next call: "unknown option '--jsn'; did you mean '--json'?".
 */
int cmdline_next(int argc, char **argv, const char *shorts, const struct option *longs) MUST_CHECK;

#endif
