/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_pki.c - mewsctl pki: the command line of pki.h. */
#include "collector/ctl/ctl_pki.h"
#include "collector/ctl/pki.h"
#include "common/near.h"
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

enum { O_NAME = 256, O_DAYS, O_FORCE, O_COLLECTOR, O_NODE, O_DNS, O_IP, O_FOR, O_HELP };

struct args {
	const char *positional[2];
	int npositional;
	const char *fleet, *node, *collector;
	bool node_only, collector_only;
	const char *dns[PKI_NAMES_MAX], *ip[PKI_NAMES_MAX];
	size_t ndns, nip;
	int days;
	long seconds;
	bool force, help;
};

static int
parse_days(const char *text, int *ret)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < 1 || v > 36500)
		return ctl_usage("pki", "--days takes a number from 1 to 36500, not '%s'", text);
	*ret = (int) v;
	return CTL_OK;
}

static int
add_other(const char **v, size_t *n, const char *value, bool ip)
{
	unsigned char a[16];

	if (ip ? inet_pton(AF_INET, value, a) != 1 && inet_pton(AF_INET6, value, a) != 1
	       : !pki_name_ok(value))
		return ctl_usage(
		    "pki", "'%s' is not %s", value, ip ? "an IP address" : "a host name");
	if (*n == PKI_NAMES_MAX)
		return ctl_usage("pki", "at most %d further names", PKI_NAMES_MAX);
	v[(*n)++] = value;
	return CTL_OK;
}

static int
parse_option(int opt, const char *value, struct args *a)
{
	switch (opt) {
	case O_NAME:
		a->fleet = value;
		return CTL_OK;
	case O_DAYS:
		return parse_days(value, &a->days);
	case O_FOR:
		return ctl_pki_time("--for", value, &a->seconds);
	case O_FORCE:
		a->force = true;
		return CTL_OK;
	case O_COLLECTOR:
		a->collector = value;
		return CTL_OK;
	case O_NODE:
		a->node = value;
		return CTL_OK;
	case O_DNS:
		return add_other(a->dns, &a->ndns, value, false);
	case O_IP:
		return add_other(a->ip, &a->nip, value, true);
	case O_HELP:
		a->help = true;
		return CTL_OK;
	default:
		return ctl_usage("pki", "%s", value);
	}
}

/* With 'issue', --node and --collector take a name; with 'revoke' they are flags. */
static int
parse(int argc, char **argv, bool flags, struct args *a)
{
	const struct option options[] = {
		{ "name", required_argument, NULL, O_NAME },
		{ "days", required_argument, NULL, O_DAYS },
		{ "for", required_argument, NULL, O_FOR },
		{ "force", no_argument, NULL, O_FORCE },
		{ "collector", flags ? no_argument : required_argument, NULL, O_COLLECTOR },
		{ "node", flags ? no_argument : required_argument, NULL, O_NODE },
		{ "dns", required_argument, NULL, O_DNS },
		{ "ip", required_argument, NULL, O_IP },
		{ "help", no_argument, NULL, O_HELP },
		{ NULL, 0, NULL, 0 },
	};
	int opt, r;

	optind = 0;
	while ((opt = cmdline_next(argc, argv, "-:h", options)) != -1) {
		if (opt == 1) { /* not an option */
			if (a->npositional == 2)
				return ctl_usage("pki", "unexpected argument '%s'", optarg);
			a->positional[a->npositional++] = optarg;
			continue;
		}
		if (flags && (opt == O_NODE || opt == O_COLLECTOR))
			r = parse_option(opt, "", a);
		else
			r = parse_option(opt == 'h' ? O_HELP : opt, optarg, a);
		if (r != CTL_OK)
			return r;
	}
	return CTL_OK;
}

