/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/httpd.h"
#include "tests/support/test.h"
#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 4096

struct seen {
	char *body;
	size_t n;
	char type[64], secret[64], encoding[64];
};

struct httpd {
	struct MHD_Daemon *daemon;
	char url[64];
	pthread_mutex_t lock; /* guards: */
	struct seen seen[MOST];
	size_t n, connections;
	const struct httpd_answer *script;
	size_t nscript;
};

static void
keep_header(struct MHD_Connection *c, const char *name, char ret[64])
{
	const char *v = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);

	(void) snprintf(ret, 64, "%s", v == NULL ? "" : v);
}

static enum MHD_Result
answer(struct httpd *h, struct MHD_Connection *c)
{
	struct httpd_answer a = { 200, NULL, NULL };
	struct MHD_Response *r;
	enum MHD_Result ret;

	pthread_mutex_lock(&h->lock);
	if (h->nscript > 0) {
		a = *h->script++;
		h->nscript--;
	}
	pthread_mutex_unlock(&h->lock);
	r = MHD_create_response_from_buffer(
	    a.body == NULL ? 0 : strlen(a.body), (void *) a.body, MHD_RESPMEM_PERSISTENT);
	if (a.retry_after != NULL)
		(void) MHD_add_response_header(r, "Retry-After", a.retry_after);
	ret = MHD_queue_response(c, a.status, r);
	MHD_destroy_response(r);
	return ret;
}

/* Called for the headers, for each piece of the body, and at its end. */
static enum MHD_Result
on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *data, size_t *n, void **own)
{
	struct httpd *h = arg;
	struct seen *s = *own;

	(void) url;
	(void) method;
	(void) version;
	if (s == NULL) {
		s = calloc(1, sizeof(*s));
		keep_header(c, "Content-Type", s->type);
		keep_header(c, "X-Secret", s->secret);
		keep_header(c, "Content-Encoding", s->encoding);
		*own = s;
		return MHD_YES;
	}
	s->body = realloc(s->body, s->n + *n + 1);
	if (*n > 0)
		memcpy(s->body + s->n, data, *n);
	s->n += *n;
	s->body[s->n] = '\0';
	if (*n > 0) {
		*n = 0;
		return MHD_YES;
	}
	pthread_mutex_lock(&h->lock);
	if (h->n < MOST)
		h->seen[h->n++] = *s;
	pthread_mutex_unlock(&h->lock);
	free(s);
	*own = NULL;
	return answer(h, c);
}

static void
on_connection(
    void *arg, struct MHD_Connection *c, void **own, enum MHD_ConnectionNotificationCode code)
{
	struct httpd *h = arg;

	(void) c;
	(void) own;
	pthread_mutex_lock(&h->lock);
	h->connections += code == MHD_CONNECTION_NOTIFY_STARTED;
	pthread_mutex_unlock(&h->lock);
}

struct httpd *
httpd_start(void)
{
	struct httpd *h = calloc(1, sizeof(*h));
	struct sockaddr_in a = { .sin_family = AF_INET };

	assert_non_null(h);
	pthread_mutex_init(&h->lock, NULL);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	h->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_request, h,
	    MHD_OPTION_SOCK_ADDR, &a, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
	    MHD_OPTION_END);
	assert_non_null(h->daemon);
	(void) snprintf(h->url, sizeof(h->url), "http://127.0.0.1:%u/hook",
	    MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	return h;
}

void
httpd_stop(struct httpd *h)
{
	MHD_stop_daemon(h->daemon);
	for (size_t i = 0; i < h->n; i++)
		free(h->seen[i].body);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

const char *
httpd_url(const struct httpd *h)
{
	return h->url;
}

void
httpd_script(struct httpd *h, const struct httpd_answer *v, size_t n)
{
	pthread_mutex_lock(&h->lock);
	h->script = v;
	h->nscript = n;
	pthread_mutex_unlock(&h->lock);
}

static size_t
get(struct httpd *h, const size_t *what)
{
	size_t n;

	pthread_mutex_lock(&h->lock);
	n = *what;
	pthread_mutex_unlock(&h->lock);
	return n;
}

size_t
httpd_count(struct httpd *h)
{
	return get(h, &h->n);
}

size_t
httpd_connections(struct httpd *h)
{
	return get(h, &h->connections);
}

const char *
httpd_body(struct httpd *h, size_t i)
{
	assert_true(i < httpd_count(h));
	return h->seen[i].body;
}

const char *
httpd_header(struct httpd *h, size_t i, const char *name)
{
	assert_true(i < httpd_count(h));
	if (strcmp(name, "Content-Encoding") == 0)
		return h->seen[i].encoding;
	return strcmp(name, "X-Secret") == 0 ? h->seen[i].secret : h->seen[i].type;
}
