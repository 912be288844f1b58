/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - the current state of one node's processes: threads, descriptors, users.
 *
 * A node's state belongs to the shard thread that owns the node: nothing here is locked. Threads
 * are keyed by tid (initial pid namespace) and distinguished over time by their start time. Texts
 * are intern ids of the shard's pool, held (intern_ref) while an entry contains them.
 *
 * Semantics are Falco's (libs 0.25): the contents of an entry and the events that change it.
 */
#ifndef MEWS_COLLECTOR_STATE_STATE_H
#define MEWS_COLLECTOR_STATE_STATE_H

#include "common/intern.h"
#include "common/macros.h"
#include "proto/batch.h"
#include <stdbool.h>
#include <stdint.h>

#define AT_CWD (-100) /* AT_FDCWD */

/* fd.type and fd.typechar: fd_type_word(), fd_type_char(). */
enum fd_type {
	FD_UNKNOWN,
	FD_FILE,
	FD_DIRECTORY,
	FD_IPV4,
	FD_IPV4_SERVER,
	FD_IPV6,
	FD_IPV6_SERVER,
	FD_UNIX,
	FD_PIPE,
	FD_EVENT,
	FD_SIGNALFD,
	FD_EPOLL,
	FD_INOTIFY,
	FD_TIMERFD,
	FD_NETLINK,
	FD_BPF,
	FD_USERFAULTFD,
	FD_IO_URING,
	FD_MEMFD,
	FD_PIDFD,
	FD_UNSUPPORTED,
};

/* The type of the descriptor that an event creates or describes, by event number: events.def's
 * FDTYPE. FD_UNKNOWN: none, or given by the event. */
extern const uint8_t fd_type_by_event[EV_TYPE_MAX];

enum fd_l4 { L4_UNKNOWN, L4_NA, L4_TCP, L4_UDP, L4_ICMP, L4_RAW };
enum fd_role { ROLE_NONE, ROLE_CLIENT, ROLE_SERVER };

/* Does state need an event that no rule wants? See parsers.def. */
enum state_need {
	STATE_NEEDS_NOT,
	STATE_NEEDS_PEERS,
	STATE_NEEDS_ERROR,
	STATE_NEEDS_CHILD,
	STATE_NEEDS_ALL
};
enum state_need state_needs(unsigned num);

/* The part of the state that an event changes, as words; NULL: none. */
enum state_part {
	STATE_PART_NONE,
	STATE_PART_THREADS,
	STATE_PART_DESCRIPTORS,
	STATE_PART_SOCKETS,
	STATE_PART_FOLDERS,
	STATE_PART_IDS,
	STATE_PART_LIMITS,
	STATE_PART_USERS,
	STATE_PART_CONTAINERS,
};
const char *state_part_name(unsigned num);

/* fd_entry.state */
#define FDS_CONNECTED   0x01
#define FDS_PENDING     0x02 /* connect() under way */
#define FDS_CLOEXEC     0x04
#define FDS_UPPER_LAYER 0x08
#define FDS_LOWER_LAYER 0x10
#define FDS_SNAPSHOT    0x20 /* from a snapshot, not from an event */
#define FDS_MAPPED      0x40 /* connected to an IPv4 address through IPv6, nothing sent yet */

/*
 * An open descriptor. Source is the client's end, destination the server's. A bound server socket
 * (FD_IPV4_SERVER...) has its address in dip, dport. A unix socket has its two kernel addresses in
 * the first 8 bytes of sip and dip. While role is ROLE_NONE fd.l4proto is "<NA>", unless l4 is
 * L4_RAW; with FDS_MAPPED it is "<NA>", too, and the name "<unknown>", as in Falco.
 */
