/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_watch.h - has a rule file changed? Folders and the folders of files are watched, so that a
 * file replaced by renaming and a symbolic link changed to another target are noticed too.
 *
 * One thread.
 */
#ifndef MEWS_COLLECTOR_WATCH_RULE_WATCH_H
#define MEWS_COLLECTOR_WATCH_RULE_WATCH_H

#include "common/macros.h"
#include <stdbool.h>
#include <stddef.h>

struct rule_watch;

/* Files and folders as ruleset_load() takes them; the texts are borrowed. -errno. */
int rule_watch_new(const char *const *paths, size_t n, struct rule_watch **ret) MUST_CHECK;
void rule_watch_free(struct rule_watch *w);

/* Readable when rule_watch_look() has something to look at. */
int rule_watch_fd(const struct rule_watch *w);

/* Has a file changed since the last look from which rules may be read? */
bool rule_watch_look(struct rule_watch *w);

#endif
