/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * rec_end.h - the end of a record: is it news, does it wake the sensor, into the ring.
 *
 * A record is news if a rule looks at its event and it does not repeat a recent record of its
 * process on this CPU: then it may raise an alert that no earlier event has raised, and the sensor
 * sends it promptly. Repeats, and what only process state needs, can wait to be sent in company.
 * What is forgotten, or repeated on another CPU, is news again.
 */
#ifndef MEWS_DRIVER_REC_END_H
#define MEWS_DRIVER_REC_END_H

#include "driver/bpf/core.h"

#define NEWS_BYTES    512 /* of a record's parameters are compared */
#define NEWS_AGE_BITS 33  /* after 2^33 ns, 8.6 s, a repeat is news again */

static __always_inline u64
news_mix(u64 hash, u64 word)
{
	hash ^= word;
	hash = hash << 23 | hash >> 41;
	return hash * 0x9e3779b97f4a7c15ULL;
}

/* All but time, thread, CPU, and what lies beyond NEWS_BYTES. A collision delays an event. */
static __always_inline bool
is_news(struct scratch *s, u32 len)
{
	const struct ev_hdr *h = rec_hdr(s);
	const u64 *words = (const u64 *) &s->rec[sizeof(*h)];
	u32 tag, *recent, n = (len - sizeof(*h) + 7) / sizeof(u64);
	u64 hash = h->ts >> NEWS_AGE_BITS;

	if (bit_get(ctl.quiet, h->type))
		return false;
	hash = news_mix(hash, (u64) h->type << 32 | h->pid);
	hash = news_mix(hash, h->present ^ (u64) h->flags << 56);
	/* 'n', not 'len': the verifier would follow what comes after for each length it ends at */
	for (u32 i = 0; i < NEWS_BYTES / sizeof(u64) && i < n; i++)
		hash = news_mix(hash, words[i]);
	hash = news_mix(hash, len); /* else the last word changes only high bits */
	tag = (u32) hash;
	recent = &s->recent[hash >> 32 & (RECENT_MAX - 1)];
	if (*recent == tag)
		return false;
	*recent = tag;
	return true;
}

/* Should a record of 'len' bytes wake the sensor? Query the ring's fill level only now and then:
 * user space writes to the same cache line. */
static __always_inline bool
wake_due(struct scratch *s, void *ring, u32 len, bool news)
{
	u32 armed = ctl.armed;

	if (armed == DRV_ARMED_ANY || (armed == DRV_ARMED_NEWS && news)) {
		ctl.armed = DRV_ARMED_NOT;
		return true;
	}
	s->unasked += len;
	if (s->unasked < ring_wake / 8 || ctl.kicked)
		return false;
	s->unasked = 0;
	if (bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) < ring_wake)
		return false;
	ctl.kicked = 1;
	return true;
}

/* Copy the scratch record, 'len' bytes with its header, into this CPU's ring. A separate function,
 * so that it is verified once. */
__noinline int
rec_end(u32 len)
{
	struct scratch *s = scratch_get();
	struct ev_hdr *h;
	u64 flags;
	u32 type, cpu;
	void *ring;
	bool news;

	if (!s)
		return 0;
	h = rec_hdr(s);
	type = h->type;
	cpu = h->cpu;
	h->number = ++s->numbers[type & (EV_TYPE_MAX - 1)];
	ring = bpf_map_lookup_elem(&rings, &cpu);
	if (len > EV_RECORD_MAX) {
		dropped(type, DROP_TOO_LONG, h->ts);
		return 0;
	}
	h->len = len;
	if (!ring) {
		dropped(type, DROP_RING_FULL, h->ts);
		return 0;
	}
	news = is_news(s, len);
	h->news = news;
	flags = wake_due(s, ring, len, news) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
	barrier_var(len);
	if (len > EV_RECORD_MAX || bpf_ringbuf_output(ring, h, len, flags) < 0)
		dropped(type, DROP_RING_FULL, h->ts);
	else if (news && !ctl.news) /* after the record: the sensor clears it before it looks */
		ctl.news = 1;
	return 0;
}

#endif