static int
cmd_init(const struct args *a)
{
	struct diag d = { 0 };

	if (a->npositional != 1)
		return ctl_usage("pki", "name the folder to make the authority in");
	if (pki_init(a->positional[0], a->fleet, PKI_FLEET, a->days == 0 ? PKI_CA_DAYS : a->days,
		a->force, &d) < 0)
		return ctl_fail("%s", d.msg);
	printf(
	    "%s/ca.pem   the fleet's authority: give it to every collector and sensor\n"
	    "%s/ca.key   its key: keep it here, and keep it secret\n"
	    "%s/crl.pem  the revocation list, still empty: give it to every collector and sensor\n"
	    "Next: mewsctl pki issue %s --collector NAME, mewsctl pki issue %s --node NAME\n",
	    a->positional[0], a->positional[0], a->positional[0], a->positional[0],
	    a->positional[0]);
	return CTL_OK;
}

static int
cmd_issue(const struct args *a)
{
	bool node = a->node != NULL;
	struct pki_request rq = {
		.kind = node ? PKI_NODE : PKI_COLLECTOR,
		.name = node ? a->node : a->collector,
		.dns = a->dns,
		.ndns = a->ndns,
		.ip = a->ip,
		.nip = a->nip,
		.days = a->days == 0 && a->seconds == 0 ? PKI_CERT_DAYS : a->days,
		.seconds = a->seconds,
	};
	struct diag d = { 0 };
	const char *kind = pki_kind_name(rq.kind);
	char period[32] = "";

	if (a->npositional != 1)
		return ctl_usage("pki", "name the folder of the authority");
	if ((a->node == NULL) == (a->collector == NULL))
		return ctl_usage(
		    "pki", "say which certificate to make: either --node NAME or --collector NAME");
	if (!pki_name_ok(rq.name))
		return ctl_usage(
		    "pki", "'%s' cannot be a name: use letters, digits, '.', '-', '_'", rq.name);
	if (pki_issue(a->positional[0], &rq, a->force, &d) < 0)
		return ctl_fail("%s", d.msg);
	if (rq.seconds == 0)
		(void) snprintf(period, sizeof(period), ", for %d days", rq.days);
	printf(
	    "%s/%s-%s.pem  the certificate of %s %s%s\n"
	    "%s/%s-%s.key  its key: for that machine only, mode 0600\n",
	    a->positional[0], kind, rq.name, kind, rq.name, period, a->positional[0], kind,
	    rq.name);
	return CTL_OK;
}

static int
cmd_revoke(const struct args *a)
{
	int kind = a->node != NULL ? PKI_NODE : a->collector != NULL ? PKI_COLLECTOR : -1;
	struct diag d = { 0 };
	int n;

	if (a->npositional != 2)
		return ctl_usage(
		    "pki", "name the folder of the authority, and whose certificates to revoke");
	n = pki_revoke(a->positional[0], a->positional[1], kind, &d);
	if (n < 0)
		return ctl_fail("%s", d.msg);
	if (n == 0)
		return ctl_fail(
		    "%s/issued lists no certificate of '%s' that is not already revoked",
		    a->positional[0], a->positional[1]);
	printf("%d certificate%s of %s revoked: give %s/crl.pem to the collectors and sensors\n", n,
	    n == 1 ? "" : "s", a->positional[1], a->positional[0]);
	return CTL_OK;
}

static void
show_ext(X509 *cert, int nid, const char *title)
{
	int at = X509_get_ext_by_NID(cert, nid, -1);
	BIO *out;

	if (at < 0)
		return;
	printf("%-11s", title);
	(void) fflush(stdout);
	out = BIO_new_fp(stdout, BIO_NOCLOSE);
	if (out != NULL && X509V3_EXT_print(out, X509_get_ext(cert, at), 0, 0) == 1)
		(void) BIO_flush(out);
	BIO_free(out);
	putchar('\n');
}

static void
show_name(const char *title, X509_NAME *name)
{
	char text[512];

	printf("%-11s%s\n", title, X509_NAME_oneline(name, text, sizeof(text)));
}

