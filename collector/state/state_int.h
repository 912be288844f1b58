/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_int.h - shared by the files of this folder only.
 */
#ifndef MEWS_COLLECTOR_STATE_STATE_INT_H
#define MEWS_COLLECTOR_STATE_STATE_INT_H

#include "collector/state/fd_table.h"
#include "collector/state/state.h"
#include "common/container_id.h"
#include "common/hashtable.h"
#include "proto/names.h"
#include <errno.h>
#include <string.h>

#define UNKNOWN_ID       0xffffffffu
#define PATH_CAP         1024  /* a longer normalised path becomes /DIR_TOO_LONG/... */
#define SCRATCH_SIZE     12288 /* a folder and a path below it, of 4096 bytes each, fit */
#define EXITED_SIZE      1024  /* number of exits against which a snapshot is checked */
#define CLOSED_SIZE      1024  /* slots, the same for closes */
#define PATH_MEMO_SIZE   256
#define CGROUP_MEMO_SIZE 16
#define HOPS_MAX         512 /* in a walk along parents, which may contain a loop */
#define NS_2S            2000000000ULL
#define SNAP_SLACK       1000000000ULL /* ns from the list of tasks to the first entry */

/* Fixed texts, held as long as the state lives. */
struct words {
	uint32_t na;          /* "<NA>" */
	uint32_t here;        /* "./": an unknown cwd */
	uint32_t root;        /* "/" */
	uint32_t host;        /* "host": no container */
	uint32_t unknown;     /* "<unknown>": fd.name of a socket of unknown transport */
	uint32_t unknown_dir; /* "<UNKNOWN>": before a path whose dirfd is unknown */
	uint32_t too_long;    /* in place of a path longer than PATH_CAP */
};

/* Threads by tid: open addressing. Next to it, chains of threads by their parent's id. */
struct thread_table {
	struct thread_slot {
		int64_t tid;
		struct thread *t; /* NULL: free */
	} * slots;
	struct thread **kids; /* by hash of ptid; as many as slots */
	uint32_t mask;
	uint32_t n;
	uint32_t hand; /* where the next search for the longest idle starts */
};

struct slab {
	struct slab *next;
	struct thread t[];
};

struct user_slot {
	uint32_t container, uid; /* container 0: free */
	struct user_info info;   /* of a group: info.name */
};

struct container_slot {
	uint32_t id;    /* thread.container_id, held; 0: free */
	bool used;      /* by a thread, when containers_sweep() looked */
	uint64_t since; /* boot ns */
	struct container c;
};

struct iface {
	uint8_t addr[16];
	uint8_t n, prefix;
	bool loopback;
};

struct path_memo {
	uint32_t dir, path, full, raw; /* intern ids, held; path 0: empty */
};

struct state {
	struct intern *pool;
	struct state_limits limits;
	uint32_t account; /* in the pool: the texts that this node holds */
	struct fd_space fds;
	struct thread_table threads;
	struct slab *slabs;
	struct thread *free;
	struct thread *gone, **gone_tail; /* dead, oldest first */
	uint32_t ngone;
	struct thread *junk;  /* dropped by this event */
	struct thread *pin;   /* not to be evicted now */
	struct thread *stray; /* for an event whose thread has no entry */
	struct words words;
	struct table users, groups; /* of struct user_slot */
	struct table boxes;         /* of struct container_slot */
	size_t boxes_next;          /* the number of them at which unused ones are removed */
	struct iface *ifaces;
	size_t nifaces;
	uint64_t version[STATE_ALL + 1]; /* state_version(), by set of pieces */
	uint64_t now;                    /* boot ns of the newest event */
	uint64_t began;                  /* of the first one */
	uint64_t before, current;        /* of the one before this one, of this one */
	uint64_t epoch;                  /* realtime minus boot time, ns */
	struct {
		struct thread *owner; /* main thread whose fds first..last are closed */
		int64_t first, last;
		struct thread *exited;
	} pending; /* left by the last event; done before the next one */
	struct {
		uint32_t tid[EXITED_SIZE];
		uint64_t start[EXITED_SIZE], ts[EXITED_SIZE];
		uint32_t next;
	} exited;
	struct {
		uint32_t pid;
		int32_t fd;
		uint64_t ts;
	} closed[CLOSED_SIZE];
	struct path_memo paths[PATH_MEMO_SIZE];
	struct {
		uint32_t cgroups, id;
	} containers[CGROUP_MEMO_SIZE]; /* by cgroups; both held */
	uint32_t snap;                  /* number of the current snapshot */
	uint64_t snap_first;            /* boot ns of its oldest row */
	uint64_t snap_id;               /* its id on the wire; 0: none that can complete */
	uint32_t snap_part;             /* the part expected next */
	struct state_stats stats;
};

/* To put a text together; nothing of it lasts. A collector has thousands of states, and few threads
 * that use them. */
extern _Thread_local char state_scratch[SCRATCH_SIZE];

