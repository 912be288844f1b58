/* SPDX-License-Identifier: Apache-2.0 */
/*
 * field_kube.c - pods and what they belong to: what the runtime says of a pod comes first, the rest
 * from the API server, by the pod's uid.
 *
 * The uid is the runtime's, or that in the name of the control group, which the kubelet makes. A
 * label of a container is no evidence.
 */
#include "collector/field/field_int.h"
#include "collector/kube/kube_store.h"
#include <ctype.h>

enum { UID = 36, STATIC_UID = 32 }; /* characters; a static pod's is a hash */

/* The uid at the start of 's', as in a control group's name, or 0 characters. */
static size_t
uid_length(struct slice s)
{
	size_t n = 0;

	while (n < s.n && n <= UID &&
	       (isxdigit((unsigned char) s.p[n]) || s.p[n] == '-' || s.p[n] == '_'))
		n++;
	return n == UID || n == STATIC_UID ? n : 0;
}

/* Copy it as the API writes it: systemd's names have '_' in place of '-'. */
static struct slice
copy_uid(struct fscratch *fs, struct slice s)
{
	char *p = fscratch_alloc(fs, s.n);

	for (size_t i = 0; p != NULL && i < s.n; i++)
		p[i] = (char) (s.p[i] == '_' ? '-' : s.p[i]);
	return (struct slice){ p, p == NULL ? 0 : s.n };
}

/* The uid in a path such as /kubepods/burstable/podUID/ID; p is NULL: none. */
static struct slice
uid_in(struct fscratch *fs, struct slice path)
{
	const struct slice pods = SLICE("kubepods");
	const char *at = path.n == 0 ? NULL : memmem(path.p, path.n, pods.p, pods.n);

	while (at != NULL) {
		size_t left = path.n - (size_t) (at - path.p);
		const char *pod = memmem(at, left, "pod", 3);
		struct slice rest;

		if (pod == NULL)
			break;
		rest = (struct slice){ pod + 3, path.n - (size_t) (pod + 3 - path.p) };
		rest.n = uid_length(rest);
		if (rest.n > 0 && (pod[-1] == '/' || pod[-1] == '-'))
			return copy_uid(fs, rest);
		at = pod + 3;
	}
	return (struct slice){ NULL, 0 };
}

static struct slice
pod_uid(const struct fget *g)
{
	struct slice said = container_said(g, EVP_CONTAINER_INFO_pod_uid), cgroups, path, uid;

	if (said.n > 0)
		return said;
	if (slice_eq(thread_container(g->v), SLICE("host"))) /* the kubelet's own helpers */
		return (struct slice){ NULL, 0 };
	cgroups = view_text(g->v, g->v->thread->cgroups);
	while ((path = slice_next(&cgroups)).p != NULL) {
		uid = uid_in(g->fs, path);
		if (uid.p != NULL)
			return uid;
	}
	return (struct slice){ NULL, 0 };
}

static const struct kube_object *
pod_of(const struct fget *g)
{
	return g->v->kube == NULL ? NULL : kube_pod(g->v->kube, pod_uid(g));
}

/* A probe of this container, as the API server says. */
static struct slice
kube_probe_of(const struct fget *g, enum kube_probe which)
{
	const struct kube_object *pod = pod_of(g);

	return pod == NULL ? (struct slice){ NULL, 0 }
			   : kube_probe_in(pod->probes,
				 container_said(g, EVP_CONTAINER_INFO_container_name), which);
}

/* The runtime says it, or the pod's description at the API server. */
static struct slice
probe_of(const struct fget *g)
{
	struct slice said = container_said(g, g->a);
	enum kube_probe which =
	    g->a == EVP_CONTAINER_INFO_liveness_probe ? KUBE_LIVENESS : KUBE_READINESS;

	return said.n > 0 || g->a == EVP_CONTAINER_INFO_healthcheck ? said
								    : kube_probe_of(g, which);
}

/* The command, or (b) whether the process came into the container with it. */
int
get_container_probe(const struct fget *g)
{
	struct slice command, entered = view_text(g->v, g->v->main->entered_by);

	if (g->b != 0 && entered.n == 0)
		return put_bool(g, false);
	command = probe_of(g);
	return g->b == 0 ? put_words(g, command)
			 : put_bool(g, command.n > 0 && slice_eq(command, entered));
}

