/* SPDX-License-Identifier: Apache-2.0 */
/* probe.h - check whether something could be opened, without opening or creating it. */
#ifndef MEWS_COMMON_PROBE_H
#define MEWS_COMMON_PROBE_H

#include "common/macros.h"

/* A file to read and write, created if missing. 0, or the -errno of
 * open(path, O_RDWR | O_CREAT). */
int probe_file(const char *path) MUST_CHECK;

/* A file or folder to create at 'path', where there is nothing: 0, or the -errno of its folder. */
int probe_folder(const char *path) MUST_CHECK;

/* A unix socket to listen on. 0: nothing is there, or a socket without listener. -EADDRINUSE: a
 * process listens. -EEXIST: not a socket. -ENAMETOOLONG, and others as from bind(). */
int probe_socket(const char *path) MUST_CHECK;

#endif
