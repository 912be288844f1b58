/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field.h - the fields that conditions and outputs name, and access to their values.
 *
 * fields.def has a row per field (Falco's 233, the container plugin's 61, k8smeta.*, mews.*). A
 * reference is looked up once, when a rule is compiled, and evaluated many times.
 */
#ifndef MEWS_COLLECTOR_FIELD_FIELD_H
#define MEWS_COLLECTOR_FIELD_FIELD_H

#include "collector/field/fscratch.h"
#include "collector/state/state.h"
#include "common/arena.h"
#include "common/diag.h"
#include "common/macros.h"
#include "common/near.h"
#include "common/slice.h"
#include <stdbool.h>
#include <stdint.h>

enum ftype {
	FT_STR,  /* texts: CHARBUF, FSPATH, FSRELPATH */
	FT_INT,  /* signed */
	FT_UINT, /* unsigned */
	FT_BOOL,
	FT_DOUBLE,
	FT_BYTES, /* BYTEBUF */
	FT_IP,
	FT_NET,
	FT_PORT,
	FT_RELTIME, /* ns */
	FT_ABSTIME, /* ns since the epoch */
	FT_DYN,     /* evt.rawarg: the parameter's type */
};

/* How a comparison treats a field with more than one value. */
enum fmulti {
	FM_ONE,    /* one value */
	FM_LIST,   /* a list: in, intersects, exists only */
	FM_ANY,    /* true if any value satisfies the operator, != too (proc.aname) */
	FM_EITHER, /* two ends: = if either, != if both differ (fd.ip, fd.port, fd.net, fd.proto) */
};

/* field.flags */
#define FF_ARG_NEEDED   0x001
#define FF_ARG_ALLOWED  0x002
#define FF_ARG_INDEX    0x004 /* [N] */
#define FF_ARG_KEY      0x008 /* [NAME] */
#define FF_ARG_DOT      0x010 /* .NAME */
#define FF_FILTER_ONLY  0x020
#define FF_PRINT_ONLY   0x040
#define FF_NO_TRANSFORM 0x080
#define FF_NO_RHS       0x100
#define FF_DEPRECATED   0x200
#define FF_SECRETS      0x400     /* has texts in which sensors replace secrets: proto/redact.h */
#define FF_PADDED       0x800     /* prints as nine digits, with leading zeros */
#define FF_COMM         0x1000    /* a task's name in the kernel: COMM_MAX bytes at most */
#define FF_EVENT_NAME   0x2000    /* its values are names of events */
#define FF_EVENT_NUMBER 0x4000    /* with FF_EVENT_NAME: every event has one, compare its number */
#define FF_ARG_EVENT    0x8000    /* the argument is the name of an event */
#define FF_ARG_PARAM    0x10000   /* the argument after a dot is the name of a parameter */
#define FF_ARG_SIDE     0x20000   /* the argument is src or dst */
#define FF_ARG_NATURAL  0x40000   /* the argument in brackets is not negative */
#define FF_FROM_1       0x80000   /* counts from 1: 'evt.num=0' is how rules say never */
#define FF_WITHIN       0x100000  /* takes only '=': at most that many ms away */
#define FF_DIRECTION    0x200000  /* enter or exit: of no use since there are exit events only */
#define FF_PRINT_FIRST  0x400000  /* without an argument prints as [0] */
#define FF_32_BITS      0x800000  /* -1 in a condition is 4294967295 */
#define FF_CLOCK        0x1000000 /* a time, a text in outputs and a number in JSON */
#define FF_LONG         0x2000000 /* may be long, so that getting it is expensive */

/* The source of a field that only some events fill, or nothing yet; see field_waits(). It is in the
 * bits of field.flags above the flags. */
enum fsource {
	FROM_ANYTHING, /* the field never waits */
	FROM_PLUGINS,
	FROM_ASYNC,
	FROM_INFRA,
	FROM_DATA, /* the bytes that calls transfer */
	FROM_IO,
	FROM_READS,
	FROM_WRITES,
	FROM_SOCKET,
	FROM_POLL,
	FROM_SWITCH,
	FROM_KUBE, /* the API server of a cluster, if one is configured */
	FROM_CPU_SAMPLES,
	FROM_NAMES, /* look-ups of addresses */
	FROM_MAX,
};
#define FF_FROM(SOURCE)  ((unsigned) FROM_##SOURCE << 26)
#define FF_SOURCE(flags) ((flags) >> 26)