/* An event being applied by the parsers. */
struct apply {
	struct state *s;
	const struct batch *b;
	const struct event *ev;
	struct view *v;
	struct thread *t;    /* of the event; NULL: it has no entry */
	struct thread *main; /* of its group; NULL: the same */
	int64_t fd;          /* what becomes view.fd_num */
	bool fd_set;         /* a parser has chosen 'fd' */
};

typedef void parse_fn(struct apply *a);

/* apply_*.c, by event */
parse_fn parse_clone, parse_exec, parse_exit;
parse_fn parse_open, parse_creat, parse_open_by_handle;
parse_fn parse_close, parse_close_range, parse_dup, parse_fcntl, parse_pipe;
parse_fn parse_new_fd, parse_memfd, parse_pidfd_getfd;
parse_fn parse_socket, parse_bind, parse_connect, parse_accept, parse_send, parse_recv;
parse_fn parse_socketpair, parse_getsockopt, parse_io;
parse_fn parse_chdir, parse_fchdir, parse_getcwd, parse_chroot;
parse_fn parse_setuid, parse_setresuid, parse_setreuid;
parse_fn parse_setgid, parse_setresgid, parse_setregid, parse_setfsuid;
parse_fn parse_capset, parse_newns, parse_setsid, parse_setpgid, parse_prctl, parse_limit,
    parse_memory;
parse_fn parse_user, parse_group, parse_passed, parse_container;

/* Count a change of a piece of the state. */
static inline void
touch(struct state *s, unsigned piece)
{
	for (unsigned set = 0; set <= STATE_ALL; set++)
		s->version[set] += (set & piece) != 0;
}

static inline void
touch_by(struct state *s, enum state_deed deed)
{
	touch(s, state_touches[EV_TYPE_MAX + deed]);
}

/* Replace an intern id by another. */
static inline void
hold(struct intern *pool, uint32_t *slot, uint32_t id)
{
	if (*slot == id)
		return;
	(void) intern_ref(pool, id);
	intern_unref(pool, *slot);
	*slot = id;
}

/* Store an event's text, if present. */
static inline void
hold_text(struct apply *a, uint32_t *slot, unsigned i)
{
	if (ev_has(a->ev, i))
		hold(a->s->pool, slot, ev_intern(a->s->pool, a->b, a->ev, i));
}

/* Store an event's number in a member of 4 or 8 bytes, if present. */
static inline void
num_into(const struct event *ev, unsigned i, void *to, size_t size)
{
	int64_t v = ev_num(ev, i);
	uint32_t v32 = (uint32_t) v;

	if (ev_has(ev, i))
		memcpy(to, size == sizeof(v) ? (const void *) &v : (const void *) &v32, size);
}
#define NUM_INTO(ev, i, member) num_into((ev), (i), &(member), sizeof(member))

/* thread_table.c */

/* -ENOMEM */
int threads_init(struct state *s) MUST_CHECK;
void threads_fini(struct state *s);

/* NULL: none. Also finds dead threads. */
struct thread *thread_find(const struct state *s, int64_t tid);

/* Add a new listed entry, all unknown; 'tid' is not in the table. A thread (pid != tid) joins its
 * group, whose main thread is 'main'. Makes room when the table is full. NULL: no memory, no
 * room. */
struct thread *thread_add(struct state *s, int64_t tid, struct thread *main);

/* Reset the entry: only its ids are known. */
void thread_unknown(struct state *s, struct thread *t);

/* Drop its references to texts. */
void thread_names_unref(struct state *s, struct thread *t);

/* Set its parent's id; nothing else may change it. */
void thread_set_parent(struct state *s, struct thread *t, int64_t ptid);

/* The child process of thread 't' with that number in its innermost pid namespace; NULL: none. */
struct thread *thread_child(const struct state *s, const struct thread *t, int64_t vpid);

/* Give every child of 'from' a new parent, by the rules of exit (E.3). */
void thread_reparent(struct state *s, struct thread *from, int64_t reaper);

/* Take it out of the table and keep it among the dead, for its grace. */
void thread_bury(struct state *s, struct thread *t);
/* Remove it at once: its tid was reused, or it does not exist any more. */
void thread_drop(struct state *s, struct thread *t);
/* Make a dead entry live again: one of its threads turned out to live. */
void thread_unbury(struct state *s, struct thread *t);
/* Free dead threads whose grace is over, and dropped ones. */
void threads_expire(struct state *s);

/* The main thread's entry, or the thread itself. */
struct thread *thread_main(const struct state *s, const struct thread *t);

static inline bool
thread_is_main(const struct thread *t)
{
	return t->tid == t->pid;
}

static inline bool
in_pidns(const struct thread *t)
{
	return (t->vtid != -1 && t->vtid != t->tid) || (t->vpid != -1 && t->vpid != t->pid);
}

void exited_add(struct state *s, int64_t tid, uint64_t start, uint64_t ts);
/* Did (tid, start) exit at or after 'since'? */
bool exited_since(const struct state *s, int64_t tid, uint64_t start, uint64_t since);

/* thread.c */

