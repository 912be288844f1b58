/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/alert/loss.h"
#include "collector/alert/alert.h"
#include "common/macros.h"

static const char *const names[LOSS_MAX] = {
#define LOSS(name, priority, events, text) #name,
#include "collector/alert/loss.def"
};

static const char *const texts[LOSS_MAX] = {
#define LOSS(name, priority, events, text) text,
#include "collector/alert/loss.def"
};

static const int priorities[LOSS_MAX] = {
#define LOSS(name, priority, events, text) priority,
#include "collector/alert/loss.def"
};

enum { COUNTED = true, UNKNOWN = false };
static const bool counted[LOSS_MAX] = {
#define LOSS(name, priority, events, text) events,
#include "collector/alert/loss.def"
};

const char *
loss_name(enum loss_cause cause)
{
	return names[cause];
}

const char *
loss_text(enum loss_cause cause)
{
	return texts[cause];
}

int
loss_priority(enum loss_cause cause)
{
	return priorities[cause];
}

bool
loss_counted(enum loss_cause cause)
{
	return counted[cause];
}

const char *
loss_names(uint32_t causes, char out[LOSS_NAMES])
{
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < LOSS_MAX; i++) {
		if ((causes >> i & 1) != 0)
			n += (size_t) snprintf(
			    out + n, LOSS_NAMES - n, "%s%s", n > 0 ? "," : "", names[i]);
	}
	return out;
}

bool
loss_open(struct loss *l, enum loss_cause cause, uint64_t now, uint64_t until)
{
	bool opens = l->until[cause] == 0 || l->until[cause] < now;

	l->until[cause] = MAX(l->until[cause], until);
	l->latest = MAX(l->latest, until);
	return opens;
}

void
loss_whole(struct loss *l, uint64_t now)
{
	l->latest = 0;
	for (unsigned i = 0; i < LOSS_MAX; i++) {
		if (l->until[i] == LOSS_OPEN)
			l->until[i] = now + LOSS_TAIL_NS;
		l->latest = MAX(l->latest, l->until[i]);
	}
}

uint32_t
loss_at(const struct loss *l, uint64_t ts)
{
	uint32_t causes = 0;

	if (LIKELY(ts > l->latest) || l->latest == 0)
		return 0;
	for (unsigned i = 0; i < LOSS_MAX; i++)
		causes |= (uint32_t) (l->until[i] != 0 && ts <= l->until[i]) << i;
	return causes;
}

uint32_t
loss_shown_open(const struct loss_shown *s, uint64_t now)
{
	uint32_t causes = 0;

	for (unsigned i = 0; i < LOSS_MAX; i++)
		causes |= (uint32_t) (s->until[i] > now) << i;
	return causes;
}

void
loss_json(const struct loss_shown *s, uint64_t now, struct buf *out)
{
	uint32_t open = loss_shown_open(s, now);
	uint64_t since = 0;
	const char *comma = "";

	buf_str(out, "{\"open\":[");
	for (unsigned i = 0; i < LOSS_MAX; i++) {
		if ((open >> i & 1) == 0)
			continue;
		buf_printf(out, "%s\"%s\"", comma, names[i]);
		comma = ",";
		since = since == 0 ? s->since[i] : MIN(since, s->since[i]);
	}
	buf_printf(out, "],\"since\":%lu,\"windows\":{", (unsigned long) since);
	comma = "";
	for (unsigned i = 0; i < LOSS_MAX; i++) {
		if (s->opened[i] == 0)
			continue;
		buf_printf(out, "%s\"%s\":%lu", comma, names[i], (unsigned long) s->opened[i]);
		comma = ",";
	}
	buf_str(out, "}}");
}