enum { COMM_MAX = 15 };

struct buf;

/*
 * field.depends_on: everything that a value is computed from. The first ones are pieces of the
 * state (STATE_*): a value computed from these alone can be remembered for a thread until
 * state_version() of them changes.
 */
#define ON_NOTHING 0 /* except the event's type */
#define ON_PROCESS STATE_PROCESS
#define ON_CWD     STATE_CWD
#define ON_USAGE   STATE_USAGE
#define ON_USERS   STATE_USERS
#define ON_TEXT    0x0010 /* the thread's text at offset b; part of PROCESS */
#define ON_ENV     0x0020 /* the environment; part of PROCESS */
#define ON_NAME    0x0040 /* the name in a generic event (syscall, asyncevent) */
#define ON_PARAM   0x0080 /* the parameter named by the argument */
#define ON_OPEN    0x0100 /* parameters of open calls */
#define ON_ACCESS  0x0200 /* the access mode of an open call: read, write */
#define ON_FD      0x0400 /* name and type of the event's descriptor */
#define ON_REAL    0x0800 /* the real path of the event's descriptor */
#define ON_EVENT   0x1000 /* anything: the event, descriptors, the clock */
#define ON_TIME    0x2000 /* as EVENT, and rarely the same twice */

struct field {
	const char *name;
	const char *help;
	enum ftype type;
	enum fmulti multi;
	enum ev_pfmt fmt; /* how a number prints */
	unsigned flags;
	unsigned depends_on;
};

/* A field with its argument, bound at compile time; immutable. */
struct field_ref {
	const struct field *field;
	struct slice text; /* as written: "proc.aname[2]"; lives in the compile's arena */
	struct slice key;  /* the argument, p == NULL: none */
	int64_t index;     /* the argument as a number */
	const struct ev_param
	    *param;                 /* evt.arg.NAME, evt.rawarg.NAME: of the first event with it */
	const uint8_t *param_index; /* its index by event number; 0xff: the event has none */
	bool has_arg, has_index;
};

/* A value. 'id' is the intern id of a text if it has one, so that predicates can be memoized. */
struct fval {
	enum ftype type;
	uint32_t id;
	union {
		int64_t i;
		uint64_t u; /* UINT, PORT, RELTIME, ABSTIME */
		double d;
		bool b;
		struct slice s; /* STR, BYTES: borrowed until the next event */
		struct {
			uint8_t family; /* 4 or 6 */
			uint8_t addr[16];
		} ip;
	};
};

/*
 * Find the longest field at the start of 'text', with its argument. Sets *used to its length.
 * -EINVAL and *d (line 1, col from 1 within text). 'a' takes copies.
 */
int field_lookup(struct slice text, struct arena *a, struct field_ref *ret, size_t *used,
    struct diag *d) MUST_CHECK;

/* Get up to 'max' values; 0: null. FM_ONE gives one at most. -1: a list that exists but is
 * empty. */
int field_get(const struct field_ref *f, const struct view *v, struct fscratch *fs,
    struct fval *ret, int max);

/* The text that outputs print; false: null. Borrowed until the next event. */
bool field_text(
    const struct field_ref *f, const struct view *v, struct fscratch *fs, struct slice *ret);

/* One value as outputs print it, appended; f == NULL: a plain value. */
void value_text(const struct field *f, const struct fval *v, struct buf *out);

/* A hint for a text that does not begin with a field's name: "; did you mean 'fd.name'?", or "". It
 * is stored in 'n'. */
const char *field_hint(struct slice text, struct near *n);

/* The missing source of a field that cannot have a value yet, as a noun; NULL: it can have one.
 * A source of events is missing while none of them is captured. */
const char *field_waits(const struct field *f);
/* Fields of FROM_KUBE have values in this program. Call it before rules are loaded, and before any
 * thread starts. */
void field_has_kube(bool has);

/* All fields, for 'mewsctl rules fields'. */
extern const struct field fields[];
extern const size_t nfields;

#endif
