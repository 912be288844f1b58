/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_int.h - the format of an image: what is written of each entry.
 *
 * An image is a list of records. A record is its kind, then its numbers and texts. A number is a
 * varint (7 bits per byte, the lowest first) of its zigzag form; a text is its number in the image,
 * 0 for none; the number after the last one is a new text, whose length and bytes follow.
 */
#ifndef MEWS_COLLECTOR_STATE_IMAGE_INT_H
#define MEWS_COLLECTOR_STATE_IMAGE_INT_H

#include "collector/state/image.h"
#include "collector/state/state_int.h"
#include "common/clock.h"

/* Only an exit this recent affects a later event: a child's, before its parent's clone() returns,
 * or of a parent and its reaper together. */
#define IMAGE_EXITED_NS (10 * NS_PER_S)

enum image_record {
	IMAGE_END,
	IMAGE_CLOCK,     /* image_clock[] */
	IMAGE_USER,      /* container, uid, name, home, shell */
	IMAGE_GROUP,     /* container, gid, name */
	IMAGE_THREAD,    /* tid, pid, gone, ptid, image_thread[]; a process before its threads */
	IMAGE_TABLE,     /* of the last thread; its descriptors follow */
	IMAGE_SHARED,    /* the last thread shares the table with this number, from 0 */
	IMAGE_FD,        /* fd, image_fd[] */
	IMAGE_CONTAINER, /* its id, texts, traits */
	IMAGE_EXITED,    /* tid, start, time: of a recent exit, oldest first */
};

struct image_member {
	uint16_t at;
	uint8_t size;
	enum image_kind { IMAGE_NUM, IMAGE_TEXT, IMAGE_BOOL } kind : 8;
};

extern const struct image_member image_clock[], image_thread[], image_fd[];
extern const size_t image_nclock, image_nthread, image_nfd;

#endif
