/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h - events.def and names.def as tables for use at run time.
 *
 * Everything here is constant and may be used by any thread.
 */
#ifndef MEWS_PROTO_SCHEMA_H
#define MEWS_PROTO_SCHEMA_H

#include "common/macros.h"
#include "common/slice.h"
#include "proto/event.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ev_category {
	EC_NONE,
	EC_OTHER,
	EC_FILE,
	EC_NET,
	EC_IPC,
	EC_MEMORY,
	EC_PROCESS,
	EC_SLEEP,
	EC_SYSTEM,
	EC_SIGNAL,
	EC_USER,
	EC_TIME,
	EC_IO_READ,
	EC_IO_WRITE,
	EC_IO_OTHER,
	EC_WAIT,
	EC_SCHEDULER,
	EC_INTERNAL,
};

enum ev_capture { CAP_NOT, CAP_EXIT, CAP_TRACE, CAP_SNAP };

enum ev_ptype {
	PT_ERRNO,
	PT_FD,
	PT_PID,
	PT_UID,
	PT_GID,
	PT_INT16,
	PT_INT32,
	PT_INT64,
	PT_UINT8,
	PT_UINT16,
	PT_UINT32,
	PT_UINT64,
	PT_FLAGS8,
	PT_FLAGS16,
	PT_FLAGS32,
	PT_ENUMFLAGS8,
	PT_ENUMFLAGS16,
	PT_ENUMFLAGS32,
	PT_MODE,
	PT_SIGTYPE,
	PT_SIGSET,
	PT_PORT,
	PT_IPV4ADDR,
	PT_RELTIME,
	PT_ABSTIME,
	PT_SYSCALLID,
	PT_TEXT, /* from here on: texts */
	PT_CHARBUF = PT_TEXT,
	PT_CHARBUFARRAY,
	PT_BYTEBUF,
	PT_FSPATH,
	PT_FSRELPATH,
	PT_SOCKADDR,
	PT_SOCKTUPLE,
	PT_DYN,
	PT_IPV6ADDR,
	PT_FDLIST,
};

enum ev_pfmt { PF_NA, PF_DEC, PF_HEX, PF_OCT };

/* The KIND of NAMES() in names.def: how kernel numbers are translated. */
enum ev_names_kind { NAMES_SAME, NAMES_OURS, NAMES_FLAGS, NAMES_ENUM };

struct ev_name {
	const char *name;
	uint64_t value;  /* in events */
	uint64_t kernel; /* on this architecture; NAMES_NO: none */
	bool other;      /* NAME_ELSE() */
};

/* A table of names.def. */
struct ev_names {
	const struct ev_name *v;
	size_t n;
	enum ev_names_kind kind;
};

struct ev_param {
	const char *name;
	const struct ev_names *names; /* never NULL; n is 0 without names */
	enum ev_ptype type;
	enum ev_pfmt fmt;
	bool extra;  /* our own: no evt.arg */
	uint16_t at; /* a number's offset in a record, in bytes */
};

/*
 * The role of a parameter in its event, so that one piece of code serves many events. The first
 * matching parameter has the role; a parameter may have several (dup's return value is its result
 * and its descriptor).
 */
enum ev_role {
	EVR_RESULT,     /* the return value: an errno if below 0 */
	EVR_FD,         /* the descriptor that the event creates or uses */
	EVR_PATH,       /* the path that it acts on */
	EVR_SOURCE,     /* of two paths: the renamed file, the new link, the mount source */
	EVR_TARGET,     /* and its new name, the link's target, the mount point */
	EVR_OPEN_FLAGS, /* O_*, or at least O_CLOEXEC */
	EVR_MODE,       /* of a new file */
	EVR_DEV,        /* device and inode of the opened or reported file */
	EVR_INO,
	EVR_REAL,  /* the kernel's path of that file */
	EVR_DATA,  /* the bytes read or written */
	EVR_TUPLE, /* both ends of a socket */
	EVR_FDS,   /* the descriptors waited for */
	EV_ROLES,
	EVR_NONE = EV_ROLES
};
#define EV_ABSENT 63 /* the index of an absent parameter: no event has it */

struct ev_schema {
	const char *name; /* evt.type */
	const struct ev_param *params;
	uint16_t num;    /* EV_* */
	uint8_t nparams; /* including our own */
	uint8_t nargs;   /* Falco's parameters: evt.arg[0..nargs) */
	uint32_t flags;  /* EF_* */
	enum ev_category category;
	enum ev_capture capture;
	uint16_t first;    /* its first parameter among those of all events */
	uint16_t texts_at; /* offset of the first text in a record */
	uint64_t texts;    /* bit i: parameter i is a text */
	uint64_t raw;      /* bit i: parameter i holds the kernel's own numbers until translated */
	uint8_t role[EV_ROLES]; /* the parameter's index, or EV_ABSENT: EVR_* */
};

static inline bool
schema_has_role(const struct ev_schema *s, enum ev_role role)
{
	return s->role[role] != EV_ABSENT;
}

/* The parameter with the descriptor that a relative path, parameter 'i', starts from: it comes
 * right before the path. EV_ABSENT: the working directory. */
static inline unsigned
schema_dirfd(const struct ev_schema *s, unsigned i)
{
	return i > 0 && i < s->nparams && s->params[i].type == PT_FSRELPATH ? i - 1 : EV_ABSENT;
}

static inline bool
ptype_is_text(enum ev_ptype t)
{
	return t >= PT_TEXT;
}

/* The schema of an event number; NULL: no such event. */
const struct ev_schema *schema_get(uint32_t num);

/* All current events, in the table's order. */
extern const struct ev_schema schema_events[];
extern const size_t schema_nevents;
extern const size_t schema_nparams; /* of all of them together */

extern const char *const schema_role_names[EV_ROLES]; /* "RESULT"... */

/* The i-th schema named 'name' (from 0: an enter and an exit event share a name), or NULL. */
const struct ev_schema *schema_by_name(struct slice name, size_t i);

/* The index of the parameter of that name, or -ENOENT. Does not find our own extra ones. */
int schema_param(const struct ev_schema *s, struct slice name) MUST_CHECK;

/*
 * Check a record from outside (a ring, a file): its length, known type, the texts inside the
 * record, no bits past the schema. -EBADMSG if it is malformed. The functions below require a
 * record that passed.
 */
int record_check(const void *rec, size_t n) MUST_CHECK;

/* Parameter 'i' of a checked record as a number; 0 if it is absent or a text. */
int64_t record_num(const struct ev_hdr *rec, const struct ev_schema *s, unsigned i);

/* Parameter 'i' as a text, borrowed from the record; p is NULL if it is absent or a number. */
struct slice record_text(const struct ev_hdr *rec, const struct ev_schema *s, unsigned i);

#endif
