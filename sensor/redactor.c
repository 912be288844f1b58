/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/redactor.h"
#include "common/macros.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#define CLEAN_MAX 512 /* texts without a secret that are remembered; a power of two */

/* A process's environment is its parent's in most cases, and a search reads each byte several
 * times: a hash of the text, with a seed that nobody else knows, shows that it was searched. */
struct redactor {
	struct redact *set;
	uint64_t count, seed;
	uint64_t clean[CLEAN_MAX]; /* hashes; 0: none */
	union {
		struct ev_hdr hdr;
		char bytes[EV_RECORD_MAX];
	} room;
	char text[EV_TEXT_MAX];
};

/* Where an event has its program, arguments and environment, as parameters; EV_ABSENT: nowhere. */
static const struct places {
	uint16_t type;
	uint8_t program, args, env; /* without a program it is the first argument */
	uint8_t more;               /* further lists of arguments, right behind 'args' */
} places[] = {
	{ EV_EXECVE, EVP_EXECVE_exe, EVP_EXECVE_args, EVP_EXECVE_env, 0 },
	{ EV_EXECVEAT, EVP_EXECVEAT_exe, EVP_EXECVEAT_args, EVP_EXECVEAT_env, 0 },
	{ EV_CLONE, EVP_CLONE_exe, EVP_CLONE_args, EV_ABSENT, 0 },
	{ EV_CLONE3, EVP_CLONE3_exe, EVP_CLONE3_args, EV_ABSENT, 0 },
	{ EV_FORK, EVP_FORK_exe, EVP_FORK_args, EV_ABSENT, 0 },
	{ EV_VFORK, EVP_VFORK_exe, EVP_VFORK_args, EV_ABSENT, 0 },
	{ EV_CONTAINER_INFO, EV_ABSENT, EVP_CONTAINER_INFO_entry_point, EVP_CONTAINER_INFO_env, 3 },
	{ EV_TASK, EV_ABSENT, EVP_TASK_argv, EVP_TASK_env, 0 },
};

static const struct places *
places_of(uint16_t type)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(places) - 1 && places[i].type != type)
		i++;
	return &places[i];
}

int
redactor_new(const char *const *v, size_t n, struct redactor **ret, struct diag *d)
{
	struct redactor *r = calloc(1, sizeof(*r));
	int err = r == NULL ? -ENOMEM : redact_new(v, n, &r->set, d);

	if (err < 0) {
		redactor_free(r);
		return err;
	}
	if (getrandom(&r->seed, sizeof(r->seed), GRND_NONBLOCK) < 0)
		r->seed = (uintptr_t) r; /* at early boot: better than none */
	*ret = r;
	return 0;
}

void
redactor_free(struct redactor *r)
{
	if (r != NULL)
		redact_free(r->set);
	free(r);
}

uint64_t
redactor_count(const struct redactor *r)
{
	return r == NULL ? 0 : r->count;
}

/* redact_find(), but for a text in which nothing was found before. */
static size_t
find_in(struct redactor *r, struct slice text, enum redact_kind kind, struct slice program,
    struct redact_edit v[REDACT_MAX])
{
	uint64_t seed = r->seed + (uint64_t) kind, h, *clean;
	size_t n;

	if (program.n > 0)
		seed ^= XXH3_64bits_withSeed(program.p, program.n, r->seed);
	h = XXH3_64bits_withSeed(text.p, text.n, seed) | 1;
	clean = &r->clean[h / 2 % CLEAN_MAX];
	if (*clean == h)
		return 0;
	n = redact_find(r->set, text, kind, program, v);
	if (n == 0)
		*clean = h;
	return n;
}

/* The values in parameter 'i'. */
static size_t
find(struct redactor *r, const struct ev_hdr *rec, const struct ev_schema *s,
    const struct places *at, unsigned i, struct redact_edit v[REDACT_MAX])
{
	struct slice text = record_text(rec, s, i), program = { NULL, 0 };
	enum redact_kind kind = REDACT_TEXT;

	if (text.p == NULL)
		return 0;
	if (i == at->env)
		kind = REDACT_ENV;
	if (i >= at->args && i <= at->args + at->more) {
		kind = REDACT_ARGS;
		program = at->program != EV_ABSENT
			      ? record_text(rec, s, at->program)
			      : (struct slice){ text.p, strnlen(text.p, text.n) };
	}
	return find_in(r, text, kind, program, v);
}

/* Append a text, of which 'n' values are replaced; it may grow by *slack, which it takes from. */
static void
append(struct redactor *r, struct slice text, const struct redact_edit *v, size_t n, size_t *slack)
{
	char *p = r->room.bytes + r->room.hdr.len;
	size_t old = (sizeof(uint32_t) + text.n + 7) & ~(size_t) 7, size;
	bool cut = false;
	uint32_t len;

	if (n > 0) {
		size_t cap = MIN(sizeof(r->text), old + *slack - sizeof(uint32_t));

		text.n = redact_apply(text, v, n, r->text, cap, &cut);
		text.p = r->text;
		r->room.hdr.flags |= EVF_REDACTED | (cut ? EVF_CUT : 0);
	}
	len = (uint32_t) text.n;
	size = (sizeof(len) + text.n + 7) & ~(size_t) 7;
	memset(p + size - 8, 0, 8);
	memcpy(p, &len, sizeof(len));
	memcpy(p + sizeof(len), text.p, text.n);
	r->room.hdr.len += (uint32_t) size;
	*slack -= size > old ? size - old : 0;
}

const struct ev_hdr *
redactor_record(struct redactor *r, const struct ev_hdr *rec)
{
	const struct ev_schema *s = schema_get(rec->type);
	const struct places *at = places_of(rec->type);
	const unsigned more[] = { at->more > 0 ? at->args + 1 : EV_ABSENT,
		at->more > 1 ? at->args + 2 : EV_ABSENT, at->more > 2 ? at->args + 3 : EV_ABSENT };
	const unsigned looked[] = { at->program, at->args, at->env, more[0], more[1], more[2] };
	struct redact_edit v[ARRAY_SIZE(looked)][REDACT_MAX];
	size_t n[ARRAY_SIZE(looked)] = { 0 }, all = 0, slack = EV_RECORD_MAX - rec->len;

	for (size_t k = 0; k < ARRAY_SIZE(looked); k++) {
		if (looked[k] != EV_ABSENT)
			n[k] = find(r, rec, s, at, looked[k], v[k]);
		all += n[k];
	}
	if (all == 0)
		return rec;
	memcpy(&r->room, rec, s->texts_at);
	r->room.hdr.len = s->texts_at;
	for (uint64_t left = s->texts & rec->present; left != 0; left &= left - 1) {
		unsigned i = (unsigned) __builtin_ctzll(left);
		size_t k = 0;

		while (k < ARRAY_SIZE(looked) && looked[k] != i)
			k++;
		append(r, record_text(rec, s, i), k < ARRAY_SIZE(looked) ? v[k] : NULL,
		    k < ARRAY_SIZE(looked) ? n[k] : 0, &slack);
	}
	r->count += (r->room.hdr.flags & EVF_REDACTED) != 0;
	return &r->room.hdr;
}
