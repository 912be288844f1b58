/* SPDX-License-Identifier: Apache-2.0 */
/* test_container_read.c - what is read of runtimes' files, and which of them are refused. */
#include "proto/names.h"
#include "proto/schema.h"
#include "sensor/container_read.h"
#include "tests/support/put_file.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define IMAGE "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TASKS "run/containerd/io.containerd.runtime.v2.task/"
#define STORE "data/store/overlay-containers/"

/* Make a file and its folders below the test's. */
static void
put(const char *path, const char *text)
{
	char full[1024];

	(void) snprintf(full, sizeof(full), "%s/%s", tmpdir, path);
	for (char *p = full + strlen(tmpdir) + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void) mkdir(full, 0700);
		*p = '/';
	}
	put_file(full, text, 0600);
}

static void
read_one(const char *full, const char *bundle, struct container_info *c)
{
	static struct container_ask ask;
	int root = open(tmpdir, O_PATH | O_DIRECTORY);

	assert_true(root >= 0);
	ask = (struct container_ask){ .serial = 1 };
	(void) snprintf(ask.id, sizeof(ask.id), "%.12s", full);
	(void) snprintf(ask.full, sizeof(ask.full), "%s", full);
	(void) snprintf(ask.bundle, sizeof(ask.bundle), "%s", bundle);
	container_read(root, &ask, c);
	(void) close(root);
}

/* A pod as applied: JSON in JSON in JSON. */
#define Q "\\\\\\\""
#define APPLIED                                                                                  \
	"{" Q "spec" Q ":{" Q "containers" Q ":[{" Q "name" Q ":" Q "other" Q "," Q              \
	"livenessProbe" Q ":{" Q "exec" Q ":{" Q "command" Q ":[" Q "no" Q "]}}},{" Q "name" Q   \
	":" Q "app" Q "," Q "livenessProbe" Q ":{" Q "exec" Q ":{" Q "command" Q ":[" Q "live" Q \
	"," Q "-q" Q "]}}," Q "readinessProbe" Q ":{" Q "httpGet" Q ":{}}}]}}"

