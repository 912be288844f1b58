/* SPDX-License-Identifier: Apache-2.0 */
/* test_field_container.c - container.* and k8s.*: in a container whose runtime is known, in one
 * whose is not, on the host. */
#include "collector/filter/test_ask.h"
#include "tests/support/test.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define POD "aa112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct row begin[] = {
	{ EV_EXECVE, "10", "res=0;exe=sh;comm=sh;cgroups=cpu=/docker/" HEX "|", "" },
	{ EV_EXECVE, "20", "res=0;exe=sh;comm=sh;cgroups=cpu=/kubepods/pod1/" POD "|", "" },
	{ EV_EXECVE, "30", "res=0;exe=sh;comm=sh;cgroups=cpu=/lxc/web|", "" },
	{ EV_EXECVE, "40", "res=0;exe=sh;comm=sh;cgroups=cpu=/init.scope|", "" },
	{ EV_CONTAINER_INFO, "0",
	    "id=001122334455;full_id=" HEX ";runtime=docker;traits=0x5;container_name=web;"
	    "image=r.io/a:1;image_id=ff;image_repository=r.io/a;image_tag=1;image_digest=sha256:d;"
	    "mounts=/a:/b:ro:false:rprivate|/proc:/host/proc::true:rslave|/odd|;"
	    "labels=app=x|empty=|io.kubernetes.pod.name=pretended|annotation.y=z|;ip=10.0.0.2;"
	    "entry_point=serve|-v|;healthcheck=/bin/sh|-c|curl x|;env=A=1|B=|;user=7:8",
	    "" },
	{ EV_CONTAINER_INFO, "0",
	    "id=aa1122334455;full_id=" POD ";runtime=containerd;traits=0x10;pod_sandbox=" HEX ";"
	    "pod_name=p-0;pod_namespace=shop;pod_uid=u-1;pod_ip=10.1.1.1;cni=[];image=a;liveness_"
	    "probe=live|",
	    "" },
	/* what comes into the first container: a health check, somebody, a process of its own */
	{ EV_EXECVE, "11",
	    "res=0;exe=/bin/sh;args=-c|curl x|;comm=sh;vpid=7;ptid=1;cgroups=cpu=/docker/" HEX "|",
	    "" },
	{ EV_CLONE, "12@5", "ptid=11;comm=sh;vpid=8;cgroups=cpu=/docker/" HEX "|", "" },
	{ EV_EXECVE, "12@5", "res=0;exe=curl;args=x|;comm=curl;cgroups=cpu=/docker/" HEX "|", "" },
	{ EV_EXECVE, "13",
	    "res=0;exe=runc;args=init|;comm=runc;vpid=9;ptid=1;cgroups=cpu=/docker/" HEX "|", "" },
	{ EV_EXECVE, "13", "res=0;exe=bash;comm=bash;cgroups=cpu=/docker/" HEX "|", "" },
	{ EV_EXECVE, "14", "res=0;exe=main;comm=main;vpid=1;ptid=1;cgroups=cpu=/docker/" HEX "|",
	    "" },
	{ EV_CLONE, "15@6", "ptid=14;comm=sh;vpid=2;cgroups=cpu=/docker/" HEX "|", "" },
	{ EV_EXECVE, "15@6",
	    "res=0;exe=/bin/sh;args=-c|curl x|;comm=sh;cgroups=cpu=/docker/" HEX "|", "" },
	{ EV_EXECVE, "21",
	    "res=0;exe=live;comm=live;vpid=7;ptid=1;cgroups=cpu=/kubepods/pod1/" POD "|", "" },
	{ EV_EXECVE, "50", "res=0;exe=sh;comm=sh;cgroups=cpu=/docker/" POD "/docker/" HEX "|", "" },
};

#define IS(who, health, live, entered)                                        \
	{                                                                     \
		who,                                                          \
		{                                                             \
			{ "proc.is_container_healthcheck", health },          \
			    { "proc.is_container_liveness_probe", live },     \
			    { "proc.is_container_readiness_probe", "false" }, \
			    { "mews.container.entered_by", entered },         \
		}                                                             \
	}