struct fd_entry {
	uint64_t ino;
	uint64_t since; /* boot ns: when it became known */
	int32_t fd;
	uint32_t name;    /* intern id: fd.name */
	uint32_t nameraw; /* intern id: the path as passed */
	uint32_t real;    /* intern id: the path that the kernel opened; empty: the name */
	uint32_t flags;   /* open flags, events' values */
	uint32_t dev;
	uint16_t sport, dport;
	uint8_t sip[16], dip[16]; /* IPv4 in the first 4 */
	uint8_t type;             /* enum fd_type */
	uint8_t l4;               /* enum fd_l4 */
	uint8_t role;             /* enum fd_role */
	uint8_t state;            /* FDS_* */
};

struct fd_table;

/* Look-ups may read it; only this folder writes. */
struct thread {
	uint64_t start;       /* start_boottime: with tid, its identity; 0 not known */
	uint64_t clone_ts;    /* realtime ns; 0 not known */
	uint64_t pidns_start; /* boot ns: start of its pid namespace; see state_pidns_start() */
	uint64_t updated; /* boot ns of the newest event that changed it, or of a snapshot's read */
	int64_t tid, pid, ptid;
	int64_t vtid, vpid;       /* innermost pid namespace; -1 not known */
	int64_t sid, pgid, vpgid; /* sid, pgid: of the initial pid namespace, as tid and pid */
	int64_t fdlimit;
	uint64_t cap_inheritable, cap_permitted, cap_effective;
	uint64_t exe_ino, exe_ino_ctime, exe_ino_mtime;
	uint64_t pgft_maj, pgft_min;
	uint64_t cgroup_id;
	uint32_t vm_size, vm_rss, vm_swap; /* KiB */
	uint32_t uid, gid, loginuid;       /* 0xffffffff: not known or unset */
	uint32_t tty;
	uint32_t exe_flags;          /* EXE_*, values of execve.flags */
	uint32_t comm, exe, exepath; /* exe: argv[0] */
	uint32_t args;               /* argv[1..], each with its NUL */
	uint32_t args_text;          /* the same joined by blanks */
	uint32_t cmdline;            /* comm at exec, then the arguments */
	uint32_t env;                /* each with its NUL; of the main thread */
	uint32_t cgroups;            /* "subsys=/path", each with its NUL */
	uint32_t container_id;       /* "host", or 12 characters */
	uint32_t entered_by; /* the command, words each with its NUL, with which it or an ancestor
				came into the container after its start; NULL: none did */
	uint32_t root;
	uint32_t cwd;         /* ends in '/'; of the main thread */
	uint32_t nthreads;    /* live threads of the group; of the main thread */
	struct fd_table *fds; /* of the main thread, shared by its group; NULL in the others */
	bool placeholder; /* never seen: names are "<NA>"; proc.pid shows -1, proc.nthreads 0, the
			     parents nothing */
	bool dead;        /* has exited: removed by the next event, or with its group */
	bool gone;        /* removed, kept for late events and children (dead_grace_ns) */
	bool pidns_known;
	bool subreaper;
	bool told;        /* by its own clone event, which overrides its parent's */
	bool listed;      /* private from here on: in the table */
	uint32_t snap;    /* the last snapshot that named it */
	uint64_t snap_ts; /* and when that was read, boot ns */
	int64_t last_fd;  /* the last descriptor it used */
	uint64_t seen;    /* boot ns of its newest event */
	uint64_t died;
	struct thread *next_free;            /* of the free list, or of the dead */
	struct thread *kid_next, **kid_link; /* threads with the same parent */
	struct thread *grp_next, *grp_prev;  /* its thread group, a ring */
};

struct state_limits {
	uint32_t threads;       /* per node; the longest idle is removed first, counted */
	uint32_t fds;           /* per process */
	uint64_t bytes;         /* per node: its texts, threads and descriptors; 0: no bound */
	uint64_t dead_grace_ns; /* how long a dead process serves late events and children; look-ups
				 * by number do not see it */
};

struct state_stats {
	uint64_t threads, fds;
	uint64_t bytes; /* counted towards limits.bytes */
	uint64_t threads_evicted, fds_refused, placeholders, snapshot_entries;
	uint64_t forgotten; /* threads that lost their texts and descriptors to limits.bytes */
};

struct state;