static const struct {
	const char *path, *text;
} files[] = {
	/* docker, in a data root of its own */
	{ TASKS "moby/" HEX "/config.json",
	    "{\"mounts\": [{\"destination\": \"/etc/hosts\", \"type\": \"bind\", \"source\": "
	    "\"/srv/docker/containers/" HEX "/hosts\", \"options\": [\"rbind\"]}],"
	    "\"annotations\": {\"io.kubernetes.cri.sandbox-name\": \"not a pod\"},"
	    "\"process\": {\"args\": [\"serve\", \"\", \"-v\"], \"user\": {\"uid\": 7, \"gid\": 8},"
	    "\"env\": [\"A=1\", \"B=\"]},"
	    "\"linux\": {\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"ipc\"}]}}" },
	{ "srv/docker/containers/" HEX "/config.v2.json",
	    "{\"Name\": \"/web\", \"Image\": \"sha256:" IMAGE "\", \"Driver\": \"overlay2\","
	    "\"Config\": {\"Image\": \"reg.io:5000/a/web:1.2\", \"Labels\": {\"app\": \"x=y\","
	    "\"io.kubernetes.pod.name\": \"pretended\"},"
	    "\"Healthcheck\": {\"Test\": [\"CMD-SHELL\", \"curl x\"]}, \"Shell\": [\"/bin/ash\", "
	    "\"-c\"]},"
	    "\"NetworkSettings\": {\"Networks\": {\"n\": {\"IPAddress\": \"10.0.0.2\"}}},"
	    "\"MountPoints\": {\"/b\": {\"Source\": \"/a\", \"Destination\": \"/b\", \"RW\": true,"
	    "\"Relabel\": \"z\", \"Propagation\": \"rprivate\"}}}" },
	{ "srv/docker/containers/" HEX "/hostconfig.json", "{\"Privileged\": true}" },
	{ "srv/docker/image/overlay2/repositories.json",
	    "{\"Repositories\": {\"reg.io:5000/a/web\": {\"reg.io:5000/a/web:1.2\": \"sha256:" IMAGE
	    "\", \"reg.io:5000/a/web@sha256:d1\": \"sha256:" IMAGE "\"}}}" },
	/* podman */
	{ STORE "aa" HEX "/userdata/config.json",
	    "{\"annotations\": {\"io.container.manager\": \"libpod\","
	    "\"io.podman.annotations.privileged\": \"TRUE\"},"
	    "\"root\": {\"path\": \"/data/root\"},"
	    "\"mounts\": [{\"destination\": \"/m\", \"source\": \"/s\", \"options\": [\"rbind\","
	    "\"ro\", \"rslave\"]}, {\"destination\": \"/proc\", \"source\": \"proc\"}],"
	    "\"linux\": {\"namespaces\": [{\"type\": \"network\"}]}}" },
	{ STORE "containers.json",
	    "[{\"id\": \"other\"}, {\"id\": \"aa" HEX
	    "\", \"names\": [\"pod\"], \"image\": \"" IMAGE
	    "\", \"metadata\": \"{\\\"image-name\\\": \\\"localhost/box\\\"}\"}]" },
	{ "data/store/overlay-images/images.json",
	    "[{\"id\": \"" IMAGE "\", \"digest\": \"sha256:d2\"}]" },
	{ "data/store/overlay-images/" IMAGE "/"
	  "=c2hhMjU2OmZmMTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZmMDAxMTIyMzM0NDU1NjY3Nzg4OTlhYWJiY2N"
	  "kZGVlZmY=",
	    "{\"config\": {\"Healthcheck\": {\"Test\": [\"CMD\", \"check\", \"-q\"]}}}" },
	/* Kubernetes with containerd, and with CRI-O */
	{ TASKS "k8s.io/bb" HEX "/config.json",
	    "{\"process\": {\"capabilities\": {\"bounding\": [\"CAP_SYS_ADMIN\"]}},"
	    "\"annotations\": {\"io.kubernetes.cri.container-type\": \"container\","
	    "\"io.kubernetes.cri.container-name\": \"app\","
	    "\"io.kubernetes.cri.image-name\": \"r.io/app@sha256:d3\","
	    "\"io.kubernetes.cri.sandbox-id\": \"5a\", \"io.kubernetes.cri.sandbox-name\": \"p-0\","
	    "\"io.kubernetes.cri.sandbox-namespace\": \"shop\","
	    "\"io.kubernetes.cri.sandbox-uid\": \"u-1\"},"
	    "\"linux\": {\"namespaces\": [], \"resources\": {\"devices\": [{\"allow\": true,"
	    "\"access\": \"rwm\"}]}}}" },
	{ "var/lib/cni/results/net-5a-eth0",
	    "{\"kind\": \"cniCacheV1\", \"result\": {\"cniVersion\": \"0.4.0\", \"ips\": ["
	    "{\"address\": \"fd00::2/64\"}, {\"address\": \"10.2.0.7/24\"}]}}" },
	{ "var/lib/cni/results/net-15a-eth0", "{\"result\": {}}" },
	{ "run/containers/storage/overlay-containers/dd" HEX "/userdata/config.json",
	    "{\"annotations\": {\"io.kubernetes.cri-o.ContainerType\": \"sandbox\","
	    "\"io.kubernetes.cri-o.Labels\":"
	    "\"{\\\"app\\\":\\\"web\\\",\\\"io.kubernetes.pod.uid\\\":\\\"u\\\"}\","
	    "\"io.kubernetes.cri-o.CNIResult\": \"{\\\"ips\\\":[]}\","
	    "\"io.kubernetes.cri-o.Annotations\":"
	    "\"{\\\"" CONTAINER_APPLIED "\\\":\\\"" APPLIED "\\\"}\"}}" },
	{ "run/containers/storage/overlay-containers/cc" HEX "/userdata/config.json",
	    "{\"annotations\": {\"io.kubernetes.cri-o.ContainerType\": \"container\","
	    "\"io.kubernetes.cri-o.SandboxID\": \"dd" HEX "\","
	    "\"io.kubernetes.container.name\": \"app\","
	    "\"io.kubernetes.cri-o.ImageName\": \"r.io/app:2\","
	    "\"io.kubernetes.pod.name\": \"p-1\", \"io.kubernetes.pod.namespace\": \"shop\","
	    "\"io.kubernetes.cri-o.IP.0\": \"10.1.1.1\"}}" },
	/* no runtime that is known: only what the bundle says */
	{ "any/bundle/config.json", "{}" },
};

