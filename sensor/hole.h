/* SPDX-License-Identifier: Apache-2.0 */
/* hole.h - when events were dropped: struct drv_hole, put together from parts. */
#ifndef MEWS_SENSOR_HOLE_H
#define MEWS_SENSOR_HOLE_H

#include "common/macros.h"
#include "driver/abi.h"

/* Add drops to a hole, or begin a newer one. */
static inline void
hole_add(struct drv_hole *hole, struct drv_hole more)
{
	if (hole->last == 0 || more.first > hole->last + DRV_HOLE_NS) {
		*hole = more;
	} else if (more.last + DRV_HOLE_NS >= hole->first) { /* else an older one */
		hole->first = MIN(hole->first, more.first);
		hole->last = MAX(hole->last, more.last);
	}
}

#endif
