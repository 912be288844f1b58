/* SPDX-License-Identifier: Apache-2.0 */
#include "common/container_id.h"
#include "common/macros.h"
#include "tests/support/test.h"
#include <stdio.h>
#include <stdlib.h>

#define HEX   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ID    "001122334455"
#define OTHER "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TEXT  "0011223344556677889_aabbccddeeff00112233445566778899aabbccddeeff"

static const struct {
	const char *path;
	const char *id; /* NULL: on the host */
} rows[] = {
	{ "/", NULL },
	{ "", NULL },
	/* podman */
	{ "/machine.slice/libpod-" HEX, ID },
	{ "/machine.slice/libpod-" HEX ".scope", ID },
	{ "/machine.slice/libpod-" HEX ".scope/container", ID },
	{ "/a.slice/b@c.service/libpod-payload-" HEX, ID },
	{ "/user.slice/u.service/libpod-" HEX HEX, NULL },
	/* docker, CRI */
	{ "/docker/" HEX, ID },
	{ "/system.slice/docker-" HEX ".scope", ID },
	{ "/kubepods/besteffort/pod63b3/crio-" HEX, ID },
	{ "/kubepods.slice/crio-" HEX ".scope", ID },
	{ "/kubepods.slice/cri-containerd-" HEX ".scope", ID },
	{ "/system.slice/kubepods-pod1.slice:cri-containerd:" HEX, ID },
	{ "/system.slice/nerdctl-" HEX ".scope", ID },
	{ "/kubepods/burstable/pod1/" HEX, ID },
	/* Not hexadecimal: early in the path, and too far back to be noticed. */
	{ "/a.slice/" TEXT, NULL },
	{ "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/" TEXT,
	    "001122334455" },
	{ "/" HEX "x", NULL },
	/* containerd's namespaces, and paths mistaken for one */
	{ "/ns-1.5/box", "box" },
	{ "/default/a_rather_long_name", "a_rather_lon" },
	{ "/default/x.slice", NULL },
	{ "/default/x.scope", NULL },
	{ "/default/x.service", NULL },
	{ "/default/x.service.d", "x.service.d" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/foo", "user-1000.sl" },
	{ "/system.slice/foo.service/payload", "foo.service/" },
	{ "/a/x/a/y", "y" },
	{ "/a--b/c", NULL },
	{ "/-a/b", NULL },
	/* a virtual machine's folder */
	{ "/machine/00112233445566778899aabbccddeeff", NULL },
	{ "/machine/00112233445566778899aabbccddeef", ID },
	{ "/machine/00112233445566778899aabbccddee_f", ID },
	/* lxc, libvirt, bpm: whole names */
	{ "/lxc/web", "web" },
	{ "/lxc.payload.a-name-that-is-long/init.scope", "a-name-that-is-long" },
	{ "/machine.slice/machine-lxc\\x2d7-box.scope", "7-box" },
	{ "/machine.slice/machine-lxc\\x2dbox.scope/libvirt", "machine-lxc\\" },
	{ "/box.libvirt-lxc", "box" },
	{ "/bpm-web.scope", "web" },
	/* groups below a container's: of an init system in it, of nested runtimes */
	{ "/docker/" HEX "/init.scope", ID },
	{ "/docker/" HEX "/system.slice/nginx.service", ID },
	{ "/system.slice/docker-" HEX ".scope/init.scope", ID },
	{ "/machine.slice/libpod-" HEX ".scope/container/system.slice/sshd.service", ID },
	{ "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" HEX ".scope/a/b/c", ID },
	{ "/docker/" OTHER "/docker/" HEX, ID },
	{ "/docker/" OTHER "/kubelet/kubepods/besteffort/pod1/" HEX, ID },
	{ "/docker/" OTHER "/kubelet/kubepods/besteffort/pod1/" HEX "/x", ID },
	{ "/ecs/0123456789abcdef0123456789abcdef/" HEX, ID },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" HEX ".scope/container",
	    ID },
	/* CRI-O's own, quadlets, split scopes, containers of a user, Garden */
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/crio-" HEX
	  ".scope/container",
	    ID },
	{ "/system.slice/web.service/libpod-payload-" HEX, ID },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service/libpod-payload-" HEX,
	    ID },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/user-libpod_pod_" OTHER
	  ".slice/libpod-" HEX ".scope",
	    ID },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" HEX ".scope", ID },
	{ "/user.slice/user-1000.slice/session-1.scope/libpod_parent/libpod-" HEX, ID },
	{ "/garden/0f2b7a31-5d3e-4b8a-7c61-2f6a", "0f2b7a31-5d3" },
	/* seen out of another control group namespace */
	{ "/../../kubepods/besteffort/pod1/" HEX, ID },
	{ "/../cri-containerd-" HEX ".scope", ID },
	{ "/../../init.scope", NULL },
	/* systemd-nspawn */
	{ "/machine.slice/machine-web.scope", "web" },
	{ "/machine.slice/machine-web.scope/payload/init.scope", "web" },
	{ "/machine.slice/machine-web.scope/supervisor", "machine-web." },
	{ "/machine.slice/systemd-nspawn@web.service/payload/system.slice/x.service", "web" },
	{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope", NULL },
	{ "/machine.slice/systemd-nspawn@.service", NULL },
	/* just a host */
	{ "/user.slice/user-0.slice/session-1.scope", NULL },
	{ "/init.scope", NULL },
};

