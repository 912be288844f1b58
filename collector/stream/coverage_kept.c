/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/stream/coverage_kept.h"

void
coverage_keep(const struct stream *st, struct coverage_kept *ret)
{
	const struct coverage *c = &st->coverage;

	*ret = (struct coverage_kept){
		.complete = c->complete,
		.stepped = c->stepped,
		.wall = c->wall,
	};
	for (size_t i = 0; i < COVERAGE_VERSIONS; i++) {
		/* in this order: see coverage_confirm() */
		ret->version[i] = c->version[i];
		ret->confirmed[i] = c->confirmed[i];
	}
	for (size_t i = 0; i < LOSS_MAX; i++) {
		ret->opened[i] = st->loss.opened[i];
		ret->since[i] = st->loss.since[i];
		ret->until[i] = st->loss.until[i];
	}
}

void
coverage_resume_versions(struct stream *st, const struct coverage_kept *k)
{
	for (size_t i = 0; i < COVERAGE_VERSIONS; i++) {
		st->coverage.confirmed[i] = k->confirmed[i];
		st->coverage.version[i] = k->version[i];
	}
}

void
coverage_resume(struct stream *st, const struct coverage_kept *k)
{
	struct coverage *c = &st->coverage;

	for (size_t i = 0; i < LOSS_MAX; i++) {
		st->loss.opened[i] = st->loss.told[i] = k->opened[i];
		st->loss.since[i] = k->since[i];
		st->loss.until[i] = k->until[i];
	}
	c->stepped = k->stepped;
	c->wall = k->wall;
	c->complete = k->complete; /* last: until then nothing is known of the time before */
}

void
coverage_foreign(struct stream *st)
{
	struct coverage *c = &st->coverage;

	for (size_t i = 0; i < COVERAGE_VERSIONS; i++)
		c->version[i] = 0;
	for (size_t i = 0; i < COVERAGE_VERSIONS; i++)
		c->confirmed[i] = 0;
}
