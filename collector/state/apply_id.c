/* SPDX-License-Identifier: Apache-2.0 */
/* A thread's changes to itself: folders, ids, capabilities, session, limits. */
#include "collector/state/state_int.h"
#include <stdlib.h>

#define CAPS_ALL ((1ULL << 41) - 1)
_Static_assert((int) EVP_GETRLIMIT_cur == (int) EVP_SETRLIMIT_cur &&
		   (int) EVP_GETRLIMIT_resource == (int) EVP_SETRLIMIT_resource &&
		   (int) EVP_BRK_vm_swap == (int) EVP_MMAP_vm_swap &&
		   (int) EVP_BRK_vm_swap == (int) EVP_MMAP2_vm_swap &&
		   (int) EVP_BRK_vm_swap == (int) EVP_MUNMAP_vm_swap,
    "one parser for all of a kind");

static bool
ok(struct apply *a)
{
	if (ev_num(a->ev, 0) < 0)
		return false;
	a->t->updated = a->ev->ts;
	return true;
}

static void
set_cwd(struct apply *a, uint32_t path)
{
	if (path == INTERN_NULL)
		return;
	hold(a->s->pool, &a->main->cwd, path_as_dir(a->s, path));
	a->main->updated = a->ev->ts;
}

void
parse_chdir(struct apply *a)
{
	if (!ok(a))
		return;
	if (ev_has(a->ev, EVP_CHDIR_cwd))
		set_cwd(a, ev_intern(a->s->pool, a->b, a->ev, EVP_CHDIR_cwd));
	else
		set_cwd(a, path_full(a->s, a->t, AT_CWD,
			       ev_intern(a->s->pool, a->b, a->ev, EVP_CHDIR_path), NULL));
}

void
parse_fchdir(struct apply *a)
{
	const struct fd_entry *e = fdt_get(a->main->fds, ev_num(a->ev, EVP_FCHDIR_fd));

	if (!ok(a))
		return;
	if (ev_has(a->ev, EVP_FCHDIR_cwd))
		set_cwd(a, ev_intern(a->s->pool, a->b, a->ev, EVP_FCHDIR_cwd));
	else if (e != NULL)
		set_cwd(a, e->name);
}

void
parse_getcwd(struct apply *a)
{
	uint32_t path = ev_intern(a->s->pool, a->b, a->ev, EVP_GETCWD_path);

	if (ok(a) && path != INTERN_EMPTY)
		set_cwd(a, path);
}

/* The threads of a process share its root. */
static void
set_root(struct apply *a, uint32_t path)
{
	struct thread *t = a->main;

	if (path == INTERN_NULL)
		return;
	do {
		hold(a->s->pool, &t->root, path);
		t = t->grp_next;
	} while (t != a->main);
}

void
parse_chroot(struct apply *a)
{
	uint32_t path = ev_intern(a->s->pool, a->b, a->ev, EVP_CHROOT_path);

	if (!ok(a))
		return;
	if (ev_has(a->ev, EVP_CHROOT_root))
		set_root(a, ev_intern(a->s->pool, a->b, a->ev, EVP_CHROOT_root));
	else
		set_root(a, path_full(a->s, a->t, AT_CWD, path, NULL));
}

/* The order of our own parameters after a call that changes credentials. */
enum { CRED_EUID, CRED_EGID, CRED_PERMITTED, CRED_EFFECTIVE, CRED_INHERITABLE };
#define CREDS(ID) EVP_##ID##_host_euid
_Static_assert((int) EVP_SETNS_cap_inheritable == (int) CREDS(SETNS) + CRED_INHERITABLE &&
		   (int) EVP_UNSHARE_cap_inheritable == (int) CREDS(UNSHARE) + CRED_INHERITABLE &&
		   (int) EVP_SETUID_cap_effective == (int) CREDS(SETUID) + CRED_EFFECTIVE,
    "one order for all");

/* Take the thread's credentials as the kernel has them after the call, from parameter 'i' on. Ids
 * in the arguments are of the caller's user namespace. False: the event does not have them. */