static void
t_paths(void **st)
{
	(void) st;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slice id;
		char list[512];
		int n = snprintf(list, sizeof(list), "cpu=%s", rows[i].path);

		id = container_id_of((struct slice){ list, (size_t) n + 1 });
		if ((id.p == NULL) != (rows[i].id == NULL) ||
		    (id.p != NULL && !slice_eq(id, slice_str(rows[i].id))))
			fail_msg("%s: '%.*s', not '%s'", rows[i].path, SLICE_ARG(id),
			    rows[i].id == NULL ? "-" : rows[i].id);
	}
}

/* The container around one; NULL: none. */
static const struct {
	const char *path, *parent;
} nested[] = {
	{ "/docker/" OTHER "/docker/" HEX, "ff1122334455" },
	{ "/docker/" OTHER "/docker/" HEX "/init.scope", "ff1122334455" },
	{ "/system.slice/docker-" OTHER ".scope/system.slice/docker-" HEX ".scope",
	    "ff1122334455" },
	{ "/docker/" OTHER "/kubelet/kubepods/besteffort/pod1/" HEX, "ff1122334455" },
	{ "/docker/" OTHER "/kubelet.slice/kubelet-kubepods.slice/cri-containerd-" HEX ".scope",
	    "ff1122334455" },
	{ "/machine.slice/libpod-" OTHER ".scope/container/libpod_parent/libpod-" HEX,
	    "ff1122334455" },
	{ "/kubepods/besteffort/pod1/" OTHER "/docker/" HEX, "ff1122334455" },
	{ "/lxc.payload.web/system.slice/docker-" HEX ".scope", "web" },
	{ "/machine.slice/machine-web.scope/payload/system.slice/docker-" HEX ".scope", "web" },
	/* no containers: what pods, tasks and services are called */
	{ "/kubepods/besteffort/pod1/" HEX, NULL },
	{ "/libpod_parent/" OTHER "/libpod-" HEX, NULL },
	{ "/machine.slice/machine-libpod_pod_" OTHER ".slice/libpod-" HEX ".scope", NULL },
	{ "/ecs/0123456789abcdef0123456789abcdef/" HEX, NULL },
	{ "/docker/" HEX, NULL },
	{ "/docker/" HEX "/system.slice/x.service", NULL },
	{ "/default/box", NULL },
	{ "/init.scope", NULL },
};

static void
t_parents(void **st)
{
	(void) st;
	for (size_t i = 0; i < ARRAY_SIZE(nested); i++) {
		struct slice id;
		char list[512];
		int n = snprintf(list, sizeof(list), "cpuset=/%ccpu=%s", '\0', nested[i].path);

		id = container_parent_of((struct slice){ list, (size_t) n + 1 });
		if ((id.p == NULL) != (nested[i].parent == NULL) ||
		    (id.p != NULL && !slice_eq(id, slice_str(nested[i].parent))))
			fail_msg("%s: '%.*s'", nested[i].path, SLICE_ARG(id));
	}
}

