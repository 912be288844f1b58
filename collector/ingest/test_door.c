/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_door.c - access over real NNG and TLS on loopback: a table of peers that must be refused,
 * each beside a sensor that must not be disturbed.
 */
#include "collector/ctl/pki.h"
#include "collector/ingest/test_ingest_kit.h"
#include <errno.h>
#include <nng/supplemental/util/platform.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "c1"

struct world {
	struct kit_pki pki, foreign;
	struct shard shard;
	struct streams *streams;
	struct ingest *ingest;
	struct kit_sensor good; /* node "good", welcomed */
	uint64_t good_seq;
	char url[64], ca[96], cert[96], key[96], crl[96];
	struct buf out;
};

/* ---- fixture ---- */

static void
start(struct world *w)
{
	struct ingest_cfg cfg = {
		.cluster = "prod",
		.name = NAME,
		.ca = w->ca,
		.cert = w->cert,
		.key = w->key,
		.crl = w->crl,
		.contexts = 16,
		.streams = w->streams,
		.shards = (struct shards *) &w->shard,
		.listen = w->url,
	};
	struct interest set = { 0 };
	struct diag d = { 0 };
	int r = -EADDRINUSE;

	(void) snprintf(w->ca, sizeof(w->ca), "%s/ca.pem", w->pki.dir);
	(void) snprintf(w->cert, sizeof(w->cert), "%s/collector-" NAME ".pem", w->pki.dir);
	(void) snprintf(w->key, sizeof(w->key), "%s/collector-" NAME ".key", w->pki.dir);
	(void) snprintf(w->crl, sizeof(w->crl), "%s/crl.pem", w->pki.dir);
	set.events.w[0] = 1 << 5;
	for (unsigned port = 20000 + (unsigned) getpid() % 20000; r == -EADDRINUSE; port++) {
		(void) snprintf(w->url, sizeof(w->url), "tls+tcp://127.0.0.1:%u", port);
		r = ingest_start(&cfg, &w->ingest, &d);
	}
	if (r < 0)
		print_error("%s\n", d.msg);
	assert_int_equal(0, r);
	(void) ingest_set_interest(w->ingest, &set);
}

static const char *
cert_of(struct world *w, const char *stem, const char *suffix)
{
	char name[128];

	(void) snprintf(name, sizeof(name), "%s%s", stem, suffix);
	return kit_file(&w->pki, name);
}

/* TLS with the certificate 'stem', e.g. "node-good". */
static int
dial(struct world *w, struct kit_sensor *s, const char *stem)
{
	return kit_dial(s, w->url, kit_file(&w->pki, "ca.pem"),
	    stem == NULL ? NULL : cert_of(w, stem, ".pem"),
	    stem == NULL ? NULL : cert_of(w, stem, ".key"), NAME);
}

/* Send Hello; returns the Challenge. Hello and Proof; returns the reply to the Proof. */
static Wire__Reply *
hello(struct world *w, struct kit_sensor *s, const char *node)
{
	Wire__Reply *rep;

	kit_hello(&w->out, node, "prod", 77);
	rep = kit_ask(s, &w->out);
	assert_non_null(rep);
	assert_non_null(rep->challenge);
	assert_int_equal(WIRE_NONCE_SIZE, rep->challenge->nonce.len);
	assert_string_equal(NAME, rep->challenge->collector);
	return rep;
}

/* The whole of it; the reply to the Proof. */
static Wire__Reply *
introduce(struct world *w, struct kit_sensor *s, const char *node, const char *stem)
{
	Wire__Reply *rep = hello(w, s, node);

	kit_proof(&w->out, rep->challenge, node, "prod", cert_of(w, stem, ".pem"),
	    cert_of(w, stem, ".key"));
	wire__reply__free_unpacked(rep, NULL);
	return kit_ask(s, &w->out);
}

