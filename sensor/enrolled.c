/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/enrolled.h"
#include "common/clock.h"
#include "common/file.h"
#include "sensor/enroll_call.h"
#include "sensor/identity.h"
#include "sensor/x509.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMON_NAME_MAX 64

static const char *
path_in(const char *dir, const char *name, char ret[4096])
{
	(void) snprintf(ret, 4096, "%s/%s", dir, name);
	return ret;
}

const char *
enroll_host(char ret[256])
{
	ret[0] = ret[255] = '\0';
	(void) gethostname(ret, 255);
	return ret;
}

/* ---- what there is ---- */

int
enrolled_read(const char *dir, struct enrolled *ret, struct cfg **cfg, struct diag *d)
{
	static const struct opt opts[] = {
		{ "node", NULL, "", OPT_STR, offsetof(struct enrolled, node), 0, 0 },
		{ "server", NULL, "", OPT_STR, offsetof(struct enrolled, server), 0, 0 },
		{ "collector", NULL, "", OPT_STR, offsetof(struct enrolled, collector), 0, 0 },
	};
	char path[4096];
	int r;

	if (access(path_in(dir, "node.pem", path), F_OK) < 0 && errno == ENOENT)
		return -ENOENT;
	r = cfg_load(path_in(dir, "enrolled.yaml", path), cfg, d);
	if (r == 0)
		r = cfg_bind(*cfg, opts, ARRAY_SIZE(opts), ret, d);
	if (r == 0 && (ret->node == NULL || ret->server == NULL || ret->collector == NULL))
		r = diag_fail(d, 0, 0, "%s is not complete: enrol this node again", path);
	return r == -ENOENT ? -EINVAL : r;
}

/* ---- keys ---- */

/* Append the PEM of whichever is not NULL. */
static int
add_pem(struct buf *b, EVP_PKEY *key, X509_REQ *rq)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = 0;
	bool ok = bio != NULL &&
		  (key == NULL ||
		      PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) &&
		  (rq == NULL || PEM_write_bio_X509_REQ(bio, rq) == 1);

	if (ok)
		n = BIO_get_mem_data(bio, &p);
	if (n > 0)
		buf_add(b, p, (size_t) n);
	BIO_free(bio);
	ERR_clear_error();
	return n > 0 ? buf_ok(b) : -ENOMEM;
}

static void
wipe(struct buf *b)
{
	if (b->p != NULL)
		OPENSSL_cleanse(b->p, b->cap);
	buf_fini(b);
}

/* The key of an answer that has not come, or a new one, kept until it has: asking again with it
 * gives the same certificate. */
static int
next_key(const char *dir, EVP_PKEY **ret, struct diag *d)
{
	CLEANUP(wipe) struct buf b = BUF_INIT;
	char path[4096];
	EVP_PKEY *key;
	int r;

	path_in(dir, "next.key", path);
	if (access(path, F_OK) == 0) {
		r = file_read(path, "key", true, &b, d);
		if (r < 0)
			return r;
		*ret = x509_key(b.p);
		if (*ret != NULL)
			return 0;
		buf_clear(&b);
	}
	key = EVP_EC_gen("P-256");
	if (key == NULL || add_pem(&b, key, NULL) < 0) {
		EVP_PKEY_free(key);
		diag_set(d, 0, 0, "cannot make a key: OpenSSL has no memory or no randomness");
		return -ENOMEM;
	}
	r = file_replace(path, buf_get(&b), 0600, d);
	if (r == 0)
		*ret = key;
	else
		EVP_PKEY_free(key);
	return r;
}

