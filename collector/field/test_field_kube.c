/* SPDX-License-Identifier: Apache-2.0 */
/* test_field_kube.c - fields of pods: what the runtime says comes first, the API server adds the
 * rest, by the uid of the runtime or of the control group. */
#include "collector/filter/test_ask.h"
#include "collector/kube/kube_store.h"
#include "tests/support/test.h"

#define UID "0a1b2c3d-0000-1111-2222-333344445555"
#define BOX "01122334455667788899aabbccddeeff00112233445566778899aabbccddeef"

static const struct {
	enum kube_kind kind;
	const char *json;
} known[] = {
	{ KUBE_POD,
	    "{\"metadata\":{\"uid\":\"" UID "\",\"name\":\"web-7-x\",\"namespace\":\"shop\","
	    "\"labels\":{\"app\":\"web\",\"empty\":\"\",\"tier\":\"front\"},\"ownerReferences\":[{"
	    "\"kind\":\"ReplicaSet\",\"name\":\"web-7\",\"uid\":\"r1\",\"controller\":true}]},"
	    "\"spec\":{\"containers\":[{\"name\":\"side\",\"livenessProbe\":{\"exec\":{\"command\":"
	    "[\"x\"]}}},{\"name\":\"app\",\"readinessProbe\":{\"exec\":{\"command\":[\"ready\","
	    "\"\","
	    "\"-q\"]}},\"livenessProbe\":{\"httpGet\":{}}}]},"
	    "\"status\":{\"podIP\":\"10.1.2.3\"}}" },
	{ KUBE_REPLICASET,
	    "{\"metadata\":{\"uid\":\"r1\",\"name\":\"web-7\",\"labels\":{\"h\":\"7\"},"
	    "\"ownerReferences\":[{\"kind\":\"Deployment\",\"name\":\"web\",\"uid\":"
	    "\"d1\",\"controller\":true}]}}" },
	{ KUBE_NAMESPACE,
	    "{\"metadata\":{\"uid\":\"n1\",\"name\":\"shop\",\"labels\":{\"team\":\"cart\"}}}" },
	{ KUBE_SERVICE,
	    "{\"metadata\":{\"uid\":\"s1\",\"name\":\"web\",\"namespace\":\"shop\"},"
	    "\"spec\":{\"selector\":{\"app\":\"web\"}}}" },
	{ KUBE_SERVICE,
	    "{\"metadata\":{\"uid\":\"s2\",\"name\":\"all\",\"namespace\":\"shop\","
	    "\"labels\":{\"v\":\"1\"}},\"spec\":{\"selector\":{\"tier\":\"front\"}}}" },
	{ KUBE_POD,
	    "{\"metadata\":{\"uid\":\"m1\",\"name\":\"static\",\"namespace\":\"sys\","
	    "\"annotations\":{\"kubernetes.io/config.mirror\":"
	    "\"00112233445566778899aabbccddeeff\"}}}" },
};

#define ROW(who, path)                                                                     \
	{                                                                                  \
		EV_EXECVE, who, "res=0;exe=sh;comm=sh;cgroups=cpu=/x|memory=" path "|", "" \
	}
