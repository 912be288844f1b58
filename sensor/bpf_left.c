/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_left.c - what a dead sensor left in its rings, which this one cannot continue: it is of
 * another version, or has other options. The kernel's format of a ring is the same in all versions,
 * so its events can be counted; the records of many can be read, too, for their type and time.
 */
#include "common/clock.h"
#include "common/log.h"
#include "sensor/bpf_int.h"
#include "sensor/lost.h"
#include <bpf/bpf.h>
#include <inttypes.h>
#include <sys/mman.h>

struct left {
	struct lost_kept lost; /* [0]: of unknown type */
	uint64_t n;
	uint64_t until; /* boot ns: this process captures, too */
	size_t page;
};

static void
count(void *arg, const struct ev_hdr *rec)
{
	struct left *l = arg;
	struct drv_hole *h = &l->lost.hole;

	if (rec != NULL && rec->ts >= l->until)
		return;
	l->n++;
	l->lost.events[rec == NULL ? 0 : rec->type]++;
	if (rec == NULL)
		return;
	h->first = h->last == 0 ? rec->ts : MIN(h->first, rec->ts);
	h->last = MAX(h->last, rec->ts);
}

static void
count_ring(void *arg, int fd)
{
	struct left *l = arg;
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	char *cons, *prod;
	size_t n;

	if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0 || info.type != BPF_MAP_TYPE_RINGBUF)
		return;
	n = l->page + 2 * (size_t) info.max_entries;
	cons = mmap(NULL, l->page, PROT_READ, MAP_SHARED, fd, 0);
	prod = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, (off_t) l->page);
	if (cons != MAP_FAILED && prod != MAP_FAILED)
		ring_unread((const uint64_t *) (const void *) cons,
		    (const uint64_t *) (const void *) prod, prod + l->page, info.max_entries, count,
		    l);
	if (cons != MAP_FAILED)
		(void) munmap(cons, l->page);
	if (prod != MAP_FAILED)
		(void) munmap(prod, n);
}

void
bpf_pins_of_others(struct source_state *s)
{
	struct left l = { .until = clock_boot(), .page = s->page };
	struct lost_kept *unread = bpf_unread(s);

	if (s->alone)
		return;
	s->alone = true;
	pin_rings_of_others(s->pin, count_ring, &l);
	if (l.n > 0 && unread != NULL) {
		*unread = l.lost;
		s->left = true;
	}
	if (pin_clear_others(s->pin) > 0)
		log_warn(
		    "capture.pin: a sensor of another version, or with other options of "
		    "capture.*, left its capture in %s: it is ended, and %" PRIu64
		    " events that it had not read are lost",
		    s->o.pin, l.n);
}
