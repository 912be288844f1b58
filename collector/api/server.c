/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/api/api_int.h"
#include "common/log.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Load the configured pair; NULL: none is configured. */
static int
load_tls(const struct api_cfg *cfg, struct api_tls **ret, struct diag *d)
{
	*ret = NULL;
	if (!is_set(cfg->listen) || (!is_set(cfg->tls_cert) && !is_set(cfg->tls_key)))
		return 0;
	if (!is_set(cfg->tls_cert) || !is_set(cfg->tls_key))
		return diag_fail(d, 0, 0,
		    "http.tls.certificate and http.tls.key are set together or not at all");
	return api_tls_load(cfg->tls_cert, cfg->tls_key, ret, d);
}

int
api_check(const struct api_cfg *cfg, const char **key, struct diag *d)
{
	struct api_tls *tls = NULL;
	int r = 0;

	*key = "http.tls.certificate";
	r = load_tls(cfg, &tls, d);
	api_tls_free(tls);
	if (r == 0 && is_set(cfg->listen)) {
		*key = "http.listen";
		r = listen_check(cfg, d);
	}
	if (r == 0 && (is_set(cfg->listen) || is_set(cfg->socket))) {
		*key = "http.token_file";
		r = tokens_check(cfg->token_file, cfg->token_beside, d);
	}
	return r;
}

static int
open_door(struct api *a, struct door *door, int fd, struct api_tls *tls, struct diag *d)
{
	int r;

	if (fd < 0) {
		api_tls_free(tls);
		return fd;
	}
	door->api = a;
	a->ndoors++;
	r = door_start(door, fd, tls);
	if (r < 0)
		diag_set(d, 0, 0, "cannot start the API: %s", strerrordesc_np(-r));
	return r;
}

int
api_probe_tcp(const struct api_cfg *cfg, struct diag *d)
{
	bool local;
	int fd;

	if (!is_set(cfg->listen))
		return 0;
	fd = listen_tcp(cfg, &local, d);
	if (fd < 0)
		return fd == -EINVAL ? 0 : fd;
	(void) close(fd);
	return 0;
}

int
api_probe_unix(const struct api_cfg *cfg, struct diag *d)
{
	return is_set(cfg->socket) ? probe_unix(cfg->socket, d) : 0;
}

static int
open_tcp(struct api *a, struct diag *d)
{
	struct door *door = &a->doors[a->ndoors];
	struct api_tls *tls = NULL;
	int r = load_tls(&a->cfg, &tls, d);

	return r < 0 ? r : open_door(a, door, listen_tcp(&a->cfg, &door->local, d), tls, d);
}

static int
open_unix(struct api *a, struct diag *d)
{
	struct door *door = &a->doors[a->ndoors];

	door->path = a->cfg.socket;
	door->local = true;
	return open_door(a, door, listen_unix(door->path, d), NULL, d);
}

int
api_start(const struct api_cfg *cfg, const struct api_view *v, struct api **ret, struct diag *d)
{
	struct api *a = calloc(1, sizeof(*a));
	bool made = false;
	int r;

	if (a == NULL)
		return -ENOMEM;
	a->cfg = *cfg;
	a->view = *v;
	a->view.api = a;
	r = is_set(cfg->listen) || is_set(cfg->socket)
		? tokens_init(&a->tokens, cfg->token_file, &made, d)
		: 0;
	if (r == 0 && made)
		log_info("made a token for the API: %s", cfg->token_file);
	if (r == 0 && is_set(cfg->listen))
		r = open_tcp(a, d);
	if (r == 0 && is_set(cfg->socket))
		r = open_unix(a, d);
	if (r < 0) {
		api_stop(a);
		return r;
	}
	*ret = a;
	return 0;
}

void
api_stop(struct api *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->ndoors; i++)
		door_stop(&a->doors[i]);
	tokens_fini(&a->tokens);
	free(a);
}

int
api_reload_tokens(struct api *a, struct diag *d)
{
	return a->ndoors == 0 ? 0 : tokens_read(&a->tokens, a->cfg.token_file, d);
}

int
api_reload_tls(struct api *a, struct diag *d)
{
	struct api_tls *tls = NULL;
	int r = load_tls(&a->cfg, &tls, d);

	if (r == 0 && tls != NULL)
		door_renew(&a->doors[0], tls);
	return r;
}
