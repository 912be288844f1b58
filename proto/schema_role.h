/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_role.h - one role's column of schema_events[]; schema.c includes it once per role, with
 * ROLE defined. It holds the rules that give a parameter its role.
 */

/* Does parameter 'index' have the role according to its row? */
#define ROLE_OF_ROW(index, TYPE, FMT, table)                                                \
	((ROLE == EVR_RESULT && (index) == 0 && PT_##TYPE == PT_ERRNO) ||                   \
	    (ROLE == EVR_FD && PT_##TYPE == PT_FD) ||                                       \
	    (ROLE == EVR_PATH && (PT_##TYPE == PT_FSPATH || PT_##TYPE == PT_FSRELPATH)) ||  \
	    (ROLE == EVR_OPEN_FLAGS && ((int) TABLE_##table == (int) TABLE_open_flags ||    \
					   (int) TABLE_##table == (int) TABLE_fd_flags)) || \
	    (ROLE == EVR_MODE && PF_##FMT == PF_OCT) ||                                     \
	    (ROLE == EVR_DATA && PT_##TYPE == PT_BYTEBUF) ||                                \
	    (ROLE == EVR_TUPLE && PT_##TYPE == PT_SOCKTUPLE) ||                             \
	    (ROLE == EVR_FDS && PT_##TYPE == PT_FDLIST))

/* The same for our own parameters. */
#define ROLE_OF_EXTRA(TYPE) (ROLE == EVR_REAL && PT_##TYPE == PT_FSPATH)

/* For a call that creates a descriptor, the exit event's first parameter is its result and its
 * descriptor. */
#define ROLE_OF_MADE(flags)                        \
	((ROLE == EVR_RESULT || ROLE == EVR_FD) && \
	    ((flags) & (EF_CREATES_FD | EF_ENTRY)) == EF_CREATES_FD)

/* Can an event with these flags have the role at all? */
#define ROLE_FITS(flags)                                                       \
	(ROLE == EVR_FD        ? ((flags) &EF_ANY_FD) != 0                     \
	    : ROLE == EVR_DATA ? ((flags) & (EF_READS_FD | EF_WRITES_FD)) != 0 \
			       : true)

/* The lowest bit of the parameters that have the role; EV_ABSENT's bit is always set. */
#define EVENT(num, ID, name, CATEGORY, flags, CAPTURE)                                     \
	[ROW_##ID].role[ROLE] = !ROLE_FITS(flags) ? EV_ABSENT : (uint8_t) __builtin_ctzll( \
	    1ULL << EV_ABSENT | (uint64_t) ROLE_OF_MADE(flags)
#define PARAM(ID, index, name, TYPE, FMT, table) \
	| (uint64_t) ROLE_OF_ROW(index, TYPE, FMT, table) << (index)
#define PARAM_AS(ID, index, name, TYPE, FMT, table, AS) | (uint64_t) (ROLE == EVR_##AS) << (index)
#define EXTRA(ID, index, name, TYPE, FMT, table)        | (uint64_t) ROLE_OF_EXTRA(TYPE) << (index)
#define EVENT_END(ID) ),
#include "proto/events.def"

#undef ROLE_OF_ROW
#undef ROLE_OF_EXTRA
#undef ROLE_OF_MADE
#undef ROLE_FITS
#undef ROLE
