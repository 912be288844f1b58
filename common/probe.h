/* SPDX-License-Identifier: Apache-2.0 */
/* probe.h - whether something could be opened, without opening or making it. */
#ifndef MEWS_COMMON_PROBE_H
#define MEWS_COMMON_PROBE_H

#include "common/macros.h"

/* A file that is read and written, and made if it is missing. 0, or the -errno that
 * open(path, O_RDWR | O_CREAT) would give. */
int probe_file(const char *path) MUST_CHECK;

/* A unix socket to listen on. 0: nothing is there, or a socket that nobody listens on any more.
 * -EADDRINUSE: somebody listens. -EEXIST: it is not a socket. -ENAMETOOLONG, and others as bind().
 */
int probe_socket(const char *path) MUST_CHECK;

#endif
