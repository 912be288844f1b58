/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_checkpoint.c - any bytes as the image of a node's state: refused with a reason, or a state
 * whose own image loads again, with as many threads and descriptors. */
#include "collector/state/image.h"
#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct state_limits limits = { 64, 64, 0, 1000 };

static struct state *
load(struct intern *pool, struct slice image, int *r)
{
	struct state *s = NULL;
	struct state_load *l = NULL;
	const char *why = NULL;

	if (state_new(pool, &limits, &s) < 0 || state_load_new(s, image, &l) < 0)
		abort();
	while ((*r = state_load_more(l, 3, &why)) == 0)
		intern_tick(pool);
	state_load_free(l);
	if (*r < 0 && (*r != -EBADMSG || why == NULL))
		abort();
	return s;
}

static void
write_image(struct state *s, struct buf *out)
{
	struct state_image *w = NULL;
	int r;

	if (state_image_new(s, out, &w) < 0)
		abort();
	while ((r = state_image_more(w, 3)) == 0)
		;
	if (r < 0)
		abort();
	state_image_free(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state_stats a, b;
	struct buf image = BUF_INIT;
	struct intern *pool = NULL;
	struct state *s, *again;
	int r;

	if (intern_new(1 << 20, &pool) < 0)
		abort();
	s = load(pool, (struct slice){ (const char *) data, size }, &r);
	if (r > 0) {
		write_image(s, &image);
		state_stats(s, &a);
		again = load(pool, buf_get(&image), &r);
		state_stats(again, &b);
		if (r < 0 || a.threads != b.threads || a.fds != b.fds)
			abort();
		state_free(again);
	}
	state_free(s);
	buf_fini(&image);
	intern_free(pool);
	return 0;
}
