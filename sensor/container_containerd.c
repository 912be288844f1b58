/* SPDX-License-Identifier: Apache-2.0 */
/* container_containerd.c - what only the socket of containerd tells: image and labels of containers
 * that are not Kubernetes', labels and address of pods. It is asked for one container, and changes
 * nothing. */
#include "common/clock.h"
#include "sensor/container_read.h"
#include "sensor/containerd.pb-c.h"
#include "sensor/grpc.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GET      "/containerd.services.containers.v1.Containers/Get"
#define ASK_NS   (100 * NS_PER_MS) /* events wait for it */
#define DOUBT_NS (30 * NS_PER_S)   /* no question after one without an answer */

/* ---- the container ---- */

/* Its answer, which may be any bytes; NULL: it is none. The caller frees it. */
static Containerd__GetResponse *
unpack(struct slice answer)
{
	Containerd__GetResponse *r =
	    containerd__get_response__unpack(NULL, answer.n, (const uint8_t *) answer.p);

	if (r != NULL && r->container != NULL)
		return r;
	if (r != NULL)
		containerd__get_response__free_unpacked(r, NULL);
	return NULL;
}

/* nerdctl keeps the name that it gives in a label; else the id is what the user chose. */
static void
read_labels(struct container_info *c, const Containerd__Container *box)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < box->n_labels; i++) {
		const Containerd__Label *l = box->labels[i];
		size_t was = out.n;

		if (strcmp(l->key, "nerdctl/name") == 0 && l->value[0] != '\0')
			c->v[EVP_CONTAINER_INFO_container_name] =
			    container_copy(c, slice_str(l->value));
		buf_printf(&out, "%s=%s", l->key, l->value);
		if (!container_text_end(&out, was))
			break;
	}
	c->v[EVP_CONTAINER_INFO_labels] = container_texts(c, &out);
}

/* Split the bundle "STATE/io.containerd.runtime.v2.task/NAMESPACE/ID". */
static bool
place_of(const char *bundle, char *state, char *space, size_t size)
{
	const char *at = strstr(bundle, "/io.containerd.runtime."), *from, *to;

	from = at == NULL ? NULL : strchr(at + 1, '/');
	to = from == NULL ? NULL : strchr(from + 1, '/');
	if (to == NULL || to == from + 1 || to - from > GRPC_TEXT_MAX)
		return false;
	(void) snprintf(state, size, "%.*s", (int) (at - bundle), bundle);
	(void) snprintf(space, size, "%.*s", (int) (to - from - 1), from + 1);
	return true;
}

static int
call(struct container_info *c, const char *state, const char *space, struct slice id,
    struct buf *answer)
{
	const struct grpc_header namespace = { "containerd-namespace", space };
	Containerd__GetRequest request = CONTAINERD__GET_REQUEST__INIT;
	char text[CONTAINER_ID_MAX];
	uint8_t bytes[CONTAINER_ID_MAX + 8];
	int fd, r;

	if (id.n == 0 || id.n >= sizeof(text))
		return -EINVAL;
	fd = container_socket(c, state, "containerd.sock");
	if (fd < 0)
		return fd;
	(void) snprintf(text, sizeof(text), "%.*s", SLICE_ARG(id));
	request.id = text;
	r = grpc_call(fd, clock_mono() + ASK_NS, GET, &namespace,
	    (struct slice){ (const char *) bytes, containerd__get_request__pack(&request, bytes) },
	    answer);
	(void) close(fd);
	return r;
}

/* Ask for a container by its id. False: no answer. */
static bool
get(struct container_info *c, struct slice id, struct buf *answer)
{
	static uint64_t doubt_until; /* this process asks one at a time */
	char state[CONTAINER_BUNDLE_MAX], space[CONTAINER_BUNDLE_MAX];
	int r;

	if (!place_of(c->bundle, state, space, sizeof(state)))
		return false;
	if (clock_mono() < doubt_until) {
		c->fault = CONTAINER_PARTLY;
		return false;
	}
	r = call(c, state, space, id, answer);
	if (r == -ETIMEDOUT) {
		doubt_until = clock_mono() + DOUBT_NS;
		c->fault = CONTAINER_PARTLY;
	}
	return r == 0;
}

/* What Kubernetes' plugin keeps with a sandbox, in JSON; NULL: nothing. */
static const json_t *
sandbox_in(struct container_info *c, const Containerd__Container *box)
{
	for (size_t i = 0; i < box->n_extensions; i++) {
		const Containerd__Extension *e = box->extensions[i];

		if (e->value != NULL && strcmp(e->key, "io.cri-containerd.sandbox.metadata") == 0)
			return container_parse(
			    c, (struct slice){
				   (const char *) e->value->value.data, e->value->value.len });
	}
	return NULL;
}

void
container_containerd_sandbox(struct container_info *c, struct slice answer)
{
	Containerd__GetResponse *r = unpack(answer);
	const json_t *m;
	struct slice ip;

	if (r == NULL)
		return;
	m = json_object_get(sandbox_in(c, r->container), "Metadata");
	ip = json_text(m, "IP", NULL);
	c->v[EVP_CONTAINER_INFO_pod_labels] =
	    container_pod_labels(c, json_object_get(json_object_get(m, "Config"), "labels"));
	if (ip.n > 0)
		c->v[EVP_CONTAINER_INFO_pod_ip] = ip;
	container_probes_applied(c, json_text(m, "Config", "annotations", CONTAINER_APPLIED, NULL));
	container_cni_answer(c, json_object_get(m, "CNIResult"));
	containerd__get_response__free_unpacked(r, NULL);
}

void
container_containerd_pod(struct container_info *c)
{
	struct buf answer = BUF_INIT;

	if (get(c, c->v[EVP_CONTAINER_INFO_pod_sandbox], &answer))
		container_containerd_sandbox(c, buf_get(&answer));
	buf_fini(&answer);
}

void
container_containerd_answer(struct container_info *c, struct slice answer)
{
	Containerd__GetResponse *r = unpack(answer);

	c->v[EVP_CONTAINER_INFO_container_name] = slice_str(c->ask->full);
	if (r == NULL)
		return;
	container_image(c, container_copy(c, slice_str(r->container->image)));
	read_labels(c, r->container);
	containerd__get_response__free_unpacked(r, NULL);
}

void
container_containerd(struct container_info *c)
{
	struct buf answer = BUF_INIT;

	if (get(c, slice_str(c->ask->full), &answer))
		container_containerd_answer(c, buf_get(&answer));
	buf_fini(&answer);
}