/* 'pool' is borrowed and must outlive the state. -ENOMEM. */
int state_new(
    struct intern *pool, const struct state_limits *limits, struct state **ret) MUST_CHECK;
void state_free(struct state *s);

/* The node's addresses, from its Hello: fd.lip, fd.rip, fd.is_server. */
int state_set_interfaces(struct state *s, Wire__Interface *const *v, size_t n) MUST_CHECK;

struct kube_side; /* kube/kube_store.h */

/*
 * An event as rules see it, with the state right after it (a closed descriptor and a dead process
 * are still there). Valid until the next state_apply() or state_snapshot() on this state. 'thread'
 * and 'main' are never NULL.
 */
struct view {
	struct state *state;
	const struct batch *batch;
	const struct event *ev;
	const struct thread *thread;
	const struct thread *main; /* of the group */
	const struct fd_entry *fd; /* the event's descriptor; NULL: none, or unknown */
	const char *node;          /* evt.hostname */
	const char *cluster;       /* mews.cluster */
	uint64_t num;              /* evt.num, from 1 per stream */
	uint64_t time;             /* realtime ns of the event */
	struct slice loss;         /* mews.loss, JSON; empty: nothing was lost in the hour before */
	const struct kube_side *kube; /* what an API server says of the node's pods; NULL: none */
	int64_t fd_num;               /* fd.num */
	uint32_t event_path;          /* intern id: the resolved path of a failed open; 0: none */
	uint32_t event_pathraw;
	bool has_fd;          /* the event is about a descriptor: fd.num is not null */
	bool fd_name_changed; /* fd.name differs from before this event */
};

/*
 * Call before each batch: account for this node from here on, and bring the node back within
 * limits.bytes. If it is beyond, the heaviest threads lose their descriptors, arguments,
 * environment and paths, which is counted; they, their names and their parents stay. The limit is
 * exceeded by one batch at most.
 */
void state_begin_batch(struct state *s);

/* Apply one event (any but a snapshot's), and complete *v (the caller sets 'state', 'batch', 'ev',
 * 'node', 'num' and 'time'). Never fails: what memory or a limit refuses is counted. */
void state_apply(struct state *s, const struct batch *b, const struct event *ev, struct view *v);

/* Apply one row of a snapshot (task, task_file_*, useradded, groupadded). Newer state is kept. */
void state_snapshot(struct state *s, const struct batch *b, const struct event *ev);

/* Call before the rows of a batch, with their part of a snapshot. False: an earlier part is
 * missing, and this snapshot removes nothing. */
bool state_snapshot_part(struct state *s, const Wire__Snapshot *part);

/* Call after the rows. True: the snapshot is complete; what existed before it began (or before its
 * first row, if that is older) and was not named has been removed. */
bool state_snapshot_end(struct state *s, const Wire__Snapshot *part);

/* Look-ups for fields; NULL: unknown. */
const struct thread *state_thread(const struct state *s, int64_t tid);
const struct thread *state_main(const struct state *s, const struct thread *t);
/* n = 0 the process itself, 1 its parent ... each hop's main thread. */
const struct thread *state_ancestor(const struct state *s, const struct thread *t, unsigned n);
/* NULL also if the leader has exited: its number is free only once its group or session is empty.
 */
const struct thread *state_session_leader(const struct state *s, const struct thread *t);
const struct thread *state_vpgid_leader(const struct state *s, const struct thread *t);
const struct thread *state_pgid_leader(const struct state *s, const struct thread *t);
const struct fd_entry *state_fd(const struct state *s, const struct thread *t, int64_t fd);
/* Walk the descriptors, highest first: *pos is 0 at the start; NULL at the end. */
const struct fd_entry *state_fd_next(const struct state *s, const struct thread *t, size_t *pos);
size_t state_fd_count(const struct state *s, const struct thread *t);

/* Make a path from an event absolute against the cwd or a dirfd (AT_FDCWD: -100), and normalise it:
 * returns an intern id, valid until the end of the batch. An unknown dirfd gives "<UNKNOWN>" before
 * the path. 'path' is an intern id. */