static bool
take_creds(struct apply *a, unsigned i)
{
	if (!ev_has(a->ev, i + CRED_EUID))
		return false;
	NUM_INTO(a->ev, i + CRED_EUID, a->t->uid);
	NUM_INTO(a->ev, i + CRED_EGID, a->t->gid);
	NUM_INTO(a->ev, i + CRED_PERMITTED, a->t->cap_permitted);
	NUM_INTO(a->ev, i + CRED_EFFECTIVE, a->t->cap_effective);
	return true;
}

/* Set an id to the argument, without anything better: -1 leaves it unchanged. */
static void
set_id(struct apply *a, uint32_t *id, unsigned i, unsigned creds)
{
	if (!ok(a) || take_creds(a, creds))
		return;
	if (ev_has(a->ev, i) && (uint32_t) ev_num(a->ev, i) != UNKNOWN_ID)
		*id = (uint32_t) ev_num(a->ev, i);
}

void
parse_setuid(struct apply *a)
{
	set_id(a, &a->t->uid, EVP_SETUID_uid, CREDS(SETUID));
}

void
parse_setresuid(struct apply *a)
{
	set_id(a, &a->t->uid, EVP_SETRESUID_euid, CREDS(SETRESUID));
}

void
parse_setreuid(struct apply *a)
{
	set_id(a, &a->t->uid, EVP_SETREUID_euid, CREDS(SETREUID));
}

void
parse_setgid(struct apply *a)
{
	set_id(a, &a->t->gid, EVP_SETGID_gid, CREDS(SETGID));
}

void
parse_setresgid(struct apply *a)
{
	set_id(a, &a->t->gid, EVP_SETRESGID_egid, CREDS(SETRESGID));
}

void
parse_setregid(struct apply *a)
{
	set_id(a, &a->t->gid, EVP_SETREGID_egid, CREDS(SETREGID));
}

/* Whoever changes from root's files to another's loses the capabilities over files. */
void
parse_setfsuid(struct apply *a)
{
	(void) take_creds(a, CREDS(SETFSUID));
}

void
parse_capset(struct apply *a)
{
	if (!ok(a))
		return;
	NUM_INTO(a->ev, EVP_CAPSET_cap_inheritable, a->t->cap_inheritable);
	NUM_INTO(a->ev, EVP_CAPSET_cap_permitted, a->t->cap_permitted);
	NUM_INTO(a->ev, EVP_CAPSET_cap_effective, a->t->cap_effective);
}

/* A new mount namespace has other folders, and in a new user namespace a thread has other
 * credentials: every capability, if the event does not tell. */
void
parse_newns(struct apply *a)
{
	bool setns = a->ev->schema->num == EV_SETNS;
	int64_t flags =
	    ev_num(a->ev, setns ? (unsigned) EVP_SETNS_nstype : (unsigned) EVP_UNSHARE_flags);
	unsigned creds = setns ? (unsigned) CREDS(SETNS) : (unsigned) CREDS(UNSHARE);

	if (!ok(a))
		return;
	if (thread_is_main(a->t) || a->main->nthreads == 1) {
		set_cwd(a, ev_intern(a->s->pool, a->b, a->ev,
			       setns ? (unsigned) EVP_SETNS_cwd : (unsigned) EVP_UNSHARE_cwd));
		set_root(a, ev_intern(a->s->pool, a->b, a->ev,
				setns ? (unsigned) EVP_SETNS_root : (unsigned) EVP_UNSHARE_root));
	}
	if (take_creds(a, creds)) {
		NUM_INTO(a->ev, creds + CRED_INHERITABLE, a->t->cap_inheritable);
		return;
	}
	if (!(flags & NV_clone_flags_CLONE_NEWUSER))
		return;
	a->t->cap_inheritable = CAPS_ALL;
	a->t->cap_permitted = CAPS_ALL;
	a->t->cap_effective = CAPS_ALL;
}

/* The process is the leader of a new session and of a new group in it, without a terminal. The
 * result is its number in its own pid namespace. */
