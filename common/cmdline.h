/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmdline.h - parse command line options, with one sentence for each mistake.
 *
 * Call it before the program starts threads: like getopt_long(), it keeps its position in global
 * variables.
 */
#ifndef MEWS_COMMON_CMDLINE_H
#define MEWS_COMMON_CMDLINE_H

#include "common/macros.h"
#include <getopt.h>

/* Like getopt_long(), but prints nothing. For a mistake it returns '?', and optarg is the sentence,
 * without a full stop, valid until the next call: "unknown option '--jsn'; did you mean
 * '--json'?". */
int cmdline_next(int argc, char **argv, const char *shorts, const struct option *longs) MUST_CHECK;

#endif
