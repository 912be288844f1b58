/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/env.h"
#include "common/file.h"
#include "proto/schema.h"
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define LABELS_MAX     64
#define INTERFACES_MAX 256

static int
read_boot_id(struct env *e, const char *host_root)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	char path[4096];
	int r;

	(void) snprintf(path, sizeof(path), "%s/proc/sys/kernel/random/boot_id", host_root);
	r = file_read_at(AT_FDCWD, path, 64, &b);
	if (r < 0)
		return r;
	while (b.n > 0 && b.p[b.n - 1] == '\n')
		b.n--;
	if (b.n == 0)
		return -EIO;
	e->hello.boot_id = arena_strdup(&e->arena, buf_get(&b));
	return e->hello.boot_id == NULL ? -ENOMEM : 0;
}

static int
add_schema(struct env *e)
{
	Wire__EventSchema **v = arena_alloc(&e->arena, schema_nevents * sizeof(*v));

	e->hello.schema = v;
	if (v == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];
		Wire__EventSchema *w;

		if (s->capture == CAP_NOT)
			continue;
		w = arena_alloc(&e->arena, sizeof(*w) + s->nparams * sizeof(*w->types));
		if (w == NULL)
			return -ENOMEM;
		wire__event_schema__init(w);
		w->num = s->num;
		w->name = arena_strdup(&e->arena, slice_str(s->name));
		w->types = (uint32_t *) (void *) (w + 1);
		w->n_types = s->nparams;
		for (size_t k = 0; k < s->nparams; k++)
			w->types[k] = s->params[k].type;
		if (w->name == NULL)
			return -ENOMEM;
		v[e->hello.n_schema++] = w;
	}
	return 0;
}

int
env_init(struct env *e, const char *host_root)
{
	struct utsname u;
	int r;

	arena_init(&e->arena, 0);
	arena_init(&e->ifaces, 0);
	wire__hello__init(&e->hello);
	e->hello.protocol = WIRE_PROTOCOL;
	(void) uname(&u);
	e->hello.version = arena_strdup(&e->arena, slice_str(MEWS_VERSION));
	e->hello.kernel = arena_strdup(&e->arena, slice_str(u.release));
	e->hello.arch = arena_strdup(&e->arena, slice_str(u.machine));
	e->hello.labels = arena_alloc(&e->arena, LABELS_MAX * sizeof(*e->hello.labels));
	if (e->hello.version == NULL || e->hello.kernel == NULL || e->hello.arch == NULL ||
	    e->hello.labels == NULL)
		return -ENOMEM;
	r = read_boot_id(e, host_root);
	if (r == 0)
		r = add_schema(e);
	if (r == 0)
		env_refresh(e);
	return r;
}

void
env_fini(struct env *e)
{
	arena_fini(&e->arena);
	arena_fini(&e->ifaces);
}

int
env_label(struct env *e, const char *key, const char *value)
{
	Wire__Label *l;

	if (e->hello.n_labels == LABELS_MAX)
		return -E2BIG;
	l = arena_alloc(&e->arena, sizeof(*l));
	if (l == NULL)
		return -ENOMEM;
	wire__label__init(l);
	l->key = arena_strdup(&e->arena, slice_str(key));
	l->value = arena_strdup(&e->arena, slice_str(value));
	if (l->key == NULL || l->value == NULL)
		return -ENOMEM;
	e->hello.labels[e->hello.n_labels++] = l;
	return 0;
}

/* Get the address and netmask of an entry. Returns the size; 0: neither IPv4 nor IPv6. */
static size_t
address(const struct ifaddrs *i, const uint8_t **addr, const uint8_t **mask)
{
	if (i->ifa_addr == NULL || i->ifa_netmask == NULL)
		return 0;
	if (i->ifa_addr->sa_family == AF_INET) {
		*addr = (const void *) &((const struct sockaddr_in *) (const void *) i->ifa_addr)
			    ->sin_addr;
		*mask = (const void *) &((const struct sockaddr_in *) (const void *) i->ifa_netmask)
			    ->sin_addr;
		return 4;
	}
	if (i->ifa_addr->sa_family == AF_INET6) {
		*addr = (const void *) &((const struct sockaddr_in6 *) (const void *) i->ifa_addr)
			    ->sin6_addr;
		*mask =
		    (const void *) &((const struct sockaddr_in6 *) (const void *) i->ifa_netmask)
			->sin6_addr;
		return 16;
	}
	return 0;
}

static Wire__Interface *
interface(struct arena *a, const char *name, const uint8_t *addr, const uint8_t *mask, size_t n)
{
	Wire__Interface *w = arena_alloc(a, sizeof(*w) + n);

	if (w == NULL)
		return NULL;
	wire__interface__init(w);
	w->name = arena_strdup(a, slice_str(name));
	if (w->name == NULL)
		return NULL;
	w->address.data = (uint8_t *) (w + 1);
	w->address.len = n;
	memcpy(w->address.data, addr, n);
	for (size_t i = 0; i < n; i++)
		w->prefix += (uint32_t) __builtin_popcount(mask[i]);
	return w;
}

void
env_refresh(struct env *e)
{
	struct ifaddrs *list = NULL;
	struct arena fresh;
	Wire__Interface **v;
	size_t n = 0;

	if (getifaddrs(&list) != 0)
		return;
	arena_init(&fresh, 0);
	v = arena_alloc(&fresh, INTERFACES_MAX * sizeof(*v));
	for (const struct ifaddrs *i = list; v != NULL && i != NULL && n < INTERFACES_MAX;
	     i = i->ifa_next) {
		const uint8_t *addr, *mask;
		size_t size = address(i, &addr, &mask);

		if (size > 0)
			v[n] = interface(&fresh, i->ifa_name, addr, mask, size);
		if (size > 0 && v[n] != NULL)
			n++;
	}
	freeifaddrs(list);
	if (v == NULL) {
		arena_fini(&fresh);
		return;
	}
	arena_fini(&e->ifaces);
	e->ifaces = fresh;
	e->hello.interfaces = v;
	e->hello.n_interfaces = n;
}
