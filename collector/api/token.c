/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/api/token.h"
#include "common/file.h"
#include "common/hex.h"
#include "common/probe.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

enum { RANDOM = 32 /* bytes; twice as many hex digits */ };

/* ---- the file ---- */

static struct slice
trim(struct slice s)
{
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r'))
		s.n--;
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = (struct slice){ s.p + 1, s.n - 1 };
	return s;
}

static bool
is_token(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return false;
	}
	return s.n >= TOKEN_MIN && s.n <= TOKEN_MAX;
}

/* Cut the first word off 's'. */
static struct slice
word(struct slice *s)
{
	struct slice w = { s->p, 0 };

	while (w.n < s->n && s->p[w.n] != ' ' && s->p[w.n] != '\t')
		w.n++;
	*s = trim((struct slice){ s->p + w.n, s->n - w.n });
	return w;
}

static bool
is_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	}
	return s.n > 0 && s.n < HOLDER_MAX;
}

static const char *const roles[] = {
	[TOKEN_NONE] = "none",
	[TOKEN_READ] = "read",
	[TOKEN_OPERATE] = "operate",
};

const char *
token_role_name(enum token_role r)
{
	return roles[r];
}

static enum token_role
role_of(struct slice s)
{
	for (size_t i = TOKEN_READ; i < ARRAY_SIZE(roles); i++) {
		if (slice_eq(s, slice_str(roles[i])))
			return (enum token_role) i;
	}
	return TOKEN_NONE;
}

/* Parse '[ROLE [NAME]] TOKEN' and leave the token in 's'. NULL, or what is wrong. */
static const char *
parse_holder(struct slice *s, unsigned line, struct holder *ret)
{
	struct slice rest = *s, first = word(&rest), name;

	ret->role = TOKEN_OPERATE;
	(void) snprintf(ret->name, sizeof(ret->name), "line %u", line);
	if (rest.n == 0)
		return NULL;
	ret->role = role_of(first);
	if (ret->role == TOKEN_NONE)
		return "a token has no spaces, and before it may be 'read' or 'operate' and a name";
	*s = rest;
	name = word(&rest);
	if (rest.n == 0)
		return NULL;
	if (!is_name(name))
		return "a name has at most 31 printable ASCII characters and no quotes";
	(void) snprintf(ret->name, sizeof(ret->name), "%.*s", (int) name.n, name.p);
	*s = rest;
	return NULL;
}

static int
parse(struct tokens *t, const char *path, struct slice text, struct diag *d)
{
	for (unsigned line = 1; text.n > 0; line++) {
		const char *nl = memchr(text.p, '\n', text.n);
		size_t n = nl == NULL ? text.n : (size_t) (nl - text.p);
		struct slice s = trim((struct slice){ text.p, n });
		struct holder holder = { 0 };
		const char *wrong;

		n += nl != NULL;
		text = (struct slice){ text.p + n, text.n - n };
		if (s.n == 0 || s.p[0] == '#')
			continue;
		wrong = parse_holder(&s, line, &holder);
		if (wrong != NULL)
			return diag_fail(
			    d, 0, 0, "the API's token file %s, line %u: %s", path, line, wrong);
		if (!is_token(s))
			return diag_fail(d, 0, 0,
			    "the API's token file %s, line %u: a token has %d to %d printable "
			    "ASCII characters and no spaces",
			    path, line, TOKEN_MIN, TOKEN_MAX);
		if (t->n == TOKENS_MAX)
			return diag_fail(d, 0, 0, "the API's token file %s has more than %d tokens",
			    path, TOKENS_MAX);
		t->v[t->n].holder = holder;
		memcpy(t->v[t->n].text, s.p, s.n);
		t->v[t->n++].n = s.n;
	}
	if (t->n == 0)
		return diag_fail(d, 0, 0,
		    "the API's token file %s has no token: remove it, and the next start makes a "
		    "new one",
		    path);
	return 0;
}

static int
read_into(struct tokens *t, const char *path, struct diag *d)
{
	struct buf b = BUF_INIT;
	int r = file_read(path, "API's token file", true, &b, d);

	if (r == 0)
		r = parse(t, path, buf_get(&b), d);
	if (b.p != NULL)
		explicit_bzero(b.p, b.n);
	buf_fini(&b);
	return r;
}