/* The live entry of a thread, created if missing: from its group, else a placeholder. */
struct thread *thread_get(struct state *s, int64_t tid, int64_t pid, uint64_t start);
/* Fill in a thread from its parent or its leader; it is no longer a placeholder. */
void thread_inherit(struct state *s, struct thread *t, const struct thread *from);
/* Nested: not in the host's pid namespace. init_start: boot ns of its namespace's first process; 0:
 * unknown. */
void thread_set_pidns(struct thread *t, bool nested, int64_t init_start);

/* Set args, args_text and cmdline from the arguments' text; comm is set already. */
void thread_set_args(struct state *s, struct thread *t, uint32_t args);
void thread_set_cgroups(struct state *s, struct thread *t, uint32_t cgroups);
/* Set the cwd from the kernel's, if the event has it: a chdir() may have been missed. */
void thread_set_cwd(struct apply *a, struct thread *t, unsigned i);

/* apply.c */

/* Finish the pending work of the previous event. */
void state_flush(struct state *s);

/* apply_exec.c */
/* exepath without the kernel's " (deleted)" */
uint32_t strip_deleted(struct state *s, uint32_t path);

/* apply_fd.c */

/* The writable entry of a descriptor of the event's process, new or cleared: type, no name. NULL:
 * no room. */
struct fd_entry *fd_new(struct apply *a, int64_t fd, enum fd_type type);
/* The writable entry if there is one. */
struct fd_entry *fd_edit(struct apply *a, int64_t fd);
/* The number has a new, unknown meaning: remove the old entry. */
void fd_forget(struct apply *a, int64_t fd);
void fd_name(struct apply *a, struct fd_entry *e, uint32_t name);
/* Do the flags of a call that creates a descriptor make an exec close it? */
bool asks_cloexec(const struct event *ev);

/* path.c */

/* Join, normalise and cap; *raw, if not NULL, is the path without doubled slashes. */
uint32_t path_full(
    struct state *s, const struct thread *t, int64_t dirfd, uint32_t path, uint32_t *raw);
/* The same against a folder's text. */
uint32_t path_join(struct state *s, uint32_t dir, uint32_t path, uint32_t *raw);
/* A cwd: ends in '/'. */
uint32_t path_as_dir(struct state *s, uint32_t path);
void path_fini(struct state *s);

/* apply_socket.c */

/* The type of a socket of this family; FD_UNKNOWN: it has none of its own. */
enum fd_type type_of(int64_t domain);
/* L4_*: by the requested protocol, else by the kind of socket. */
uint8_t l4_of(enum fd_type type, int64_t sock_type, int64_t proto);

/* addr.c: fd names of sockets */

/* A SOCKTUPLE or SOCKADDR, decoded. */
struct ends {
	uint8_t family; /* 0: empty */
	uint8_t src[16], dst[16];
	uint16_t sport, dport;
	struct slice path; /* AF_UNIX */
};
struct ends ends_of_tuple(struct slice s);
/* Into dst and dport. */
struct ends ends_of_addr(struct slice s);
void ends_swap(struct ends *e);
/* Replace a zero address by one of the node's. */
void ends_complete(const struct state *s, struct ends *e);
/* Set type, addresses, ports and name of a connection; true if the name has changed. */
bool fd_set_ends(struct apply *a, struct fd_entry *e, const struct ends *n);
uint32_t name_of_ends(struct state *s, const struct fd_entry *e, struct slice path);
uint32_t name_of_server(struct state *s, const struct fd_entry *e);
uint32_t name_of_addr(struct state *s, const struct ends *n);
/* Are both ends IPv4 mapped to IPv6? */
bool ends_mapped(const struct ends *n);
/* Set the address that a socket is bound to. */
void fd_set_server(struct apply *a, struct fd_entry *e, const struct ends *n);

/* snap_fd.c: rows about descriptors */

/* The entry to fill, new or cleared; NULL: the existing one is newer, or equal and richer. 'name':
 * INTERN_NULL if it follows. */
struct fd_entry *snap_fd(struct apply *a, enum fd_type type, uint32_t name);
/* Set the ends of an internet socket, whose own is the source, and what follows from them. */
void snap_ends(struct apply *a, struct fd_entry *e, struct ends *n);
/* By the kernel's name of an inode without a folder: "[eventfd]" */
enum fd_type snap_anon_type(struct slice name);

/* container_table.c */

/* The container with this id, new or known; NULL: no room. */
struct container *boxes_put(struct state *s, uint32_t id);
void boxes_fini(struct state *s);

/* user_table.c */
struct user_slot *users_put(struct state *s, struct table *users, uint32_t container, uint32_t uid);
void users_del(struct state *s, struct table *users, uint32_t container, uint32_t uid);
void users_fini(struct state *s, struct table *users);
/* Remove those of containers, but for the ones to keep. */
void users_keep(
    struct state *s, struct table *users, bool (*keep)(const struct state *s, uint32_t container));

/* The container's id as a key of users: "" is "host". */
uint32_t users_container(struct state *s, uint32_t id);

#endif
