/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf_poll.c - wait for records, and read the rings.
 */
#include "common/clock.h"
#include "sensor/bpf_int.h"
#include <sys/epoll.h>
#include <unistd.h>

#define SLACK_NS 100000ULL
#define NAP_NS   NS_PER_MS

/* Sleep until a ring has many bytes (ring_wake), wake() is called, or (if armed) a record comes.
 * True: told by wake(), so that this poll has to end. */
static bool
doze(struct source_state *s, uint64_t ns)
{
	struct timespec ts = { (time_t) (ns / NS_PER_S), (long) (ns % NS_PER_S) };
	struct epoll_event ev[16];
	uint64_t n;
	int r = epoll_pwait2(s->epoll_fd, ev, ARRAY_SIZE(ev), &ts, NULL);
	bool told = false;

	for (int i = 0; i < r; i++) {
		if (ev[i].data.u32 == UINT32_MAX)
			told = read(s->wake_fd, &n, sizeof(n)) > 0;
		else
			s->rings.stats.wakeups++;
	}
	return told;
}

/* Ask the kernel side to wake us for the next record, or for the next that is news. One that came
 * meanwhile ends the wait. Returns as doze(). */
static bool
doze_armed(struct source_state *s, uint64_t ns, enum drv_armed armed)
{
	struct drv_control *ctl = &s->vars->ctl;
	bool told = false, came;

	__atomic_store_n(&ctl->armed, armed, __ATOMIC_SEQ_CST);
	came = armed == DRV_ARMED_NEWS ? __atomic_load_n(&ctl->news, __ATOMIC_RELAXED) != 0
				       : rings_pending(&s->rings);
	if (!came)
		told = doze(s, ns);
	__atomic_store_n(&ctl->armed, DRV_ARMED_NOT, __ATOMIC_SEQ_CST);
	return told;
}

static uint64_t
slack_of(const struct source_state *s)
{
	return s->o.slack_ns != 0 ? s->o.slack_ns : SLACK_NS;
}

/* Sleep until the record that the last drain held back is old enough. */
static bool
doze_young(struct source_state *s)
{
	uint64_t now = clock_boot(), old = s->rings.held_ts + slack_of(s);

	if (s->rings.held_ts == 0)
		return doze(s, NAP_NS);
	return now < old && doze(s, old - now);
}

/* Let records gather, unless the last drain held back news. */
static bool
rest(struct source_state *s, uint64_t ns, bool news)
{
	if (!news)
		return doze(s, ns);
	if (s->news_at != 0)
		return doze_young(s);
	return doze_armed(s, ns, DRV_ARMED_NEWS);
}

/* Emit what is old enough, and note whether news was held back. */
static int
drain(struct source_state *s, source_emit_fn *emit, void *arg)
{
	struct drv_control *ctl = &s->vars->ctl;
	bool news = __atomic_exchange_n(&ctl->news, 0, __ATOMIC_SEQ_CST) != 0;
	uint64_t now = clock_boot();
	int n;

	__atomic_store_n(&ctl->kicked, 0, __ATOMIC_RELAXED);
	if (news)
		s->news_at = now;
	n = rings_drain(&s->rings, now, slack_of(s), emit, arg);
	if (s->rings.emitted_to >= s->news_at || (n >= 0 && !rings_pending(&s->rings)))
		s->news_at = 0;
	return n;
}

int
bpf_poll(void *st, int timeout_ms, uint64_t rest_ns, bool news, source_emit_fn *emit, void *arg)
{
	struct source_state *s = st;
	struct drv_control *ctl = &s->vars->ctl;
	uint64_t timeout = (uint64_t) timeout_ms * NS_PER_MS;
	bool waited = timeout_ms == 0;

	if (ctl->compat_seen != 0 &&
	    __atomic_exchange_n(&ctl->compat_seen, 0, __ATOMIC_RELAXED) != 0)
		(void) !bpf_attach_enter_all(s); /* on failure, retry at the next such caller */
	if (s->hot && !waited)
		waited = rest(s, MIN(timeout, MAX(rest_ns, NAP_NS)), news);
	for (;;) {
		int n = drain(s, emit, arg);

		s->hot = n != 0;
		if (n != 0)
			return n;
		if (s->rings.crowded)
			return 0;
		if (rings_pending(&s->rings)) {
			if (timeout_ms == 0)
				return 0;
			waited |= doze_young(s);
			continue;
		}
		if (waited)
			return 0;
		waited = true;
		(void) doze_armed(s, timeout, DRV_ARMED_ANY);
	}
}

void
bpf_wake(void *st)
{
	struct source_state *s = st;
	uint64_t one = 1;

	(void) !write(s->wake_fd, &one, sizeof(one));
}