/* The good sensor's next batch arrives: it was not disturbed. */
static void
good_goes_on(struct world *w)
{
	Wire__Reply *rep;

	kit_batch(&w->out, ++w->good_seq, 0);
	rep = kit_ask(&w->good, &w->out);
	assert_non_null(rep);
	assert_null(rep->reject);
	assert_non_null(rep->ack);
	assert_int_equal(w->good_seq, rep->ack->received_seq);
	assert_true(rep->ack->credit > 0);
	wire__reply__free_unpacked(rep, NULL);
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct diag d = { 0 };
	Wire__Reply *rep;

	assert_non_null(w);
	kit_pki_init(&w->pki);
	kit_pki_init(&w->foreign);
	kit_issue(&w->pki, PKI_COLLECTOR, NAME, 1);
	kit_issue(&w->pki, PKI_NODE, "good", 1);
	kit_issue(&w->pki, PKI_NODE, "a", 1);
	kit_issue(&w->pki, PKI_NODE, "b", 1);
	kit_issue(&w->pki, PKI_NODE, "old", -1);
	kit_issue(&w->pki, PKI_NODE, "lost", 1);
	kit_issue(&w->foreign, PKI_NODE, "a", 1);
	assert_int_equal(1, pki_revoke(w->pki.dir, "lost", -1, &d));
	kit_shard_init(&w->shard);
	kit_outbox(0, 0);
	assert_int_equal(0, streams_new(&w->streams));
	start(w);
	assert_int_equal(0, dial(w, &w->good, "node-good"));
	rep = introduce(w, &w->good, "good", "node-good");
	assert_non_null(rep);
	assert_non_null(rep->welcome);
	wire__reply__free_unpacked(rep, NULL);
	good_goes_on(w);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	good_goes_on(w);
	kit_hang_up(&w->good);
	ingest_stop(w->ingest);
	streams_free(w->streams);
	kit_pki_fini(&w->pki);
	kit_pki_fini(&w->foreign);
	buf_fini(&w->out);
	pthread_mutex_destroy(&w->shard.lock);
	free(w);
	return 0;
}

/* ---- accepted ---- */

static void
test_welcome(void **state)
{
	struct world *w = *state;
	struct kit_sensor s;
	Wire__Reply *rep;

	assert_int_equal(0, dial(w, &s, "node-a"));
	rep = introduce(w, &s, "a", "node-a");
	assert_non_null(rep);
	assert_non_null(rep->welcome);
	assert_string_equal(NAME, rep->welcome->collector);
	assert_int_equal(1, rep->welcome->next_seq);
	assert_int_equal(WIRE_WINDOW, rep->welcome->window);
	assert_int_equal(WIRE_MESSAGE_MAX, rep->welcome->message_max);
	assert_non_null(rep->interest);
	assert_int_equal(1, rep->interest->n_events);
	assert_int_equal(5, rep->interest->events[0]);
	assert_int_not_equal(0, rep->snapshot_wanted);
	wire__reply__free_unpacked(rep, NULL);
	kit_hang_up(&s);
}

/* ---- refused ---- */

/* At the handshake: no message reaches us. */
static const struct {
	const char *what, *stem;
	bool foreign;
} tls_cases[] = {
	{ "no certificate", NULL, false },
	{ "another fleet's certificate", "node-a", true },
	{ "expired", "node-old", false },
	{ "revoked", "node-lost", false },
	{ "a collector's certificate", "collector-" NAME, false },
};

/* NNG's dialer may report success before it reads: so send a request. */
static bool
gets_an_answer(struct world *w, struct kit_sensor *s, int dialed)
{
	Wire__Reply *rep = NULL;

	if (dialed == 0) {
		(void) nng_socket_set_ms(s->sock, NNG_OPT_RECVTIMEO, 1000);
		(void) nng_socket_set_ms(s->sock, NNG_OPT_SENDTIMEO, 1000);
		kit_hello(&w->out, "a", "prod", 77);
		rep = kit_ask(s, &w->out);
	}
	if (rep == NULL)
		return false;
	wire__reply__free_unpacked(rep, NULL);
	return true;
}

static void
test_tls(void **state)
{
	struct world *w = *state;
	struct ingest_stats before, after;

	for (size_t i = 0; i < ARRAY_SIZE(tls_cases); i++) {
		struct kit_pki *of = tls_cases[i].foreign ? &w->foreign : &w->pki;
		struct kit_sensor s;
		char cert[128] = "", key[128] = "";
		int rv;

		if (tls_cases[i].stem != NULL) {
			(void) snprintf(
			    cert, sizeof(cert), "%s/%s.pem", of->dir, tls_cases[i].stem);
			(void) snprintf(key, sizeof(key), "%s/%s.key", of->dir, tls_cases[i].stem);
		}
		ingest_stats(w->ingest, &before);
		rv = kit_dial(&s, w->url, kit_file(&w->pki, "ca.pem"),
		    tls_cases[i].stem == NULL ? NULL : cert, key, NAME);
		if (gets_an_answer(w, &s, rv))
			fail_msg("'%s' got through", tls_cases[i].what);
		kit_hang_up(&s);
		good_goes_on(w);
		ingest_stats(w->ingest, &after);
		assert_int_equal(before.connections, after.connections);
		for (int k = 0; k < 500 && after.refused_tls == before.refused_tls; k++) {
			nng_msleep(20); /* the client may hear before it is counted */
			ingest_stats(w->ingest, &after);
		}
		assert_int_equal(before.refused_tls + 1, after.refused_tls);
	}
}