static const struct {
	const char *full, *bundle;
	const char *want; /* of EVP_CONTAINER_INFO_*, each on its line */
} cases[] = {
	{ HEX, "",
	    "id=001122334455\nfull_id=" HEX "\nruntime=docker\ntraits=5\ncontainer_name=web\n"
	    "image=reg.io:5000/a/web:1.2\nimage_id=" IMAGE "\nimage_repository=reg.io:5000/a/web\n"
	    "image_tag=1.2\nimage_digest=sha256:d1\nmounts=/a:/b:z:true:rprivate|\n"
	    "labels=app=x=y|io.kubernetes.pod.name=pretended|\nip=10.0.0.2\n"
	    "entry_point=serve||-v|\nhealthcheck=/bin/ash|-c|curl x|\nenv=A=1|B=|\nuser=7:8\n" },
	{ "aa" HEX, "/" STORE "aa" HEX "/userdata",
	    "id=aa0011223344\nfull_id=aa" HEX "\nruntime=podman\ntraits=11\ncontainer_name=pod\n"
	    "image=localhost/box\nimage_id=" IMAGE "\nimage_repository=localhost/box\n"
	    "image_tag=latest\nimage_digest=sha256:d2\nmounts=/s:/m::false:rslave|\n"
	    "healthcheck=check|-q|\n" },
	{ "bb" HEX, "",
	    "id=bb0011223344\nfull_id=bb" HEX
	    "\nruntime=containerd\ntraits=15\ncontainer_name=app\n"
	    "image=r.io/app@sha256:d3\nimage_repository=r.io/app\nimage_digest=sha256:d3\nmounts=\n"
	    "cni={\"cniVersion\":\"0.4.0\",\"ips\":[{\"address\":\"fd00::2/64\"},"
	    "{\"address\":\"10.2.0.7/24\"}]}\n"
	    "pod_sandbox=5a\npod_name=p-0\npod_namespace=shop\npod_uid=u-1\npod_ip=10.2.0.7\n" },
	{ "cc" HEX, "",
	    "id=cc0011223344\nfull_id=cc" HEX "\nruntime=cri-o\ntraits=14\ncontainer_name=app\n"
	    "image=r.io/app:2\nimage_repository=r.io/app\nimage_tag=2\nmounts=\ncni={\"ips\":[]}\n"
	    "pod_sandbox=dd" HEX "\npod_name=p-1\npod_namespace=shop\npod_labels=app=web|\n"
	    "pod_ip=10.1.1.1\nliveness_probe=live|-q|\n" },
	{ "odd", "/any/bundle", "id=odd\nfull_id=odd\ntraits=14\nmounts=\n" },
};

static void
print(const struct container_info *c, struct buf *out)
{
	const struct ev_schema *s = schema_get(EV_CONTAINER_INFO);

	for (unsigned i = 0; i < s->nparams; i++) {
		if (i == EVP_CONTAINER_INFO_traits)
			buf_printf(out, "traits=%d\n", (int) c->traits);
		else if (c->v[i].p != NULL)
			buf_printf(out, "%s=", s->params[i].name);
		for (size_t k = 0; c->v[i].p != NULL && k < c->v[i].n; k++)
			buf_char(out, c->v[i].p[k] == '\0' ? '|' : c->v[i].p[k]);
		if (c->v[i].p != NULL)
			buf_char(out, '\n');
	}
}

static void
t_runtimes(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put(files[i].path, files[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buf_fini) struct buf out = BUF_INIT;
		struct container_info c;

		read_one(cases[i].full, cases[i].bundle, &c);
		assert_int_equal(CONTAINER_FINE, c.fault);
		print(&c, &out);
		assert_string_equal(cases[i].want, out.p);
		container_info_fini(&c);
	}
}

