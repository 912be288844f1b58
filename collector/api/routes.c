/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes.c - dispatch requests. libmicrohttpd calls on_request() once with the headers, once per
 * piece of a body, and once when the request is complete; the last call answers.
 */
#include "collector/api/api_int.h"
#include "common/clock.h"
#include <errno.h>
#include <stdlib.h>

static const struct api_view *
view_of(const struct request *q)
{
	return &q->door->api->view;
}

static enum MHD_Result
on_healthz(struct request *q)
{
	struct buf b = BUF_INIT;

	buf_str(&b, "ok\n");
	return reply(q->mhd, MHD_HTTP_OK, "text/plain", &b);
}

static enum MHD_Result
on_readyz(struct request *q)
{
	const char *why = api_ready(view_of(q));
	struct buf b = BUF_INIT;

	buf_printf(&b, "%s\n", why == NULL ? "ok" : why);
	return reply(
	    q->mhd, why == NULL ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain", &b);
}

static enum MHD_Result
on_metrics(struct request *q)
{
	struct buf b = BUF_INIT;

	api_metrics(view_of(q), &b);
	return reply(q->mhd, MHD_HTTP_OK, "text/plain; version=0.0.4", &b);
}

static enum MHD_Result
on_status(struct request *q)
{
	struct buf b = BUF_INIT;

	api_status(view_of(q), &b);
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}

static enum MHD_Result
on_rules(struct request *q)
{
	struct buf b = BUF_INIT;

	api_rules(view_of(q), &b);
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}

/* ---- reload: the main thread does it while the connection is suspended ---- */

static void
on_reloaded(struct reload_ask *a, int r, struct slice json)
{
	struct request *q = CONTAINER_OF(a, struct request, ask);

	q->status = r == 0         ? MHD_HTTP_OK
		    : r == -EINVAL ? MHD_HTTP_UNPROCESSABLE_CONTENT
				   : MHD_HTTP_SERVICE_UNAVAILABLE;
	buf_slice(&q->said, json);
	request_ready(q);
}

static enum MHD_Result
reload(struct request *q, bool outputs)
{
	if (!q->asked) {
		q->ask.done = on_reloaded;
		q->ask.outputs = outputs;
		request_hold(q);
		reload_ask(view_of(q)->reload, &q->ask);
		return MHD_YES;
	}
	audit(q, q->status);
	return reply(q->mhd, q->status, "application/json", &q->said);
}

static enum MHD_Result
on_reload_rules(struct request *q)
{
	return reload(q, false);
}

static enum MHD_Result
on_reload_outputs(struct request *q)
{
	return reload(q, true);
}

/* ---- forget a node ---- */

/* HTTP's status; if not 200, *why. */
static unsigned
forget(struct request *q, const char **why)
{
	const struct api_view *v = view_of(q);
	const char *cluster = MHD_lookup_connection_value(q->mhd, MHD_GET_ARGUMENT_KIND, "cluster");
	const char *node = MHD_lookup_connection_value(q->mhd, MHD_GET_ARGUMENT_KIND, "node");
	struct stream_id id = { 0 };
	int r;

	*why = "'cluster' and 'node' must say which node";
	if (cluster == NULL || node == NULL || strlen(cluster) >= sizeof(id.cluster) ||
	    strlen(node) >= sizeof(id.node))
		return MHD_HTTP_BAD_REQUEST;
	(void) snprintf(id.cluster, sizeof(id.cluster), "%s", cluster);
	(void) snprintf(id.node, sizeof(id.node), "%s", node);
	r = streams_forget(v->streams, cluster, node);
	*why = "no such node is known";
	if (r == -ENOENT)
		return MHD_HTTP_NOT_FOUND;
	*why = "its sensor is connected: stop the sensor first";
	if (r == -EBUSY)
		return MHD_HTTP_CONFLICT;
	*why =
	    "the outbox could not be updated: the node comes back into the list with the "
	    "collector's next start";
	return outbox_node_forget(v->outbox, &id) < 0 ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK;
}

static enum MHD_Result
on_forget(struct request *q)
{
	const char *why = NULL;
	unsigned status = forget(q, &why);
	struct buf b = BUF_INIT;

	audit(q, status);
	if (status != MHD_HTTP_OK)
		return reply_error(q->mhd, status, why);
	buf_str(&b, "{}\n");
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}

/* ---- coverage ---- */

static enum MHD_Result
on_coverage(struct request *q)
{
	static const char *const keys[] = { "rule", "event", "node", "cluster", "since" };
	const char *v[ARRAY_SIZE(keys)];
	struct buf b = BUF_INIT;
	uint64_t since = 0;
	char *end = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		v[i] = MHD_lookup_connection_value(q->mhd, MHD_GET_ARGUMENT_KIND, keys[i]);
	if ((v[0] == NULL) == (v[1] == NULL))
		return reply_error(
		    q->mhd, MHD_HTTP_BAD_REQUEST, "one of 'rule' and 'event' must be given");
	if (v[4] != NULL && v[4][0] >= '0' && v[4][0] <= '9')
		since = strtoull(v[4], &end, 10);
	if (end == NULL || *end != '\0')
		return reply_error(q->mhd, MHD_HTTP_BAD_REQUEST,
		    "'since' must be a time in nanoseconds since 1970");
	if (api_coverage(view_of(q), v[0], v[1], v[2], v[3], since, &b) < 0) {
		buf_fini(&b);
		return MHD_NO;
	}
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}

static enum MHD_Result
on_accounts(struct request *q)
{
	struct buf b = BUF_INIT;

	api_accounts(view_of(q), MHD_lookup_connection_value(q->mhd, MHD_GET_ARGUMENT_KIND, "node"),
	    MHD_lookup_connection_value(q->mhd, MHD_GET_ARGUMENT_KIND, "cluster"), &b);
	return reply(q->mhd, MHD_HTTP_OK, "application/json", &b);
}

/* ---- dispatch ---- */

static const struct route routes[] = {
	{ "/healthz", on_healthz, "GET", ACCESS_ANY },
	{ "/readyz", on_readyz, "GET", ACCESS_LOCAL },
	{ "/metrics", on_metrics, "GET", ACCESS_LOCAL },
	{ "/api/v1/status", on_status, "GET", ACCESS_LOCAL },
	{ "/api/v1/accounts", on_accounts, "GET", ACCESS_LOCAL },
	{ "/api/v1/rules", on_rules, "GET", ACCESS_READ },
	{ "/api/v1/rules/reload", on_reload_rules, "POST", ACCESS_OPERATE },
	{ "/api/v1/nodes/forget", on_forget, "POST", ACCESS_OPERATE },
	{ "/api/v1/processes", answer_processes, "GET", ACCESS_READ },
	{ "/api/v1/coverage", on_coverage, "GET", ACCESS_READ },
	{ "/api/v1/alerts", answer_alerts, "GET", ACCESS_READ },
	{ "/api/v1/outputs", answer_outputs, "GET", ACCESS_READ },
	{ "/api/v1/outputs/test", answer_test, "POST", ACCESS_OPERATE },
	{ "/api/v1/outputs/reload", on_reload_outputs, "POST", ACCESS_OPERATE },
	{ "/api/v1/outputs/retry", answer_retry, "POST", ACCESS_OPERATE },
	{ "/api/v1/outputs/dead-letters", answer_letters, "GET", ACCESS_READ },
	{ "/api/v1/silences", answer_silences, "GET", ACCESS_READ },
	{ "/api/v1/silences/add", answer_silence_add, "POST", ACCESS_OPERATE },
	{ "/api/v1/silences/end", answer_silence_end, "POST", ACCESS_OPERATE },
};

static const struct route *
find_route(const char *url)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (strcmp(routes[i].path, url) == 0)
			return &routes[i];
	}
	return NULL;
}

