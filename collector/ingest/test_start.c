/* SPDX-License-Identifier: Apache-2.0 */
/* test_start.c - an address that cannot be listened on: one sentence with the reason and the
 * remedy. */
#include "collector/ctl/pki.h"
#include "collector/ingest/test_ingest_kit.h"
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct kit_pki ours, other;

/* Files are in 'ours'; "+x" is in 'other'. NULL: not set. */
static const struct {
	const char *listen, *ca, *cert, *key, *crl;
	bool insecure;
	int r;
	const char *msg; /* a part of the message */
} cases[] = {
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "collector-c.pem", "collector-c.key", NULL, false, 0,
	    NULL },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "collector-c.pem", "collector-c.key", "crl.pem", false,
	    0, NULL },
	{ "tcp://127.0.0.1:0", NULL, NULL, NULL, NULL, true, 0, NULL },
	{ "127.0.0.1:7443", NULL, NULL, NULL, NULL, true, -EINVAL,
	    "is not an address: tls+tcp://" },
	{ "tcp://127.0.0.1:0", NULL, NULL, NULL, NULL, false, -EINVAL, "set 'insecure: true'" },
	{ "tcp://127.0.0.1", NULL, NULL, NULL, NULL, true, -EINVAL, "has no port" },
	{ "tls+tcp://127.0.0.1:port", "ca.pem", "collector-c.pem", "collector-c.key", NULL, false,
	    -EADDRNOTAVAIL, "127.0.0.1:port" },
	{ "tcp://192.0.2.1:7443", NULL, NULL, NULL, NULL, true, -EADDRNOTAVAIL,
	    "is not an address of this machine" },
	{ "ipc:///nowhere/at/all", NULL, NULL, NULL, NULL, false, -ENOENT,
	    "cannot listen on ipc://" },
	{ "tls+tcp://127.0.0.1:0", NULL, "collector-c.pem", "collector-c.key", NULL, false, -EINVAL,
	    "tls.ca is not set" },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", NULL, "collector-c.key", NULL, false, -EINVAL,
	    "tls.certificate is not set" },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "collector-c.pem", NULL, NULL, false, -EINVAL,
	    "tls.key is not set" },
	{ "tls+tcp://127.0.0.1:0", "none.pem", "collector-c.pem", "collector-c.key", NULL, false,
	    -ENOENT, "none.pem: No such file or directory ('mewsctl pki --help'" },
	{ "tls+tcp://127.0.0.1:0", "", "collector-c.pem", "collector-c.key", NULL, false, -EINVAL,
	    "is not a file" },
	{ "tls+tcp://127.0.0.1:0", "junk.pem", "collector-c.pem", "collector-c.key", NULL, false,
	    -EINVAL, "tls.ca" },
	{ "tls+tcp://127.0.0.1:0", "node-n.pem", "collector-c.pem", "collector-c.key", NULL, false,
	    -EINVAL, "no authority's" },
	{ "tls+tcp://127.0.0.1:0", "+ca.pem", "collector-c.pem", "collector-c.key", NULL, false,
	    -EINVAL, "is not of this fleet's authority" },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "junk.pem", "collector-c.key", NULL, false, -EINVAL,
	    "is not a certificate" },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "collector-old.pem", "collector-old.key", NULL, false,
	    -EINVAL, "has expired" },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "node-n.pem", "node-n.key", NULL, false, -EINVAL,
	    "may not be a server" },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "collector-lost.pem", "collector-lost.key", "crl.pem",
	    false, -EINVAL, "is revoked" },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "collector-c.pem", "node-n.key", NULL, false, -EINVAL,
	    "does not belong to tls.certificate" },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "collector-c.pem", "junk.key", NULL, false, -EINVAL,
	    "is not a private key" },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "collector-c.pem", "open.key", NULL, false, -EACCES,
	    "open.key: chmod 600 " },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "collector-c.pem", "collector-c.key", "junk.pem",
	    false, -EINVAL, "no revocation list" },
	{ "tls+tcp://127.0.0.1:0", "ca.pem", "collector-c.pem", "collector-c.key", "+crl.pem",
	    false, -EINVAL, "is not signed by the authority" },
};

static char *
path_of(const char *name)
{
	char *p = NULL;

	if (name == NULL)
		return NULL;
	if (asprintf(&p, "%s/%s", name[0] == '+' ? other.dir : ours.dir, name + (name[0] == '+')) <
	    0)
		fail();
	return p;
}

