/* SPDX-License-Identifier: Apache-2.0 */
/* container_containerd.c - what only the socket of containerd tells: image and labels of containers
 * that are not Kubernetes', labels and address of pods. It is asked for one container, and changes
 * nothing. */
#include "common/clock.h"
#include "sensor/container_read.h"
#include "sensor/grpc.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GET      "/containerd.services.containers.v1.Containers/Get"
#define ASK_NS   (100 * NS_PER_MS) /* events wait for it */
#define DOUBT_NS (30 * NS_PER_S)   /* no question after one without an answer */

/* Of the messages of containerd.services.containers.v1. */
enum {
	REQUEST_ID = 1,
	ANSWER_CONTAINER = 1,
	CONTAINER_LABELS = 2,
	CONTAINER_IMAGE = 3,
	CONTAINER_EXTENSIONS = 10,
	ENTRY_KEY = 1,
	ENTRY_VALUE = 2,
	ANY_VALUE = 2,
};

/* ---- protobuf ---- */

static bool
varint(struct slice *s, uint64_t *ret)
{
	*ret = 0;
	for (unsigned shift = 0; shift < 64 && s->n > 0; shift += 7) {
		uint8_t byte = (uint8_t) *s->p;

		s->p++;
		s->n--;
		*ret |= (uint64_t) (byte & 0x7f) << shift;
		if ((byte & 0x80) == 0)
			return true;
	}
	return false;
}

/* Take the next field. False: the end, or it is damaged. 'value' is empty for numbers. */
static bool
next_field(struct slice *s, uint64_t *number, struct slice *value)
{
	enum { VARINT, FIXED64, BYTES, FIXED32 = 5 };
	uint64_t tag, n = 0;

	*value = SLICE("");
	if (s->n == 0 || !varint(s, &tag))
		return false;
	*number = tag >> 3;
	switch (tag & 7) {
	case VARINT:
		return varint(s, &n);
	case FIXED64:
		n = 8;
		break;
	case FIXED32:
		n = 4;
		break;
	case BYTES:
		if (!varint(s, &n))
			return false;
		break;
	default:
		return false;
	}
	if (n > s->n)
		return false;
	if ((tag & 7) == BYTES)
		*value = (struct slice){ s->p, n };
	s->p += n;
	s->n -= n;
	return true;
}

/* The first field of this number; empty: there is none. */
static struct slice
field(struct slice message, uint64_t wanted)
{
	struct slice value;
	uint64_t number;

	while (next_field(&message, &number, &value)) {
		if (number == wanted)
			return value;
	}
	return SLICE("");
}

/* ---- the container ---- */

/* nerdctl keeps the name that it gives in a label; else the id is what the user chose. */
static void
read_labels(struct container_info *c, struct slice message)
{
	struct buf out = BUF_INIT;
	struct slice value;
	uint64_t number;

	while (next_field(&message, &number, &value)) {
		struct slice key = field(value, ENTRY_KEY), text = field(value, ENTRY_VALUE);
		size_t was = out.n;

		if (number != CONTAINER_LABELS || key.n == 0)
			continue;
		if (slice_eq(key, SLICE("nerdctl/name")) && text.n > 0)
			c->v[EVP_CONTAINER_INFO_container_name] = container_copy(c, text);
		buf_slice(&out, key);
		buf_char(&out, '=');
		buf_slice(&out, text);
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
	char request[CONTAINER_ID_MAX + 2] = { REQUEST_ID << 3 | 2, (char) id.n };
	int fd, r;

	if (id.n == 0 || id.n > MIN(GRPC_TEXT_MAX, CONTAINER_ID_MAX))
		return -EINVAL;
	fd = container_socket(c, state, "containerd.sock");
	if (fd < 0)
		return fd;
	memcpy(request + 2, id.p, id.n);
	r = grpc_call(fd, clock_mono() + ASK_NS, GET, &namespace,
	    (struct slice){ request, id.n + 2 }, answer);
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

	if (clock_mono() < doubt_until || !place_of(c->bundle, state, space, sizeof(state)))
		return false;
	r = call(c, state, space, id, answer);
	if (r == -ETIMEDOUT)
		doubt_until = clock_mono() + DOUBT_NS;
	return r == 0;
}

/* What Kubernetes' plugin keeps with a sandbox, in JSON; NULL: nothing. */
static const json_t *
sandbox_in(struct container_info *c, struct slice message)
{
	struct slice value, text;
	uint64_t number;
	json_t *doc;

	while (next_field(&message, &number, &value)) {
		if (number != CONTAINER_EXTENSIONS ||
		    !slice_eq(field(value, ENTRY_KEY), SLICE("io.cri-containerd.sandbox.metadata")))
			continue;
		text = field(field(value, ENTRY_VALUE), ANY_VALUE);
		doc = c->ndocs == CONTAINER_DOCS_MAX ? NULL : json_loadb(text.p, text.n, 0, NULL);
		if (doc != NULL)
			c->docs[c->ndocs++] = doc;
		return doc;
	}
	return NULL;
}

void
container_containerd_sandbox(struct container_info *c, struct slice answer)
{
	static const char *const of_kubelet[] = { "io.kubernetes.pod.name",
		"io.kubernetes.pod.namespace", "io.kubernetes.pod.uid" };
	const json_t *m =
	    json_object_get(sandbox_in(c, field(answer, ANSWER_CONTAINER)), "Metadata");
	json_t *labels = json_object_get(json_object_get(m, "Config"), "labels");
	struct slice ip = json_text(m, "IP", NULL);

	for (size_t i = 0; i < ARRAY_SIZE(of_kubelet); i++) /* which the pod does not have */
		(void) json_object_del(labels, of_kubelet[i]);
	c->v[EVP_CONTAINER_INFO_pod_labels] = container_labels(c, labels);
	if (ip.n > 0)
		c->v[EVP_CONTAINER_INFO_pod_ip] = ip;
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
	struct slice message = field(answer, ANSWER_CONTAINER);

	c->v[EVP_CONTAINER_INFO_container_name] = slice_str(c->ask->full);
	container_image(c, container_copy(c, field(message, CONTAINER_IMAGE)));
	read_labels(c, message);
}

void
container_containerd(struct container_info *c)
{
	struct buf answer = BUF_INIT;

	if (get(c, slice_str(c->ask->full), &answer))
		container_containerd_answer(c, buf_get(&answer));
	buf_fini(&answer);
}