/* The headers have arrived: refuse now, before the body comes. */
static enum MHD_Result
begin(struct request *q, const char *url, const char *method)
{
	const char *size =
	    MHD_lookup_connection_value(q->mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	const char *why = NULL;
	unsigned status;

	q->route = find_route(url);
	if (q->route == NULL)
		return reply_error(q->mhd, MHD_HTTP_NOT_FOUND, "no such resource");
	if (strcmp(method, q->route->method) != 0 &&
	    (strcmp(method, "HEAD") != 0 || strcmp(q->route->method, "GET") != 0))
		return reply_error(q->mhd, MHD_HTTP_METHOD_NOT_ALLOWED,
		    q->route->method[0] == 'G' ? "this path takes only GET"
					       : "this path takes only POST");
	status = access_refused(q, q->route->access, url, &why);
	if (status != 0)
		return reply_error(q->mhd, status, why);
	q->change = q->route->access == ACCESS_OPERATE;
	if (size != NULL && strtoull(size, NULL, 10) > BODY_MAX)
		return reply_error(
		    q->mhd, MHD_HTTP_CONTENT_TOO_LARGE, "the request's body is too large");
	return MHD_YES;
}

enum MHD_Result
on_request(void *cls, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *upload, size_t *upload_size, void **req)
{
	struct door *d = cls;
	struct request *q = *req;

	(void) version;
	(void) upload;
	if (q == NULL) {
		q = calloc(1, sizeof(*q));
		if (q == NULL)
			return MHD_NO;
		*req = q;
		q->door = d;
		q->mhd = c;
		q->conn =
		    MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
		if (q->conn != NULL) {
			q->conn->answering = true;
			q->conn->since = clock_mono();
		}
		counter_add(&d->requests, 1);
		return begin(q, url, method);
	}
	q->body += *upload_size;
	if (*upload_size > 0) {
		*upload_size = 0;
		return q->body > BODY_MAX ? MHD_NO : MHD_YES;
	}
	return q->route->fn(q);
}

void
on_completed(void *cls, struct MHD_Connection *c, void **req, enum MHD_RequestTerminationCode why)
{
	struct request *q = *req;

	(void) cls;
	(void) c;
	(void) why;
	if (q == NULL)
		return;
	audit(q, q->status);
	if (q->conn != NULL) {
		q->conn->answering = false;
		q->conn->since = clock_mono();
	}
	wait_end(q);
	buf_fini(&q->said);
	free(q);
	*req = NULL;
}
