/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container_read.h - read what a runtime has written about a container.
 *
 *	ask --> bundle --> config.json --> the runtime's own files --> its socket --> record
 *
 * Runs in a process of its own (scanner.h), because a file system may never answer and the files
 * may be hostile: a folder is found below host_root, and a file below its folder without following
 * a link; it must be regular, root's, and no larger than CONTAINER_FILE_MAX. Of a user's container
 * (rootless podman) all files must be that user's, so that he cannot have another's read. One
 * thread.
 */
#ifndef MEWS_SENSOR_CONTAINER_READ_H
#define MEWS_SENSOR_CONTAINER_READ_H

#include "common/arena.h"
#include "common/buf.h"
#include "common/container_id.h"
#include "common/macros.h"
#include "common/slice.h"
#include "proto/event.h"
#include <jansson.h>
#include <stdint.h>

#define CONTAINER_FILE_MAX   (8u << 20)
#define CONTAINER_BUNDLE_MAX 512
#define CONTAINER_DOCS_MAX   8
#define CONTAINER_CNI_MAX    2048 /* bytes of a plugin's answer: a longer one is left out */

/* A question of the sensor: a datagram. */
struct container_ask {
	uint64_t serial;
	char id[CONTAINER_ID_MAX], full[CONTAINER_ID_MAX];
	char bundle[CONTAINER_BUNDLE_MAX]; /* where a runtime said it is; "": not known */
	uint32_t owner; /* whose runtime said so, and whose files count; 0: root's */
};

/* Why a container's files gave nothing, or not all. */
enum container_fault {
	CONTAINER_FINE,
	CONTAINER_PARTLY,  /* its runtime's socket did not answer: the rest is unknown for now */
	CONTAINER_MISSING, /* no runtime has written about it where Mews looks */
	CONTAINER_REFUSED, /* a file is not one to be read: type, owner, size, link, no JSON */
	CONTAINER_FAULTS
};

/* The answer; if 'fault' is CONTAINER_FINE or CONTAINER_PARTLY, records follow: EV_CONTAINER_INFO,
 * then users and groups of the container's own (EV_USERADDED, EV_GROUPADDED). All fit into
 * CONTAINER_ANSWER_MAX.
 */
struct container_answer {
	uint64_t serial;
	uint32_t fault;
	char why[252]; /* of CONTAINER_REFUSED, a sentence */
};

#define CONTAINER_ANSWER_MAX (64u << 10)

static inline bool
container_has_records(uint32_t fault)
{
	return fault == CONTAINER_FINE || fault == CONTAINER_PARTLY;
}

/* What is known of a container. Texts live in 'docs' and 'arena'. */
struct container_info {
	int host_root; /* borrowed descriptor */
	const struct container_ask *ask;
	char bundle[CONTAINER_BUNDLE_MAX];
	const json_t *config;                        /* config.json, in docs */
	struct slice v[EVP_CONTAINER_INFO_user + 1]; /* by EVP_CONTAINER_INFO_*; p NULL: unknown */
	int64_t traits;
	json_t *docs[CONTAINER_DOCS_MAX]; /* owned */
	size_t ndocs;
	struct arena arena;
	enum container_fault fault;
	char why[252];
};

/* Answer questions from a socket of datagrams until its other end closes. -errno. */
int container_serve(const char *host_root, int fd) MUST_CHECK;

/* Read about one container. The caller calls container_info_fini(), whatever the result, which is
 * in c->fault. */
void container_read(int host_root, const struct container_ask *ask, struct container_info *c);
void container_info_fini(struct container_info *c);

/* ---- container_file.c ---- */

/* Read a JSON file 'name' (several folders deep at most) below 'folder', a path below host_root.
 * NULL: it is not there, or (c->fault, c->why) is refused. Owned by c. */
const json_t *container_doc(struct container_info *c, const char *folder, const char *name);

/* Open such a file, of any size; a descriptor, or -errno. */
int container_open(struct container_info *c, const char *folder, const char *name) MUST_CHECK;

/* Open a folder, a path below host_root, to read its names; a descriptor, or -errno. */
int container_folder(const struct container_info *c, const char *folder) MUST_CHECK;

/* JSON that c owns from now on, also if there is no room for it; NULL: that, or none. */
const json_t *container_keep(struct container_info *c, json_t *doc);
const json_t *container_parse(struct container_info *c, struct slice text);

/* Connect to a runtime's socket, root's own, that is 'name' in 'folder', a path below host_root.
 * A non-blocking descriptor; -errno. */