/* Append the signing request, in PEM. */
static int
add_request(struct buf *b, EVP_PKEY *key, const char *node)
{
	X509_REQ *rq = X509_REQ_new();
	X509_NAME *n = rq == NULL ? NULL : X509_REQ_get_subject_name(rq);
	bool ok =
	    n != NULL && X509_REQ_set_version(rq, 0) == 1 && X509_REQ_set_pubkey(rq, key) == 1 &&
	    (strlen(node) > COMMON_NAME_MAX || X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8,
						   (const unsigned char *) node, -1, -1, 0) == 1) &&
	    X509_REQ_sign(rq, key, EVP_sha256()) > 0;
	int r = ok ? add_pem(b, NULL, rq) : -ENOMEM;

	X509_REQ_free(rq);
	ERR_clear_error();
	return r;
}

/* ---- what came ---- */

/* Write a file, unless it has this text: who watches it would read it again. */
static int
put(const char *dir, const char *name, const char *text, struct diag *d)
{
	CLEANUP(buf_fini) struct buf now = BUF_INIT;
	char path[4096];

	path_in(dir, name, path);
	if (file_read_at(AT_FDCWD, path, FILE_MAX, &now) == 0 &&
	    slice_eq(buf_get(&now), slice_str(text)))
		return 0;
	return file_replace(path, slice_str(text), 0644, d);
}

static int
put_enrolled(const char *dir, const struct enrolled *e, struct diag *d)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;

	buf_str(&b, "# Written by mews-sensor enroll.\nnode: ");
	buf_json(&b, slice_str(e->node));
	buf_str(&b, "\nserver: ");
	buf_json(&b, slice_str(e->server));
	buf_str(&b, "\ncollector: ");
	buf_json(&b, slice_str(e->collector));
	buf_char(&b, '\n');
	if (buf_ok(&b) == 0)
		return put(dir, "enrolled.yaml", b.p, d);
	diag_set(d, 0, 0, "out of memory");
	return -ENOMEM;
}

/* Put the certificate in place, with its key, and then forget that key. */
static int
put_identity(const char *dir, const char *pem, EVP_PKEY *key, struct diag *d)
{
	CLEANUP(wipe) struct buf b = BUF_INIT;
	STACK_OF(X509) *v = x509_certs(pem);
	char path[4096];
	int r = 0;

	if (v == NULL || X509_check_private_key(sk_X509_value(v, 0), key) != 1) {
		diag_set(d, 0, 0, "the enrolment server's certificate is for another key");
		r = -EACCES;
	}
	sk_X509_pop_free(v, X509_free);
	ERR_clear_error();
	buf_str(&b, pem);
	if (r == 0 && add_pem(&b, key, NULL) < 0) {
		diag_set(d, 0, 0, "out of memory");
		r = -ENOMEM;
	}
	if (r == 0)
		r = file_replace(path_in(dir, "node.pem", path), buf_get(&b), 0600, d);
	if (r == 0)
		(void) unlink(path_in(dir, "next.key", path));
	return r;
}

/* The certificate last: with it the node counts as enrolled. The list before the authorities, since
 * each of those needs one. */
static int
take(const char *dir, const struct enrolled *e, const struct enroll_reply *a, EVP_PKEY *key,
    struct diag *d)
{
	struct enrolled now = { e->node, e->server, a->collector };
	int r = put(dir, "crl.pem", a->crl, d);

	if (r == 0)
		r = put(dir, "ca.pem", a->ca, d);
	if (r == 0)
		r = put_enrolled(dir, &now, d);
	if (r == 0 && a->certificate != NULL && key != NULL)
		r = put_identity(dir, a->certificate, key, d);
	return r;
}

/* ---- asking ---- */

static int
ask_for(const char *dir, struct enroll_call *c, const struct enrolled *e, const char *secret,
    struct diag *d)
{
	CLEANUP(wipe) struct buf body = BUF_INIT;
	CLEANUP(buf_fini) struct buf pem = BUF_INIT;
	struct enroll_reply a = { .ca = NULL };
	EVP_PKEY *key = NULL;
	int r = next_key(dir, &key, d);