/* The names in a container's own files; a link there leads nowhere outside. */
static void
t_users(void **state)
{
	static const char *const want[] = { "useradded uid=0 gid=0 name=root",
		"useradded uid=7 gid=8 name=ann" };
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct container_info c;
	char path[256];
	size_t at = 0;

	(void) state;
	put("data/root/etc/passwd", "root:x:0:0::/root:/bin/sh\nbroken\nann:x:7:8::/h:/s\n");
	put("secret", "staff:x:9:\n");
	(void) snprintf(path, sizeof(path), "%s/data/root/etc/group", tmpdir);
	assert_int_equal(0, symlink("/../../secret", path));
	read_one("aa" HEX, "/" STORE "aa" HEX "/userdata", &c);
	c.host_root = open(tmpdir, O_PATH | O_DIRECTORY);
	container_users(&c, CONTAINER_ANSWER_MAX, &out);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const struct ev_hdr *rec = (const void *) (out.p + at);
		const struct ev_schema *s = schema_get(rec->type);
		char text[128];

		assert_int_equal(0, record_check(rec, rec->len));
		(void) snprintf(text, sizeof(text), "%s uid=%d gid=%d name=%.*s", s->name,
		    (int) record_num(rec, s, EVP_USERADDED_uid),
		    (int) record_num(rec, s, EVP_USERADDED_gid),
		    SLICE_ARG(record_text(rec, s, EVP_USERADDED_name)));
		assert_string_equal(want[i], text);
		at += rec->len;
	}
	assert_int_equal(at, out.n); /* the group's link was followed below the root: nothing */
	buf_clear(&out);
	container_users(&c, 200, &out);
	assert_true(out.n <= 200);
	(void) close(c.host_root);
	container_info_fini(&c);
}

/* Ids of the host: of a namespace that root gave, of a user's own, of both. */
static const struct {
	uint32_t owner;
	const char *config; /* uidMappings; NULL: none */
	uint32_t uid;
	int64_t want; /* -1: none */
} id_cases[] = {
	{ 0, NULL, 7, 7 },
	{ 0, "[{\"containerID\": 0, \"hostID\": 500, \"size\": 10}]", 7, 507 },
	{ 0, "[{\"containerID\": 0, \"hostID\": 500, \"size\": 10}]", 10, -1 },
	{ 4711, NULL, 0, 4711 },
	{ 4711, NULL, 1, 1000 }, /* the lower range, although it comes later */
	{ 4711, NULL, 10, 1009 },
	{ 4711, NULL, 11, 70000 },
	{ 4711, NULL, 21, -1 },
	{ 4712, NULL, 1, 9000 }, /* by its number */
	{ 4713, NULL, 1, -1 },
	{ 4713, NULL, 0, 4713 },
	{ 4711, "[{\"containerID\": 5, \"hostID\": 0, \"size\": 1}]", 5, 4711 }, /* keep-id */
	{ 4711, "[{\"containerID\": 0, \"hostID\": 1, \"size\": 5}]", 4, 1004 },
	{ 0,
	    "[{\"containerID\": -1, \"hostID\": 1, \"size\": 5}, 3,"
	    "{\"containerID\": 4294967295, \"hostID\": 1, \"size\": 9}]",
	    4, 4 },
};

static void
t_ids(void **state)
{
	(void) state;
	put("etc/passwd", "root:x:0:0::/:/\nboxer:x:4711:4711::/:/\n");
	put("etc/subuid", "boxer:70000:10\nann:5:5\nboxer:1000:10\n4712:9000:1\nbad:x:1\n");
	for (size_t i = 0; i < ARRAY_SIZE(id_cases); i++) {
		struct container_ask a = { .owner = id_cases[i].owner };
		struct container_info c = { .ask = &a };
		struct id_maps m, gids;
		uint32_t id = id_cases[i].uid;
		bool found;

		c.host_root = open(tmpdir, O_PATH | O_DIRECTORY);
		c.config = id_cases[i].config == NULL
			       ? NULL
			       : json_pack("{s:{s:o}}", "linux", "uidMappings",
				     json_loads(id_cases[i].config, 0, NULL));
		container_ids(&c, &m, &gids);
		found = container_id_outside(&m, &id);
		if (found != (id_cases[i].want >= 0) || (found && id != id_cases[i].want))
			fail_msg("row %zu: %d, %u", i, found, id);
		(void) close(c.host_root);
		json_decref((json_t *) c.config);
	}
}