/* Text 'what' of the pod, by its runtime or by the API server. */
int
get_pod_text(const struct fget *g)
{
	struct slice said = container_said(g, g->a);
	const struct kube_object *pod;

	if (said.n > 0)
		return put_text(g, said);
	if (g->b == KUBE_UID) {
		said = pod_uid(g);
		return said.n == 0 ? 0 : put_text(g, said);
	}
	pod = pod_of(g);
	if (pod == NULL)
		return 0;
	said = g->b == KUBE_NAME ? pod->name : g->b == KUBE_NS ? pod->ns : pod->ip;
	return said.n == 0 ? 0 : put_text(g, said);
}

/* One of the texts of what the pod belongs to. */
static bool
related(const struct fget *g, struct kube_named *ret)
{
	const struct kube_object *pod = pod_of(g);

	if (pod == NULL)
		return false;
	return g->a == KUBE_KINDS ? kube_workload(g->v->kube, pod, ret)
				  : kube_related(g->v->kube, pod, (enum kube_kind) g->a, ret);
}

int
get_kube_text(const struct fget *g)
{
	struct kube_named n;
	struct slice s;

	if (!related(g, &n))
		return 0;
	s = g->b == KUBE_NAME ? n.name : g->b == KUBE_UID ? n.uid : n.kind;
	return s.n == 0 ? 0 : put_text(g, s);
}

/* The labels; p is NULL: they are not known. The API server's come first, since a pod's labels may
 * change and the runtime has those that it began with. */
static struct slice
labels_of(const struct fget *g)
{
	struct kube_named n;

	if (related(g, &n))
		return n.labels;
	return g->a == KUBE_POD ? container_said(g, EVP_CONTAINER_INFO_pod_labels)
				: (struct slice){ NULL, 0 };
}

int
get_kube_label(const struct fget *g)
{
	struct slice labels = labels_of(g);

	return labels.p == NULL ? 0 : put_label(g, labels);
}

int
get_kube_labels(const struct fget *g)
{
	struct slice labels = labels_of(g);

	return labels.p == NULL ? 0 : put_labels(g, labels);
}

/* Each label as "key:value". */
int
get_kube_label_list(const struct fget *g)
{
	struct slice list = labels_of(g), label;
	int n = 0;

	if (list.p == NULL)
		return 0;
	while (n < g->max && (label = slice_next(&list)).p != NULL) {
		char *p = fscratch_alloc(g->fs, label.n + 1);
		char *eq;

		if (p == NULL)
			break;
		(void) memcpy(p, label.p, label.n);
		eq = memchr(p, '=', label.n);
		if (eq != NULL)
			*eq = ':';
		g->ret[n++] = (struct fval){ .type = FT_STR, .s = { p, label.n } };
	}
	return n == 0 ? -1 : n;
}

int
get_kube_service_list(const struct fget *g)
{
	const struct kube_object *v[KUBE_SERVICES], *pod = pod_of(g);
	size_t all = pod == NULL ? 0 : kube_services(g->v->kube, pod, v);
	int n = 0;

	for (size_t i = 0; i < all && n < g->max; i++)
		g->ret[n++] = (struct fval){ .type = FT_STR,
			.s = g->a == KUBE_NAME ? v[i]->name : v[i]->uid };
	return n;
}

/* Of the services that select the pod: one text, with the names or uids separated by commas. */
int
get_kube_services(const struct fget *g)
{
	const struct kube_object *v[KUBE_SERVICES], *pod = pod_of(g);
	size_t n = pod == NULL ? 0 : kube_services(g->v->kube, pod, v);
	struct buf *out;

	if (n == 0)
		return 0;
	out = scratch_buf(g->fs);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_str(out, ", ");
		buf_slice(out, g->b == KUBE_NAME ? v[i]->name : v[i]->uid);
	}
	return put_text(g, scratch_take(g->fs, out));
}

/* The labels of the first service that has any, or that has this one. */
int
get_kube_service_label(const struct fget *g)
{
	const struct kube_object *v[KUBE_SERVICES], *pod = pod_of(g);
	size_t n = pod == NULL ? 0 : kube_services(g->v->kube, pod, v);
	int found = 0;

	for (size_t i = 0; i < n && found == 0; i++) {
		if (g->a == 0)
			found = put_label(g, v[i]->labels);
		else if (v[i]->labels.n > 0)
			found = put_labels(g, v[i]->labels);
	}
	return found;
}
