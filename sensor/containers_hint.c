/* SPDX-License-Identifier: Apache-2.0 */
/* containers_hint.c - where bundles are, as the command lines of runtimes say it. */
#include "proto/schema.h"
#include "sensor/containers.h"
#include <stdio.h>
#include <string.h>

/* The parts of a record that matter, by event. */
struct command {
	struct slice args, comm, cwd;
	int64_t uid;
};

static struct command
command_of(const struct ev_hdr *rec)
{
	const struct ev_schema *s = schema_get(rec->type);

	if (rec->type == EV_TASK)
		return (struct command){ record_text(rec, s, EVP_TASK_argv),
			record_text(rec, s, EVP_TASK_comm), record_text(rec, s, EVP_TASK_cwd),
			record_num(rec, s, EVP_TASK_euid) };
	_Static_assert((int) EVP_EXECVE_uid == (int) EVP_EXECVEAT_uid &&
			   (int) EVP_EXECVE_args == (int) EVP_EXECVEAT_args &&
			   (int) EVP_EXECVE_comm == (int) EVP_EXECVEAT_comm &&
			   (int) EVP_EXECVE_cwd == (int) EVP_EXECVEAT_cwd,
	    "the same positions");
	return (struct command){ record_text(rec, s, EVP_EXECVE_args),
		record_text(rec, s, EVP_EXECVE_comm), record_text(rec, s, EVP_EXECVE_cwd),
		record_num(rec, s, EVP_EXECVE_uid) };
}

static struct slice
next_arg(struct slice *rest)
{
	struct slice arg = slice_until_nul(*rest);

	rest->p += MIN(arg.n + 1, rest->n);
	rest->n -= MIN(arg.n + 1, rest->n);
	return arg;
}

static void
add(struct container_hints *h, struct slice id, struct slice bundle, uint32_t uid)
{
	struct container_hint *e = uid == 0 ? &h->v[h->next] : &h->of_users[h->next_user];

	if (id.n == 0 || id.n >= sizeof(e->id) || bundle.n >= sizeof(e->bundle) || bundle.n < 2 ||
	    bundle.p[0] != '/' || hints_find(h, id, uid) != NULL)
		return;
	(void) snprintf(e->id, sizeof(e->id), "%.*s", SLICE_ARG(id));
	(void) snprintf(e->bundle, sizeof(e->bundle), "%.*s", SLICE_ARG(bundle));
	e->uid = uid;
	if (uid == 0)
		h->next = (h->next + 1) % CONTAINERS_HINTS;
	else
		h->next_user = (h->next_user + 1) % CONTAINERS_OF_USERS;
}

/* runc create --bundle BUNDLE ID, conmon -c ID -b BUNDLE, containerd-shim-runc-v2 -id ID, whose
 * working folder is the bundle. */
struct slice
hints_see(struct container_hints *h, const struct ev_hdr *rec, uint32_t *uid)
{
	struct command c;
	struct slice bundle = { NULL, 0 }, id = { NULL, 0 }, last = { NULL, 0 };

	if (rec->type != EV_EXECVE && rec->type != EV_EXECVEAT &&
	    (rec->type != EV_TASK || rec->tid != rec->pid))
		return id;
	c = command_of(rec);
	/* A user could name a bundle of his own: it counts for his containers only. */
	if (c.args.n == 0 || (c.uid != 0 && !slice_eq(c.comm, SLICE("conmon"))))
		return id;
	*uid = (uint32_t) c.uid;
	while (c.args.n > 0) {
		struct slice arg = next_arg(&c.args);

		if (slice_eq(arg, SLICE("--bundle")) || slice_eq(arg, SLICE("-b")))
			bundle = next_arg(&c.args);
		else if (slice_starts(arg, SLICE("--bundle=")))
			bundle = (struct slice){ arg.p + 9, arg.n - 9 };
		else if (slice_eq(arg, SLICE("-c")) || slice_eq(arg, SLICE("-id")))
			id = next_arg(&c.args);
		else if (slice_eq(arg, SLICE("-e")) || slice_starts(arg, SLICE("--exec")))
			return (struct slice){ NULL, 0 }; /* conmon of another process in it */
		else
			last = arg;
	}
	if (bundle.p == NULL && id.p != NULL && slice_eq(c.comm, SLICE("containerd-shim")))
		bundle = c.cwd;
	if (bundle.p == NULL)
		return (struct slice){ NULL, 0 };
	if (id.p == NULL)
		id = last;
	add(h, id, bundle, *uid);
	return id;
}

const struct container_hint *
hints_find(const struct container_hints *h, struct slice full, uint32_t uid)
{
	const struct container_hint *v = uid == 0 ? h->v : h->of_users;
	unsigned n = uid == 0 ? CONTAINERS_HINTS : CONTAINERS_OF_USERS;

	for (unsigned i = 0; i < n; i++) {
		if (v[i].id[0] != '\0' && v[i].uid == uid && slice_eq(slice_str(v[i].id), full))
			return &v[i];
	}
	return NULL;
}
