/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/listen.h"
#include "common/file.h"
#include "common/log.h"
#include "common/nng/tls.h"
#include <errno.h>

#define WARN_NS (14ull * 86400 * NS_PER_S) /* before our certificate expires */
#define NAG_NS  (86400 * NS_PER_S)         /* between two warnings */

static void
handshake_ended(void *arg, SSL *ssl, const X509 *peer, bool ok)
{
	struct ingest *i = arg;
	X509 *cert = SSL_get0_peer_certificate(ssl);

	(void) peer;
	if (ok && cert != NULL)
		shown_put(&i->shown, cert);
	i->refused_tls += !ok;
}

int
tls_set(struct ingest *i, const struct trust *t, struct diag *d)
{
	const struct tls_setup s = {
		.mode = NNG_TLS_MODE_SERVER, .ctx = trust_tls(t), .ended = handshake_ended, .arg = i
	};
	nng_tls_config *c = NULL;
	int rv = tls_config_new(&s, &c);

	if (rv == 0) {
		rv = nng_listener_set_ptr(i->listener->listener, NNG_OPT_TLS_CONFIG, c);
		nng_tls_config_free(c); /* the listener holds it */
	}
	if (rv != 0)
		diag_set(d, 0, 0, "the network library does not take the certificates: %s",
		    nng_strerror(rv));
	return nng_errno(rv);
}

int
tls_trust(const struct ingest_cfg *cfg, struct trust **ret, struct diag *d)
{
	struct trust_files f = { cfg->ca, cfg->cert, cfg->key, cfg->crl };

	return trust_load(&f, ret, d);
}

static uint64_t
crl_stamp(const struct ingest *i)
{
	return i->cfg.crl == NULL ? 0 : file_stamp(i->cfg.crl);
}

int
ingest_reload_tls(struct ingest *i, struct diag *d)
{
	struct trust *fresh = NULL, *old;
	unsigned n;
	int r;

	if (!i->listener->tls)
		return 0;
	i->crl_stamp = crl_stamp(i);
	i->warned = 0;
	r = tls_trust(&i->cfg, &fresh, d);
	if (r == 0)
		r = tls_set(i, fresh, d);
	if (r < 0) {
		trust_unref(fresh);
		return r;
	}
	pthread_mutex_lock(&i->lock);
	old = i->trust;
	i->trust = trust_ref(fresh);
	pthread_mutex_unlock(&i->lock);
	n = conns_recheck(i, fresh, clock_mono());
	trust_unref(fresh);
	trust_unref(old);
	log_info("certificates reloaded; %u connected sensors are no longer trusted", n);
	return 0;
}

static void
warn_of_end(struct ingest *i, uint64_t now)
{
	uint64_t until, real = clock_real();

	if (i->warned != 0 && now - i->warned < NAG_NS)
		return;
	i->warned = now;
	pthread_mutex_lock(&i->lock);
	until = trust_until(i->trust);
	pthread_mutex_unlock(&i->lock);
	if (until > real + WARN_NS)
		return;
	log_warn(
	    "this collector's certificate %s %s: issue a new one (mewsctl pki issue), put it "
	    "in place and send SIGHUP",
	    i->cfg.cert,
	    until <= real               ? "has expired"
	    : until < real + 2 * NAG_NS ? "expires within two days"
					: "expires within two weeks");
}

void
ingest_watch_tls(struct ingest *i)
{
	struct diag d = { 0 };
	uint64_t stamp;

	if (!i->listener->tls)
		return;
	stamp = crl_stamp(i);
	if (stamp != 0 && i->crl_stamp != 0 && stamp != i->crl_stamp &&
	    ingest_reload_tls(i, &d) < 0)
		log_error("the revocation list has changed but cannot be used: %s", d.msg);
	if (stamp != 0)
		i->crl_stamp = stamp;
	warn_of_end(i, clock_mono());
}
