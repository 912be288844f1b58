/* SPDX-License-Identifier: Apache-2.0 */
/*
 * enroll_proxy.h - the HTTP proxy between a node and the enroller.
 *
 * https_proxy=http://HOST:PORT and no_proxy are read from the environment, as other programs do;
 * the proxy's "USER:PASSWORD" from the file that MEWS_PROXY_PASSWORD_FILE names, never from the
 * URL. The proxy forwards bytes and sees no more than the enroller's address. One thread; blocks.
 */
#ifndef MEWS_SENSOR_ENROLL_PROXY_H
#define MEWS_SENSOR_ENROLL_PROXY_H

#include "common/diag.h"
#include "common/macros.h"
#include "proto/enroll_line.h"

struct enroll_proxy {
	struct enroll_address at;
	char login[700]; /* of "USER:PASSWORD", in base 64; "": none */
};

/* 1: go through *ret to this host; 0: go directly; -EINVAL, -EACCES and *d. */
int enroll_proxy_find(const char *host, struct enroll_proxy *ret, struct diag *d) MUST_CHECK;

/* Have the proxy at the other end of 'fd' connect to 'to'; what follows is between us and that.
 * -EAGAIN and *d: not now; -EACCES and *d: it refuses. */
int enroll_proxy_connect(int fd, const struct enroll_proxy *p, const struct enroll_address *to,
    struct diag *d) MUST_CHECK;

#endif
