/* SPDX-License-Identifier: Apache-2.0 */
/* test_node_image.c - when an image of a node's state is taken. */
#include "collector/checkpoint/checkpoint.h"
#include "collector/shard/shard_nodes_int.h"
#include "tests/support/test.h"

#define EVERY  (10 * NS_PER_MS)
#define PUT_AT 7 /* the batch of the image */

static int written;
static char fake; /* a checkpoint and a writer that nobody looks into */

/* ---- stubs ---- */

int
state_image_new(struct state *s UNUSED, struct buf *out UNUSED, struct state_image **ret)
{
	*ret = (struct state_image *) (void *) &fake;
	return 0;
}

void
state_image_free(struct state_image *w UNUSED)
{
}

int
state_image_more(struct state_image *w UNUSED, size_t n UNUSED)
{
	return 1;
}

int
state_load_new(struct state *s UNUSED, struct slice image UNUSED, struct state_load **ret UNUSED)
{
	return -1;
}

void
state_load_free(struct state_load *l UNUSED)
{
}

int
state_load_more(struct state_load *l UNUSED, size_t n UNUSED, const char **why UNUSED)
{
	return 1;
}

bool
checkpoint_has_room(struct checkpoint *c UNUSED)
{
	return true;
}

int
checkpoint_put(struct checkpoint *c UNUSED, struct stream *st, struct buf *data)
{
	assert_int_equal(PUT_AT, st->evaluated);
	buf_fini(data);
	written++;
	return 0;
}

void
checkpoint_used(
    struct checkpoint *c UNUSED, const struct stream_id *id UNUSED, const char *why UNUSED)
{
}

void
stream_recount(struct stream *st UNUSED, bool counted UNUSED,
    const uint64_t delivered[EV_TYPE_MAX] UNUSED, const uint64_t seen_at[EV_TYPE_MAX] UNUSED)
{
}

void
coverage_keep(const struct stream *st UNUSED, struct coverage_kept *ret UNUSED)
{
}

void
node_loss_resume(struct node_loss *l UNUSED, struct shard_counters *counters UNUSED,
    struct stream *stream UNUSED, uint64_t log_drops UNUSED,
    const struct checkpoint_mark *mark UNUSED)
{
}

int
state_new(
    struct intern *pool UNUSED, const struct state_limits *limits UNUSED, struct state **ret UNUSED)
{
	return -1;
}

void
state_free(struct state *s UNUSED)
{
}

/* ---- */

static const struct {
	const char *what;
	size_t size;        /* of the last image; 0: none */
	uint64_t bytes;     /* of batches since */
	int64_t ago;        /* intervals since it was due, or minus those until it is */
	uint64_t image_seq; /* its batch */
	uint32_t snapshot;  /* wanted */
	bool taken;
} cases[] = {
	{ "the first", 0, 0, 0, 0, 0, true },
	{ "the first, before its time", 0, 0, -9999, 0, 0, false },
	{ "less than the file", 4000, 999, 0, 6, 0, false },
	{ "as much as the file", 4000, 1000, 0, 6, 0, true },
	{ "much, before its time", 4000, 1000000, -9999, 6, 0, false },
	{ "little, for long", 4000, 1, 30, 6, 0, false },
	{ "little, for 60 intervals", 4000, 1, 59, 6, 0, true },
	{ "nothing, for very long", 4000, 0, 100, PUT_AT, 0, false },
	{ "a snapshot is wanted", 4000, 1000, 0, 6, 3, false },
};

static void
test_due(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct shard_counters counters;
		static struct stream st;
		struct nodes n = { .counters = &counters };
		struct node p = { .stream = &st };

		st.evaluated = PUT_AT;
		st.snapshot_id = cases[i].snapshot;
		st.bytes = 5000 + cases[i].bytes;
		p.image_bytes = 5000;
		p.image_size = cases[i].size;
		p.image_seq = cases[i].image_seq;
		p.image_at = (uint64_t) ((int64_t) clock_mono() - cases[i].ago * (int64_t) EVERY);
		n.image.to = (struct checkpoint *) (void *) &fake;
		n.image.every = EVERY;
		n.head = &p;
		written = 0;
		assert_null(nodes_image(&n));
		if ((written == 1) != cases[i].taken)
			fail_msg("%s: %d images", cases[i].what, written);
		if (cases[i].taken)
			assert_int_equal(PUT_AT, p.image_seq);
		buf_fini(&n.image.data);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
