/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field_int.h - getters of fields' values; the files of this folder only.
 *
 * A getter is named in fields.def. It returns the number of values that it put into g->ret, 0 for
 * null.
 */
#ifndef MEWS_COLLECTOR_FIELD_FIELD_INT_H
#define MEWS_COLLECTOR_FIELD_FIELD_INT_H

#include "collector/field/field.h"
#include "collector/kube/kube_object.h"
#include "common/buf.h"
#include "common/intern.h"
#include "proto/names.h"

struct fget {
	const struct field_ref *f;
	const struct view *v;
	struct fscratch *fs;
	struct fval *ret;
	int max;
	int a, b; /* of the field's row */
};
typedef int field_getter(const struct fget *g);

/* A field's getter, with the columns a and b of its row. */
struct getter {
	field_getter *get;
	int a, b;
};
void field_getter_of(const struct field *f, struct getter *ret);

#define FIELD(name, TYPE, MULTI, FMT, flags, getter, a, b, help, depends_on) \
	field_getter get_##getter;
#include "collector/field/fields.def"

/* Values of the columns a and b of fields.def. */
enum { CLK_TIME, CLK_TIME_S, CLK_ISO, CLK_DATE, CLK_DATE_S };
enum { PART_ALL, PART_S, PART_NS };
enum { WORD_DIR, WORD_LATENCY };
enum { IO_ANY, IO_IN, IO_OUT };
enum { FDK_ANY, FDK_FILE, FDK_NET, FDK_MEMORY, FDK_OTHER };
enum { INFRA_NAME, INFRA_ID, INFRA_CONTAINER, INFRA_IMAGE };
enum { OPEN_READ, OPEN_WRITE, OPEN_EXEC, OPEN_CREATE };
enum { WHO_SELF, WHO_PARENT, WHO_SID, WHO_VPGID, WHO_PGID };
enum {
	NUM_TTY,
	NUM_PID,
	NUM_VPID,
	NUM_SID,
	NUM_VPGID,
	NUM_PGID,
	NUM_EXE_INO,
	NUM_FDLIMIT,
	NUM_VMSIZE,
	NUM_VMRSS,
	NUM_VMSWAP,
	NUM_NTHREADS,
	NUM_NCHILDS,
	NUM_PIDNS,
	NUM_PFMAJOR,
	NUM_PFMINOR,
	NUM_TID,
	NUM_VTID,
	NUM_MAIN_VMSIZE,
	NUM_MAIN_VMRSS,
	NUM_MAIN_VMSIZE_B,
	NUM_MAIN_VMRSS_B,
};
enum { TIME_AGE, TIME_START, TIME_CTIME, TIME_MTIME, TIME_SINCE_CTIME, TIME_PIDNS_CTIME };
enum { TXT_NAME, TXT_HOME, TXT_SHELL };
enum { END_CLIENT, END_SERVER, END_LOCAL, END_REMOTE, END_BOTH };
enum { LIST_NUM, LIST_NAME, LIST_CIP, LIST_SIP, LIST_CPORT, LIST_SPORT };
enum { DEV_ALL, DEV_MAJOR, DEV_MINOR };
enum { FS_NAME, FS_SOURCE, FS_TARGET };
enum { FS_FALCO, FS_RAW, FS_OWN };
enum { HOST_WORD, HOST_EMPTY, HOST_FALSE, HOST_NULL };
enum { KUBE_NAME, KUBE_UID, KUBE_NS, KUBE_IP, KUBE_KIND };
enum { MOUNT_SOURCE, MOUNT_DEST, MOUNT_MODE, MOUNT_RDWR, MOUNT_PROPAGATION, MOUNT_ALL };
#define CT(member) ((int) EVP_CONTAINER_INFO_##member)
#define TH(member) ((int) offsetof(struct thread, member))

/* ---- field_put.c ---- */

/* Set the result, at the end of a getter. */
int put_text(const struct fget *g, struct slice s); /* null if s.p is NULL */
int put_word(const struct fget *g, const char *s);  /* the same */
int put_id(const struct fget *g, uint32_t id);      /* an empty text is "" */
int put_int(const struct fget *g, int64_t v);
int put_uint(const struct fget *g, uint64_t v); /* with the field's type */
int put_bool(const struct fget *g, bool v);

struct slice view_text(const struct view *v, uint32_t id); /* "" for INTERN_NULL */

/* ---- value_text.c ---- */

void number_text(const struct fval *v, enum ev_pfmt fmt, bool padded, struct buf *out);
void ip_text(const uint8_t *addr, unsigned family, struct buf *out);
const char *errno_name(int64_t negative); /* NULL: unknown */
/* "16:00:00", local time or UTC; 'date': with "2019-08-19" and this before it, unless it is NUL;
 * 'fraction': followed by ".000000001". */
void time_text(uint64_t ns, bool utc, char date, bool fraction, struct buf *out);

/* ---- param_text.c ---- */

/* Print parameter 'i' as evt.arg does: resolved if that adds information; "<NA>" if not filled. */
void param_text(const struct view *v, unsigned i, struct buf *out);
/* Print parameters as evt.args does: "name=raw(resolved)", separated by blanks. */
void params_text(const struct view *v, struct buf *out);
/* The transport that Falco shows: of a raw socket at once, of another one when it has a role, but
 * not of a new connection to a mapped address. */
static inline unsigned
fd_transport(const struct fd_entry *fd)
{
	bool shown = fd->role != ROLE_NONE && !(fd->state & FDS_MAPPED);

	return shown || fd->l4 == L4_RAW ? fd->l4 : L4_NA;
}

/* "<4t>": the letters before a descriptor's name. */
void fd_letters(const struct fd_entry *fd, struct buf *out);

/* ---- field_evt.c ---- */

/* The event's result: res, or the descriptor that it created. false: none. */
bool event_result(const struct event *ev, int64_t *ret);

/* ---- field_io.c ---- */

/* The access that an open requests: everything that evt.is_open_read and evt.is_open_write use. */
unsigned open_access(const struct event *ev);

/* ---- field_arg.c ---- */

/* Is evt.rawarg a number that the event has, but not filled? It is null, and prints as 0. */
bool rawarg_empty(const struct field_ref *f, const struct event *ev);
/* The print format of evt.rawarg on this event. */
enum ev_pfmt rawarg_fmt(const struct field_ref *f, const struct event *ev);

/* ---- field_container.c ---- */

/* What the runtime says, EVP_CONTAINER_INFO_*; p is NULL: nothing. */
struct slice container_said(const struct fget *g, int param);
/* The label that the field's argument names, of a list of "key=value", each with its NUL. */
int put_label(const struct fget *g, struct slice list);
/* Words, each with its NUL, joined by blanks; null if there is none. */
int put_words(const struct fget *g, struct slice list);
/* "key:value, key"; without those that runtimes and Kubernetes add. */
int put_labels(const struct fget *g, struct slice list);

/* ---- shared by several files ---- */

/* Is it the exit of an open call, or of creat()? */
static inline bool
opens_file(const struct ev_schema *s)
{
	return fd_type_by_event[s->num] == FD_FILE && (s->flags & EF_CREATES_FD);
}

/* Does it connect a socket to its peer? */
static inline bool
connects(const struct ev_schema *s)
{
	return s->category == EC_NET && schema_has_role(s, EVR_TUPLE);
}

/* The ends (fd.name) of a call whose descriptor is not in the table, from the event. false: not
 * such a call. */
bool fd_lost_tuple(const struct view *v, struct slice *ret);

struct slice thread_container(const struct view *v); /* "host" or its id */

#endif
