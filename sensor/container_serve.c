/* SPDX-License-Identifier: Apache-2.0 */
/* container_serve.c - questions in, records out: the process that reads about containers. */
#include "common/clock.h"
#include "proto/names.h"
#include "sensor/container_read.h"
#include "sensor/event_build.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

void
container_info_fini(struct container_info *c)
{
	for (size_t i = 0; i < c->ndocs; i++)
		json_decref(c->docs[i]);
	arena_fini(&c->arena);
}

void
container_read(int host_root, const struct container_ask *ask, struct container_info *c)
{
	*c = (struct container_info){ .host_root = host_root, .ask = ask };
	arena_init(&c->arena, 0);
	if (!container_bundle(c))
		return;
	container_oci(c);
	/* What one of them lacks stays unknown. A user's files must not make him a pod. */
	if (c->ask->owner != 0)
		c->traits |= NV_container_traits_CONTAINER_ROOTLESS;
	if (!container_podman(c) && c->ask->owner == 0)
		(void) (container_docker(c) || container_cri(c));
}

/* JSON is whole, or not there; all lists and texts fit into a record. */
static size_t
cap_of(unsigned param)
{
	return param == EVP_CONTAINER_INFO_cni ? CONTAINER_CNI_MAX : 512;
}

static void
answer(struct rec *r, const struct container_info *c)
{
	const struct ev_schema *s = schema_get(EV_CONTAINER_INFO);

	rec_begin(r, EV_CONTAINER_INFO, clock_boot(), 0, 0, 0);
	rec_num(r, EVP_CONTAINER_INFO_traits, c->traits);
	for (unsigned i = 0; i < s->nparams; i++) {
		struct slice text = c->v[i];

		if (s->params[i].type == PT_CHARBUFARRAY)
			rec_list(r, i, text);
		else if (ptype_is_text(s->params[i].type))
			rec_text(r, i, (struct slice){ text.p, MIN(text.n, cap_of(i)) });
	}
	(void) rec_end(r);
}

/* Sends block: the sensor reads one answer for each question. */
static int
serve_one(int host_root, int fd, const struct container_ask *ask, struct rec *r)
{
	struct container_answer a = { .serial = ask->serial };
	struct iovec v[3] = { { &a, sizeof(a) }, { r->u.bytes, 0 }, { NULL, 0 } };
	struct buf users = BUF_INIT;
	int n;
	struct container_info c;

	container_read(host_root, ask, &c);
	a.fault = c.fault;
	memcpy(a.why, c.why, sizeof(a.why));
	if (container_has_records(c.fault)) {
		answer(r, &c);
		v[1].iov_len = r->n;
		container_users(&c, CONTAINER_ANSWER_MAX - sizeof(a) - r->n, &users);
		v[2] = (struct iovec){ users.p, buf_ok(&users) < 0 ? 0 : users.n };
	}
	container_info_fini(&c);
	n = writev(fd, v, 3) < 0 ? -errno : 0;
	buf_fini(&users);
	return n;
}

int
container_serve(const char *host_root, int fd)
{
	static struct rec r;
	struct container_ask ask;
	int root = open(host_root, O_PATH | O_DIRECTORY | O_CLOEXEC), n = 0;

	if (root < 0)
		return -errno;
	while (n == 0) {
		ssize_t got = recv(fd, &ask, sizeof(ask), 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got != (ssize_t) sizeof(ask)) {
			n = got < 0 ? -errno : 1;
			break;
		}
		ask.id[sizeof(ask.id) - 1] = ask.full[sizeof(ask.full) - 1] = '\0';
		ask.bundle[sizeof(ask.bundle) - 1] = '\0';
		n = serve_one(root, fd, &ask, &r);
	}
	(void) close(root);
	return MIN(n, 0);
}
