/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/api/api_int.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int
open_door(struct api *a, const char *path, int fd, struct diag *d)
{
	struct door *door = &a->doors[a->ndoors];
	int r;

	if (fd < 0)
		return fd;
	door->api = a;
	door->path = path;
	a->ndoors++;
	r = door_start(door, fd);
	if (r < 0)
		diag_set(d, 0, 0, "cannot start the API: %s", strerrordesc_np(-r));
	return r;
}

static bool
is_set(const char *s)
{
	return s != NULL && s[0] != '\0';
}

int
api_probe(const struct api_cfg *cfg, struct diag *d)
{
	int fd;

	if (is_set(cfg->listen)) {
		fd = listen_tcp(cfg->listen, d);
		if (fd < 0)
			return fd;
		(void) close(fd);
	}
	return is_set(cfg->socket) ? probe_unix(cfg->socket, d) : 0;
}

int
api_start(const struct api_cfg *cfg, const struct api_view *v, struct api **ret, struct diag *d)
{
	struct api *a = calloc(1, sizeof(*a));
	int r = 0;

	if (a == NULL)
		return -ENOMEM;
	a->cfg = *cfg;
	a->view = *v;
	a->view.api = a;
	if (is_set(cfg->listen))
		r = open_door(a, NULL, listen_tcp(cfg->listen, d), d);
	if (r == 0 && is_set(cfg->socket))
		r = open_door(a, cfg->socket, listen_unix(cfg->socket, d), d);
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
	free(a);
}

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
	}
}
