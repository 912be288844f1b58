/* SPDX-License-Identifier: Apache-2.0 */
/* test_kube_store.c - objects from their JSON, what belongs to a pod, changes while others read. */
#include "collector/kube/kube_store.h"
#include "tests/support/fault.h"
#include "tests/support/test.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define META(uid, name, ns) "\"uid\":\"" uid "\",\"name\":\"" name "\",\"namespace\":\"" ns "\""
#define OWNER(kind, name, uid)                                                    \
	"\"ownerReferences\":[{\"kind\":\"Other\",\"name\":\"x\",\"uid\":\"x\"}," \
	"{\"kind\":\"" kind "\",\"name\":\"" name "\",\"uid\":\"" uid "\",\"controller\":true}]"

static const struct {
	enum kube_kind kind;
	const char *json;
} made[] = {
	{ KUBE_NAMESPACE,
	    "{\"metadata\":{\"uid\":\"n1\",\"name\":\"shop\",\"labels\":{\"team\":\"cart\"}}}" },
	{ KUBE_DEPLOYMENT,
	    "{\"metadata\":{" META("d1", "web", "shop") ",\"labels\":{\"a\":\"b\"}}}" },
	{ KUBE_REPLICASET, "{\"metadata\":{" META("r1", "web-7", "shop") "," OWNER(
			       "Deployment", "web", "d1") "}}" },
	{ KUBE_JOB, "{\"metadata\":{" META("j1", "night-1", "shop") "," OWNER(
			"CronJob", "night", "c1") "}}" },
	{ KUBE_SERVICE, "{\"metadata\":{" META(
			    "s1", "web", "shop") "},\"spec\":{\"selector\":{\"app\":\"web\"}}}" },
	{ KUBE_SERVICE,
	    "{\"metadata\":{" META("s2", "all",
		"shop") "},"
			"\"spec\":{\"selector\":{\"app\":\"web\",\"tier\":\"front\"}}}" },
	{ KUBE_SERVICE, "{\"metadata\":{" META("s3", "none", "shop") "},\"spec\":{}}" },
	{ KUBE_SERVICE, "{\"metadata\":{" META(
			    "s4", "web", "away") "},\"spec\":{\"selector\":{\"app\":\"web\"}}}" },
	{ KUBE_POD, "{\"metadata\":{" META("p1", "web-7-x", "shop") "," OWNER("ReplicaSet", "web-7",
			"r1") ","
			      "\"labels\":{\"app\":\"web\",\"tier\":\"front\",\"empty\":\"\"}},"
			      "\"status\":{\"podIP\":\"10.1.2.3\"}}" },
	{ KUBE_POD, "{\"metadata\":{" META("p2", "night-1-z", "shop") "," OWNER(
			"Job", "night-1", "j1") "}}" },
	{ KUBE_POD, "{\"metadata\":{" META("p3", "agent-a", "away") "," OWNER(
			"DaemonSet", "agent", "a1") "}}" },
	{ KUBE_POD,
	    "{\"metadata\":{" META("p4", "static-n1",
		"kube-system") ","
			       "\"annotations\":{\"kubernetes.io/config.mirror\":\"0123\"}}}" },
	{ KUBE_POD, "{\"metadata\":{" META("p5", "old-x", "shop") "," OWNER(
			"ReplicaSet", "old", "r0") "}}" },
	{ KUBE_POD, "{\"metadata\":{" META("p6", "rc-x", "shop") "," OWNER(
			"ReplicationController", "rc", "q1") "}}" },
};

static struct kube_object *
object(enum kube_kind kind, const char *json)
{
	json_error_t e;
	json_t *o = json_loads(json, 0, &e);
	struct kube_object *ret = NULL;

	assert_non_null(o);
	assert_int_equal(0, kube_object_new(kind, o, &ret));
	json_decref(o);
	return ret;
}

static struct kube_store *
store(void)
{
	struct kube_store *s = NULL;

	assert_int_equal(0, kube_store_new(1 << 20, &s));
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		kube_put(s, object(made[i].kind, made[i].json));
	kube_commit(s, 1);
	return s;
}