/* Where an overlay is mounted for its runtime only, its layers have the files; what the container
 * has removed is not the image's. */
static const struct {
	const char *path, *text; /* of a file in a layer; NULL: a removed one */
	const char *want;        /* what is read of etc/passwd then; NULL: nothing */
} layers[] = {
	{ "l/LOW/etc/passwd", "low:x:1:1::/:/\n", "low:x:1:1::/:/\n" },
	{ "l/TOP/etc/passwd", "top:x:1:1::/:/\n", "top:x:1:1::/:/\n" },
	{ "id/diff/etc/passwd", "own:x:1:1::/:/\n", "own:x:1:1::/:/\n" },
	{ "id/diff/etc/passwd", NULL, NULL },
	{ "id/merged/etc/passwd", "all:x:1:1::/:/\n", "all:x:1:1::/:/\n" },
};

static void
t_layers(void **state)
{
	struct container_ask none = { .serial = 1 };
	struct container_info c = { .ask = &none };
	char path[1024];

	(void) state;
	c.host_root = open(tmpdir, O_PATH | O_DIRECTORY);
	c.config = json_pack("{s:{s:s}}", "root", "path", "/lay/er/id/merged");
	put("lay/er/id/lower", "l/TOP:l/LOW");
	put("lay/er/id/merged/x", "");
	for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
		CLEANUP(buf_fini) struct buf out = BUF_INIT;
		int r;

		(void) snprintf(path, sizeof(path), "lay/er/%s", layers[i].path);
		if (layers[i].text != NULL) {
			put(path, layers[i].text);
		} else { /* as a device, or what serves as one without rights */
			(void) snprintf(path, sizeof(path), "%s/lay/er/%s", tmpdir, layers[i].path);
			assert_int_equal(0, unlink(path));
			assert_int_equal(0, mkfifo(path, 0));
		}
		r = container_own_file(&c, "etc/passwd", 4096, &out);
		assert_int_equal(layers[i].want == NULL, r < 0);
		if (layers[i].want != NULL)
			assert_true(slice_eq(buf_get(&out), slice_str(layers[i].want)));
	}
	(void) close(c.host_root);
	json_decref((json_t *) c.config);
}

/* ---- what is not read ---- */

static void
wrong(const char *name, enum container_fault fault, const char *why)
{
	struct container_info c;
	char bundle[64];

	(void) snprintf(bundle, sizeof(bundle), "/bad/%s", name);
	read_one("odd", bundle, &c);
	if (c.fault != fault || (why != NULL && strstr(c.why, why) == NULL))
		fail_msg("%s: %d, %s", name, c.fault, c.why);
	container_info_fini(&c);
}

static void
t_refused(void **state)
{
	char *deep = malloc(100000), path[256];
	FILE *f;

	(void) state;
	assert_non_null(deep);
	memset(deep, '[', 99999);
	deep[99999] = '\0';
	put("secret.json", "{}");
	put("bad/json/config.json", "{\"a\": ");
	put("bad/deep/config.json", deep);
	put("bad/empty/config.json", "");
	put("bad/link/x", "");
	put("bad/fifo/x", "");
	put("bad/big/config.json", "{}");
	free(deep);
	(void) snprintf(path, sizeof(path), "%s/bad/link/config.json", tmpdir);
	assert_int_equal(0, symlink("../../secret.json", path));
	(void) snprintf(path, sizeof(path), "%s/bad/fifo/config.json", tmpdir);
	assert_int_equal(0, mkfifo(path, 0600));
	(void) snprintf(path, sizeof(path), "%s/bad/big/config.json", tmpdir);
	f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(0, ftruncate(fileno(f), 64L << 20));
	(void) fclose(f);
	/* A link to a folder outside stays below the root. */
	(void) snprintf(path, sizeof(path), "%s/bad/out", tmpdir);
	assert_int_equal(0, symlink("/../../../../../../etc", path));
	wrong("none", CONTAINER_MISSING, NULL);
	wrong("out", CONTAINER_MISSING, NULL);
	wrong("json", CONTAINER_REFUSED, "no valid JSON");
	wrong("deep", CONTAINER_REFUSED, "no valid JSON");
	wrong("empty", CONTAINER_REFUSED, "no valid JSON");
	wrong("link", CONTAINER_REFUSED, "is a link");
	wrong("fifo", CONTAINER_REFUSED, "no regular file");
	wrong("big", CONTAINER_REFUSED, "larger than 8 MiB");
	if (geteuid() != 0)
		return;
	put("bad/other/config.json", "{}");
	(void) snprintf(path, sizeof(path), "%s/bad/other/config.json", tmpdir);
	assert_int_equal(0, chown(path, 65534, 65534));
	wrong("other", CONTAINER_REFUSED, "does not belong to root");
}