/* The runtime, by the layout alone. */
static const struct {
	const char *path, *runtime;
} runtimes[] = {
	{ "/libpod_parent/libpod-" HEX, "podman" },
	{ "/machine.slice/libpod-" HEX ".scope/container", "podman" },
	{ "/user.slice/user-1.slice/x.service/libpod-payload-" HEX, "podman" },
	{ "/docker/" HEX, "docker" },
	{ "/docker/" HEX "/init.scope", "docker" },
	{ "/system.slice/docker-" HEX ".scope", "docker" },
	{ "/kubepods.slice/crio-" HEX ".scope", "cri-o" },
	{ "/kubepods.slice/cri-containerd-" HEX ".scope", "containerd" },
	{ "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" HEX,
	    "containerd" },
	{ "/system.slice/nerdctl-" HEX ".scope", "containerd" },
	{ "/docker/" OTHER "/kubelet.slice/crio-" HEX ".scope", "cri-o" },
	{ "/lxc/web", "lxc" },
	{ "/lxc.payload.web/init.scope", "lxc" },
	{ "/machine.slice/machine-lxc\\x2d7-box.scope", "libvirt-lxc" },
	{ "/machine.slice/machine-web.scope/payload", "systemd-nspawn" },
	{ "/machine.slice/systemd-nspawn@web.service/payload", "systemd-nspawn" },
	{ "/kubepods/besteffort/pod1/" HEX, NULL },
	{ "/default/web", NULL },
	{ "/init.scope", NULL },
};

static void
t_runtimes(void **st)
{
	(void) st;
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++) {
		char list[512];
		int n = snprintf(list, sizeof(list), "cpuset=/%c=%s", '\0', runtimes[i].path);
		struct slice r = container_runtime_of((struct slice){ list, (size_t) n + 1 });

		if ((r.p == NULL) != (runtimes[i].runtime == NULL) ||
		    (r.p != NULL && !slice_eq(r, slice_str(runtimes[i].runtime))))
			fail_msg("%s: '%.*s'", runtimes[i].path, SLICE_ARG(r));
	}
}

/* Whose slice a container is in: the outermost one, and none that a container has made. */
static const struct {
	const char *path;
	uint32_t user;
} slices[] = {
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" HEX ".scope", 1000 },
	{ "/user.slice/user-1000.slice/session-2.scope/libpod-payload-" HEX, 1000 },
	{ "/payload/user.slice/user-4294967295.slice/libpod-" HEX ".scope", 4294967295 },
	{ "/user.slice/user-7.slice/user.slice/user-8.slice/libpod-" HEX ".scope", 7 },
	{ "/user.slice/user-4294967296.slice/libpod-" HEX ".scope", 0 },
	{ "/user.slice/user-99999999999999999999999.slice/libpod-" HEX ".scope", 0 },
	{ "/user.slice/user-.slice/libpod-" HEX ".scope", 0 },
	{ "/user.slice/user-7x.slice/libpod-" HEX ".scope", 0 },
	{ "/user.slice/user-7", 0 },
	{ "/machine.slice/libpod-" HEX ".scope/container/user.slice/user-7.slice/app", 0 },
	{ "/docker/" OTHER "/user.slice/user-7.slice/libpod-" HEX ".scope", 0 },
	{ "/machine.slice/libpod-" HEX ".scope", 0 },
	{ "/init.scope", 0 },
};

static void
t_slices(void **st)
{
	(void) st;
	for (size_t i = 0; i < ARRAY_SIZE(slices); i++) {
		char list[512];
		int n = snprintf(list, sizeof(list), "cpuset=/%c=%s", '\0', slices[i].path);
		uint32_t user = container_user_of((struct slice){ list, (size_t) n + 1 });

		if (user != slices[i].user)
			fail_msg("%s: %u", slices[i].path, user);
	}
}

/* The first path of the list with a container decides. */
static void
t_lists(void **st)
{
	static const char list[] =
	    "cpuset=/\0cpu=/init.scope\0memory=/docker/" HEX "\0blkio=/lxc/web";
	static const char cut[] = "cpu=/lxc/web";
	struct slice id;

	(void) st;
	id = container_id_of((struct slice){ list, sizeof(list) });
	assert_true(slice_eq(id, slice_str(ID)));
	id = container_id_of((struct slice){ cut, sizeof(cut) - 1 });
	assert_true(slice_eq(id, slice_str("web")));
	assert_null(container_id_of((struct slice){ NULL, 0 }).p);
	assert_null(container_id_of((struct slice){ "\0\0", 2 }).p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_paths),
		cmocka_unit_test(t_parents),
		cmocka_unit_test(t_runtimes),
		cmocka_unit_test(t_slices),
		cmocka_unit_test(t_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
