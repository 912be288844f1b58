/* SPDX-License-Identifier: Apache-2.0 */
/*
 * capture_sources.h - the sources of parameters in driver/captures.def, as initialisers; for
 * capture_table.c.
 */
#ifndef MEWS_SENSOR_CAPTURE_SOURCES_H
#define MEWS_SENSOR_CAPTURE_SOURCES_H

#include "driver/abi.h"
#include <stdbool.h>
#include <stdint.h>

enum from { FROM_PROGRAM, FROM_NOTHING, FROM_VALUE, FROM_TEXT, FROM_HOW };

/* The source of a parameter. */
struct source {
	uint8_t from;  /* enum from */
	uint8_t value; /* DRV_RESULT, DRV_ARG(), DRV_ZERO, DRV_CRED_* */
	uint8_t bits;  /* FROM_VALUE; 0: a long's */
	bool sign;
	uint8_t low, high; /* of a 32-bit caller: the values of its halves; 0: 'value' alone */
	bool id16;         /* of a 32-bit caller: an id of 16 bits */
	uint8_t how;       /* FROM_TEXT: enum drv_how */
	uint8_t size;      /* the value with its length */
};

/* The macros of captures.def as initialisers of a struct source. */
#define RETURNED    (-1) /* used like an argument number: the result */
#define VALUE(b, s) .from = FROM_VALUE, .bits = (b), .sign = (s)
#define TEXT(n, h)  .from = FROM_TEXT, .value = DRV_ARG(n), .how = (h)
#define RESULT                                       \
	{                                            \
		.value = DRV_RESULT, VALUE(64, true) \
	}
#define INT(n)                                       \
	{                                            \
		.value = DRV_ARG(n), VALUE(32, true) \
	}
#define UINT(n)                                       \
	{                                             \
		.value = DRV_ARG(n), VALUE(32, false) \
	}
#define LONG(n)                                     \
	{                                           \
		.value = DRV_ARG(n), VALUE(0, true) \
	}
#define ULONG(n)                                      \
	{                                             \
		.value = DRV_ARG(n), VALUE(64, false) \
	}
#define MODE(n)                                       \
	{                                             \
		.value = DRV_ARG(n), VALUE(12, false) \
	}
#define SOCKTYPE(n)                                  \
	{                                            \
		.value = DRV_ARG(n), VALUE(4, false) \
	}
#define WIDE(l, h)                                                                          \
	{                                                                                   \
		.value = DRV_ARG(l), .low = DRV_ARG(l), .high = DRV_ARG(h), VALUE(64, true) \
	}
#define PAIR(n)                                                                             \
	{                                                                                   \
		.value = DRV_ARG(n), .low = DRV_ARG(NUMBERS_BY_ARCH(n, ((n) + 1) / 2 * 2)), \
		.high = DRV_ARG(NUMBERS_BY_ARCH(n, ((n) + 1) / 2 * 2) + 1), VALUE(64, true) \
	}
#define ID(n)                                                       \
	{                                                           \
		.value = DRV_ARG(n), .id16 = true, VALUE(32, false) \
	}
#define PROCESS_MEMORY(v)                          \
	{                                          \
		.value = DRV_##v, VALUE(32, false) \
	}
#define VM_SIZE  PROCESS_MEMORY(VM_SIZE)
#define VM_RSS   PROCESS_MEMORY(VM_RSS)
#define VM_SWAP  PROCESS_MEMORY(VM_SWAP)
#define FD(n)    INT(n)
#define FLAGS(n) UINT(n)
#define ENUM(n)  UINT(n)
#define PATH(n)                   \
	{                         \
		TEXT(n, DRV_PATH) \
	}
#define STRING(n)                   \
	{                           \
		TEXT(n, DRV_STRING) \
	}
#define ADDR(n, m)                                    \
	{                                             \
		TEXT(n, DRV_ADDR), .size = DRV_ARG(m) \
	}
#define MSG(n)                   \
	{                        \
		TEXT(n, DRV_MSG) \
	}
#define MSGS(n, m)                                    \
	{                                             \
		TEXT(n, DRV_MSGS), .size = DRV_ARG(m) \
	}
#define DATA(n, m)                                    \
	{                                             \
		TEXT(n, DRV_DATA), .size = DRV_ARG(m) \
	}
#define HOW(n)                                        \
	{                                             \
		.from = FROM_HOW, .value = DRV_ARG(n) \
	}
#define ZERO                                        \
	{                                           \
		.value = DRV_ZERO, VALUE(32, false) \
	}
#define CRED(name)                                         \
	{                                                  \
		.value = DRV_CRED_##name, VALUE(64, false) \
	}
#define CREDS CRED(EUID), CRED(EGID), CRED(PERMITTED), CRED(EFFECTIVE)
#define CWD                      \
	{                        \
		TEXT(0, DRV_CWD) \
	}
#define ROOT                      \
	{                         \
		TEXT(0, DRV_ROOT) \
	}
#define ABSENT                       \
	{                            \
		.from = FROM_NOTHING \
	}

#endif
