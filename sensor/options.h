/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - sensor.def as a struct. */
#ifndef MEWS_SENSOR_OPTIONS_H
#define MEWS_SENSOR_OPTIONS_H

#include "common/config.h"

struct options {
#define OPT_T_STR                                  char *
#define OPT_T_BOOL                                 bool
#define OPT_T_U64                                  uint64_t
#define OPT_T_SIZE                                 uint64_t
#define OPT_T_MSEC                                 uint64_t
#define OPT_T_LIST                                 struct opt_list
#define OPT(type, field, key, def, min, max, help) OPT_T_##type field;
#include "sensor/sensor.def"
};

#endif
