/* SPDX-License-Identifier: Apache-2.0 */
/* api_stats.c - the sum of the listeners' counters. */
#include "collector/api/api_int.h"

void
api_stats(const struct api *a, struct api_stats *ret)
{
	*ret = (struct api_stats){ 0 };
	for (size_t i = 0; a != NULL && i < a->ndoors; i++) {
		const struct door *d = &a->doors[i];

		ret->connections += counter_get(&d->connections);
		ret->requests += counter_get(&d->requests);
		ret->refused += counter_get(&d->refused);
		ret->ended += counter_get(&d->ended);
		ret->no_files += counter_get(&d->no_files);
		ret->no_token += counter_get(&d->no_token);
		ret->wrong_token += counter_get(&d->wrong_token);
		ret->wrong_role += counter_get(&d->wrong_role);
		ret->changes += counter_get(&d->changes);
		ret->certificate_expiry_seconds += counter_get(&d->tls_until);
	}
}
