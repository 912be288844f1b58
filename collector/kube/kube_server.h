/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_server.h - where a cluster's API server is, and with which credentials it is asked: from a
 * kubeconfig, or from the service account of the pod that the collector runs in.
 *
 * Read again for each request, since tokens expire and certificates are renewed.
 */
#ifndef MEWS_COLLECTOR_KUBE_KUBE_SERVER_H
#define MEWS_COLLECTOR_KUBE_KUBE_SERVER_H

#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"

#define KUBE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

struct kube_server {
	char url[512];            /* https://HOST:PORT, without a slash at its end */
	struct buf ca, cert, key; /* PEM; empty: none */
	struct buf token;         /* empty: none */
};

/*
 * 'kubeconfig': a path; NULL or "": the service account in 'account' (NULL: KUBE_ACCOUNT).
 * 'context': of the kubeconfig; NULL or "": its current one. 'insecure': accept http://.
 * -EINVAL or another -errno, and *d: what is wrong and what to do.
 */
int kube_server_read(const char *kubeconfig, const char *context, const char *account,
    bool insecure, struct kube_server *ret, struct diag *d) MUST_CHECK;
void kube_server_fini(struct kube_server *s);

#endif
