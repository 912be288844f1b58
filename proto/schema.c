/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/schema.h"
#include "proto/names.h"
#include <errno.h>

/* names.def: an array of names for each table, then the tables. */
#define NAMES(table, KIND)                    static const struct ev_name names_v_##table[] = {
#define NAME(table, word, value)              { #word, value, value, false },
#define NAME_FROM(table, word, value, kernel) { #word, value, kernel, false },
#define NAME_ARCH(table, word, value, x86, arm64) \
	{ #word, value, NAMES_BY_ARCH(x86, arm64), false },
#define NAME_ELSE(table, word, value, kernel) { #word, value, kernel, true },
#define NAME_OURS(table, word, value)         { #word, value, NAMES_NO, false },
#define NAMES_END(table) \
	}                \
	;
#include "proto/names.def"

#define NAMES(table, KIND)                                              \
	static const struct ev_names names_##table = { names_v_##table, \
		ARRAY_SIZE(names_v_##table), NAMES_##KIND };            \
	enum { RAW_##table = NAMES_##KIND == NAMES_FLAGS || NAMES_##KIND == NAMES_ENUM };
#include "proto/names.def"

/* events.def uses "none" for no table; all others are tables of names.def. */
static const struct ev_names names_none = { NULL, 0, NAMES_SAME };
enum { RAW_none = 0 };

/* The numbers of an event as bytes, 8 for each and none for a text: gives their offsets. */
#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE) struct numbers_##ID {
#define PARAM(ID, index, name, TYPE, FMT, table)       char name[sizeof(struct { EV_T_##TYPE(n) })];
#define EVENT_END(ID)                                                                      \
	}                                                                                  \
	;                                                                                  \
	_Static_assert(                                                                    \
	    sizeof(struct ev_hdr) + sizeof(struct numbers_##ID) == sizeof(struct ev_##ID), \
	    #ID " is laid out otherwise");
#include "proto/events.def"
#define NUMBER_AT(ID, name) (uint16_t)(sizeof(struct ev_hdr) + offsetof(struct numbers_##ID, name))

#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE) \
	static const struct ev_param params_##ID[] = {
#define PARAM(ID, index, name, TYPE, FMT, table) \
	{ #name, &names_##table, PT_##TYPE, PF_##FMT, false, NUMBER_AT(ID, name) },
#define EXTRA(ID, index, name, TYPE, FMT, table) \
	{ #name, &names_##table, PT_##TYPE, PF_##FMT, true, NUMBER_AT(ID, name) },
#define EVENT_END(ID)                                 \
	{                                             \
		NULL, NULL, PT_ERRNO, PF_NA, false, 0 \
	} /* never empty */                           \
	}                                             \
	;
#include "proto/events.def"

/* An event's row in schema_events. */
enum {
#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE) ROW_##ID,
#include "proto/events.def"
};

/* The number of Falco's parameters of an event. */
enum {
#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE) NARGS_##ID = 0
#define PARAM(ID, index, name, TYPE, FMT, table)       +1
#define EXTRA(ID, index, name, TYPE, FMT, table)
#define EVENT_END(ID) ,
#include "proto/events.def"
};

/* Indexes of the tables of names, for comparison. */
enum {
	TABLE_none,
#define NAMES(table, KIND) TABLE_##table,
#include "proto/names.def"
};

/* The first parameter of an event among those of all events. */
enum {
#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE) \
	FIRST_##ID, LAST_##ID = FIRST_##ID + (int) ARRAY_SIZE(params_##ID) - 2,
#include "proto/events.def"
	NPARAMS
};
const size_t schema_nparams = NPARAMS;

const struct ev_schema schema_events[] = {
#define EVENT(num_, ID, name_, CATEGORY, flags_, CAPTURE) \
	[ROW_##ID] = { .name = #name_,                    \
		.params = params_##ID,                    \
		.num = num_,                              \
		.nparams = ARRAY_SIZE(params_##ID) - 1,   \
		.nargs = NARGS_##ID,                      \
		.flags = flags_,                          \
		.category = EC_##CATEGORY,                \
		.capture = CAP_##CAPTURE,                 \
		.first = FIRST_##ID,                      \
		.texts_at = sizeof(struct ev_##ID),       \
		.texts = 0
#define PARAM(ID, index, name, TYPE, FMT, table) | (uint64_t) (PT_##TYPE >= PT_TEXT) << (index)
#define EVENT_END(ID) \
	}             \
	,
#include "proto/events.def"
#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE) [ROW_##ID].raw = 0
#define PARAM(ID, index, name, TYPE, FMT, table)       | (uint64_t) RAW_##table << (index)
#define EVENT_END(ID)                                  ,
#include "proto/events.def"
#define ROLE EVR_RESULT
#include "proto/schema_role.h"
#define ROLE EVR_FD
#include "proto/schema_role.h"
#define ROLE EVR_PATH
#include "proto/schema_role.h"
#define ROLE EVR_SOURCE
#include "proto/schema_role.h"
#define ROLE EVR_TARGET
#include "proto/schema_role.h"
#define ROLE EVR_OPEN_FLAGS
#include "proto/schema_role.h"
#define ROLE EVR_MODE
#include "proto/schema_role.h"
#define ROLE EVR_DEV
#include "proto/schema_role.h"
#define ROLE EVR_INO
#include "proto/schema_role.h"
#define ROLE EVR_REAL
#include "proto/schema_role.h"
#define ROLE EVR_DATA
#include "proto/schema_role.h"
#define ROLE EVR_TUPLE
#include "proto/schema_role.h"
#define ROLE EVR_FDS
#include "proto/schema_role.h"
};
const size_t schema_nevents = ARRAY_SIZE(schema_events);

const char *const schema_role_names[] = {
	[EVR_RESULT] = "RESULT",
	[EVR_FD] = "FD",
	[EVR_PATH] = "PATH",
	[EVR_SOURCE] = "SOURCE",
	[EVR_TARGET] = "TARGET",
	[EVR_OPEN_FLAGS] = "OPEN_FLAGS",
	[EVR_MODE] = "MODE",
	[EVR_DEV] = "DEV",
	[EVR_INO] = "INO",
	[EVR_REAL] = "REAL",
	[EVR_DATA] = "DATA",
	[EVR_TUPLE] = "TUPLE",
	[EVR_FDS] = "FDS",
};
_Static_assert(ARRAY_SIZE(schema_role_names) == EV_ROLES && EVR_FDS + 1 == EV_ROLES,
    "every role has its name here, and its column in schema_events");

/* For every event number: 1 + index into schema_events, or 0. */
static const uint16_t row_of[EV_TYPE_MAX] = {
#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE) [num] = ROW_##ID + 1,
#include "proto/events.def"
};

#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE)              \
	_Static_assert(ARRAY_SIZE(params_##ID) - 1 <= EV_PARAM_MAX, \
	    #ID " has more parameters than 'present' has bits for");
#include "proto/events.def"
#define PARAM(ID, index, name, TYPE, FMT, table) \
	_Static_assert((index) < ARRAY_SIZE(params_##ID) - 1, #ID "." #name " is out of its row");
#include "proto/events.def"

const struct ev_schema *
schema_get(uint32_t num)
{
	if (num >= EV_TYPE_MAX || row_of[num] == 0)
		return NULL;
	return &schema_events[row_of[num] - 1];
}

const struct ev_schema *
schema_by_name(struct slice name, size_t i)
{
	for (size_t k = 0; k < schema_nevents; k++) {
		if (slice_eq(slice_str(schema_events[k].name), name) && i-- == 0)
			return &schema_events[k];
	}
	return NULL;
}

int
schema_param(const struct ev_schema *s, struct slice name)
{
	for (int i = 0; i < s->nargs; i++) {
		if (slice_eq(slice_str(s->params[i].name), name))
			return i;
	}
	return -ENOENT;
}
