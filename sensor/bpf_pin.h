/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_pin.h - a folder on a BPF file system that keeps the driver while the sensor is away.
 *
 *   capture.pin/HASH/  map_*, ring_*, prog_*, link_*, entry_*, and at last journal_0
 *
 * HASH is of the programs and of all that they and the sensor must agree on: so a sensor of another
 * version or with other options does not find these pins, and removes them. What else is in the
 * folder is somebody else's, and stays. The folder is locked: one sensor uses it at a time. All
 * functions but pin_open() and pins_remove() take NULL for a sensor without pins.
 */
#ifndef MEWS_SENSOR_BPF_PIN_H
#define MEWS_SENSOR_BPF_PIN_H

#include "common/macros.h"
#include <stdbool.h>
#include <stdint.h>

struct pin;

enum pin_kind { PIN_MAP, PIN_RING, PIN_PROG, PIN_LINK, PIN_ENTRY, PIN_JOURNAL };

/* Make the folder if it is missing, check and lock it. -errno, logged with what to do. */
int pin_open(const char *folder, uint64_t hash, struct pin **ret) MUST_CHECK;

/* What is pinned stays. */
void pin_close(struct pin *p);

/* Make the folder of this hash, and forget failures. -errno. */
int pin_begin(struct pin *p) MUST_CHECK;

/* Pin an object, unless 'fd' is negative. Failures are logged once, and remembered: pin_failed().
 * Characters that no name may have become '_'. */
void pin_put(struct pin *p, enum pin_kind kind, const char *name, int fd);
int pin_failed(const struct pin *p); /* the first failure, -errno; 0: none */

/* A new descriptor of a pinned object, owned by the caller; -ENOENT: it is not pinned; -errno. */
int pin_get(struct pin *p, enum pin_kind kind, const char *name) MUST_CHECK;

/* Unpin an object; it lives on as long as it is used. */
void pin_drop(struct pin *p, enum pin_kind kind, const char *name);

/* Is everything still pinned that was put or got? Reads a folder; without pins true. */
bool pin_whole(struct pin *p);

/* Call fn with each ring that is pinned with another hash; the descriptor is closed after it. */
void pin_rings_of_others(struct pin *p, void (*fn)(void *arg, int fd), void *arg);

/* Unpin everything of this hash; of all other hashes. Returns how many objects were pinned. */
unsigned pin_clear(struct pin *p);
unsigned pin_clear_others(struct pin *p);

/* Unpin everything in the folder: the programs are detached, and what was not read is lost. The
 * number of objects, 0 without a folder; -errno, logged. */
int pins_remove(const char *folder) MUST_CHECK;

#endif