static const struct row begin[] = {
	ROW("10", "/kubepods/burstable/pod" UID "/0" BOX),
	ROW("20",
	    "/kubepods.slice/kubepods-besteffort.slice/"
	    "kubepods-besteffort-pod0a1b2c3d_0000_1111_2222_333344445555.slice/"
	    "cri-containerd-1" BOX ".scope"),
	ROW("30", "/kubepods/pod00112233445566778899aabbccddeeff/2" BOX),
	ROW("40", "/kubepods/pod0a1b2c3d-0000/3" BOX), /* no uid */
	ROW("50",
	    "/kubepods.slice/kubepods-pod0a1b2c3d_0000_1111_2222_333344445555.slice"), /* of the
											  kubelet */
	ROW("60", "/docker/4" BOX),
	ROW("70", "/kubepods/podffffffff-0000-1111-2222-333344445555/5" BOX),
	ROW("80", "/docker/6" BOX),
	ROW("90", "/kubepods/podffffffff-0000-1111-2222-333344445555/7" BOX),
	/* the runtime of 80 knows its pod, and calls it otherwise; that of 60 has labels alone */
	{ EV_CONTAINER_INFO, "0",
	    "id=601122334455;full_id=6" BOX
	    ";runtime=containerd;traits=0;pod_name=mine;container_name=app;"
	    "pod_namespace=ours;pod_uid=" UID ";labels=io.kubernetes.pod.uid=" UID
	    "|;pod_labels=app=old|",
	    "" },
	{ EV_EXECVE, "81",
	    "res=0;exe=ready;args=|-q|;comm=ready;vpid=4;ptid=1;cgroups=cpu=/docker/6" BOX "|",
	    "" },
	/* the API server does not know the pod of 90; its runtime does */
	{ EV_CONTAINER_INFO, "0",
	    "id=701122334455;full_id=7" BOX ";runtime=containerd;traits=0;pod_name=new;"
	    "pod_labels=app=web|empty=|",
	    "" },
};

static const struct ask_field of_web[] = { { "k8s.pod.name", "web-7-x" }, { "k8s.ns.name", "shop" },
	{ "k8s.pod.id", UID }, { "k8s.pod.uid", UID }, { "k8s.pod.ip", "10.1.2.3" },
	{ "k8s.pod.label[app]", "web" }, { "k8s.pod.label[empty]", "" },
	{ "k8s.pod.label[none]", NULL }, { "k8s.pod.label[2]", "front" },
	{ "k8s.pod.labels", "app:web, empty, tier:front" }, { "k8s.rs.name", "web-7" },
	{ "k8s.rs.id", "r1" }, { "k8s.rs.label[h]", "7" }, { "k8s.rs.labels", "h:7" },
	{ "k8s.deployment.name", "web" }, { "k8s.deployment.id", "d1" },
	{ "k8s.deployment.label[a]", NULL }, { "k8s.deployment.labels", NULL },
	{ "k8s.ns.id", "n1" }, { "k8s.ns.label[team]", "cart" }, { "k8s.ns.labels", "team:cart" },
	{ "k8s.svc.name", "all, web" }, { "k8s.svc.id", "s2, s1" }, { "k8s.svc.label[v]", "1" },
	{ "k8s.svc.labels", "v:1" }, { "k8s.rc.name", NULL }, { "k8s.rc.labels", NULL },
	{ "k8smeta.pod.name", "web-7-x" }, { "k8smeta.pod.uid", UID },
	{ "k8smeta.pod.ip", "10.1.2.3" }, { "k8smeta.pod.label[app]", "web" },
	{ "k8smeta.pod.labels", "(app:web,empty:,tier:front)" }, { "k8smeta.ns.name", "shop" },
	{ "k8smeta.ns.labels", "(team:cart)" }, { "k8smeta.deployment.name", "web" },
	{ "k8smeta.deployment.labels", NULL }, { "k8smeta.rs.uid", "r1" },
	{ "k8smeta.rc.name", NULL }, { "k8smeta.svc.name", "(all,web)" },
	{ "k8smeta.svc.uid", "(s2,s1)" }, { "k8smeta.svc.label[v]", "1" },
	{ "mews.k8s.workload.kind", "Deployment" }, { "mews.k8s.workload.name", "web" } };
static const struct ask_field of_static[] = { { "k8s.pod.name", "static" },
	{ "k8s.ns.name", "sys" }, { "k8s.pod.uid", "00112233445566778899aabbccddeeff" },
	{ "k8s.pod.labels", "" }, { "k8s.svc.name", NULL }, { "mews.k8s.workload.name", NULL },
	{ "k8s.ns.labels", NULL } };
static const struct ask_field of_none[] = { { "k8s.pod.name", NULL }, { "k8s.ns.name", NULL },
	{ "k8s.pod.uid", NULL }, { "k8s.pod.ip", NULL }, { "k8s.pod.labels", NULL },
	{ "k8s.pod.label[app]", NULL }, { "k8s.deployment.name", NULL }, { "k8s.svc.name", NULL } };