/* 'until' may be NULL: for ever. */
static void
show_period(const ASN1_TIME *from, const ASN1_TIME *until)
{
	char begin[32], end[32] = "ever";
	bool over = until != NULL && X509_cmp_current_time(until) < 0;

	pki_time(from, begin);
	if (until != NULL)
		pki_time(until, end);
	printf("valid      %s to %s%s\n", begin, end, over ? " (over)" : "");
}

static void
show_cert(X509 *cert)
{
	char serial[41] = "";

	show_name("subject", X509_get_subject_name(cert));
	show_name("issuer", X509_get_issuer_name(cert));
	if (pki_serial(cert, serial) == 0)
		printf("serial     %s\n", serial);
	show_period(X509_get0_notBefore(cert), X509_get0_notAfter(cert));
	show_ext(cert, NID_ext_key_usage, "may be");
	show_ext(cert, NID_subject_alt_name, "names");
}

static void
show_crl(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
	int n = MAX(sk_X509_REVOKED_num(list), 0); /* -1: no list */

	puts("what       a revocation list");
	show_name("issuer", X509_CRL_get_issuer(crl));
	show_period(X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_nextUpdate(crl));
	printf("revoked    %d certificate%s\n", n, n == 1 ? "" : "s");
	for (int i = 0; i < n; i++) {
		const X509_REVOKED *one = sk_X509_REVOKED_value(list, i);
		BIGNUM *number = ASN1_INTEGER_to_BN(X509_REVOKED_get0_serialNumber(one), NULL);
		char *hex = number == NULL ? NULL : BN_bn2hex(number), when[32];

		pki_time(X509_REVOKED_get0_revocationDate(one), when);
		printf("           %s, %s\n", hex == NULL ? "?" : hex, when);
		OPENSSL_free(hex);
		BN_free(number);
	}
}

static int
cmd_show(const struct args *a)
{
	struct diag d = { 0 };
	X509_CRL *crl = NULL;
	X509 *cert = NULL;

	if (a->npositional != 1)
		return ctl_usage("pki", "name the file to show");
	if (pki_read(a->positional[0], &cert, &crl, &d) < 0)
		return ctl_fail("%s", d.msg);
	if (cert != NULL)
		show_cert(cert);
	else
		show_crl(crl);
	X509_free(cert);
	X509_CRL_free(crl);
	return CTL_OK;
}

static int
cmd_list(const struct args *a)
{
	if (a->npositional != 1)
		return ctl_usage("pki", "name the folder of the authority");
	return ctl_pki_list(a->positional[0]);
}

int
ctl_pki(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct args *a);
	} verbs[] = { { "init", cmd_init }, { "issue", cmd_issue }, { "revoke", cmd_revoke },
		{ "show", cmd_show }, { "list", cmd_list }, { "enroller", NULL }, { "token", NULL },
		{ "tokens", NULL }, { "serve", NULL } }; /* NULL: ctl_pki_enroll() */
	struct near near;
	struct args *a;
	int r;

	if (argc < 2)
		return ctl_usage("pki",
		    "name a command of pki: init, issue, revoke, list or show; enroller, token, "
		    "tokens "
		    "or serve");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		ctl_pki_help();
		return CTL_OK;
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		if (verbs[i].run == NULL)
			return ctl_pki_enroll(argc - 1, argv + 1);
		a = calloc(1, sizeof(*a));
		if (a == NULL)
			return ctl_fail("out of memory");
		a->fleet = "Mews";
		r = parse(argc - 1, argv + 1, strcmp(argv[1], "revoke") == 0, a);
		if (r == CTL_OK && a->help)
			ctl_pki_help();
		else if (r == CTL_OK)
			r = verbs[i].run(a);
		free(a);
		return r;
	}
	near = near_to(slice_str(argv[1]));
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		near_try(&near, slice_str(verbs[i].name));
	return ctl_usage("pki", "unknown command '%s'%s", argv[1], near_hint(&near));
}
