/* SPDX-License-Identifier: Apache-2.0 */
/* container_oci.c - what a bundle's config.json says, whatever the runtime. */
#include "proto/names.h"
#include "sensor/container_read.h"
#include <stdio.h>
#include <string.h>

static bool
has(const json_t *list, const char *word)
{
	size_t i;
	json_t *v;

	json_array_foreach((json_t *) list, i, v)
	{
		if (json_is_string(v) && strcmp(json_string_value(v), word) == 0)
			return true;
	}
	return false;
}

/* Namespaces that a container does not have are the machine's. */
static int64_t
shared_namespaces(const json_t *of_linux)
{
	static const struct {
		const char *type;
		int64_t trait;
	} kinds[] = {
		{ "pid", NV_container_traits_CONTAINER_HOST_PID },
		{ "network", NV_container_traits_CONTAINER_HOST_NETWORK },
		{ "ipc", NV_container_traits_CONTAINER_HOST_IPC },
	};
	const json_t *list = json_object_get(of_linux, "namespaces");
	int64_t traits = 0;
	size_t i;
	json_t *ns;

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		traits |= kinds[k].trait;
	json_array_foreach((json_t *) list, i, ns)
	{
		struct slice type = json_text(ns, "type", NULL);

		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			if (slice_eq(type, slice_str(kinds[k].type)))
				traits &= ~kinds[k].trait;
		}
	}
	return traits;
}

/* Runtimes do not write it down: every path of /proc and /sys, all devices, the highest rights. */
static bool
is_privileged(const json_t *config, const json_t *of_linux)
{
	const json_t *devices = json_object_get(json_object_get(of_linux, "resources"), "devices");
	const json_t *caps = json_object_get(
	    json_object_get(json_object_get(config, "process"), "capabilities"), "bounding");
	bool all_devices = false;
	size_t i;
	json_t *d;

	json_array_foreach((json_t *) devices, i, d)
	{
		all_devices |= json_is_true(json_object_get(d, "allow")) &&
			       json_object_get(d, "major") == NULL &&
			       slice_eq(json_text(d, "access", NULL), SLICE("rwm"));
	}
	return all_devices && has(caps, "CAP_SYS_ADMIN") &&
	       json_array_size(json_object_get(of_linux, "maskedPaths")) == 0 &&
	       json_array_size(json_object_get(of_linux, "readonlyPaths")) == 0;
}

/* "source:destination:mode:writable:propagation" of a bind mount; the runtime's own files (host
 * name, addresses, shared memory) are no mounts that somebody asked for. */
static void
add_mount(struct container_info *c, const json_t *m, struct buf *out)
{
	static const char *const kinds[] = { "private", "rprivate", "shared", "rshared", "slave",
		"rslave" };
	struct slice source = json_text(m, "source", NULL), full = c->v[EVP_CONTAINER_INFO_full_id];
	const json_t *options = json_object_get(m, "options");
	const char *propagation = "";
	size_t was = out->n;

	if (source.p == NULL || source.n == 0 || source.p[0] != '/' ||
	    (!has(options, "bind") && !has(options, "rbind")) ||
	    (full.p != NULL && memmem(source.p, source.n, full.p, full.n) != NULL))
		return;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		propagation = has(options, kinds[k]) ? kinds[k] : propagation;
	buf_printf(out, "%.*s:%s::%s:%s", SLICE_ARG(source),
	    json_text(m, "destination", NULL).p == NULL ? "" : json_text(m, "destination", NULL).p,
	    has(options, "ro") ? "false" : "true", propagation);
	(void) container_text_end(out, was);
}

static struct slice
mounts(struct container_info *c)
{
	struct buf out = BUF_INIT;
	size_t i;
	json_t *m;

	json_array_foreach(json_object_get(c->config, "mounts"), i, m) add_mount(c, m, &out);
	return container_texts(c, &out);
}

/* What it runs, as whom, with which environment: the sensor redacts that like a process's. */
static void
process_of(struct container_info *c, const json_t *process)
{
	const json_t *user = json_object_get(process, "user");
	char text[48];
	int n = snprintf(text, sizeof(text), "%lld:%lld",
	    (long long) json_integer_value(json_object_get(user, "uid")),
	    (long long) json_integer_value(json_object_get(user, "gid")));

	c->v[EVP_CONTAINER_INFO_entry_point] =
	    container_words(c, json_object_get(process, "args"), CONTAINER_COMMAND_MAX);
	c->v[EVP_CONTAINER_INFO_env] =
	    container_words(c, json_object_get(process, "env"), EV_TEXT_MAX);
	if (user != NULL)
		c->v[EVP_CONTAINER_INFO_user] =
		    container_copy(c, (struct slice){ text, (size_t) n });
}

void
container_oci(struct container_info *c)
{
	const json_t *of_linux = json_object_get(c->config, "linux");

	c->traits = shared_namespaces(of_linux);
	if (is_privileged(c->config, of_linux))
		c->traits |= NV_container_traits_CONTAINER_PRIVILEGED;
	c->v[EVP_CONTAINER_INFO_id] = slice_str(c->ask->id);
	c->v[EVP_CONTAINER_INFO_full_id] = slice_str(c->ask->full);
	c->v[EVP_CONTAINER_INFO_mounts] = mounts(c);
	process_of(c, json_object_get(c->config, "process"));
}
