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
 * at most PS_WAIT_S.
 */
#include "collector/api/api_int.h"
#include "collector/shard/ps.h"
#include "common/clock.h"
#include <errno.h>
#include <stdlib.h>

struct ps_wait {
	struct api_wait wait;
	struct ps_ask ask;
};

static void
wait_free(struct api_wait *wait)
{
	struct ps_wait *w = CONTAINER_OF(wait, struct ps_wait, wait);

	buf_fini(&w->ask.json);
	free(w);
}

/* Called by the shard, or by this thread if the shard did not take the op. */
static void
on_answer(void *arg)
{
	wait_over(&CONTAINER_OF((struct ps_ask *) arg, struct ps_wait, ask)->wait);
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
ask_shard(struct request *q, struct ps_wait *w, struct stream *st)
{
	struct shards *shards = q->door->api->view.shards;
	struct op *op = calloc(1, sizeof(*op));

	if (op == NULL || !request_wait(q, &w->wait, PS_WAIT_S)) {
		stream_unref(st);
		wait_free(&w->wait);
		free(op);
		return op == NULL ? MHD_NO
				  : reply_error(q->mhd, MHD_HTTP_SERVICE_UNAVAILABLE,
					"too many lists of processes are under way: ask again in a "
					"second");
	}
	*op = (struct op){ .type = OP_PS, .stream = st, .done = on_answer, .arg = &w->ask };
	if (shard_put(shards_of(shards, st), op) < 0) {
		op_free(op);
		q->held = NULL;
		wait_free(&w->wait);
		request_ready(q);
	}
	return MHD_YES;
}

static enum MHD_Result
begin(struct request *q)
{
	struct ps_wait *w = calloc(1, sizeof(*w));
	struct stream *st;

	if (w == NULL)
		return MHD_NO;
	w->wait.free = wait_free;
	st = find_stream(q);
	if (st == NULL || read_query(q, &w->ask) < 0) {
		bool known = st != NULL;

		stream_unref(st);
		wait_free(&w->wait);
		return known ? reply_error(q->mhd, MHD_HTTP_BAD_REQUEST,
				   "'pid', 'after', 'files' and 'threads' must be whole numbers")
			     : reply_error(q->mhd, MHD_HTTP_NOT_FOUND,
				   "no such node is known: 'cluster' and 'node' must say which");
	}
	return ask_shard(q, w, st);
}

enum MHD_Result
answer_processes(struct request *q)
{
	struct ps_wait *w = CONTAINER_OF(q->held, struct ps_wait, wait);
	struct buf b = BUF_INIT;

	if (!q->asked)
		return begin(q);
	if (q->held == NULL)
		return reply_error(q->mhd, MHD_HTTP_SERVICE_UNAVAILABLE,
		    "the thread that owns the node is busy: ask again in a second");
	if (!w->ask.known)
		return reply_error(q->mhd, MHD_HTTP_CONFLICT,
		    "the collector has no state of this node: its sensor has not connected since "
		    "the collector started, or has been away for long");
	buf_char(&b, '{');
	buf_slice(&b, buf_get(&w->ask.json));
	buf_str(&b, "}\n");
	if (buf_ok(&w->ask.json) < 0)
		b.failed = true;
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}
