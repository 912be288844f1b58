/* SPDX-License-Identifier: Apache-2.0 */
/* rule_force.c - since when each rule is in force as it is now, over reloads. */
#include "collector/rule/rule_int.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static const struct rule *
rule_named(const struct ruleset *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->order[i]->name, name) == 0)
			return s->order[i];
	}
	return NULL;
}

/* Does it match the same events? Both are loaded. */
static bool
same_rule(const struct rule *a, const struct rule *b)
{
	return a->exact != NULL && b->exact != NULL && strcmp(a->exact, b->exact) == 0 &&
	       strcmp(a->resolved, b->resolved) == 0 &&
	       memcmp(&a->events, &b->events, sizeof(a->events)) == 0;
}

static struct rule_force
force_of(const struct rule *rule, struct ruleset *before, struct rule_force now)
{
	const struct rule *old = before == NULL ? NULL : rule_named(before, rule->name);
	struct rule_force ret;

	if (!rule->loaded || old == NULL || !old->loaded || !same_rule(rule, old))
		return now;
	ruleset_force(before, rule->name, &ret);
	return ret.since == 0 ? now : ret;
}

static struct rule_force
began_of(struct ruleset *s)
{
	struct rule_force ret;

	pthread_mutex_lock(&s->lock);
	ret = s->began;
	pthread_mutex_unlock(&s->lock);
	return ret;
}

void
ruleset_in_force(struct ruleset *s, struct ruleset *before, uint64_t now, uint32_t interest)
{
	struct rule_force began =
	    before != NULL ? began_of(before) : (struct rule_force){ now, interest };

	pthread_mutex_lock(&s->lock);
	s->began = began;
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->n; i++) {
		struct rule_force f =
		    force_of(s->order[i], before, (struct rule_force){ now, interest });

		pthread_mutex_lock(&s->lock);
		s->force[i] = f;
		pthread_mutex_unlock(&s->lock);
	}
}

const struct rule *
ruleset_force(struct ruleset *s, const char *name, struct rule_force *ret)
{
	const struct rule *rule = rule_named(s, name);

	*ret = (struct rule_force){ 0 };
	if (rule == NULL)
		return NULL;
	pthread_mutex_lock(&s->lock);
	*ret = s->force[rule->id];
	pthread_mutex_unlock(&s->lock);
	return rule;
}

bool
ruleset_event_force(struct ruleset *s, unsigned num, struct rule_force *ret)
{
	struct interest in;
	struct rule_force first = { 0 };

	*ret = (struct rule_force){ 0 };
	ruleset_interest(s, NULL, &in);
	if (!event_set_has(&in.events, num) || (in.lean[num / 64] >> (num % 64) & 1) != 0)
		return false;
	if ((in.quiet[num / 64] >> (num % 64) & 1) != 0) {
		*ret = began_of(s); /* state needs it, whatever the rules are */
		return true;
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct rule *r = s->order[i];

		if (!r->loaded || !event_set_has(&r->events, num))
			continue;
		(void) ruleset_force(s, r->name, &first);
		if (ret->since == 0 || (first.since != 0 && first.since < ret->since))
			*ret = first;
	}
	return true;
}

/* ---- over restarts of the collector ---- */

/* Then 'n' rows. */
struct kept_head {
	uint64_t began;
	uint32_t began_interest, n;
	uint64_t events[EVENT_WORDS]; /* that were captured in full */
};

struct kept_row {
	XXH128_hash_t rule; /* hash_of() */
	uint64_t since;
	uint64_t interest;
};

static void
add_text(struct buf *b, const char *text)
{
	buf_u64(b, text == NULL ? 0 : strlen(text) + 1);
	buf_char(b, ' ');
	buf_str(b, text == NULL ? "" : text);
}

/* Of all that decides what a rule matches; another version of the collector may be blind to other
 * parts of it. -ENOMEM. */
static int
hash_of(const struct rule *r, struct buf *scratch, XXH128_hash_t *ret)
{
	buf_clear(scratch);
	add_text(scratch, r->name);
	add_text(scratch, r->exact);
	add_text(scratch, r->resolved);
	add_text(scratch, r->blind);
	add_text(scratch, r->partly);
	buf_add(scratch, &r->events, sizeof(r->events));
	if (buf_ok(scratch) < 0)
		return -ENOMEM;
	*ret = XXH3_128bits(scratch->p, scratch->n);
	return 0;
}