void
parse_setsid(struct apply *a)
{
	struct thread *t = a->main;

	if (!ok(a))
		return;
	do {
		t->sid = t->pgid = a->main->pid;
		t->vpgid = ev_num(a->ev, EVP_SETSID_res);
		t->tty = 0;
		t->updated = a->ev->ts;
		t = t->grp_next;
	} while (t != a->main);
}

/* The process with that number in the pid namespace of 't': itself, or a child. */
static struct thread *
self_or_child(const struct apply *a, int64_t vpid)
{
	struct thread *t;

	if (vpid == 0 || vpid == (a->main->vpid == -1 ? a->main->pid : a->main->vpid))
		return a->main;
	if (!in_pidns(a->main))
		return thread_find(a->s, vpid);
	t = a->main;
	do {
		struct thread *child = thread_child(a->s, t, vpid);

		if (child != NULL)
			return child;
		t = t->grp_next;
	} while (t != a->main);
	return NULL;
}

/* The number in the initial pid namespace of group 'vpgid'; -1: unknown. */
static int64_t
group_number(const struct apply *a, const struct thread *of, int64_t vpgid)
{
	const struct thread *leader;

	if (!in_pidns(of))
		return vpgid;
	if (vpgid == of->vpgid || vpgid == a->main->vpgid)
		return vpgid == of->vpgid ? of->pgid : a->main->pgid;
	leader = self_or_child(a, vpgid);
	return leader == NULL ? -1 : leader->pid;
}

/* Both numbers are of the caller's pid namespace; 0: the caller, the process itself. */
void
parse_setpgid(struct apply *a)
{
	int64_t vpgid = ev_num(a->ev, EVP_SETPGID_pgid), pgid;
	struct thread *main, *t;

	if (!ok(a))
		return;
	t = self_or_child(a, ev_num(a->ev, EVP_SETPGID_pid));
	if (t == NULL || t->gone)
		return;
	main = thread_main(a->s, t);
	if (vpgid == 0)
		vpgid = main->vpid == -1 ? main->pid : main->vpid;
	pgid = vpgid == main->vpid ? main->pid : group_number(a, main, vpgid);
	t = main;
	do {
		t->pgid = pgid;
		t->vpgid = vpgid;
		t->updated = a->ev->ts;
		t = t->grp_next;
	} while (t != main);
}

void
parse_prctl(struct apply *a)
{
	int64_t option = ev_num(a->ev, EVP_PRCTL_option);

	if (ok(a) && (option == NV_prctl_option_PR_SET_CHILD_SUBREAPER ||
			 option == NV_prctl_option_PR_GET_CHILD_SUBREAPER))
		a->main->subreaper = ev_num(a->ev, EVP_PRCTL_arg2_int) != 0;
}

/* brk, mmap, munmap: the process's current memory. */
void
parse_memory(struct apply *a)
{
	NUM_INTO(a->ev, EVP_BRK_vm_size, a->main->vm_size);
	NUM_INTO(a->ev, EVP_BRK_vm_rss, a->main->vm_rss);
	NUM_INTO(a->ev, EVP_BRK_vm_swap, a->main->vm_swap);
}

void
parse_limit(struct apply *a)
{
	const struct event *ev = a->ev;
	struct thread *t = a->main;

	if (!ok(a))
		return;
	if (ev->schema->num != EV_PRLIMIT) {
		if (ev_num(ev, EVP_SETRLIMIT_resource) == NV_getrlimit_resource_RLIMIT_NOFILE &&
		    ev_num(ev, EVP_SETRLIMIT_cur) != -1)
			t->fdlimit = ev_num(ev, EVP_SETRLIMIT_cur);
		return;
	}
	t = self_or_child(a, ev_num(ev, EVP_PRLIMIT_pid));
	if (t != NULL && ev_num(ev, EVP_PRLIMIT_resource) == NV_getrlimit_resource_RLIMIT_NOFILE &&
	    ev_num(ev, EVP_PRLIMIT_newcur) != -1)
		t->fdlimit = ev_num(ev, EVP_PRLIMIT_newcur);
}
