/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/conform_entry.h"
#include "proto/names.h"

enum { THREADS = 16 };

static struct entry {
	uint32_t tid;
	unsigned exit; /* the exit's event number; 0: none is remembered */
	int64_t dirfd; /* of a path below a descriptor */
	size_t n;
	char text[4096]; /* its path; empty for connect, whose exit has the address */
} entries[THREADS];

bool
entry_take(const struct composer *c)
{
	struct entry *e = &entries[c->hdr.tid % THREADS];
	unsigned i = c->schema->role[EVR_PATH], dirfd = schema_dirfd(c->schema, i);

	if (!(c->schema->flags & EF_ENTRY))
		return false;
	e->tid = c->hdr.tid;
	e->exit = c->schema->num + 1u;
	e->dirfd = dirfd == EV_ABSENT ? AT_CWD : c->num[dirfd];
	e->n = c->hdr.present >> i & 1 ? MIN(c->text[i].n, sizeof(e->text)) : 0;
	if (e->n > 0)
		memcpy(e->text, c->text[i].p, e->n);
	if (c->schema->num == EV_EXECVEAT_E &&
	    (c->num[EVP_EXECVEAT_E_flags] & NV_execveat_flags_AT_EMPTY_PATH))
		e->n = 0; /* the descriptor itself */
	return true;
}

/* If an exec's exit does not report the file, set the requested path, made absolute. */
static void
set_exepath(struct state *s, struct composer *c, const struct entry *e, struct slice path)
{
	const struct thread *t = state_thread(s, c->hdr.tid);
	struct intern *pool = state_pool(s);

	if (c->hdr.present >> EVP_EXECVE_trusted_exepath & 1 || t == NULL)
		return;
	if (!slice_eq(path, SLICE("<NA>")))
		path = intern_get(pool, state_resolve(s, t, e->dirfd, intern_put(pool, path)));
	compose_text(c, EVP_EXECVE_trusted_exepath, path);
}

void
entry_into_exit(struct state *s, struct composer *c)
{
	struct entry *e = &entries[c->hdr.tid % THREADS];
	struct slice text = { e->text, e->n };
	unsigned i = c->schema->role[EVR_PATH], dirfd = schema_dirfd(c->schema, i);

	if (e->tid != c->hdr.tid || e->exit != c->schema->num)
		return;
	e->exit = 0;
	if (c->schema->num == EV_EXECVE || c->schema->num == EV_EXECVEAT) {
		set_exepath(s, c, e, text);
	} else if (text.n > 0 && !slice_eq(text, SLICE("<NA>")) &&
		   !slice_eq(text, SLICE("(NULL)"))) { /* it could be read at the entry */
		compose_text(c, i, text);
		if (dirfd != EV_ABSENT)
			compose_num(c, dirfd, e->dirfd);
	}
}

void
entry_forget(void)
{
	for (size_t i = 0; i < THREADS; i++)
		entries[i].exit = 0;
}