/* What is said of a pod: "name kind|kind:name uid [labels]|..." */
static const char *
described(struct kube_store *s, const char *uid)
{
	static const char *const words[KUBE_KINDS] = { [KUBE_NAMESPACE] = "ns",
		[KUBE_REPLICASET] = "rs",
		[KUBE_DEPLOYMENT] = "deployment",
		[KUBE_CONTROLLER] = "rc" };
	static char text[1024];
	const struct kube_side *side = kube_enter(s);
	const struct kube_object *pod = kube_pod(side, slice_str(uid)), *v[KUBE_SERVICES];
	struct kube_named n;
	int at = 0;

	text[0] = '\0';
	if (pod != NULL)
		at = snprintf(text, sizeof(text), "%.*s", SLICE_ARG(pod->name));
	for (enum kube_kind k = 0; pod != NULL && k < KUBE_KINDS; k++) {
		if (words[k] != NULL && kube_related(side, pod, k, &n))
			at += snprintf(text + at, sizeof(text) - (size_t) at, "|%s %.*s %.*s %.*s",
			    words[k], SLICE_ARG(n.name), (int) n.uid.n, n.uid.n == 0 ? "" : n.uid.p,
			    (int) n.labels.n, n.labels.n == 0 ? "" : n.labels.p);
	}
	if (pod != NULL && kube_workload(side, pod, &n))
		at += snprintf(text + at, sizeof(text) - (size_t) at, "|%.*s %.*s",
		    SLICE_ARG(n.kind), SLICE_ARG(n.name));
	for (size_t i = 0, count = pod == NULL ? 0 : kube_services(side, pod, v); i < count; i++)
		at += snprintf(
		    text + at, sizeof(text) - (size_t) at, "|svc %.*s", SLICE_ARG(v[i]->name));
	kube_leave(s, side);
	return text;
}

static const struct {
	const char *uid, *says;
} pods[] = {
	{ "p1",
	    "web-7-x|ns shop n1 team=cart|rs web-7 r1 |deployment web d1 a=b|Deployment web|svc "
	    "all|svc web" },
	{ "p2", "night-1-z|ns shop n1 team=cart|CronJob night" },
	{ "p3", "agent-a|ns away  |DaemonSet agent" },
	{ "p4", "static-n1|ns kube-system  " },
	{ "0123", "static-n1|ns kube-system  " },
	{ "p5", "old-x|ns shop n1 team=cart|rs old r0 |ReplicaSet old" }, /* of which nothing is
									     known */
	{ "p6", "rc-x|ns shop n1 team=cart|rc rc q1 |ReplicationController rc" },
	{ "p7", "" },
	{ "", "" },
};

static void
t_related(void **state)
{
	struct kube_store *s = store();
	struct kube_store_stats st;

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++)
		assert_string_equal(pods[i].says, described(s, pods[i].uid));
	kube_store_stats(s, &st);
	assert_int_equal(1, st.misses);
	assert_int_equal(6, st.objects[KUBE_POD]);
	assert_int_equal(4, st.objects[KUBE_SERVICE]);
	kube_store_free(s);
}

static const char *const refused[] = {
	"{}",
	"[]",
	"{\"metadata\":null}",
	"{\"metadata\":{\"name\":\"x\"}}",
	"{\"metadata\":{\"uid\":\"x\"}}",
	"{\"metadata\":{\"uid\":5,\"name\":\"x\"}}",
};

static void
t_refused(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		json_error_t e;
		json_t *o = json_loads(refused[i], 0, &e);
		struct kube_object *ret = NULL;

		assert_non_null(o);
		assert_int_equal(-EINVAL, kube_object_new(KUBE_POD, o, &ret));
		assert_null(ret);
		json_decref(o);
	}
}

#define POD(uid, label) \
	"{\"metadata\":{" META(uid, uid, "shop") ",\"labels\":{\"app\":\"" label "\"}}}"