uint32_t state_resolve(struct state *s, const struct thread *t, int64_t dirfd, uint32_t path);
/* The same for a path below the folder of 'file', an absolute path. */
uint32_t state_resolve_beside(struct state *s, uint32_t file, uint32_t path);

/* Intern ids of names: INTERN_NULL if unknown. */
struct user_info {
	uint32_t name, home, shell;
};
/* As known in the container of 't'; NULL, INTERN_NULL: unknown. */
const struct user_info *state_user(const struct state *s, const struct thread *t, uint32_t uid);
uint32_t state_group(const struct state *s, const struct thread *t, uint32_t gid);

/* What the runtime of a container has written about it. */
struct container {
	uint32_t text[EVP_CONTAINER_INFO_user + 1]; /* by EVP_CONTAINER_INFO_*: intern ids; a list
							 is strings, each with its NUL */
	uint32_t traits;                            /* NV_container_traits_* */
};
/* The container of 't'; NULL: on the host, or its runtime is not known. */
const struct container *state_container(const struct state *s, const struct thread *t);

/* When the pid namespace of 't' began (the machine, if it is the host's), realtime ns; 0: unknown.
 * The same for all processes of a namespace, until the node's clock is set. */
uint64_t state_pidns_start(const struct state *s, const struct thread *t);

/* Times (boot ns) of this state's first event, and of the last but one. */
uint64_t state_began(const struct state *s);
uint64_t state_before(const struct state *s);

/* Is this address (4 or 16 bytes) one of the node's? */
bool state_is_local(const struct state *s, const uint8_t *addr, size_t n);

struct intern *state_pool(const struct state *s);

/*
 * List the live threads, or only the processes, with the next ids after 'after', ascending: at most
 * n into v, valid until the next event. Returns their number. What the last event closed or ended
 * is gone then, so call it only between two batches. Reads the whole table.
 */
size_t state_list(
    struct state *s, int64_t after, bool processes, const struct thread **v, size_t n);

/* The state of a node in pieces, without descriptors and the clock. */
enum state_piece {
	STATE_PROCESS = 0x1, /* threads: which there are, their relations, ids and texts */
	STATE_CWD = 0x2,
	STATE_USAGE = 0x4, /* memory, limits, number of threads */
	STATE_USERS = 0x8, /* names of users and groups */
	STATE_ALL = 0xf,
};

/* Changes whenever one of these pieces (STATE_*) may have changed: anything computed from a thread
 * and these pieces alone stays the same until then. Never equal for two states at one address. */
uint64_t state_version(const struct state *s, unsigned pieces);

/* Changes that do not belong to one event type. */
enum state_deed {
#define DEED(ID, PIECE, what) DEED_##ID,
#include "collector/state/touches.def"
	STATE_DEEDS
};

/* touches.def: the piece that each event may change, by number, then the piece that each deed
 * changes; 0: none. */
extern const uint8_t state_touches[EV_TYPE_MAX + STATE_DEEDS];

void state_stats(const struct state *s, struct state_stats *ret);

const char *fd_type_word(enum fd_type t); /* "file" ...; NULL where Falco says null */
char fd_type_char(enum fd_type t);

/* Return the intern id of an event's text, interned at most once per batch. */
static inline uint32_t
ev_intern(struct intern *pool, const struct batch *b, const struct event *ev, unsigned i)
{
	int64_t k;

	if (!ev_has(ev, i))
		return INTERN_NULL;
	k = ev->v[i];
	if (b->text_id[k] == INTERN_NULL)
		b->text_id[k] = intern_put(pool, b->text[k]);
	return b->text_id[k];
}

/* The descriptor to which parameter 'i', a path, is relative; AT_CWD: the working folder. */
static inline int64_t
ev_dirfd(const struct event *ev, unsigned i)
{
	unsigned dirfd = schema_dirfd(ev->schema, i);

	return dirfd == EV_ABSENT ? AT_CWD : ev_num(ev, dirfd);
}

#endif
