/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ctl/offline.h"
#include "proto/batch.h"
#include "proto/recording.h"
#include <errno.h>
#include <stdlib.h>

enum { TEXT_BYTES = 256 << 20 };

static const struct state_limits limits = {
	.threads = 65536, .fds = 65536, .dead_grace_ns = 30000000000
};

struct offline {
	offline_fn *fn;
	void *arg;
	struct intern *pool;
	struct state *state;
	struct fscratch *scratch;
	struct peer_schema *schema; /* of the recording's sensor */
	char *node, *cluster, *boot_id;
	uint64_t sensor_start;
	uint64_t num; /* evt.num */
	uint64_t events;
};

int
offline_new(offline_fn *fn, void *arg, struct offline **ret)
{
	struct offline *o = calloc(1, sizeof(*o));
	int r;

	if (o == NULL)
		return -ENOMEM;
	o->fn = fn;
	o->arg = arg;
	r = intern_new(TEXT_BYTES, &o->pool);
	if (r == 0)
		r = fscratch_new(&o->scratch);
	if (r < 0) {
		offline_free(o);
		return r;
	}
	*ret = o;
	return 0;
}

static void
node_fini(struct offline *o)
{
	state_free(o->state);
	peer_schema_free(o->schema);
	free(o->node);
	free(o->cluster);
	free(o->boot_id);
	o->state = NULL;
	o->schema = NULL;
	o->node = o->cluster = o->boot_id = NULL;
}

void
offline_free(struct offline *o)
{
	if (o == NULL)
		return;
	node_fini(o);
	fscratch_free(o->scratch);
	intern_free(o->pool);
	free(o);
}

static int
on_hello(struct offline *o, const Wire__Hello *h, const char **why)
{
	int r;

	node_fini(o);
	o->num = 0;
	o->sensor_start = h->sensor_start;
	o->node = strdup(h->node);
	o->cluster = strdup(h->cluster);
	o->boot_id = strdup(h->boot_id);
	if (o->node == NULL || o->cluster == NULL || o->boot_id == NULL)
		return -ENOMEM;
	r = state_new(o->pool, &limits, &o->state);
	if (r == 0)
		r = state_set_interfaces(o->state, h->interfaces, h->n_interfaces);
	if (r == 0 && h->n_schema > 0)
		r = peer_schema_new(h->schema, h->n_schema, &o->schema, why);
	return r;
}

static int
on_event(struct offline *o, const Wire__Batch *batch, const struct batch *b, const struct event *ev)
{
	const struct alert_origin origin = {
		.cluster = o->cluster,
		.node = o->node,
		.boot_id = o->boot_id,
		.sensor_start = o->sensor_start,
		.seq = batch->seq,
	};
	struct view v = {
		.state = o->state,
		.batch = b,
		.ev = ev,
		.node = o->node,
		.cluster = o->cluster,
		.num = ++o->num,
		.time = ev->ts + (batch->real_ns - batch->boot_ns),
	};
	int r;

	state_apply(o->state, b, ev, &v);
	r = o->fn(o->arg, &v, &origin, o->scratch);
	fscratch_reset(o->scratch);
	o->events++;
	return r;
}

static int
on_batch(struct offline *o, const Wire__Batch *batch, const char **why)
{
	struct batch *b = NULL;
	int r = batch_decode(batch->body, o->schema, &b, why);

	if (r < 0)
		return r;
	intern_tick(o->pool);
	state_begin_batch(o->state);
	if (batch->snapshot != NULL)
		(void) state_snapshot_part(o->state, batch->snapshot);
	for (size_t i = 0; i < b->nev && r == 0; i++) {
		if (b->ev[i].schema->capture == CAP_SNAP)
			state_snapshot(o->state, b, &b->ev[i]);
		else
			r = on_event(o, batch, b, &b->ev[i]);
	}
	if (batch->snapshot != NULL)
		(void) state_snapshot_end(o->state, batch->snapshot);
	batch_free(b);
	return r;
}

int
offline_request(struct offline *o, const Wire__Request *req, const char **why)
{
	*why = "no memory";
	if (req->body_case == WIRE__REQUEST__BODY_HELLO)
		return on_hello(o, req->hello, why);
	*why = "it does not begin with a Hello";
	if (o->state == NULL)
		return -EBADMSG;
	*why = "it has no body";
	if (req->body_case == WIRE__REQUEST__BODY_BATCH)
		return req->batch->body == NULL ? -EBADMSG : on_batch(o, req->batch, why);
	return 0;
}

int
offline_recording(struct offline *o, const char *path, struct diag *d)
{
	struct recording *rec = NULL;
	Wire__Request *req = NULL;
	const char *why = "no memory";
	int r = recording_open(path, &rec);

	if (r == -EBADMSG)
		return diag_fail(d, 0, 0, "%s is not a recording of mews-sensor --record", path);
	if (r < 0) {
		diag_set(d, 0, 0, "cannot open %s: %s", path, strerrordesc_np(-r));
		return r;
	}
	while (r == 0) {
		r = recording_next(rec, &req, &why);
		if (r <= 0)
			break;
		r = offline_request(o, req, &why);
		wire__request__free_unpacked(req, NULL);
	}
	if (r == -EBADMSG || r == -ENOMEM)
		diag_set(d, 0, 0, "%s: at byte %lu: %s", path,
		    (unsigned long) recording_offset(rec), r == -ENOMEM ? "no memory" : why);
	else if (r < 0)
		diag_set(d, 0, 0, "%s: %s", path, strerrordesc_np(-r));
	recording_close(rec);
	return r;
}

uint64_t
offline_events(const struct offline *o)
{
	return o->events;
}
