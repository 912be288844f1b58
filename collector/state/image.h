/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - a node's state as bytes, for the collector's checkpoint (collector/checkpoint/).
 *
 * An image holds all that a later event or a rule can see: threads with their groups, parents and
 * descriptors, the dead that are still kept, users and groups. Left out are the node's addresses,
 * which each Hello brings, and what only a snapshot under way needs: take an image when none is. A
 * text is written once, where it is first used; so is a table of descriptors that processes share.
 *
 * The thread that owns the state writes and loads it.
 */
#ifndef MEWS_COLLECTOR_STATE_IMAGE_H
#define MEWS_COLLECTOR_STATE_IMAGE_H

#include "collector/state/state.h"
#include "common/buf.h"

/* The version of the format: raise it with every change of image_int.h. */
#define STATE_IMAGE_VERSION 3u

struct state_image;

/* Begin an image. Between the first and the last state_image_more() nothing may change the state.
 * The image is appended to 'out', borrowed. -ENOMEM. */
int state_image_new(struct state *s, struct buf *out, struct state_image **ret) MUST_CHECK;
void state_image_free(struct state_image *w); /* NULL is nothing */

/* Write about n entries (threads, descriptors, users) more. 1: the image is complete; 0: go on;
 * -ENOMEM. */
int state_image_more(struct state_image *w, size_t n) MUST_CHECK;

struct state_load;

/* Begin to fill a new state from an image, borrowed until state_load_free(). Until it is complete
 * nothing else may use the state. -ENOMEM. */
int state_load_new(struct state *s, struct slice image, struct state_load **ret) MUST_CHECK;
void state_load_free(struct state_load *l); /* NULL is nothing */

/* Load n records (threads, descriptors, users) more. 1: the state is complete; 0: go on. -EBADMSG:
 * it is no image, and *why (static text) says in a few words what is wrong; -ENOMEM. After an error
 * the state is only good to be freed. Entries beyond the state's limits are left out. */
int state_load_more(struct state_load *l, size_t n, const char **why) MUST_CHECK;

#endif