static void
test_start(void **state)
{
	struct shard shard;

	(void) state;
	kit_shard_init(&shard);
	for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
		char *ca = path_of(cases[k].ca), *cert = path_of(cases[k].cert),
		     *key = path_of(cases[k].key), *crl = path_of(cases[k].crl);
		struct ingest_cfg cfg = { .listen = cases[k].listen,
			.cluster = "",
			.name = "c",
			.ca = ca,
			.cert = cert,
			.key = key,
			.crl = crl,
			.insecure = cases[k].insecure,
			.contexts = 2 };
		struct nng_stream_listener *held = NULL;
		struct ingest *i = NULL;
		struct diag d = { 0 }, before = { 0 };
		int r, checked = ingest_check(&cfg, &before);

		if (checked == 0) {
			checked = ingest_probe(&cfg, &held, &before);
		} else { /* no error a second time */
			struct diag again = { 0 };

			assert_int_equal(0, ingest_probe(&cfg, &held, &again));
		}
		ingest_probe_end(held);
		r = ingest_start(&cfg, &i, &d);
		assert_int_equal(r, checked); /* a check gives the same error as a start */
		assert_string_equal(d.msg, before.msg);

		if (r != cases[k].r || (r < 0 && strstr(d.msg, cases[k].msg) == NULL))
			print_error("case %zu: %d, '%s'\n", k, r, d.msg);
		assert_int_equal(cases[k].r, r);
		if (r < 0) {
			assert_null(i);
			assert_non_null(strstr(d.msg, cases[k].msg));
		}
		ingest_stop(i);
		free(ca);
		free(cert);
		free(key);
		free(crl);
	}
}

static void
test_port_in_use(void **state)
{
	struct ingest_cfg cfg = { .cluster = "", .name = "c", .insecure = true, .contexts = 2 };
	struct nng_stream_listener *held = NULL;
	struct ingest *one = NULL, *two = NULL;
	struct diag d = { 0 };
	char url[64];
	int r = -EADDRINUSE;

	(void) state;
	cfg.listen = url;
	for (unsigned port = 20000 + (unsigned) getpid() % 20000; r == -EADDRINUSE; port++) {
		(void) snprintf(url, sizeof(url), "tcp://127.0.0.1:%u", port);
		r = ingest_start(&cfg, &one, &d);
	}
	assert_int_equal(0, r);
	assert_int_equal(-EADDRINUSE, ingest_probe(&cfg, &held, &d));
	assert_null(held);
	assert_non_null(strstr(d.msg, "is in use: stop what listens there"));
	assert_int_equal(-EADDRINUSE, ingest_start(&cfg, &two, &d));
	assert_null(two);
	assert_non_null(strstr(d.msg, url));
	assert_non_null(strstr(d.msg, "is in use: stop what listens there"));
	ingest_stop(one);
}

/* Who may connect to a socket in a folder. */
static void
test_ipc_group(void **state)
{
	const struct group *own =
	    getgrgid(getegid()); /* NOLINT(concurrency-mt-unsafe): one thread */
	const struct {
		const char *group;
		int r;
		mode_t mode;
	} sockets[] = {
		{ NULL, 0, 0600 },
		{ own == NULL ? NULL : own->gr_name, 0, own == NULL ? 0600 : 0660 },
		{ "no-such-group", -ENOENT, 0 },
	};
	char url[64];

	(void) state;
	(void) snprintf(url, sizeof(url), "ipc:///tmp/mews-group-%d", (int) getpid());
	for (size_t k = 0; k < ARRAY_SIZE(sockets); k++) {
		struct ingest_cfg cfg = { .listen = url,
			.ipc_group = sockets[k].group,
			.cluster = "",
			.name = "c",
			.contexts = 2 };
		struct ingest *i = NULL;
		struct diag d = { 0 };
		struct stat st;

		assert_int_equal(sockets[k].r, ingest_check(&cfg, &d));
		assert_int_equal(sockets[k].r, ingest_start(&cfg, &i, &d));
		if (sockets[k].r < 0) {
			assert_non_null(strstr(d.msg, "there is no group 'no-such-group'"));
			continue;
		}
		assert_return_code(stat(url + strlen("ipc://"), &st), errno);
		assert_int_equal(sockets[k].mode, st.st_mode & 0777);
		assert_int_equal(getegid(), st.st_gid);
		ingest_stop(i);
	}
}

static int
setup(void **state)
{
	struct diag d = { 0 };
	FILE *f;

	(void) state;
	kit_pki_init(&ours);
	kit_pki_init(&other);
	kit_issue(&ours, PKI_COLLECTOR, "c", 1);
	kit_issue(&ours, PKI_COLLECTOR, "old", -1);
	kit_issue(&ours, PKI_COLLECTOR, "lost", 1);
	kit_issue(&ours, PKI_NODE, "n", 1);
	assert_int_equal(1, pki_revoke(ours.dir, "lost", -1, &d));
	f = fopen(kit_file(&ours, "junk.pem"), "we");
	assert_non_null(f);
	fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", f);
	(void) fclose(f);
	f = fopen(kit_file(&ours, "junk.key"), "we");
	assert_non_null(f);
	assert_int_equal(0, fchmod(fileno(f), 0600));
	fputs("not a key\n", f);
	(void) fclose(f);
	f = fopen(kit_file(&ours, "open.key"), "we");
	assert_non_null(f);
	assert_int_equal(0, fchmod(fileno(f), 0644));
	(void) fclose(f);
	return 0;
}

static int
teardown(void **state)
{
	(void) state;
	kit_pki_fini(&ours);
	kit_pki_fini(&other);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_port_in_use),
		cmocka_unit_test(test_ipc_group),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
