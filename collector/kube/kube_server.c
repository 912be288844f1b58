/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/kube/kube_server.h"
#include "common/config.h"
#include "common/file.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

/* What a kubeconfig says, as far as it is used; the rest names what is not supported. */
struct said {
	const char *current;
	const char *name; /* of the element at hand */
	const char *cluster, *user;
	const char *server, *ca, *ca_data, *proxy, *tls_name;
	const char *token, *token_file, *cert, *cert_data, *key, *key_data, *command, *provider,
	    *username;
	bool skip_verify;
};

#define AT(f) offsetof(struct said, f)
#define TEXT(key, f)                                \
	{                                           \
		key, NULL, "", OPT_STR, AT(f), 0, 0 \
	}
static const struct opt top_opts[] = { TEXT("current-context", current) };
static const struct opt context_opts[] = { TEXT("contexts.name", name),
	TEXT("contexts.context.cluster", cluster), TEXT("contexts.context.user", user) };
static const struct opt cluster_opts[] = { TEXT("clusters.name", name),
	TEXT("clusters.cluster.server", server), TEXT("clusters.cluster.certificate-authority", ca),
	TEXT("clusters.cluster.certificate-authority-data", ca_data),
	TEXT("clusters.cluster.proxy-url", proxy),
	TEXT("clusters.cluster.tls-server-name", tls_name),
	{ "clusters.cluster.insecure-skip-tls-verify", "false", "", OPT_BOOL, AT(skip_verify), 0,
	    0 } };
static const struct opt user_opts[] = { TEXT("users.name", name), TEXT("users.user.token", token),
	TEXT("users.user.tokenFile", token_file), TEXT("users.user.client-certificate", cert),
	TEXT("users.user.client-certificate-data", cert_data), TEXT("users.user.client-key", key),
	TEXT("users.user.client-key-data", key_data), TEXT("users.user.exec.command", command),
	TEXT("users.user.auth-provider.name", provider), TEXT("users.user.username", username) };

static bool
given(const char *s)
{
	return s != NULL && *s != '\0';
}

/* Bind the element of a list that has this name. */
static int
pick(struct cfg *c, const char *list, const struct opt *opts, size_t n, const char *name,
    struct said *ret, struct diag *d)
{
	size_t elements = cfg_elements(c, list);

	for (size_t i = 0; i < elements; i++) {
		struct said one = *ret;
		int r;

		cfg_select(c, list, i);
		r = cfg_bind(c, opts, n, &one, d);
		cfg_select(c, NULL, 0);
		if (r < 0)
			return r;
		if (one.name != NULL && strcmp(one.name, name) == 0) {
			*ret = one;
			return 0;
		}
	}
	return diag_fail(d, 0, 0, "'%s' has no '%s'", list, name);
}

static int
pick_all(struct cfg *c, const char *context, struct said *ret, struct diag *d)
{
	int r = cfg_bind(c, top_opts, ARRAY_SIZE(top_opts), ret, d);

	if (r < 0)
		return r;
	if (!given(context))
		context = ret->current;
	if (!given(context))
		return diag_fail(
		    d, 0, 0, "it has no current-context: name one in 'kubernetes.context'");
	r = pick(c, "contexts", context_opts, ARRAY_SIZE(context_opts), context, ret, d);
	if (r == 0 && !given(ret->cluster))
		return diag_fail(d, 0, 0, "context '%s' names no cluster", context);
	if (r == 0)
		r = pick(
		    c, "clusters", cluster_opts, ARRAY_SIZE(cluster_opts), ret->cluster, ret, d);
	if (r == 0 && given(ret->user))
		r = pick(c, "users", user_opts, ARRAY_SIZE(user_opts), ret->user, ret, d);
	return r;
}

