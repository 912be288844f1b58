/* SPDX-License-Identifier: Apache-2.0 */
/* enroll_ask.c - a node's request: bytes from anybody. */
#include "collector/ctl/enroll_serve.h"
#include "proto/enroll_line.h"
#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

/* The key of a signing request, if it is of the kind that nodes make and has signed it. */
static EVP_PKEY *
key_of(const char *pem)
{
	BIO *b = BIO_new_mem_buf(pem, -1);
	X509_REQ *rq = b == NULL ? NULL : PEM_read_bio_X509_REQ(b, NULL, NULL, NULL);
	EVP_PKEY *key = rq == NULL ? NULL : X509_REQ_get_pubkey(rq);
	char group[32] = "";

	if (key != NULL && (!EVP_PKEY_is_a(key, "EC") ||
			       EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
			       strcmp(group, "prime256v1") != 0 || X509_REQ_verify(rq, key) != 1)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	X509_REQ_free(rq);
	BIO_free(b);
	ERR_clear_error();
	return key;
}

static char *
copy(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text == NULL ? NULL : strdup(text);
}

int
enroll_ask_parse(struct slice body, struct enroll_ask *ret, struct diag *d)
{
	json_t *o = json_loadb(body.p == NULL ? "" : body.p, body.n, 0, NULL);
	const char *csr = json_string_value(json_object_get(o, "csr"));

	*ret = (struct enroll_ask){ .token = copy(o, "token"), .node = copy(o, "node") };
	if (csr != NULL)
		ret->key = key_of(csr);
	json_decref(o);
	if (ret->key != NULL)
		return 0;
	return diag_fail(d, 0, 0,
	    "the request holds no signing request (CSR) for a P-256 key, signed with that key");
}

void
enroll_ask_fini(struct enroll_ask *a)
{
	if (a->token != NULL)
		OPENSSL_cleanse(a->token, strlen(a->token));
	free(a->token);
	free(a->node);
	EVP_PKEY_free(a->key);
	*a = (struct enroll_ask){ .token = NULL };
}
