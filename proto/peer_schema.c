/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/peer_schema.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
peer_schema_new(Wire__EventSchema *const *v, size_t n, struct peer_schema **ret, const char **why)
{
	struct peer_schema *p = malloc(sizeof(*p));
	int r = -EBADMSG;

	if (p == NULL)
		return -ENOMEM;
	memset(p->n, PEER_NOT_SENT, sizeof(p->n));
	p->lacks = 0;
	for (size_t i = 0; i < n; i++) {
		const struct ev_schema *s = schema_get(v[i]->num);

		*why = "an event's number is out of range";
		if (v[i]->num >= EV_TYPE_MAX)
			goto fail;
		*why = "an event is described twice";
		if (p->n[v[i]->num] != PEER_NOT_SENT)
			goto fail;
		*why = "an event has too many parameters";
		if (v[i]->n_types > 64)
			goto fail;
		*why = "an event's parameter has another type here";
		for (size_t k = 0; s != NULL && k < MIN(v[i]->n_types, (size_t) s->nparams); k++) {
			if (v[i]->types[k] != s->params[k].type)
				goto fail;
		}
		p->n[v[i]->num] = (uint8_t) v[i]->n_types;
		if (s != NULL && v[i]->n_types < s->nparams)
			p->lacks = MAX(p->lacks, (uint8_t) (s->nparams - v[i]->n_types));
	}
	*ret = p;
	return 0;
fail:
	peer_schema_free(p);
	return r;
}

void
peer_schema_free(struct peer_schema *p)
{
	free(p);
}
