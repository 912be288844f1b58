/* SPDX-License-Identifier: Apache-2.0 */
/* address.c - the address that sensors connect to: its syntax, and whether it can be listened
 * on. */
#include "collector/ingest/listen.h"
#include "common/probe.h"
#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#define IPC "ipc://"

static int
check_port(const char *url, struct diag *d)
{
	nng_url *u = NULL;
	int r = 0;

	if (nng_url_parse(&u, url) != 0)
		return diag_fail(d, 0, 0,
		    "listen: '%s' is not an address: write tls+tcp://HOST:PORT, such as "
		    "tls+tcp://0.0.0.0:7443",
		    url);
	if (u->u_port == NULL || u->u_port[0] == '\0')
		r = diag_fail(d, 0, 0,
		    "listen: '%s' has no port: write tls+tcp://HOST:PORT, such as "
		    "tls+tcp://0.0.0.0:7443",
		    url);
	nng_url_free(u);
	return r;
}

int
address_scheme(const struct ingest_cfg *cfg, enum scheme *ret, struct diag *d)
{
	const char *url = cfg->listen == NULL ? "" : cfg->listen;

	if (strncmp(url, "tls+tcp", 7) == 0)
		*ret = SCHEME_TLS;
	else if (strncmp(url, IPC, strlen(IPC)) == 0)
		*ret = SCHEME_IPC;
	else if (strncmp(url, "tcp", 3) != 0)
		return diag_fail(d, 0, 0,
		    "listen: '%s' is not an address: tls+tcp://HOST:PORT, ipc:///PATH, or "
		    "tcp://HOST:PORT with 'insecure: true'",
		    url);
	else if (!cfg->insecure)
		return diag_fail(d, 0, 0,
		    "listen: %s would let any host speak for any node: use tls+tcp://, or set "
		    "'insecure: true'",
		    url);
	else
		*ret = SCHEME_TCP;
	return *ret == SCHEME_IPC ? 0 : check_port(url, d);
}

static int
fail(const char *url, int r, const char *why, struct diag *d)
{
	switch (r) {
	case -EADDRINUSE:
		diag_set(d, 0, 0,
		    "%s is in use: stop what listens there ('ss -ltnp' shows it), or set 'listen' "
		    "to another address",
		    url);
		break;
	case -EADDRNOTAVAIL:
		diag_set(d, 0, 0,
		    "%s is not an address of this machine: set 'listen' to one that is", url);
		break;
	case -EACCES:
		diag_set(d, 0, 0,
		    "no permission to listen on %s: take a port above 1023, or a folder that "
		    "belongs to this user",
		    url);
		break;
	case -EEXIST:
		diag_set(d, 0, 0,
		    "cannot listen on %s: a file that is not a socket is there; remove it, or set "
		    "'listen' to another path",
		    url);
		break;
	default:
		diag_set(d, 0, 0, "cannot listen on %s: %s", url, why);
		break;
	}
	return r;
}

int
address_fail(const char *url, int rv, struct diag *d)
{
	return fail(url, nng_errno(rv), nng_strerror(rv), d);
}

int
address_probe_ipc(const char *url, struct diag *d)
{
	int r = probe_socket(url + strlen(IPC));

	return r < 0 ? fail(url, r, strerrordesc_np(-r), d) : 0;
}

/* 0, and *ret set; -ENOENT, and *d: there is no such group. */
static int
find_group(const char *name, gid_t *ret, struct diag *d)
{
	struct group group, *found = NULL;
	char text[16384];

	if (getgrnam_r(name, &group, text, sizeof(text), &found) == 0 && found != NULL) {
		*ret = found->gr_gid;
		return 0;
	}
	diag_set(d, 0, 0,
	    "ipc.group: there is no group '%s': make it ('addgroup --system %s'), or name another",
	    name, name);
	return -ENOENT;
}

int
address_share_ipc(const char *url, const char *group, struct diag *d)
{
	const char *path = url + strlen(IPC);
	gid_t gid = 0;
	int r = group == NULL ? 0 : find_group(group, &gid, d);

	if (r < 0 || group == NULL)
		return r;
	/* The group first: until then only this user may connect. */
	if (chown(path, (uid_t) -1, gid) == 0 && chmod(path, 0660) == 0)
		return 0;
	r = -errno;
	diag_set(d, 0, 0, "ipc.group: cannot open %s to group '%s': %s: is this user a member?",
	    path, group, strerrordesc_np(-r));
	return r;
}

int
ingest_check(const struct ingest_cfg *cfg, struct diag *d)
{
	struct trust *t = NULL;
	enum scheme scheme;
	gid_t gid;
	int r = address_scheme(cfg, &scheme, d);

	if (r == 0 && scheme == SCHEME_TLS)
		r = tls_trust(cfg, &t, d);
	else if (r == 0 && scheme == SCHEME_IPC && cfg->ipc_group != NULL)
		r = find_group(cfg->ipc_group, &gid, d);
	trust_unref(t);
	return r;
}

int
ingest_probe(const struct ingest_cfg *cfg, struct nng_stream_listener **ret, struct diag *d)
{
	const char *url = cfg->listen;
	enum scheme scheme;
	int r = address_scheme(cfg, &scheme, d), rv;

	*ret = NULL;
	if (r < 0)
		return 0; /* ingest_check() reports it */
	if (scheme == SCHEME_IPC)
		return address_probe_ipc(url, d);
	/* TLS uses the same socket below. */
	rv = nng_stream_listener_alloc(ret, scheme == SCHEME_TLS ? url + strlen("tls+") : url);
	if (rv == 0)
		rv = nng_stream_listener_listen(*ret);
	if (rv == 0)
		return 0;
	ingest_probe_end(*ret);
	*ret = NULL;
	return address_fail(url, rv, d);
}

void
ingest_probe_end(struct nng_stream_listener *l)
{
	if (l == NULL)
		return;
	nng_stream_listener_close(l);
	nng_stream_listener_free(l);
}
