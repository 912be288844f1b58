/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string_list.h - cut a list of strings, each with its NUL, to the size of a text.
 *
 * It cuts like driver/bpf/argv.h, so that a snapshot and an event of one process agree: a
 * string that does not fit keeps its beginning, the next string follows, and the list's end is kept
 * too.
 */
#ifndef MEWS_SENSOR_STRING_LIST_H
#define MEWS_SENSOR_STRING_LIST_H

#include "common/slice.h"
#include "proto/event.h"
#include <stdbool.h>

/*
 * Cut a list of more than EV_TEXT_MAX bytes into 'out'. 'whole': drop a string that lost its
 * beginning. Returns the bytes written.
 */
size_t args_cut(struct slice list, bool whole, char out[EV_TEXT_MAX]);

#endif