int
ruleset_hash(const struct ruleset *s, uint64_t ret[2])
{
	CLEANUP(buf_fini) struct buf scratch = BUF_INIT, all = BUF_INIT;
	XXH128_hash_t h;

	for (size_t i = 0; i < s->n; i++) {
		const struct rule *r = s->order[i];

		if (!r->loaded || r->exact == NULL)
			continue;
		if (hash_of(r, &scratch, &h) < 0)
			return -ENOMEM;
		buf_add(&all, &h, sizeof(h));
	}
	if (buf_ok(&all) < 0)
		return -ENOMEM;
	h = XXH3_128bits(all.p == NULL ? "" : all.p, all.n);
	ret[0] = h.high64;
	ret[1] = h.low64;
	return 0;
}

static void
captured_in_full(const struct ruleset *s, uint64_t ret[EVENT_WORDS])
{
	struct interest in;

	ruleset_interest(s, NULL, &in);
	for (unsigned n = 0; n < EV_TYPE_MAX; n++) {
		uint64_t bit = 1ULL << (n % 64);

		if (event_set_has(&in.events, n) && (in.lean[n / 64] & bit) == 0)
			ret[n / 64] |= bit;
	}
}

/* Were all events that state needs now captured then, too? */
static bool
same_for_state(const struct ruleset *s, const uint64_t then[EVENT_WORDS])
{
	struct interest in;
	uint64_t more = 0;

	ruleset_interest(s, NULL, &in);
	for (size_t w = 0; w < EVENT_WORDS; w++)
		more |= in.quiet[w] & ~in.lean[w] & ~then[w];
	return more == 0;
}

void
ruleset_force_keep(struct ruleset *s, struct buf *out)
{
	CLEANUP(buf_fini) struct buf scratch = BUF_INIT;
	struct rule_force began = began_of(s);
	struct kept_head h = { began.since, began.interest, 0, { 0 } };
	size_t at = out->n;

	captured_in_full(s, h.events);
	buf_add(out, &h, sizeof(h));
	for (size_t i = 0; i < s->n; i++) {
		const struct rule *r = s->order[i];
		struct rule_force f = s->force[r->id];
		struct kept_row row = { .since = f.since, .interest = f.interest };

		if (!r->loaded || r->exact == NULL || hash_of(r, &scratch, &row.rule) < 0)
			continue;
		buf_add(out, &row, sizeof(row));
		h.n++;
	}
	if (buf_ok(out) == 0)
		memcpy(out->p + at, &h, sizeof(h));
}

static const struct kept_row *
find_row(const struct kept_row *v, size_t n, const XXH128_hash_t *rule)
{
	for (size_t i = 0; i < n; i++) {
		if (memcmp(&v[i].rule, rule, sizeof(*rule)) == 0)
			return &v[i];
	}
	return NULL;
}

static int
resume_rules(struct ruleset *s, const struct kept_row *rows, size_t n)
{
	CLEANUP(buf_fini) struct buf scratch = BUF_INIT;
	XXH128_hash_t hash;

	for (size_t i = 0; i < s->n; i++) {
		const struct rule *r = s->order[i];
		const struct kept_row *row;

		if (!r->loaded || r->exact == NULL)
			continue;
		if (hash_of(r, &scratch, &hash) < 0)
			return -ENOMEM;
		row = find_row(rows, n, &hash);
		if (row == NULL)
			continue;
		pthread_mutex_lock(&s->lock);
		s->force[r->id] = (struct rule_force){ row->since, (uint32_t) row->interest };
		pthread_mutex_unlock(&s->lock);
	}
	return 0;
}

int
ruleset_force_resume(struct ruleset *s, struct slice kept)
{
	struct kept_row *rows;
	struct kept_head h;
	int r;

	if (kept.n < sizeof(h))
		return -EBADMSG;
	memcpy(&h, kept.p, sizeof(h));
	if ((kept.n - sizeof(h)) / sizeof(*rows) != h.n ||
	    (kept.n - sizeof(h)) % sizeof(*rows) != 0)
		return -EBADMSG;
	rows = malloc(kept.n - sizeof(h) + 1); /* aligned */
	if (rows == NULL)
		return -ENOMEM;
	memcpy(rows, kept.p + sizeof(h), kept.n - sizeof(h));
	r = resume_rules(s, rows, h.n);
	free(rows);
	if (r == 0 && same_for_state(s, h.events)) {
		pthread_mutex_lock(&s->lock);
		s->began = (struct rule_force){ h.began, h.began_interest };
		pthread_mutex_unlock(&s->lock);
	}
	return r;
}
