/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Find the container of a cgroup path. The matchers are Falco's, in its order and with its
 * oddities, so that verdicts agree. Exceptions: a folder of 32 hexadecimal digits, which virtual
 * machines and their agents use, is no container; systemd-nspawn's are containers; and a group that
 * was made below a container's is that container's, so that neither an init system in it nor an
 * attacker who makes groups looks like the host.
 */
#include "common/container_id.h"
#include "common/hex.h"
#include "common/macros.h"
#include <stdint.h>

#define ID_LEN    64
#define UUID_LEN  32 /* without dashes */
#define SHORT_LEN 12
#define NONE      ((struct slice){ NULL, 0 })
#define NOT_FOUND SIZE_MAX

struct layout {
	const char *prefix, *suffix;
};

static const struct layout layouts[] = {
	/* podman */
	{ "/libpod-", ".scope" },
	{ "/libpod-", ".scope/container" },
	{ "/libpod-", "" },
	{ "/libpod-payload-", "" },
	/* docker */
	{ "/", "" },
	{ "/docker-", ".scope" },
	/* CRI, where docker's do not match */
	{ "/crio-", "" },
	{ "/crio-", ".scope" },
	{ "/cri-containerd-", ".scope" },
	{ ":cri-containerd:", "" },
	{ "/nerdctl-", ".scope" },
};

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t
find_first(struct slice s, struct slice what)
{
	const char *p = memmem(s.p, s.n, what.p, what.n);

	return p == NULL ? NOT_FOUND : (size_t) (p - s.p);
}

static size_t
find_last(struct slice s, struct slice what)
{
	for (size_t i = s.n; i + 1 > what.n; i--) {
		if (memcmp(s.p + i - what.n, what.p, what.n) == 0)
			return i - what.n;
		if (i == 0)
			break;
	}
	return NOT_FOUND;
}

static struct slice
head(struct slice s, size_t n)
{
	return (struct slice){ s.p, MIN(s.n, n) };
}

static struct slice
tail(struct slice s, size_t from)
{
	return (struct slice){ s.p + from, s.n - from };
}

/* Match 64 characters between prefix and suffix. They count as hexadecimal if the first character
 * after the prefix that is not has an index of at least 64 in the whole path. */
static struct slice
match_layout(struct slice path, struct slice prefix, struct slice suffix)
{
	size_t start = find_last(path, prefix);
	size_t end = suffix.n == 0 ? path.n : find_last(path, suffix);
	size_t i;

	if (start == NOT_FOUND || end == NOT_FOUND || end != start + prefix.n + ID_LEN)
		return NONE;
	start += prefix.n;
	for (i = start; i < path.n && hex_digit(path.p[i]) >= 0; i++)
		;
	if (i < path.n && i < ID_LEN)
		return NONE;
	return head(tail(path, start), ID_LEN);
}

/* The length of "/seg/" at the start of s, seg being words joined by single '.', '_' or '-'; 0: no.
 */
static size_t
segment(struct slice s)
{
	size_t i = 1;

	if (s.n < 3 || s.p[0] != '/')
		return 0;
	for (;;) {
		size_t from = i;

		while (i < s.n && is_alnum(s.p[i]))
			i++;
		if (i == from || i == s.n)
			return 0;
		if (s.p[i] == '/')
			return i + 1;
		if (s.p[i] != '.' && s.p[i] != '_' && s.p[i] != '-')
			return 0;
		i++;
	}
}

static bool
is_uuid(struct slice s)
{
	size_t i = 0;

	while (i < s.n && hex_digit(s.p[i]) >= 0)
		i++;
	return s.n == UUID_LEN && i == s.n;
}

static struct slice
match_containerd(struct slice path)
{
	struct slice prefix = NONE, rest, id;

	for (size_t i = 0; i < path.n && prefix.n == 0; i++)
		prefix = head(tail(path, i), segment(tail(path, i)));
	if (prefix.n == 0)
		return NONE;
	id = match_layout(path, prefix, SLICE(""));
	if (id.p != NULL)
		return id;
	rest = tail(path, find_last(path, prefix) + prefix.n);
	if (rest.n == 0 || rest.n >= ID_LEN || is_uuid(rest) ||
	    slice_ends(path, SLICE(".service")) || slice_ends(path, SLICE(".slice")) ||
	    slice_ends(path, SLICE(".scope")))
		return NONE;
	return rest;
}

/* Return what follows the first 'prefix', up to the next '/'. */
static struct slice
name_after(struct slice path, struct slice prefix)
{
	size_t i = find_first(path, prefix);
	struct slice name;
	const char *end;

	if (i == NOT_FOUND)
		return NONE;
	name = tail(path, i + prefix.n);
	end = memchr(name.p, '/', name.n);
	if (end != NULL)
		name.n = (size_t) (end - name.p);
	return name.n == 0 ? NONE : name;
}