static void
t_changes(void **state)
{
	struct kube_store *s = store();
	struct kube_object *gone;
	struct kube_store_stats before, st;

	(void) state;
	/* Nothing new changes nothing, and is not shown to anybody. */
	kube_store_stats(s, &before);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++)
		kube_put(s, object(made[i].kind, made[i].json));
	kube_commit(s, 2);
	kube_store_stats(s, &st);
	assert_int_equal(before.commits, st.commits);
	assert_int_equal(before.bytes, st.bytes);
	/* A service that selects others. */
	kube_put(s, object(KUBE_SERVICE, "{\"metadata\":{" META("s1", "web",
					     "shop") "},"
						     "\"spec\":{\"selector\":{\"app\":\"db\"}}}"));
	assert_non_null(strstr(described(s, "p1"), "|svc all|svc web")); /* not committed */
	kube_commit(s, 3);
	assert_non_null(strstr(described(s, "p1"), "|svc all"));
	assert_null(strstr(described(s, "p1"), "|svc web"));
	/* A deleted pod stays for a while. */
	gone = object(KUBE_POD, POD("p4", "x"));
	kube_delete(s, gone, 10);
	kube_object_unref(gone);
	kube_commit(s, 10 + KUBE_KEEP_NS - 1);
	assert_string_equal("static-n1|ns kube-system  ", described(s, "0123"));
	kube_commit(s, 10 + KUBE_KEEP_NS);
	assert_string_equal("", described(s, "0123"));
	assert_string_equal("", described(s, "p4"));
	/* What a new list does not have is deleted; what it has stays, also if it was deleted. */
	kube_list(s, KUBE_POD);
	kube_put(s, object(KUBE_POD, POD("p9", "new")));
	kube_put(s, object(made[8].kind, made[8].json));
	kube_list_end(s, KUBE_POD, 20 + KUBE_KEEP_NS);
	kube_put(s, object(made[9].kind, made[9].json));
	kube_commit(s, 20 + 2 * KUBE_KEEP_NS);
	assert_string_not_equal("", described(s, "p1"));
	assert_string_not_equal("", described(s, "p2"));
	assert_string_not_equal("", described(s, "p9"));
	assert_string_equal("", described(s, "p3"));
	kube_store_stats(s, &st);
	assert_int_equal(3, st.objects[KUBE_POD]);
	assert_int_equal(1, st.objects[KUBE_NAMESPACE]); /* of another kind */
	kube_store_free(s);
}

#define MIRROR(uid, of) \
	"{\"metadata\":{" META(uid, "mirror", "evil") ",\"annotations\":{"      \
						     "\"kubernetes.io/config.mirror\":\"" of "\"}}}"

static void
put_and_delete(struct kube_store *s, const char *json, bool delete, uint64_t now)
{
	struct kube_object *o = object(KUBE_POD, json);

	if (delete) {
		kube_delete(s, o, now);
		kube_object_unref(o);
	} else {
		kube_put(s, o);
	}
	kube_commit(s, now);
}

/* A pod that says it is the mirror of another takes nobody's place, and leaves none empty. */
static void
t_mirrors(void **state)
{
	static const char *const claims[] = { MIRROR("x1", "p1"), MIRROR("x2", "0123"),
		MIRROR("x3", "x3"), MIRROR("x4", "late") };
	struct kube_store *s = store();

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++)
		put_and_delete(s, claims[i], false, 1);
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++)
		assert_string_equal(pods[i].says, described(s, pods[i].uid));
	assert_string_equal("mirror|ns evil  ", described(s, "x3"));
	assert_string_equal("mirror|ns evil  ", described(s, "late"));
	put_and_delete(s, POD("late", "x"), false, 2); /* whose uid it is */
	assert_string_equal("late|ns shop n1 team=cart", described(s, "late"));
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		put_and_delete(s, claims[i], true, 3);
		kube_commit(s, 3 + KUBE_KEEP_NS);
	}
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++)
		assert_string_equal(pods[i].says, described(s, pods[i].uid));
	assert_string_equal("", described(s, "x3"));
	assert_string_equal("late|ns shop n1 team=cart", described(s, "late"));
	kube_store_free(s);
}

