/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/surface.h"
#include <errno.h>
#include <nng/nng.h>
#include <nng/supplemental/http/http.h>
#include <stdlib.h>

struct surface {
	nng_http_server *server;
	struct surface_view view;
};

static void
reply(nng_aio *aio, uint16_t status, const char *type, struct buf *body)
{
	nng_http_res *res = NULL;
	int rv = nng_http_res_alloc(&res);

	if (rv == 0 && buf_ok(body) < 0) {
		status = NNG_HTTP_STATUS_INTERNAL_SERVER_ERROR;
		buf_clear(body);
	}
	if (rv == 0)
		rv = nng_http_res_set_status(res, status);
	if (rv == 0)
		rv = nng_http_res_set_header(res, "Content-Type", type);
	if (rv == 0)
		rv = nng_http_res_copy_data(res, body->p == NULL ? "" : body->p, body->n);
	if (rv == 0)
		nng_aio_set_output(aio, 0, res);
	else if (res != NULL)
		nng_http_res_free(res);
	nng_aio_finish(aio, rv);
	buf_fini(body);
}

static const struct surface_view *
view_of(nng_aio *aio)
{
	nng_http_handler *h = nng_aio_get_input(aio, 1);
	const struct surface *s = nng_http_handler_get_data(h);

	return &s->view;
}

static void
on_healthz(nng_aio *aio)
{
	struct buf b = BUF_INIT;

	buf_str(&b, "ok\n");
	reply(aio, NNG_HTTP_STATUS_OK, "text/plain", &b);
}

static void
on_readyz(nng_aio *aio)
{
	const char *why = surface_ready(view_of(aio));
	struct buf b = BUF_INIT;

	buf_printf(&b, "%s\n", why == NULL ? "ok" : why);
	reply(aio, why == NULL ? NNG_HTTP_STATUS_OK : NNG_HTTP_STATUS_SERVICE_UNAVAILABLE,
	    "text/plain", &b);
}

static void
on_metrics(nng_aio *aio)
{
	struct buf b = BUF_INIT;

	metrics_print(view_of(aio), &b);
	reply(aio, NNG_HTTP_STATUS_OK, "text/plain; version=0.0.4", &b);
}

static void
on_status(nng_aio *aio)
{
	struct buf b = BUF_INIT;

	api_status(view_of(aio), &b);
	reply(aio, NNG_HTTP_STATUS_OK, "application/json", &b);
}

static void
on_rules(nng_aio *aio)
{
	struct buf b = BUF_INIT;

	api_rules(view_of(aio), &b);
	reply(aio, NNG_HTTP_STATUS_OK, "application/json", &b);
}

static void
on_alerts(nng_aio *aio)
{
	const char *uri = nng_http_req_get_uri(nng_aio_get_input(aio, 0));
	const char *query = strchr(uri, '?');
	struct diag d = { 0 };
	struct buf b = BUF_INIT;
	int r = api_alerts(view_of(aio), query == NULL ? "" : query + 1, &b, &d);

	if (r == -EINVAL) {
		buf_clear(&b);
		buf_str(&b, "{\"error\":");
		buf_json(&b, slice_str(d.msg));
		buf_str(&b, "}\n");
		reply(aio, NNG_HTTP_STATUS_BAD_REQUEST, "application/json", &b);
		return;
	}
	if (r < 0)
		b.failed = true;
	reply(aio, NNG_HTTP_STATUS_OK, "application/json", &b);
}

struct http_ask {
	struct reload_ask ask;
	nng_aio *aio;
};

static void
on_reloaded(struct reload_ask *a, int r, struct slice json)
{
	struct http_ask *h = CONTAINER_OF(a, struct http_ask, ask);
	struct buf b = BUF_INIT;

	buf_slice(&b, json);
	reply(h->aio,
	    r == 0         ? NNG_HTTP_STATUS_OK
	    : r == -EINVAL ? NNG_HTTP_STATUS_UNPROCESSABLE_ENTITY
			   : NNG_HTTP_STATUS_SERVICE_UNAVAILABLE,
	    "application/json", &b);
	free(h);
}

static void
on_reload(nng_aio *aio)
{
	struct http_ask *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		nng_aio_finish(aio, NNG_ENOMEM);
		return;
	}
	h->aio = aio;
	h->ask.done = on_reloaded;
	reload_ask(view_of(aio)->reload, &h->ask);
}

static const struct {
	const char *path;
	void (*fn)(nng_aio *);
	const char *method;
} routes[] = {
	{ "/healthz", on_healthz, "GET" },
	{ "/readyz", on_readyz, "GET" },
	{ "/metrics", on_metrics, "GET" },
	{ "/api/v1/status", on_status, "GET" },
	{ "/api/v1/rules", on_rules, "GET" },
	{ "/api/v1/rules/reload", on_reload, "POST" },
	{ "/api/v1/alerts", on_alerts, "GET" },
};

static int
add_routes(struct surface *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		nng_http_handler *h = NULL;
		int rv = nng_http_handler_alloc(&h, routes[i].path, routes[i].fn);

		if (rv == 0)
			rv = nng_http_handler_set_data(h, s, NULL);
		if (rv == 0)
			rv = nng_http_handler_set_method(h, routes[i].method);
		if (rv == 0)
			rv = nng_http_server_add_handler(s->server, h);
		if (rv != 0) {
			if (h != NULL)
				nng_http_handler_free(h);
			return rv;
		}
	}
	return 0;
}

int
surface_start(
    const char *listen, const struct surface_view *v, struct surface **ret, struct diag *d)
{
	struct surface *s = calloc(1, sizeof(*s));
	nng_url *url = NULL;
	char text[300];
	int rv;

	if (s == NULL)
		return -ENOMEM;
	s->view = *v;
	(void) snprintf(text, sizeof(text), "http://%s", listen);
	rv = nng_url_parse(&url, text);
	if (rv == 0)
		rv = nng_http_server_hold(&s->server, url);
	if (rv == 0)
		rv = add_routes(s);
	if (rv == 0)
		rv = nng_http_server_start(s->server);
	if (url != NULL)
		nng_url_free(url);
	if (rv != 0) {
		if (s->server != NULL)
			nng_http_server_release(s->server);
		free(s);
		return diag_fail(d, 0, 0,
		    "cannot listen on http.listen %s: %s; choose another address or stop what uses "
		    "it",
		    listen, nng_strerror(rv));
	}
	*ret = s;
	return 0;
}

void
surface_stop(struct surface *s)
{
	if (s == NULL)
		return;
	nng_http_server_stop(s->server);
	nng_http_server_release(s->server);
	free(s);
}