static struct slice
match_lxc(struct slice path)
{
	struct slice id = name_after(path, SLICE("/lxc/"));

	if (id.p == NULL)
		id = name_after(path, SLICE("/lxc.payload/"));
	if (id.p == NULL)
		id = name_after(path, SLICE("/lxc.payload."));
	return id;
}

static struct slice
match_libvirt(struct slice path)
{
	static const struct slice ends[] = { { ".libvirt-lxc", 12 }, { ".scope/libvirt", 14 },
		{ ".scope", 6 } };
	static const struct slice begins[] = { { "/", 1 }, { "-lxc\\x2d", 8 }, { "-lxc\\x2d", 8 } };

	for (size_t k = 0; k < ARRAY_SIZE(ends); k++) {
		struct slice front = head(path, path.n - MIN(path.n, ends[k].n));
		size_t i = find_last(front, begins[k]);

		if (slice_ends(path, ends[k]) && i != NOT_FOUND && i + begins[k].n < front.n)
			return tail(front, i + begins[k].n);
	}
	return name_after(path, SLICE("/libvirt/lxc/"));
}

/* machine-NAME.scope and systemd-nspawn@NAME.service, but not what watches them, and no virtual
 * machine. */
static struct slice
match_nspawn(struct slice path)
{
	struct slice unit = name_after(path, SLICE("/machine.slice/"));
	struct slice begin = SLICE("systemd-nspawn@"), end = SLICE(".service");

	if (slice_starts(unit, SLICE("machine-"))) {
		begin = SLICE("machine-");
		end = SLICE(".scope");
	}
	if (unit.p == NULL || unit.n <= begin.n + end.n || !slice_starts(unit, begin) ||
	    !slice_ends(unit, end) || slice_ends(path, SLICE("/supervisor")))
		return NONE;
	unit = head(tail(unit, begin.n), unit.n - begin.n - end.n);
	return slice_starts(unit, SLICE("qemu")) || slice_starts(unit, SLICE("lxc\\x2d")) ? NONE
											  : unit;
}

static struct slice
match_bpm(struct slice path)
{
	size_t i = find_last(path, SLICE("bpm-"));
	struct slice name;

	if (i == NOT_FOUND)
		return NONE;
	name = tail(path, i + 4);
	if (slice_ends(name, SLICE(".scope")))
		name.n -= 6;
	for (i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!is_alnum(c) && c != '.' && c != '_' && c != '-')
			return NONE;
	}
	return name.n == 0 ? NONE : name;
}

static struct container_ids
ids_of(struct slice full, size_t shown)
{
	return (struct container_ids){ head(full, shown), full };
}

static struct slice
match_layouts(struct slice path)
{
	struct slice id = NONE;

	for (size_t i = 0; id.p == NULL && i < ARRAY_SIZE(layouts); i++)
		id = match_layout(path, slice_str(layouts[i].prefix), slice_str(layouts[i].suffix));
	return id;
}

/* The container of the nearest group above. */
static struct slice
match_above(struct slice path)
{
	struct slice id = NONE;
	const char *slash;

	while (id.p == NULL && path.n > ID_LEN && (slash = memrchr(path.p, '/', path.n)) != NULL) {
		path.n = (size_t) (slash - path.p);
		if (path.n > ID_LEN)
			id = match_layouts(path);
	}
	return id;
}

/* full.p is NULL: none. */
static struct container_ids
match_path(struct slice path)
{
	static struct slice (*const named[])(
	    struct slice path) = { match_lxc, match_libvirt, match_bpm };
	struct slice id = match_layouts(path);

	if (id.p == NULL)
		id = match_above(path);
	if (id.p != NULL)
		return ids_of(id, SHORT_LEN);
	id = match_nspawn(path);
	if (id.p != NULL)
		return ids_of(id, id.n);
	id = match_containerd(path);
	if (id.p != NULL)
		return ids_of(id, SHORT_LEN);
	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		id = named[i](path);
		if (id.p != NULL)
			return ids_of(id, id.n);
	}
	return ids_of(NONE, 0);
}