int container_socket(struct container_info *c, const char *folder, const char *name) MUST_CHECK;

/* A text in an object, by its keys, outermost first, up to NULL; p NULL: none. */
struct slice json_text(const json_t *j, ...);

/* Append a file of the container's own: a regular one below its root, following its links there.
 * Where that is mounted only for its runtime, it is looked for in the layers below. 0, or -errno.
 */
int container_own_file(
    struct container_info *c, const char *name, size_t max, struct buf *out) MUST_CHECK;

/* Append a file of the host itself, in a folder below host_root. 0, or -errno. */
int container_host_file(const struct container_info *c, const char *folder, const char *name,
    size_t max, struct buf *out) MUST_CHECK;

/* Texts made of others; p NULL: no memory. */
struct slice container_copy(struct container_info *c, struct slice s);

/* End the text that begins at 'begin', one of several, with its NUL. False: it is taken back, since
 * only so many fit into a parameter. */
bool container_text_end(struct buf *out, size_t begin);

/* All of them, copied; p NULL: no memory. Ends 'out'. */
struct slice container_texts(struct container_info *c, struct buf *out);

/* An object of texts as "key=value" strings, each with its NUL. */
struct slice container_labels(struct container_info *c, const json_t *object);

/* The same of a pod's sandbox, without those that the kubelet adds, which the pod does not have. */
struct slice container_pod_labels(struct container_info *c, const json_t *object);

/* The strings of an array, each with its NUL, as many as fit into 'max' bytes; p NULL: no array. */
struct slice container_words(struct container_info *c, const json_t *list, size_t max);

/* Set image, repository, tag and digest from a reference "repository:tag@digest". */
void container_image(struct container_info *c, struct slice reference);

/* ---- container_bundle.c ---- */

/* Find the bundle, and load config.json. False: c->fault says why. */
bool container_bundle(struct container_info *c);

/* ---- of each runtime: true if the container is its own ---- */

bool container_docker(struct container_info *c);
bool container_podman(struct container_info *c);
bool container_cri(struct container_info *c);

/* Ask containerd itself for what its bundle lacks: name, image, labels. */
void container_containerd(struct container_info *c);

/* Ask it for labels and address of the container's pod, which it keeps with the sandbox. */
void container_containerd_pod(struct container_info *c);

/* Read its answers, messages of protobuf, which may be any bytes. */
void container_containerd_answer(struct container_info *c, struct slice answer);
void container_containerd_sandbox(struct container_info *c, struct slice answer);

/* ---- container_probe.c: commands that runtimes run in a container ---- */

#define CONTAINER_COMMAND_MAX 1024 /* bytes of a command; a longer one has its first words */

/* A health check as docker and podman write it: {"Test": [HOW, WORD...]}. A text is run by 'shell',
 * an array of words; NULL: /bin/sh -c. */
void container_healthcheck(struct container_info *c, const json_t *check, const json_t *shell);

#define CONTAINER_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* The probes of this container in its pod's annotation of kubectl, JSON: as applied. */
void container_probes_applied(struct container_info *c, struct slice annotation);

/* ---- container_cni.c: addresses from network plugins ---- */

/* What a plugin answered for this container or sandbox, if it is known as JSON. */
void container_cni_answer(struct container_info *c, const json_t *answer);

/* The same from the folder in which plugins keep their answers; 'id': of the sandbox. */
void container_cni_kept(struct container_info *c, struct slice id);

/* ---- container_ids.c: ids in a container, and what they are on the host ---- */

#define CONTAINER_RANGES 16 /* of one map; further ones are left out */

struct id_map {
	struct id_range {
		uint32_t inside, outside, n;
	} v[CONTAINER_RANGES];
	unsigned n;
};

struct id_maps {
	struct id_map container; /* of its user namespace, as config.json has it; n 0: none */
	struct id_map user;      /* of its user's (rootless podman); n 0: none */
};

void container_ids(const struct container_info *c, struct id_maps *uids, struct id_maps *gids);

/* The host's id for one of the container. False: it has none. */
bool container_id_outside(const struct id_maps *m, uint32_t *id) MUST_CHECK;

/* ---- container_users.c ---- */

/* Append the records of its users and groups, as many as fit into 'max' bytes. */
void container_users(struct container_info *c, size_t max, struct buf *out);

/* ---- container_oci.c ---- */

/* What config.json alone says: namespaces, mounts, privileges. */
void container_oci(struct container_info *c);

#endif