static const struct {
	const char *who;
	struct ask_field v[40];
} cases[] = {
	{ "10",
	    { { "container.id", "001122334455" }, { "container.full_id", HEX },
		{ "container.name", "web" }, { "container.type", "docker" },
		{ "container.image", "r.io/a:1" }, { "container.image.id", "ff" },
		{ "container.image.repository", "r.io/a" }, { "container.image.tag", "1" },
		{ "container.image.digest", "sha256:d" }, { "container.privileged", "true" },
		{ "container.host_pid", "false" }, { "container.host_network", "true" },
		{ "container.host_ipc", "false" }, { "mews.container.rootless", "false" },
		{ "container.ip", "10.0.0.2" },
		{ "container.mounts",
		    "/a:/b:ro:false:rprivate,/proc:/host/proc::true:rslave,/odd" },
		{ "container.mount[0]", "/a:/b:ro:false:rprivate" },
		{ "container.mount[/proc]", "/proc:/host/proc::true:rslave" },
		{ "container.mount[3]", NULL }, { "container.mount[/b]", NULL },
		{ "container.mount.dest[/proc*]", "/host/proc" },
		{ "container.mount.dest[/pro]", NULL }, { "container.mount.source[/b]", "/a" },
		{ "container.mount.source[1]", "/proc" }, { "container.mount.mode[/a]", "ro" },
		{ "container.mount.rdwr[/a]", "false" },
		{ "container.mount.propagation[/a]", "rprivate" },
		{ "container.mount.dest[/odd]", "" }, { "container.label[app]", "x" },
		{ "container.label[empty]", "" }, { "container.label[none]", NULL },
		{ "container.labels", "app:x, empty" }, { "k8s.pod.name", NULL },
		{ "k8s.ns.name", NULL }, { "k8s.pod.sandbox_id", NULL },
		{ "container.cni.json", NULL }, { "container.healthcheck", "/bin/sh -c curl x" },
		{ "container.liveness_probe", NULL } } },
	{ "10", { { "mews.container.entry_point", "serve -v" }, { "mews.container.user", "7:8" },
		    { "mews.container.env", "A=1 B=" }, { "mews.container.env[A]", "1" },
		    { "mews.container.env[C]", NULL }, { "mews.container.parent", NULL } } },
	IS("11", "true", "false", "/bin/sh -c curl x"),
	IS("12@5", "true", "false", "/bin/sh -c curl x"),
	IS("13", "false", "false", "bash"),
	IS("14", "false", "false", NULL),
	IS("15@6", "false", "false", NULL),
	IS("21", "false", "true", "live"),
	IS("30", "false", "false", "sh"),
	IS("40", "false", "false", NULL),
	{ "50",
	    { { "container.id", "001122334455" }, { "mews.container.parent", "aa1122334455" } } },
	{ "20", { { "container.id", "aa1122334455" }, { "container.type", "containerd" },
		    { "container.name", NULL }, { "container.privileged", "false" },
		    { "mews.container.rootless", "true" }, { "container.labels", NULL },
		    { "container.mounts", NULL }, { "k8s.pod.name", "p-0" },
		    { "k8s.ns.name", "shop" }, { "k8s.pod.uid", "u-1" }, { "k8s.pod.id", "u-1" },
		    { "k8s.pod.sandbox_id", "001122334455" }, { "k8s.pod.full_sandbox_id", HEX },
		    { "k8s.pod.ip", "10.1.1.1" }, { "k8s.pod.cni.json", "[]" },
		    { "container.cni.json", "[]" } } },
	{ "30", { { "container.id", "web" }, { "container.name", NULL },
		    { "container.full_id", NULL }, { "container.privileged", NULL },
		    { "container.image.repository", NULL }, { "container.mounts", NULL },
		    { "container.mount[0]", NULL }, { "container.type", "lxc" } } },
	{ "40", { { "container.id", "host" }, { "container.name", "host" },
		    { "container.type", "host" }, { "container.image", "" },
		    { "container.image.repository", "" }, { "container.privileged", "false" },
		    { "container.mounts", "" }, { "container.full_id", NULL },
		    { "container.host_pid", NULL }, { "k8s.pod.name", NULL } } },
};

static void
t_fields(void **state)
{
	struct ask a;

	(void) state;
	ask_start(&a);
	for (size_t i = 0; i < ARRAY_SIZE(begin); i++)
		ask_fields(&a, &begin[i], NULL, 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct row row = { EV_CLOSE, cases[i].who, "res=0;fd=9", "" };

		ask_fields(&a, &row, cases[i].v, ARRAY_SIZE(cases[i].v));
	}
	ask_stop(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(t_fields) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
