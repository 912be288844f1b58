/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_certs.c - renewal, revocation and expiry of certificates at run time. */
#include "common/clock.h"
#include "common/file.h"
#include "common/log_peer.h"
#include "sensor/sensor_int.h"
#include <unistd.h>

#define LOOK_NS (1 * NS_PER_S)
#define WARN_NS (14ull * 86400 * NS_PER_S) /* before a certificate expires */
#define NAG_NS  (86400 * NS_PER_S)         /* between two warnings */

int
app_identity(const struct app *a, const char *node, struct identity **ret, struct diag *d)
{
	const struct options *o = &a->opt;
	char cert[4096], key[4096];
	struct identity_files f = {
		.ca = o->tls_ca,
		.cert = o->tls_cert,
		.key = is_set(o->tls_key) ? o->tls_key : NULL,
		.crl = is_set(o->tls_crl) ? o->tls_crl : NULL,
	};

	*ret = NULL;
	if (is_set(o->tls_dir)) {
		const char *kind = "";

		(void) snprintf(cert, sizeof(cert), "%s/%s.pem", o->tls_dir, node);
		if (access(cert, F_OK) < 0) /* as mewsctl pki names them */
			kind = "node-";
		(void) snprintf(cert, sizeof(cert), "%s/%s%s.pem", o->tls_dir, kind, node);
		(void) snprintf(key, sizeof(key), "%s/%s%s.key", o->tls_dir, kind, node);
		f.cert = cert;
		f.key = key;
		return identity_load(&f, ret, d);
	}
	if (!is_set(o->tls_cert) || !is_set(o->tls_ca))
		return 0;
	return identity_load(&f, ret, d);
}

/* Reload certificates and lists. A bad file leaves the old ones in use. Connections stay up unless
 * the new data rejects the collector's certificate. */
static void
reload(struct app *a, uint64_t now)
{
	size_t done = 0;

	for (size_t i = 0; i < a->nnodes; i++) {
		struct node *n = a->node[i];
		struct identity *id = NULL;
		struct diag d = { 0 };

		if (app_identity(a, n->name, &id, &d) < 0) {
			log_error("%s; keeping the old certificate", d.msg);
			continue;
		}
		if (id != NULL)
			node_set_identity(n, id, now);
		node_check_peer(n, now, true);
		done++;
	}
	a->certs_warned = 0;
	log_info("reloaded the certificates of %zu of %zu nodes", done, a->nnodes);
}

/* Has the list changed since it was read? A missing file is being replaced: no change yet. */
static bool
list_changed(struct app *a)
{
	uint64_t stamp = is_set(a->opt.tls_crl) ? file_stamp(a->opt.tls_crl) : 0;
	bool changed = stamp != 0 && a->crl_stamp != 0 && stamp != a->crl_stamp;

	if (stamp != 0)
		a->crl_stamp = stamp;
	return changed;
}

/* Warn in time for a person to issue a new certificate. */
static void
warn_of_end(struct app *a, uint64_t now)
{
	uint64_t real = clock_real();

	if (a->certs_warned != 0 && now - a->certs_warned < NAG_NS)
		return;
	a->certs_warned = now;
	for (size_t i = 0; i < a->nnodes; i++) {
		const struct identity *id = a->node[i]->cfg.identity;

		if (id == NULL || id->until > real + WARN_NS ||
		    (a->enrolled != NULL && !a->renew_failed))
			continue;
		log_peer(LOG_WARN, "certificates",
		    "the certificate of node %s %s: issue a new one (mewsctl pki issue), put it "
		    "in place and send SIGHUP",
		    a->node[i]->name,
		    id->until <= real               ? "has expired"
		    : id->until < real + 2 * NAG_NS ? "expires within two days"
						    : "expires within two weeks");
	}
}

void
app_watch_certs(struct app *a, uint64_t now)
{
	bool due = a->certs_looked == 0 || now - a->certs_looked >= LOOK_NS, asked;

	if (due)
		app_renew(a, now);
	asked = atomic_exchange(&a->reload, false);
	if (!asked && !due)
		return;
	a->certs_looked = now;
	if (asked && a->canary_at != 0)
		a->canary_at = 1; /* at once */
	if (list_changed(a) || asked) {
		reload(a, now);
		return;
	}
	for (size_t i = 0; i < a->nnodes; i++)
		node_check_peer(a->node[i], now, false);
	warn_of_end(a, now);
}
