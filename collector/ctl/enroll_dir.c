/* SPDX-License-Identifier: Apache-2.0 */
/* enroll_dir.c - make an enroller's folder, and keep up with the fleet's authority. */
#include "collector/ctl/enroll_int.h"
#include "common/buf.h"
#include "common/file.h"
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct opt opts[] = {
	{ "address", NULL, "", OPT_STR, offsetof(struct enroll_options, address), 0, 0 },
	{ "listen", NULL, "", OPT_STR, offsetof(struct enroll_options, listen), 0, 0 },
	{ "collector", NULL, "", OPT_STR, offsetof(struct enroll_options, collector), 0, 0 },
};

int
enroll_options_read(const char *dir, struct enroll_options *ret, struct cfg **cfg, struct diag *d)
{
	char path[4096];
	int r;

	pki_path(dir, "serve", ".yaml", path);
	if (access(path, F_OK) < 0) {
		diag_set(d, 0, 0,
		    "%s is not an enroller's folder: make one with 'mewsctl pki enroller FLEET %s "
		    "--address HOST:PORT --collector URL'",
		    dir, dir);
		return -ENOENT;
	}
	r = cfg_load(path, cfg, d);
	if (r == 0)
		r = cfg_bind(*cfg, opts, ARRAY_SIZE(opts), ret, d);
	if (r == 0)
		r = cfg_check_unknown(*cfg, d);
	if (r == 0 && (ret->address == NULL || ret->collector == NULL))
		r = diag_fail(d, 0, 0, "%s: set 'address' and 'collector'", path);
	return r;
}

static int
options_write(const char *dir, const struct enroll_options *o, struct diag *d)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	char path[4096];

	buf_printf(&b,
	    "# What mewsctl pki serve does. Nodes reach it at this address:\n"
	    "address: \"%s\"\n"
	    "# Where it listens; default: on every address, at the same port.\n"
	    "%slisten: \"%s\"\n"
	    "# The collector that nodes are told to use:\n"
	    "collector: \"%s\"\n",
	    o->address, o->listen == NULL ? "# " : "",
	    o->listen == NULL ? "192.0.2.1:" ENROLL_PORT : o->listen, o->collector);
	pki_path(dir, "serve", ".yaml", path);
	if (buf_ok(&b) == 0)
		return file_replace(path, (struct slice){ b.p, b.n }, 0644, d);
	diag_set(d, 0, 0, "out of memory");
	return -ENOMEM;
}

/* Fill what is not set from the file, if there is one. */
static int
options_merge(const char *dir, const struct enroll_options *o, struct diag *d)
{
	struct enroll_options all = { .address = NULL };
	struct enroll_address at;
	struct cfg *cfg = NULL;
	char path[4096];
	int r = 0;

	pki_path(dir, "serve", ".yaml", path);
	if (access(path, F_OK) == 0)
		r = enroll_options_read(dir, &all, &cfg, d);
	all.address = o->address != NULL ? o->address : all.address;
	all.listen = o->listen != NULL ? o->listen : all.listen;
	all.collector = o->collector != NULL ? o->collector : all.collector;
	if (r == 0 && (all.address == NULL || all.collector == NULL))
		r = diag_fail(d, 0, 0,
		    "give --address HOST:PORT, where nodes reach this server, and --collector URL, "
		    "such as tls+tcp://collector.example:7443");
	if (r == 0)
		r = enroll_address_parse(slice_str(all.address), &at, d);
	if (r == 0)
		r = options_write(dir, &all, d);
	cfg_free(cfg);
	return r;
}

/* ---- the fleet's authority ---- */

/* Append the PEM of a certificate or a list. */
static int
add_pem(struct buf *b, X509 *cert, X509_CRL *crl)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;
	bool ok = bio != NULL && (cert != NULL ? PEM_write_bio_X509(bio, cert)
					       : PEM_write_bio_X509_CRL(bio, crl)) == 1;

	n = ok ? BIO_get_mem_data(bio, &p) : 0;
	if (n > 0)
		buf_add(b, p, (size_t) n);
	BIO_free(bio);
	return n > 0 ? buf_ok(b) : -ENOMEM;
}

/* Append what 'path' holds that is not of this authority. No file: nothing. */
static int
add_others(struct buf *b, const char *path, X509_NAME * not, bool lists)
{
	BIO *bio = BIO_new_file(path, "re");
	int r = 0;

	for (;;) {
		X509 *x = bio == NULL || lists ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
		X509_CRL *l =
		    bio == NULL || !lists ? NULL : PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
		bool end = x == NULL && l == NULL;
		const X509_NAME *name = x != NULL   ? X509_get_subject_name(x)
					: l != NULL ? X509_CRL_get_issuer(l)
						    : NULL;

		if (!end && r == 0 && X509_NAME_cmp(name, not ) != 0)
			r = add_pem(b, x, l);
		X509_free(x);
		X509_CRL_free(l);
		if (end)
			break;
	}
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

/* Write DIR/fleet.pem or DIR/fleet-crl.pem: this authority's first, then those from earlier. */
static int
fleet_write(const char *dir, const char *fleet, X509 *ca, bool lists, bool only, struct diag *d)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	X509_CRL *crl = NULL;
	char path[4096];
	X509 *none = NULL;
	int r = 0;

	if (lists) {
		pki_path(fleet, "crl", ".pem", path);
		r = pki_read(path, &none, &crl, d);
		X509_free(none);
		if (r == 0 && crl == NULL)
			r = diag_fail(d, 0, 0, "%s is not a revocation list", path);
	}
	if (r < 0)
		return r;
	r = add_pem(&b, lists ? NULL : ca, crl);
	X509_CRL_free(crl);
	pki_path(dir, lists ? "fleet-crl" : "fleet", ".pem", path);
	if (r == 0 && !only)
		r = add_others(&b, path, X509_get_subject_name(ca), lists);
	if (r == 0)
		return file_replace(path, (struct slice){ b.p, b.n }, 0644, d);
	diag_set(d, 0, 0, "out of memory");
	return r;
}