static void
give(const char *path, uid_t owner)
{
	char full[1024];

	(void) snprintf(full, sizeof(full), "%s/%s", tmpdir, path);
	assert_int_equal(0, chown(full, owner, owner));
}

/* Of a user's container that user's files are read, and no others: not root's either. */
static void
t_owner(void **state)
{
	static const char *const pod =
	    "{\"annotations\": {\"io.kubernetes.cri.sandbox-name\": \"no pod\","
	    "\"io.kubernetes.cri.container-type\": \"container\"}}";
	struct container_ask ask = { .serial = 1, .id = "ee", .full = "ee" HEX, .owner = 4711 };
	struct container_info c;
	int root = open(tmpdir, O_PATH | O_DIRECTORY);

	(void) state;
	if (geteuid() != 0)
		skip();
	put("home/s/overlay-containers/ee/userdata/config.json",
	    "{\"annotations\": {\"io.container.manager\": \"libpod\"}}");
	put("home/s/overlay-containers/containers.json",
	    "[{\"id\": \"ee" HEX "\", \"names\": [\"mine\"]}]");
	(void) snprintf(ask.bundle, sizeof(ask.bundle), "/home/s/overlay-containers/ee/userdata");
	container_read(root, &ask, &c);
	assert_int_equal(CONTAINER_REFUSED, c.fault);
	assert_non_null(strstr(c.why, "does not belong to the container's user"));
	container_info_fini(&c);
	give("home/s/overlay-containers/ee/userdata/config.json", 4711);
	container_read(root, &ask, &c); /* its bundle, but root's list */
	assert_int_equal(CONTAINER_REFUSED, c.fault);
	assert_null(c.v[EVP_CONTAINER_INFO_container_name].p);
	container_info_fini(&c);
	give("home/s/overlay-containers/containers.json", 4711);
	container_read(root, &ask, &c);
	assert_int_equal(CONTAINER_FINE, c.fault);
	assert_true(slice_eq(SLICE("mine"), c.v[EVP_CONTAINER_INFO_container_name]));
	assert_int_equal(NV_container_traits_CONTAINER_ROOTLESS,
	    c.traits & NV_container_traits_CONTAINER_ROOTLESS);
	container_info_fini(&c);
	put("home/pod/config.json", pod);
	give("home/pod/config.json", 4711);
	(void) snprintf(ask.bundle, sizeof(ask.bundle), "/home/pod");
	container_read(root, &ask, &c);
	assert_int_equal(CONTAINER_FINE, c.fault);
	assert_null(c.v[EVP_CONTAINER_INFO_pod_name].p);
	container_info_fini(&c);
	/* No default place, in which root's bundles are. */
	(void) snprintf(ask.bundle, sizeof(ask.bundle), "/none");
	(void) snprintf(ask.full, sizeof(ask.full), "%s", HEX);
	container_read(root, &ask, &c);
	assert_int_equal(CONTAINER_MISSING, c.fault);
	container_info_fini(&c);
	(void) close(root);
}

/* An id that is a path leads nowhere. */
static void
t_names(void **state)
{
	static const char *const ids[] = { "../any/bundle", ".", "..", "", "a/b" };

	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		struct container_info c;

		read_one(ids[i], "", &c);
		assert_int_equal(CONTAINER_MISSING, c.fault);
		container_info_fini(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_runtimes),
		cmocka_unit_test(t_users),
		cmocka_unit_test(t_ids),
		cmocka_unit_test(t_layers),
		cmocka_unit_test(t_owner),
		cmocka_unit_test(t_refused),
		cmocka_unit_test(t_names),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