	if (r == 0 && add_request(&pem, key, e->node) < 0)
		r = -ENOMEM;
	buf_str(&body, "{\"csr\":");
	buf_json(&body, buf_get(&pem));
	buf_str(&body, ",\"node\":");
	buf_json(&body, slice_str(e->node));
	if (secret != NULL)
		buf_printf(&body, ",\"token\":\"%s\"", secret);
	buf_char(&body, '}');
	if (r == 0)
		r = buf_ok(&body);
	if (r == -ENOMEM)
		diag_set(d, 0, 0, "out of memory");
	c->body = buf_get(&body);
	if (r == 0)
		r = enroll_ask(c, &a, d);
	if (r == 0 && a.certificate == NULL) {
		diag_set(d, 0, 0, "the enrolment server has sent no certificate");
		r = -EPROTO;
	}
	if (r == 0)
		r = take(dir, e, &a, key, d);
	enroll_reply_fini(&a);
	EVP_PKEY_free(key);
	return r;
}

int
enroll(const char *dir, struct slice line, const char *node, struct diag *d)
{
	struct enroll_line l;
	char server[300], name[256];
	struct enrolled e = { .node = name, .server = server };
	struct enroll_call c = { .at = &l.at, .method = "POST", .path = "/v1/enroll" };
	int r = enroll_line_parse(line, &l, d), fd;

	if (r < 0)
		return r;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		r = -errno;
		diag_set(d, 0, 0, "cannot make the folder %s: %s", dir, strerrordesc_np(-r));
		return r;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		(void) file_give_away(fd, dir);
		(void) close(fd);
	}
	(void) snprintf(name, sizeof(name), "%s", node);
	(void) snprintf(server, sizeof(server),
	    strchr(l.at.host, ':') != NULL ? "[%s]:%s" : "%s:%s", l.at.host, l.at.port);
	c.authority = l.authority;
	r = ask_for(dir, &c, &e, l.secret, d);
	OPENSSL_cleanse(l.secret, sizeof(l.secret));
	return r;
}

/* Is the present certificate in the last third of its life? */
static bool
is_due(const struct identity *id)
{
	uint64_t begun = id->since + ENROLL_SKEW_S * NS_PER_S;

	return clock_real() >= begun + (id->until - MIN(begun, id->until)) / 3 * 2;
}

/* A number that changes with what is trusted. */
static uint64_t
trust_stamp(const char *ca, const char *crl)
{
	return file_stamp(ca) * 31 + file_stamp(crl);
}

int
enroll_renew(const char *dir, bool *renewed, bool *changed, struct diag *d)
{
	char ca[4096], crl[4096], cert[4096];
	const struct identity_files f = { .ca = path_in(dir, "ca.pem", ca),
		.cert = path_in(dir, "node.pem", cert),
		.crl = path_in(dir, "crl.pem", crl) };
	struct enroll_reply a = { .ca = NULL };
	struct enrolled e = { .node = NULL };
	struct identity *id = NULL;
	struct enroll_address at;
	struct enroll_call c = { .at = &at };
	struct cfg *cfg = NULL;
	uint64_t before = trust_stamp(ca, crl);
	int r = enrolled_read(dir, &e, &cfg, d);

	*renewed = false;
	if (r == -ENOENT)
		diag_set(d, 0, 0, "this node is not enrolled: %s has no certificate", dir);
	if (r == 0)
		r = enroll_address_parse(slice_str(e.server), &at, d);
	if (r == 0)
		r = identity_load(&f, &id, d);
	if (r == 0) {
		*renewed = is_due(id);
		c.tls = id->tls;
		c.method = *renewed ? "POST" : "GET";
		c.path = *renewed ? "/v1/renew" : "/v1/trust";
		r = *renewed ? ask_for(dir, &c, &e, NULL, d) : enroll_ask(&c, &a, d);
	}
	if (r == 0 && !*renewed)
		r = take(dir, &e, &a, NULL, d);
	*changed = *renewed || trust_stamp(ca, crl) != before;
	enroll_reply_fini(&a);
	identity_free(id);
	cfg_free(cfg);
	return r;
}