/* Memory is bounded; what was deleted makes room first. */
static void
t_bound(void **state)
{
	struct kube_store *s = NULL;
	struct kube_store_stats st;
	struct kube_object *gone;
	char json[200];

	(void) state;
	assert_int_equal(0, kube_store_new(20000, &s));
	for (int i = 0; i < 1000; i++) {
		(void) snprintf(json, sizeof(json), POD("%d", "x"), i, i);
		kube_put(s, object(KUBE_POD, json));
	}
	kube_commit(s, 1);
	kube_store_stats(s, &st);
	assert_true(st.bytes <= 20000 && st.bytes > 19000);
	assert_int_equal(1000, st.refused + st.objects[KUBE_POD]);
	assert_string_not_equal("", described(s, "0"));
	assert_string_equal("", described(s, "999"));
	gone = object(KUBE_POD, POD("0", "x"));
	kube_delete(s, gone, 2);
	kube_object_unref(gone);
	kube_put(s, object(KUBE_POD, POD("999", "x")));
	kube_commit(s, 3);
	assert_string_equal("", described(s, "0"));
	assert_string_not_equal("", described(s, "999"));
	kube_store_free(s);
}

static void
t_no_memory(void **state)
{
	(void) state;
	for (unsigned n = 0;; n++) {
		struct kube_store *s = NULL;
		struct kube_object *o[3] = { object(KUBE_POD, POD("a", "x")),
			object(KUBE_SERVICE, made[4].json), object(KUBE_POD, made[11].json) };
		struct kube_object *again = object(KUBE_POD, POD("a", "y"));
		int r;

		fault_arm_nth(n);
		r = kube_store_new(1 << 20, &s);
		for (size_t i = 0; r == 0 && i < ARRAY_SIZE(o); i++)
			kube_put(s, o[i]);
		if (r == 0) {
			kube_delete(s, again, 1);
			kube_commit(s, 2);
			kube_put(s, again);
			kube_commit(s, 3);
		}
		if (!fault_disarm()) {
			assert_string_not_equal("", described(s, "0123"));
			kube_store_free(s);
			break;
		}
		if (r < 0) {
			for (size_t i = 0; i < ARRAY_SIZE(o); i++)
				kube_object_unref(o[i]);
			kube_object_unref(again);
		}
		kube_store_free(s);
	}
}

/* ---- readers meanwhile ---- */

struct race {
	struct kube_store *s;
	_Atomic bool over;
	_Atomic unsigned found;
};

static void *
read_on(void *arg)
{
	struct race *r = arg;

	while (!r->over) {
		const struct kube_side *side = kube_enter(r->s);
		const struct kube_object *a = kube_pod(side, SLICE("a")),
					 *b = kube_pod(side, SLICE("b"));

		/* both are changed together */
		if (a != NULL && b != NULL) {
			assert_true(slice_eq(a->labels, b->labels));
			r->found++;
		}
		kube_leave(r->s, side);
	}
	return NULL;
}

static void
t_readers(void **state)
{
	enum { READERS = 3, CHANGES = 2000 };
	struct race r = { .over = false };
	pthread_t t[READERS];
	char json[200];

	(void) state;
	assert_int_equal(0, kube_store_new(1 << 20, &r.s));
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(0, pthread_create(&t[i], NULL, read_on, &r));
	for (int i = 0; i < CHANGES || r.found == 0; i++) {
		(void) snprintf(json, sizeof(json), POD("a", "%d"), i);
		kube_put(r.s, object(KUBE_POD, json));
		(void) snprintf(json, sizeof(json), POD("b", "%d"), i);
		kube_put(r.s, object(KUBE_POD, json));
		kube_commit(r.s, 1);
	}
	r.over = true;
	for (size_t i = 0; i < READERS; i++)
		assert_int_equal(0, pthread_join(t[i], NULL));
	kube_store_free(r.s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_related),
		cmocka_unit_test(t_refused),
		cmocka_unit_test(t_changes),
		cmocka_unit_test(t_mirrors),
		cmocka_unit_test(t_bound),
		cmocka_unit_test(t_no_memory),
		cmocka_unit_test(t_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