/* Is it a folder that nobody can change, such as a Secret of Kubernetes? */
static bool
is_frozen(const char *fleet)
{
	return access(fleet, W_OK) < 0 && errno == EROFS;
}

/* Note it in the fleet's list, to be revocable by name; not in one that is frozen. */
static int
server_note(const char *fleet, const char *name, X509 *cert, struct diag *d)
{
	struct issued is = { .v = NULL };
	int r;

	if (is_frozen(fleet))
		return 0;
	r = issued_read(fleet, &is, d);
	if (r == 0)
		r = issued_record(&is, PKI_COLLECTOR, name, cert, d);
	if (r == 0)
		r = issued_write(fleet, &is, d);
	free(is.v);
	return r;
}

/* Issue the server's certificate from the fleet's authority, so that nodes know the server by it.
 * Its key stays in 'dir'. */
static int
server_write(const char *dir, const char *fleet, const struct pki_pair *ca,
    const struct enroll_address *at, struct diag *d)
{
	unsigned char ip[16];
	const char *host = at->host;
	const bool is_ip = inet_pton(AF_INET, host, ip) == 1 || inet_pton(AF_INET6, host, ip) == 1;
	const struct pki_request rq = { .kind = PKI_COLLECTOR,
		.name = is_ip ? "mews-enroll" : host,
		.ip = &host,
		.nip = is_ip,
		.days = PKI_CERT_DAYS };
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	struct pki_pair p = { NULL, NULL };
	char path[4096];
	int r = pki_make_cert(ca, &rq, &p, d);

	if (r == 0)
		r = server_note(fleet, rq.name, p.cert, d);
	if (r == 0)
		r = pki_write_pair(dir, "server", &p, d);
	if (r == 0 && (add_pem(&b, p.cert, NULL) < 0 || add_pem(&b, ca->cert, NULL) < 0)) {
		diag_set(d, 0, 0, "out of memory");
		r = -ENOMEM;
	}
	pki_path(dir, "server", ".pem", path);
	if (r == 0)
		r = file_replace(path, (struct slice){ b.p, b.n }, 0644, d);
	pki_pair_fini(&p);
	return r;
}

/* With the fleet's lock held, or a frozen fleet. */
static int
take_fleet(const char *dir, const char *fleet, bool only, struct diag *d)
{
	struct enroll_options o = { .address = NULL };
	struct pki_pair ca = { NULL, NULL };
	struct enroll_address at;
	struct cfg *cfg = NULL;
	int r = enroll_options_read(dir, &o, &cfg, d);

	if (r == 0)
		r = enroll_address_parse(slice_str(o.address), &at, d);
	cfg_free(cfg);
	if (r == 0)
		r = pki_read_ca(fleet, &ca, d);
	if (r == 0)
		r = fleet_write(dir, fleet, ca.cert, false, only, d);
	if (r == 0)
		r = fleet_write(dir, fleet, ca.cert, true, only, d);
	if (r == 0)
		r = server_write(dir, fleet, &ca, &at, d);
	pki_pair_fini(&ca);
	return r;
}

/* With the folder's own lock held: trust.pem and trust-crl.pem follow the others. */
static int
write_trust(const char *dir, struct diag *d)
{
	CLEANUP(pki_unlock) int locked = pki_lock(dir, d);
	struct pki_pair ca = { NULL, NULL };
	struct issued is = { .v = NULL };
	int r = locked < 0 ? locked : pki_read_ca(dir, &ca, d);

	if (r == 0)
		r = issued_read(dir, &is, d);
	if (r == 0)
		r = pki_write_crl(dir, &ca, &is, d);
	pki_pair_fini(&ca);
	free(is.v);
	return r;
}

/* The fleet's name, from its authority's certificate. */
static int
fleet_name(const char *fleet, char ret[128], struct diag *d)
{
	char path[4096];
	X509 *x = NULL;
	int r;

	pki_path(fleet, "ca", ".pem", path);
	r = pki_read_cert(path, &x, d);
	if (r == -ENOENT)
		diag_set(d, 0, 0,
		    "there is no authority in %s: make the fleet's with 'mewsctl pki init %s'",
		    fleet, fleet);
	if (r == 0 && X509_NAME_get_text_by_NID(
			  X509_get_subject_name(x), NID_organizationName, ret, 128) <= 0)
		(void) snprintf(ret, 128, "Mews");
	X509_free(x);
	return r;
}

int
enroll_init(
    const char *dir, const char *fleet, bool only, const struct enroll_options *o, struct diag *d)
{
	CLEANUP(pki_unlock) int locked = -1;
	char path[4096], name[128];
	int r = fleet_name(fleet, name, d);

	if (r < 0)
		return r;
	if (mkdir(dir, 0711) < 0 && errno != EEXIST)
		return fail_errno(d, "cannot make the folder %s: %s", dir, strerrordesc_np(errno));
	r = options_merge(dir, o, d);
	pki_path(dir, "ca", ".key", path);
	if (r == 0 && access(path, F_OK) < 0)
		r = pki_init(dir, name, PKI_NODES_ONLY, PKI_CA_DAYS, false, d);
	if (r < 0)
		return r;
	locked = is_frozen(fleet) ? -EROFS : pki_lock(fleet, d);
	r = locked < 0 && locked != -EROFS ? locked : take_fleet(dir, fleet, only, d);
	return r < 0 ? r : write_trust(dir, d);
}
