/* SPDX-License-Identifier: Apache-2.0 */
/*
 * processes.c - /api/v1/processes: the processes of a node, from the shard that owns it.
 *
 *	cluster= node=    required
 *	pid=              only this process
 *	after=            only ids above it: "next" of the page before
 *	files=1           with their open files
 *	threads=1         each thread, not each process
 *
 *	{"processes":[...],"next":N}    next: the following page's 'after'; absent: this is the last
 *
 * The shard answers after the batches that wait for it now. The connection is suspended meanwhile,
 * at most PS_WAIT_S. A request that gives up leaves its struct ps_wait to the shard: the one
 * that finishes second frees it.
 */
#include "collector/api/api_int.h"
#include "collector/shard/ps.h"
#include "common/clock.h"
#include <errno.h>
#include <stdlib.h>

enum wait { WAIT_SHARD, WAIT_OVER, WAIT_GIVEN_UP };

struct ps_wait {
	struct ps_ask ask; /* lent to the shard until WAIT_OVER */
	_Atomic int state; /* enum wait: left by one exchange, of the shard or of the door */
	struct request *request;
	uint64_t since; /* monotonic ns */
};

static void
wait_free(struct ps_wait *w)
{
	buf_fini(&w->ask.json);
	free(w);
}

/* Called by the shard, or by this thread if the shard did not take the op. */
static void
on_answer(void *arg)
{
	struct ps_wait *w = CONTAINER_OF((struct ps_ask *) arg, struct ps_wait, ask);
	int seen = WAIT_SHARD;

	if (atomic_compare_exchange_strong(&w->state, &seen, WAIT_OVER))
		request_ready(w->request);
	else
		wait_free(w);
}

void
processes_end(struct request *q)
{
	if (q->ps != NULL)
		wait_free(q->ps);
}

void
processes_give_up(struct door *d, uint64_t before)
{
	for (size_t i = 0; i < PS_MAX; i++) {
		struct request *q = d->waits[i];
		int seen = WAIT_SHARD;

		if (q == NULL || q->ps->since > before ||
		    !atomic_compare_exchange_strong(&q->ps->state, &seen, WAIT_GIVEN_UP))
			continue;
		q->ps = NULL; /* the shard frees it */
		request_ready(q);
	}
}

bool
processes_waiting(const struct door *d)
{
	for (size_t i = 0; i < PS_MAX; i++) {
		if (d->waits[i] != NULL)
			return true;
	}
	return false;
}

/* ---- the question ---- */

/* A number or a flag of the query: 0 if it is missing; -EINVAL. */
static int
number(struct request *q, const char *name, int64_t *ret)
{
	const char *text = MHD_lookup_connection_value(q->mhd, MHD_GET_ARGUMENT_KIND, name);
	char *end;

	*ret = 0;
	if (text == NULL)
		return 0;
	errno = 0;
	*ret = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *ret >= 0 ? 0 : -EINVAL;
}

static int
read_query(struct request *q, struct ps_ask *a)
{
	int64_t files, threads;

	if (number(q, "pid", &a->pid) < 0 || number(q, "after", &a->after) < 0 ||
	    number(q, "files", &files) < 0 || number(q, "threads", &threads) < 0)
		return -EINVAL;
	a->files = files != 0;
	a->threads = threads != 0;
	return 0;
}

static struct request **
free_wait(struct door *d)
{
	for (size_t i = 0; i < PS_MAX; i++) {
		if (d->waits[i] == NULL)
			return &d->waits[i];
	}
	return NULL;
}

static struct stream *
find_stream(struct request *q)
{
	const char *cluster = MHD_lookup_connection_value(q->mhd, MHD_GET_ARGUMENT_KIND, "cluster");
	const char *node = MHD_lookup_connection_value(q->mhd, MHD_GET_ARGUMENT_KIND, "node");

	return cluster == NULL || node == NULL
		   ? NULL
		   : streams_find(q->door->api->view.streams, cluster, node);
}

/* Ask the shard. The request is suspended first: the answer may come at once. */
static enum MHD_Result
ask_shard(struct request *q, struct ps_wait *w, struct stream *st, struct request **wait)
{
	struct shards *shards = q->door->api->view.shards;
	struct op *op = calloc(1, sizeof(*op));

	if (op == NULL) {
		stream_unref(st);
		wait_free(w);
		return MHD_NO;
	}
	*op = (struct op){ .type = OP_PS, .stream = st, .done = on_answer, .arg = &w->ask };
	w->request = q;
	w->since = clock_mono();
	q->ps = w;
	q->wait = wait;
	*wait = q;
	request_hold(q);
	if (shard_put(shards_of(shards, st), op) < 0) {
		op_free(op);
		q->ps = NULL;
		wait_free(w);
		request_ready(q);
	}
	return MHD_YES;
}

static enum MHD_Result
begin(struct request *q)
{
	struct request **wait = free_wait(q->door);
	struct ps_wait *w;
	struct stream *st;

	if (wait == NULL)
		return reply_error(q->mhd, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "too many lists of processes are under way: ask again in a second");
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return MHD_NO;
	st = find_stream(q);
	if (st == NULL || read_query(q, &w->ask) < 0) {
		bool known = st != NULL;

		stream_unref(st);
		wait_free(w);
		return known ? reply_error(q->mhd, MHD_HTTP_BAD_REQUEST,
				   "'pid', 'after', 'files' and 'threads' must be whole numbers")
			     : reply_error(q->mhd, MHD_HTTP_NOT_FOUND,
				   "no such node is known: 'cluster' and 'node' must say which");
	}
	return ask_shard(q, w, st, wait);
}

enum MHD_Result
answer_processes(struct request *q)
{
	struct buf b = BUF_INIT;

	if (!q->asked)
		return begin(q);
	if (q->ps == NULL)
		return reply_error(q->mhd, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "the thread that owns the node is busy: ask again in a second");
	if (!q->ps->ask.known)
		return reply_error(q->mhd, MHD_HTTP_CONFLICT,
		    "the collector has no state of this node: its sensor has not connected since "
		    "the collector started, or has been away for long");
	buf_char(&b, '{');
	buf_slice(&b, buf_get(&q->ps->ask.json));
	buf_str(&b, "}\n");
	if (buf_ok(&q->ps->ask.json) < 0)
		b.failed = true;
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}