bool
container_find(struct slice cgroups, struct container_ids *ret)
{
	struct slice last = NONE;

	while (cgroups.n > 0) {
		const char *nul = memchr(cgroups.p, '\0', cgroups.n);
		struct slice path =
		    head(cgroups, nul == NULL ? cgroups.n : (size_t) (nul - cgroups.p));
		const char *eq = memchr(path.p, '=', path.n);
		struct container_ids ids;

		cgroups = tail(cgroups, MIN(cgroups.n, path.n + 1));
		if (eq != NULL)
			path = tail(path, (size_t) (eq + 1 - path.p));
		if (last.p != NULL && slice_eq(path, last))
			continue; /* of another subsystem */
		last = path;
		ids = match_path(path);
		if (ids.full.p != NULL) {
			*ret = ids;
			return true;
		}
	}
	return false;
}

struct slice
container_id_of(struct slice cgroups)
{
	struct container_ids ids = { NONE, NONE };

	(void) container_find(cgroups, &ids);
	return ids.id;
}

/* A container for certain: other groups above one are those of runtimes, pods and services. */
static struct slice
match_parent(struct slice path)
{
	const struct slice of_podmans_pods = SLICE("/libpod_parent");
	struct slice id = match_layouts(path);

	if (id.p != NULL) {
		struct slice front = head(path, (size_t) (id.p - path.p) - 1);

		return slice_ends(front, of_podmans_pods) ? NONE : head(id, SHORT_LEN);
	}
	id = match_nspawn(path);
	if (id.p == NULL)
		id = match_lxc(path);
	return id;
}

/* The path above a container's group; n is 0: there is no container. */
static struct slice
path_above(struct slice cgroups)
{
	struct container_ids inner;
	const char *at;

	if (!container_find(cgroups, &inner))
		return NONE;
	at = inner.full.p;
	while (at > cgroups.p && at[-1] != '=' && at[-1] != '\0')
		at--;
	return (struct slice){ at, (size_t) (inner.full.p - at) };
}

#define TEXT(lit)                      \
	{                              \
		(lit), sizeof(lit) - 1 \
	}

/* What is in front of an id in its path. */
static const struct {
	struct slice before, runtime;
} runtimes[] = {
	{ TEXT("/libpod-"), TEXT("podman") },
	{ TEXT("/libpod-payload-"), TEXT("podman") },
	{ TEXT("/docker/"), TEXT("docker") },
	{ TEXT("/docker-"), TEXT("docker") },
	{ TEXT("/crio-"), TEXT("cri-o") },
	{ TEXT("/cri-containerd-"), TEXT("containerd") },
	{ TEXT(":cri-containerd:"), TEXT("containerd") },
	{ TEXT("/nerdctl-"), TEXT("containerd") },
	{ TEXT("/libvirt/lxc/"), TEXT("libvirt-lxc") },
	{ TEXT("-lxc\\x2d"), TEXT("libvirt-lxc") },
	{ TEXT("/lxc/"), TEXT("lxc") },
	{ TEXT("/lxc.payload/"), TEXT("lxc") },
	{ TEXT("/lxc.payload."), TEXT("lxc") },
	{ TEXT("/machine.slice/machine-"), TEXT("systemd-nspawn") },
	{ TEXT("/machine.slice/systemd-nspawn@"), TEXT("systemd-nspawn") },
	{ TEXT("bpm-"), TEXT("bpm") },
};

struct slice
container_runtime_of(struct slice cgroups)
{
	struct slice above = path_above(cgroups);

	for (size_t i = 0; above.n > 0 && i < ARRAY_SIZE(runtimes); i++) {
		if (slice_ends(above, runtimes[i].before))
			return runtimes[i].runtime;
	}
	return NONE;
}

struct slice
container_parent_of(struct slice cgroups)
{
	struct slice above = path_above(cgroups), id = NONE;
	const char *at;

	while (id.p == NULL && above.n > 0 && (at = memrchr(above.p, '/', above.n)) != NULL) {
		above.n = (size_t) (at - above.p);
		id = match_parent(above);
	}
	return id;
}

/* systemd's user.slice/user-UID.slice, the outermost one: those below it the user can make. */
uint32_t
container_user_of(struct slice cgroups)
{
	struct slice begin = SLICE("/user.slice/user-"), end = SLICE(".slice/");
	struct slice above = path_above(cgroups);
	size_t i = above.n == 0 ? NOT_FOUND : find_first(above, begin);
	uint64_t uid = 0;

	if (i == NOT_FOUND || container_parent_of(cgroups).p != NULL)
		return 0;
	above = tail(above, i + begin.n);
	for (i = 0; i < above.n && above.p[i] >= '0' && above.p[i] <= '9' && uid <= UINT32_MAX; i++)
		uid = uid * 10 + (uint64_t) (above.p[i] - '0');
	return i > 0 && uid <= UINT32_MAX && slice_starts(tail(above, i), end) ? (uint32_t) uid : 0;
}
