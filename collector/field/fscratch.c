/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/fscratch.h"
#include <errno.h>
#include <stdlib.h>

/*
 * Blocks in a chain, filled in turn and reused after a reset, so that after the first events
 * nothing is allocated. Texts are made in buffers that do not move while in use: a few, each for
 * one maker at a time (for example a path within a list of parameters).
 */
enum { SCRATCH_BLOCK = 16384, SCRATCH_KEEP = 16, SCRATCH_BUFS = 4 };

struct block {
	struct block *next;
	size_t size;
	_Alignas(16) char data[];
};

struct fscratch {
	struct block *first, *now;
	size_t used; /* of the current block */
	struct buf buf[SCRATCH_BUFS];
	unsigned taken;
	bool failed;
	uint64_t count; /* of scratch_count() */
};

int
fscratch_new(struct fscratch **ret)
{
	struct fscratch *fs = calloc(1, sizeof(*fs));

	if (fs == NULL)
		return -ENOMEM;
	*ret = fs;
	return 0;
}

void
fscratch_free(struct fscratch *fs)
{
	struct block *b, *next;

	if (fs == NULL)
		return;
	for (b = fs->first; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	for (unsigned i = 0; i < SCRATCH_BUFS; i++)
		buf_fini(&fs->buf[i]);
	free(fs);
}

void
fscratch_reset(struct fscratch *fs)
{
	fs->now = fs->first;
	fs->used = 0;
	fs->taken = 0;
	fs->failed = false;
}

bool
fscratch_failed(const struct fscratch *fs)
{
	return fs->failed;
}

void *
fscratch_alloc(struct fscratch *fs, size_t n)
{
	struct block *b = fs->now, **at;
	char *p;

	n = (n + 15) & ~(size_t) 15;
	while (b != NULL && b->size - fs->used < n) {
		if (b->next == NULL)
			break;
		b = fs->now = b->next;
		fs->used = 0;
	}
	if (b == NULL || b->size - fs->used < n) {
		at = b == NULL ? &fs->first : &b->next;
		b = malloc(sizeof(*b) + MAX(n, (size_t) SCRATCH_BLOCK));
		if (b == NULL) {
			fs->failed = true;
			return NULL;
		}
		b->next = NULL;
		b->size = MAX(n, (size_t) SCRATCH_BLOCK);
		*at = fs->now = b;
		fs->used = 0;
	}
	p = b->data + fs->used;
	fs->used += n;
	return p;
}

struct buf *
scratch_buf(struct fscratch *fs)
{
	struct buf *b = &fs->buf[fs->taken < SCRATCH_BUFS ? fs->taken++ : SCRATCH_BUFS - 1];

	buf_clear(b);
	return b;
}

struct slice
scratch_take(struct fscratch *fs, struct buf *b)
{
	char *p = buf_ok(b) < 0 ? NULL : fscratch_alloc(fs, b->n + 1);

	fs->failed = fs->failed || p == NULL;
	fs->taken = (unsigned) (b - fs->buf);
	if (p == NULL)
		return (struct slice){ NULL, 0 };
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	p[b->n] = '\0';
	return (struct slice){ p, b->n };
}

uint64_t
scratch_count(struct fscratch *fs)
{
	return ++fs->count;
}

struct slice
scratch_join(struct fscratch *fs, struct slice list)
{
	size_t n = list.n > 0 && list.p[list.n - 1] == '\0' ? list.n - 1 : list.n;
	char *p = fscratch_alloc(fs, n + 1);

	if (p == NULL)
		return (struct slice){ NULL, 0 };
	for (size_t i = 0; i < n; i++)
		p[i] = list.p[i] == '\0' ? ' ' : list.p[i];
	p[n] = '\0';
	return (struct slice){ p, n };
}