/* After the handshake, with a certificate of this fleet: the Proof decides. */
static const struct {
	const char *what, *tls, *node, *cert, *key;
} proof_cases[] = {
	{ "a's certificate, Hello as b", "node-a", "b", "node-a", "node-a" },
	{ "b's certificate without its key", "node-a", "b", "node-b", "node-a" },
	{ "expired", "node-a", "old", "node-old", "node-old" },
	{ "revoked", "node-a", "lost", "node-lost", "node-lost" },
	{ "a collector's certificate", "node-a", NAME, "collector-" NAME, "collector-" NAME },
};

static void
expect_reject(Wire__Reply *rep, Wire__Reject__Code code, const char *what)
{
	if (rep == NULL || rep->reject == NULL)
		fail_msg("'%s' was not rejected", what);
	assert_int_equal(code, rep->reject->code);
	assert_true(strlen(rep->reject->text) > 10);
	assert_null(rep->welcome);
	wire__reply__free_unpacked(rep, NULL);
}

static void
test_proof(void **state)
{
	struct world *w = *state;
	struct ingest_stats before, after;

	for (size_t i = 0; i < ARRAY_SIZE(proof_cases); i++) {
		const char *node = proof_cases[i].node, *what = proof_cases[i].what;
		struct kit_sensor s;
		Wire__Reply *rep;

		ingest_stats(w->ingest, &before);
		assert_int_equal(0, dial(w, &s, proof_cases[i].tls));
		rep = hello(w, &s, node);
		kit_proof(&w->out, rep->challenge, node, "prod",
		    cert_of(w, proof_cases[i].cert, ".pem"),
		    cert_of(w, proof_cases[i].key, ".key"));
		wire__reply__free_unpacked(rep, NULL);
		expect_reject(kit_ask(&s, &w->out), WIRE__REJECT__CODE__IDENTITY, what);
		kit_batch(&w->out, 1, 0);
		expect_reject(kit_ask(&s, &w->out), WIRE__REJECT__CODE__NOT_WELCOME, what);
		ingest_stats(w->ingest, &after);
		assert_int_equal(before.refused_identity + 1, after.refused_identity);
		good_goes_on(w);
		kit_hang_up(&s);
	}
}

/* A recorded Proof is useless: on another connection, and a second time on its own. */
static void
test_replay(void **state)
{
	struct world *w = *state;
	struct buf proof = BUF_INIT;
	struct kit_sensor s, thief;
	Wire__Reply *rep;

	assert_int_equal(0, dial(w, &s, "node-a"));
	rep = hello(w, &s, "a");
	kit_proof(&proof, rep->challenge, "a", "prod", cert_of(w, "node-a", ".pem"),
	    cert_of(w, "node-a", ".key"));
	wire__reply__free_unpacked(rep, NULL);
	assert_int_equal(0, dial(w, &thief, "node-b"));
	wire__reply__free_unpacked(hello(w, &thief, "a"), NULL);
	expect_reject(kit_ask(&thief, &proof), WIRE__REJECT__CODE__IDENTITY, "replayed");
	kit_hang_up(&thief);
	rep = kit_ask(&s, &proof); /* its own connection */
	assert_non_null(rep->welcome);
	wire__reply__free_unpacked(rep, NULL);
	expect_reject(kit_ask(&s, &proof), WIRE__REJECT__CODE__NOT_WELCOME, "said twice");
	kit_hang_up(&s);
	buf_fini(&proof);
}

/* The newer connection of a node speaks for it; the older is told. */
static void
test_newer_wins(void **state)
{
	struct world *w = *state;
	struct kit_sensor one, two;
	Wire__Reply *rep;

	assert_int_equal(0, dial(w, &one, "node-a"));
	wire__reply__free_unpacked(introduce(w, &one, "a", "node-a"), NULL);
	kit_batch(&w->out, 1, 0);
	wire__reply__free_unpacked(kit_ask(&one, &w->out), NULL);
	assert_int_equal(0, dial(w, &two, "node-a"));
	rep = introduce(w, &two, "a", "node-a");
	assert_non_null(rep->welcome);
	assert_int_equal(2, rep->welcome->next_seq);
	wire__reply__free_unpacked(rep, NULL);
	kit_batch(&w->out, 2, 0);
	expect_reject(kit_ask(&one, &w->out), WIRE__REJECT__CODE__DUPLICATE, "the older");
	rep = kit_ask(&two, &w->out);
	assert_int_equal(2, rep->ack->received_seq);
	wire__reply__free_unpacked(rep, NULL);
	kit_hang_up(&one);
	kit_hang_up(&two);
}