static int
write_token(int fd)
{
	unsigned char raw[RANDOM];
	char text[2 * RANDOM + 2];
	int r = 0;

	if (getrandom(raw, sizeof(raw), 0) != (ssize_t) sizeof(raw))
		return -EIO;
	hex_encode(text, raw, RANDOM);
	text[sizeof(text) - 2] = '\n';
	if (write(fd, text, sizeof(text) - 1) != (ssize_t) sizeof(text) - 1 || fsync(fd) < 0)
		r = errno == 0 ? -EIO : -errno;
	explicit_bzero(raw, sizeof(raw));
	explicit_bzero(text, sizeof(text));
	return r;
}

/* Create the file whole or not at all, and never over an existing one. */
static int
make(const char *path, struct diag *d)
{
	char fresh[4096];
	int fd, r = 0;

	if ((size_t) snprintf(fresh, sizeof(fresh), "%s.new", path) >= sizeof(fresh))
		return diag_fail(d, 0, 0, "http.token_file: the path %s is too long", path);
	(void) unlink(fresh); /* left by an interrupted start */
	errno = 0;
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		r = -errno;
	if (r == 0)
		r = write_token(fd);
	if (r == 0 && link(fresh, path) < 0 && errno != EEXIST)
		r = -errno;
	if (fd >= 0) {
		(void) close(fd);
		(void) unlink(fresh);
	}
	if (r < 0)
		diag_set(d, 0, 0,
		    "cannot make the API's token file %s: %s; set http.token_file to a path in a "
		    "folder that this user may write to",
		    path, strerrordesc_np(-r));
	return r;
}

/* ---- tokens ---- */

bool
tokens_place(const char *configured, const char *outbox, char *ret, size_t n)
{
	const char *slash = strrchr(outbox, '/');
	bool beside = configured == NULL || configured[0] == '\0';

	if (beside)
		(void) snprintf(ret, n, "%.*sapi.token",
		    slash == NULL ? 0 : (int) (slash + 1 - outbox), outbox);
	else
		(void) snprintf(ret, n, "%s", configured);
	return beside;
}

int
tokens_init(struct tokens *t, const char *path, bool *made, struct diag *d)
{
	int r = 0;

	t->n = 0;
	(void) pthread_mutex_init(&t->lock, NULL);
	*made = access(path, F_OK) < 0 && errno == ENOENT;
	if (*made)
		r = make(path, d);
	return r < 0 ? r : read_into(t, path, d);
}

int
tokens_read(struct tokens *t, const char *path, struct diag *d)
{
	struct tokens fresh = { .n = 0 };
	int r = read_into(&fresh, path, d);

	if (r == 0) {
		pthread_mutex_lock(&t->lock);
		t->n = fresh.n;
		memcpy(t->v, fresh.v, sizeof(t->v));
		pthread_mutex_unlock(&t->lock);
	}
	explicit_bzero(&fresh, sizeof(fresh));
	return r;
}

void
tokens_fini(struct tokens *t)
{
	(void) pthread_mutex_destroy(&t->lock);
	explicit_bzero(t, sizeof(*t));
}

int
tokens_check(const char *path, bool beside, struct diag *d)
{
	struct tokens t = { .n = 0 };
	int r;

	if (access(path, F_OK) == 0) {
		r = read_into(&t, path, d);
		explicit_bzero(&t, sizeof(t));
		return r;
	}
	r = beside ? 0 : probe_file(path);
	if (r < 0)
		diag_set(d, 0, 0,
		    "http.token_file: %s cannot be made: %s; its folder must exist and be writable",
		    path, strerrordesc_np(-r));
	return r;
}

/* Compare with all tokens, and all bytes of each: the time reveals only the length, which is no
 * secret. */
struct holder
tokens_match(struct tokens *t, struct slice given)
{
	struct holder ret = { .role = TOKEN_NONE };

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->n; i++) {
		volatile unsigned char differs = t->v[i].n != given.n;

		for (size_t k = 0; k < t->v[i].n && k < given.n; k++)
			differs |= (unsigned char) (t->v[i].text[k] ^ given.p[k]);
		if (differs == 0 && ret.role < t->v[i].holder.role)
			ret = t->v[i].holder;
	}
	pthread_mutex_unlock(&t->lock);
	return ret;
}

struct slice
tokens_best(const struct tokens *t)
{
	size_t i = 0;

	while (i < t->n && t->v[i].holder.role != TOKEN_OPERATE)
		i++;
	i = i == t->n ? 0 : i;
	return (struct slice){ t->v[i].text, t->v[i].n };
}
