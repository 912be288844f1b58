/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - read small files written by users; write a whole one. */
#ifndef MEWS_COMMON_FILE_H
#define MEWS_COMMON_FILE_H

#include "common/buf.h"
#include "common/diag.h"
#include "common/macros.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define FILE_MAX (4u << 20)

/* Append a regular file of at most FILE_MAX bytes to 'b'; 'what' names it in messages. 'secret':
 * refuse a file that others may read or change (the group may read it). 0, or -errno and *d with
 * place, reason and remedy. Never blocks on a FIFO without a writer. */
int file_read(
    const char *path, const char *what, bool secret, struct buf *b, struct diag *d) MUST_CHECK;

/* Append the rest of 'fd': 0; -EFBIG: more than 'max' bytes; or another -errno. */
int fd_read_all(int fd, size_t max, struct buf *b) MUST_CHECK;
/* The same for a file of any kind, relative to a folder; AT_FDCWD: the current one. */
int file_read_at(int dirfd, const char *path, size_t max, struct buf *b) MUST_CHECK;

/* Write all of it: 0 or -errno. */
int fd_write_all(int fd, struct slice s) MUST_CHECK;

/* Replace a file whole, durably: after a crash it is the old one or the new one. A file that root
 * writes belongs to the owner of its folder, so that a service that owns the folder can use it. 0,
 * or -errno and *d. */
int file_replace(const char *path, struct slice s, mode_t mode, struct diag *d) MUST_CHECK;
int file_give_away(int fd, const char *path); /* that part alone: 0 or -errno */

/* Wait until the names in the folder of a path are on the disk; a file system that cannot do that
 * is no error. 0 or -errno. */
int file_sync_folder(const char *path) MUST_CHECK;

/* May others than root and this user change it: by its owner, or its mode? */
bool file_others_write(const struct stat *st);

/* A number that changes when the file is replaced or written; 0: it does not exist. */
uint64_t file_stamp(const char *path);

#endif