/* Refuse what would make a connection other than the one that is described. */
static int
check(const struct said *s, struct diag *d)
{
	const struct {
		const char *key;
		bool is;
	} not_supported[] = {
		{ "insecure-skip-tls-verify", s->skip_verify },
		{ "proxy-url", given(s->proxy) },
		{ "tls-server-name", given(s->tls_name) },
		{ "exec", given(s->command) },
		{ "auth-provider", given(s->provider) },
		{ "username", given(s->username) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(not_supported); i++) {
		if (not_supported[i].is)
			return diag_fail(d, 0, 0,
			    "'%s' is not supported: use a token, a tokenFile or a client "
			    "certificate, and a certificate-authority",
			    not_supported[i].key);
	}
	return 0;
}

static int
decode(const char *base64, const char *what, struct buf *ret, struct diag *d)
{
	size_t n = strlen(base64);
	int r;

	if (n % 4 != 0 || buf_reserve(ret, n) < 0)
		return diag_fail(d, 0, 0, "'%s' is not base64", what);
	r = EVP_DecodeBlock((unsigned char *) ret->p, (const unsigned char *) base64, (int) n);
	if (r < 0)
		return diag_fail(d, 0, 0, "'%s' is not base64", what);
	ret->n = (size_t) r;
	while (n > 0 && base64[--n] == '=' && ret->n > 0)
		ret->n--;
	return 0;
}

/* The contents of DATA, or of a file that is relative to the kubeconfig. */
static int
material(const char *kubeconfig, const char *what, const char *file, const char *data,
    struct buf *ret, struct diag *d)
{
	const char *slash = strrchr(kubeconfig, '/');
	char path[4096];
	int n;

	if (given(data))
		return decode(data, what, ret, d);
	if (!given(file))
		return 0;
	n = snprintf(path, sizeof(path), "%.*s%s",
	    *file == '/' || slash == NULL ? 0 : (int) (slash - kubeconfig + 1), kubeconfig, file);
	if (n < 0 || (size_t) n >= sizeof(path))
		return diag_fail(d, 0, 0, "the path '%s' is too long", file);
	return file_read(path, what, false, ret, d);
}

static void
trim(struct buf *b)
{
	while (b->n > 0 && strchr(" \t\r\n", b->p[b->n - 1]) != NULL)
		b->n--;
}

/* A token goes into a header: no control characters. */
static int
check_token(struct buf *token, struct diag *d)
{
	trim(token);
	for (size_t i = 0; i < token->n; i++) {
		if ((unsigned char) token->p[i] <= ' ' || (unsigned char) token->p[i] >= 0x7f)
			return diag_fail(d, 0, 0, "the token has a character that no token has");
	}
	return 0;
}

static int
set_url(struct kube_server *ret, const char *url, bool insecure, struct diag *d)
{
	bool plain = url != NULL && strncmp(url, "http://", 7) == 0;
	int n;

	if (!given(url) || (!plain && strncmp(url, "https://", 8) != 0))
		return diag_fail(d, 0, 0, "the server must be https://HOST:PORT");
	if (plain && !insecure)
		return diag_fail(d, 0, 0,
		    "the server is reached without TLS (http://): use https://, or set "
		    "'kubernetes.insecure: true'");
	n = snprintf(ret->url, sizeof(ret->url), "%s", url);
	if (n < 0 || (size_t) n >= sizeof(ret->url))
		return diag_fail(d, 0, 0, "the server's address is too long");
	while (n > 0 && ret->url[n - 1] == '/')
		ret->url[--n] = '\0';
	return 0;
}

static int
read_kubeconfig(
    const char *path, const char *context, bool insecure, struct kube_server *ret, struct diag *d)
{
	struct said s = { .current = NULL };
	struct cfg *c = NULL;
	int r = cfg_load(path, &c, d);

	if (r == 0)
		r = pick_all(c, context, &s, d);
	if (r == 0)
		r = check(&s, d);
	if (r == 0)
		r = set_url(ret, s.server, insecure, d);
	if (r == 0)
		r = material(path, "certificate-authority", s.ca, s.ca_data, &ret->ca, d);
	if (r == 0)
		r = material(path, "client-certificate", s.cert, s.cert_data, &ret->cert, d);
	if (r == 0)
		r = material(path, "client-key", s.key, s.key_data, &ret->key, d);
	if (r == 0 && given(s.token))
		buf_str(&ret->token, s.token);
	else if (r == 0)
		r = material(path, "tokenFile", s.token_file, NULL, &ret->token, d);
	cfg_free(c);
	return r;
}

static int
read_account(const char *folder, bool insecure, struct kube_server *ret, struct diag *d)
{
	/* NOLINTBEGIN(concurrency-mt-unsafe): nobody calls setenv */
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	/* NOLINTEND(concurrency-mt-unsafe) */
	char path[4096], url[400];
	bool v6;
	int r;

	if (!given(host) || !given(port))
		return diag_fail(d, 0, 0,
		    "KUBERNETES_SERVICE_HOST is not set, so this is no pod: name a file in "
		    "'kubernetes.kubeconfig'");
	v6 = strchr(host, ':') != NULL;
	(void) snprintf(url, sizeof(url), v6 ? "https://[%s]:%s" : "https://%s:%s", host, port);
	r = set_url(ret, url, insecure, d);
	(void) snprintf(path, sizeof(path), "%s/ca.crt", folder);
	if (r == 0)
		r = file_read(path, "certificate authority of the cluster", false, &ret->ca, d);
	(void) snprintf(path, sizeof(path), "%s/token", folder);
	if (r == 0)
		r = file_read(path, "token of the service account", false, &ret->token, d);
	return r;
}

int
kube_server_read(const char *kubeconfig, const char *context, const char *account, bool insecure,
    struct kube_server *ret, struct diag *d)
{
	struct kube_server s = { .url = "" };
	int r = given(kubeconfig)
		    ? read_kubeconfig(kubeconfig, context, insecure, &s, d)
		    : read_account(given(account) ? account : KUBE_ACCOUNT, insecure, &s, d);

	if (r == 0)
		r = check_token(&s.token, d);
	if (r == 0 && (buf_ok(&s.ca) < 0 || buf_ok(&s.cert) < 0 || buf_ok(&s.key) < 0 ||
			  buf_ok(&s.token) < 0))
		r = -ENOMEM;
	if (r == 0 && (s.cert.n == 0) != (s.key.n == 0))
		r = diag_fail(d, 0, 0, "client-certificate and client-key belong together");
	if (r < 0) {
		if (given(kubeconfig) && d->file[0] == '\0')
			(void) snprintf(d->file, sizeof(d->file), "%.255s", kubeconfig);
		kube_server_fini(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void
kube_server_fini(struct kube_server *s)
{
	if (s->key.p != NULL)
		explicit_bzero(s->key.p, s->key.n);
	if (s->token.p != NULL)
		explicit_bzero(s->token.p, s->token.n);
	buf_fini(&s->ca);
	buf_fini(&s->cert);
	buf_fini(&s->key);
	buf_fini(&s->token);
}
