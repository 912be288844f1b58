/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ingest/ingest_int.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int
ingest_new(const struct ingest_cfg *cfg, struct ingest **ret)
{
	struct ingest *i = calloc(1, sizeof(*i));

	if (i == NULL)
		return -ENOMEM;
	i->cfg = *cfg;
	i->cpus = (unsigned) MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
	pthread_mutex_init(&i->lock, NULL);
	shown_init(&i->shown);
	i->admit = (struct bucket){ .per_s = ADMIT_PER_S, .burst = ADMIT_BURST };
	/* Differs from every number that an earlier collector gave out. */
	i->interest = (uint32_t) (clock_real() / NS_PER_S);
	for (size_t k = 0; k < COVERAGE_VERSIONS; k++)
		i->interest = MAX(i->interest, cfg->versions.v[k] + VERSIONS_APART);
	i->first = i->interest + 1;
	*ret = i;
	return 0;
}

void
ingest_free(struct ingest *i)
{
	if (i == NULL)
		return;
	for (size_t b = 0; b < CONN_BUCKETS; b++) {
		while (i->by_pipe[b] != NULL)
			conn_remove(i, i->by_pipe[b]->pipe);
	}
	strangers_free(i->strangers);
	trust_unref(i->trust);
	shown_fini(&i->shown);
	pthread_mutex_destroy(&i->lock);
	free(i);
}

uint32_t
ingest_set_interest(struct ingest *i, const struct interest *wanted)
{
	uint32_t version;

	pthread_mutex_lock(&i->lock);
	i->wanted = *wanted;
	version = ++i->interest;
	pthread_mutex_unlock(&i->lock);
	return version;
}