/*
 * NNG closes the connection of a peer that exceeds the limit, without an answer. Tested on a local
 * socket, whose peers are trusted (so Hello is answered with Welcome): NNG 1.5.2's own client can
 * hang when its TLS connection ends in the middle of a large message.
 */
static void
test_oversize(void **state)
{
	struct world *w = *state;
	struct ingest_cfg cfg = { .cluster = "",
		.name = NAME,
		.contexts = 4,
		.streams = w->streams,
		.shards = (struct shards *) &w->shard };
	struct buf b = { calloc(1, WIRE_MESSAGE_MAX + 4096), WIRE_MESSAGE_MAX, 0, false };
	struct ingest *local = NULL;
	struct diag d = { 0 };
	struct kit_sensor s;
	Wire__Reply *rep;
	struct stat st;
	char url[96];

	assert_non_null(b.p);
	(void) snprintf(url, sizeof(url), "ipc://%s/sock", w->pki.dir);
	cfg.listen = url;
	assert_int_equal(0, ingest_start(&cfg, &local, &d));
	assert_int_equal(0, stat(url + strlen("ipc://"), &st));
	assert_int_equal(0600, st.st_mode & 0777);
	assert_int_equal(0, kit_dial(&s, url, NULL, NULL, NULL, NULL));
	kit_hello(&w->out, "l", "any", 77);
	rep = kit_ask(&s, &w->out);
	assert_non_null(rep->welcome);
	wire__reply__free_unpacked(rep, NULL);
	expect_reject(
	    kit_ask(&s, &b), WIRE__REJECT__CODE__MALFORMED, "garbage of the largest size");
	(void) nng_socket_set_ms(s.sock, NNG_OPT_RECVTIMEO, 1000);
	b.n = WIRE_MESSAGE_MAX + 4096;
	rep = kit_ask(&s, &b);
	assert_null(rep);
	good_goes_on(w);
	kit_hang_up(&s);
	ingest_stop(local);
	free(b.p);
}

/* A sensor that a changed revocation list names is disconnected. */
static void
test_reload(void **state)
{
	struct world *w = *state;
	struct diag d = { 0 };
	struct kit_sensor s, again;
	struct ingest_stats st;
	Wire__Reply *rep;

	assert_int_equal(0, dial(w, &s, "node-b"));
	wire__reply__free_unpacked(introduce(w, &s, "b", "node-b"), NULL);
	assert_int_equal(0, ingest_reload_tls(w->ingest, &d));
	kit_poll(&w->out, 0, 0);
	rep = kit_ask(&s, &w->out);
	assert_null(rep->reject);
	wire__reply__free_unpacked(rep, NULL);
	ingest_watch_tls(w->ingest); /* nothing has changed */
	kit_poll(&w->out, 0, 0);
	rep = kit_ask(&s, &w->out);
	assert_null(rep->reject);
	wire__reply__free_unpacked(rep, NULL);
	assert_int_equal(1, pki_revoke(w->pki.dir, "b", -1, &d));
	ingest_watch_tls(w->ingest); /* the list has changed */
	kit_poll(&w->out, 0, 0);
	rep = kit_ask(&s, &w->out);
	assert_non_null(rep);
	assert_non_null(rep->reject);
	assert_non_null(strstr(rep->reject->text, "revoked"));
	expect_reject(rep, WIRE__REJECT__CODE__IDENTITY, "revoked meanwhile");
	/* the accept that NNG had already begun uses the old list: then the Proof is refused */
	assert_int_equal(0, dial(w, &again, "node-b"));
	expect_reject(introduce(w, &again, "b", "node-b"), WIRE__REJECT__CODE__IDENTITY, "revoked");
	kit_hang_up(&again);
	assert_false(gets_an_answer(w, &again, dial(w, &again, "node-b")));
	kit_hang_up(&again);
	kit_hang_up(&s);
	ingest_stats(w->ingest, &st);
	assert_true(st.certificate_expiry_seconds > clock_real() / NS_PER_S + 86000);
	assert_true(st.certificate_expiry_seconds < clock_real() / NS_PER_S + 87000);
	good_goes_on(w);
	/* a new list that cannot be read changes nothing */
	assert_int_equal(0, truncate(kit_file(&w->pki, "crl.pem"), 0));
	assert_int_equal(-EINVAL, ingest_reload_tls(w->ingest, &d));
	good_goes_on(w);
}

int
main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_welcome),
		T(test_tls),
		T(test_proof),
		T(test_replay),
		T(test_newer_wins),
		T(test_oversize),
		T(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