static const struct ask_field of_unknown[] = { { "k8s.pod.name", NULL },
	{ "k8s.pod.uid", "ffffffff-0000-1111-2222-333344445555" }, { "k8s.pod.labels", NULL } };
static const struct ask_field of_told[] = { { "k8s.pod.name", "mine" }, { "k8s.ns.name", "ours" },
	{ "k8s.pod.label[app]", "web" }, { "k8s.ns.labels", "team:cart" },
	{ "container.readiness_probe", "ready  -q" }, { "container.liveness_probe", NULL },
	{ "proc.is_container_readiness_probe", "false" } };
static const struct ask_field of_probe[] = { { "proc.is_container_readiness_probe", "true" },
	{ "proc.is_container_liveness_probe", "false" },
	{ "mews.container.entered_by", "ready  -q" } };

static const struct {
	const char *who;
	const struct ask_field *v;
	size_t n;
} cases[] = {
	{ "10", of_web, ARRAY_SIZE(of_web) },
	{ "81", of_probe, ARRAY_SIZE(of_probe) },
	{ "20", of_web, ARRAY_SIZE(of_web) },
	{ "30", of_static, ARRAY_SIZE(of_static) },
	{ "40", of_none, ARRAY_SIZE(of_none) },
	{ "50", of_none, ARRAY_SIZE(of_none) },
	{ "70", of_unknown, ARRAY_SIZE(of_unknown) },
	{ "80", of_told, ARRAY_SIZE(of_told) },
};

static struct kube_store *
store(void)
{
	struct kube_store *s = NULL;

	assert_int_equal(0, kube_store_new(1 << 20, &s));
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		json_t *o = json_loads(known[i].json, 0, NULL);
		struct kube_object *made = NULL;

		assert_int_equal(0, kube_object_new(known[i].kind, o, &made));
		json_decref(o);
		kube_put(s, made);
	}
	kube_commit(s, 1);
	return s;
}

static void
check(struct ask *a, const char *who, const struct ask_field *v, size_t n,
    const struct kube_side *side)
{
	const struct row row = { EV_CLOSE, who, "res=0;fd=9", "" };
	struct view view;
	struct batch *b = play_event(&a->play, &row, &view);

	view.kube = side;
	state_apply(a->play.s, b, b->ev, &view);
	for (size_t i = 0; i < n; i++) {
		ask_field(v[i].field, v[i].text, &view, a->fs);
		fscratch_reset(a->fs);
	}
	batch_free(b);
}

static void
t_fields(void **state)
{
	struct kube_store *s = store();
	const struct kube_side *side = kube_enter(s);
	struct ask a;

	(void) state;
	ask_start(&a);
	for (size_t i = 0; i < ARRAY_SIZE(begin); i++)
		ask_fields(&a, &begin[i], NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(&a, cases[i].who, cases[i].v, cases[i].n, side);
	/* Without an API server: what the control group and the runtime say. */
	check(&a, "10",
	    (const struct ask_field[]){ { "k8s.pod.uid", UID }, { "k8s.pod.name", NULL } }, 2,
	    NULL);
	check(&a, "80",
	    (const struct ask_field[]){
		{ "k8s.pod.name", "mine" }, { "k8s.ns.label[team]", NULL } },
	    2, NULL);
	check(&a, "90",
	    (const struct ask_field[]){ { "k8s.pod.labels", "app:web, empty" },
		{ "k8s.pod.label[app]", "web" }, { "k8s.ns.labels", NULL } },
	    3, NULL);
	ask_stop(&a);
	kube_leave(s, side);
	kube_store_free(s);
}

/* The fields have a source only where one is configured. */
static void
t_waits(void **state)
{
	(void) state;
	for (const struct field *f = fields; f < fields + nfields; f++) {
		const char *waits = field_waits(f);

		if (FF_SOURCE(f->flags) != FROM_KUBE)
			continue;
		assert_non_null(waits);
		field_has_kube(true);
		assert_null(field_waits(f));
		field_has_kube(false);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(t_fields), cmocka_unit_test(t_waits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
