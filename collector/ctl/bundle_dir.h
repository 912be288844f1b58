/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle_dir.h - the bundles in a folder of rules.
 *
 *	DIR/NAME.bundle			link to the version in force; rule.h loads it as a folder
 *	DIR/.bundles/NAME/VERSION/	its files, and 'manifest': the bundle's, with its signature
 *	DIR/.bundles/lock		held while a command changes the above: one at a time
 *
 * A version is complete and on the disk before a link leads to it, and the link is replaced in one
 * step: a crash leaves the old version in force or the new one. One thread; functions return 0 or
 * -errno with *d set to a sentence.
 */
#ifndef MEWS_COLLECTOR_CTL_BUNDLE_DIR_H
#define MEWS_COLLECTOR_CTL_BUNDLE_DIR_H

#include "collector/ctl/bundle.h"

enum { BUNDLES_MAX = 256, BUNDLE_KEPT = 3 }; /* versions of a bundle: in force, and before */

struct bundle_dir {
	const char *path; /* borrowed */
	int fd, lock;     /* -1: none */
};

struct bundle_dir_list {
	struct bundle_place {
		char name[BUNDLE_NAME], version[BUNDLE_VERSION];
	} v[BUNDLES_MAX];
	size_t n;
};

/* To change it: make what is missing, wait for other commands; refuse a folder that others may
 * change. */
int bundle_dir_open(
    const char *path, bool change, struct bundle_dir *ret, struct diag *d) MUST_CHECK;
void bundle_dir_close(struct bundle_dir *b);

/* The bundles in force, by name. */
int bundle_dir_list(
    const struct bundle_dir *b, struct bundle_dir_list *ret, struct diag *d) MUST_CHECK;

/* The version in force; -ENOENT: the bundle is not installed. */
int bundle_dir_current(const struct bundle_dir *b, const char *name, char ret[BUNDLE_VERSION],
    struct diag *d) MUST_CHECK;

/* The versions of a bundle that are kept, the newest first. */
int bundle_dir_kept(const struct bundle_dir *b, const char *name, struct bundle_dir_list *ret,
    struct diag *d) MUST_CHECK;

/* Write a version's files, or find that they are there. -EEXIST: this version was another one. */
int bundle_dir_put(
    const struct bundle_dir *b, const struct bundle *bundle, struct diag *d) MUST_CHECK;

/* Read the manifest of a kept version into 'buf', to which *ret points, and compare its files with
 * it. -EBADMSG: somebody has changed one. */
int bundle_dir_read(const struct bundle_dir *b, const char *name, const char *version,
    struct buf *buf, struct bundle *ret, struct diag *d) MUST_CHECK;

/* Put a kept version in force; NULL: none, the bundle is no longer installed. */
int bundle_dir_switch(
    const struct bundle_dir *b, const char *name, const char *version, struct diag *d) MUST_CHECK;

/* Remove versions: all but the newest BUNDLE_KEPT up to 'version', which is in force; NULL: all of
 * them. */
int bundle_dir_prune(
    const struct bundle_dir *b, const char *name, const char *version, struct diag *d) MUST_CHECK;

/* Remove a version that is not in force. */
void bundle_dir_drop(const struct bundle_dir *b, const char *name, const char *version);

#endif
