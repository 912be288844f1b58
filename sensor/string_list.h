/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string_list.h - a list of strings, each with its NUL, cut to the size of a text.
 *
 * As driver/bpf/string_list.h does it, so that a snapshot and an event of one process agree: a
 * string that does not fit keeps its beginning and is followed by the next one; the end of the list
 * is kept too.
 */
#ifndef MEWS_SENSOR_STRING_LIST_H
#define MEWS_SENSOR_STRING_LIST_H

#include "common/slice.h"
#include "proto/event.h"
#include <stdbool.h>

/*
 * A list of more than EV_TEXT_MAX bytes, cut, into 'out'. 'whole': a string without its beginning
 * is of no use. The bytes written.
 */
size_t args_cut(struct slice list, bool whole, char out[EV_TEXT_MAX]);

#endif
