/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_silences.c - /api/v1/silences: alerts that outputs for people leave out for a while.
 *
 *	silences        [{"number","rule","node","cluster","condition","created","until","count",
 *	                "why","who","in_force"}], with those that ended within a day
 *	silences/add    POST; rule=, node=, cluster=, condition=: at least one; seconds=, why=:
 *	                {"number"}
 *	silences/end    POST, number=
 */
#include "collector/api/api_int.h"
#include <errno.h>

enum MHD_Result
answer_silences(struct request *q)
{
	struct buf b = BUF_INIT;

	silences_json(q->door->api->view.silences, &b);
	buf_char(&b, '\n');
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}

/* A change that could not be made; 'd' says why if r is -EINVAL. */
static enum MHD_Result
not_done(struct request *q, int r, const struct diag *d)
{
	char why[256];

	if (r == -ENOMEM)
		return MHD_NO;
	if (r == -EINVAL)
		return request_refuse(q, MHD_HTTP_BAD_REQUEST, d->msg);
	if (r == -ENOENT)
		return request_refuse(
		    q, MHD_HTTP_NOT_FOUND, "no silence with this number is in force");
	if (r == -ENOSPC)
		return request_refuse(q, MHD_HTTP_CONFLICT,
		    "256 silences are in force, the limit, or the disk is full: end one");
	(void) snprintf(
	    why, sizeof(why), "the file of silences cannot be written: %s", strerrordesc_np(-r));
	return request_refuse(q, MHD_HTTP_INTERNAL_SERVER_ERROR, why);
}

enum MHD_Result
answer_silence_add(struct request *q)
{
	CLEANUP(buf_fini) struct buf who = BUF_INIT;
	struct silence_spec spec = {
		.rule = request_argument(q, "rule"),
		.node = request_argument(q, "node"),
		.cluster = request_argument(q, "cluster"),
		.condition = request_argument(q, "condition"),
		.why = request_argument(q, "why"),
	};
	struct buf b = BUF_INIT;
	struct diag d = { 0 };
	uint64_t number = 0;
	int r;

	if (request_number(q, "seconds", 0, &spec.seconds) < 0)
		return request_refuse(
		    q, MHD_HTTP_BAD_REQUEST, "'seconds' must be a whole number of seconds");
	audit_who(q, &who);
	spec.who = who.p;
	r = buf_ok(&who) < 0 ? -ENOMEM
			     : silences_add(q->door->api->view.silences, &spec, &number, &d);
	if (r < 0)
		return not_done(q, r, &d);
	audit(q, MHD_HTTP_OK);
	buf_printf(&b, "{\"number\":%lu}\n", (unsigned long) number);
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}

enum MHD_Result
answer_silence_end(struct request *q)
{
	struct buf b = BUF_INIT;
	uint64_t number;
	int r;

	if (request_number(q, "number", 0, &number) < 0)
		return request_refuse(
		    q, MHD_HTTP_BAD_REQUEST, "'number' must be that of a silence");
	r = silences_end(q->door->api->view.silences, number);
	if (r < 0)
		return not_done(q, r, NULL);
	audit(q, MHD_HTTP_OK);
	buf_str(&b, "{}\n");
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}
