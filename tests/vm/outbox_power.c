/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox_power.c - an outbox that loses its power.
 *
 *   outbox_power write PATH     put alerts into it for ever, and print "committed N" for each
 *   outbox_power check PATH N   open it: are all alerts up to at least the N-th there?
 */
#include "collector/outbox/outbox.h"
#include <inttypes.h>
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 8

static const struct stream_id stream = { "c", "n", "b", 1 };
static sem_t room;

static void
committed(struct outbox_txn *t, int r)
{
	if (r == 0)
		printf("committed %" PRIu64 "\n", t->seq);
	free(t);
	(void) sem_post(&room);
}

static int
put(struct outbox *o, uint64_t n)
{
	struct outbox_txn *t = calloc(1, sizeof(*t));
	struct alert a = { .priority = PRIO_ERROR, .time = n, .rule = "r", .json_len = 2000 };
	char json[2001];
	int r;

	if (t == NULL)
		return -1;
	memset(json, 'x', 2000);
	json[2000] = '\0';
	a.cluster = "c";
	a.node = "n";
	a.json = json;
	(void) snprintf(a.id, sizeof(a.id), "%08x-0000-8000-8000-000000000000", (unsigned) n);
	*t = (struct outbox_txn){ &stream, n, NULL, committed, NULL, 0 };
	r = alert_new(&a, &t->alerts);
	if (r == 0)
		r = outbox_put(o, t);
	if (r < 0)
		free(t);
	return r;
}

/* Count rows, as long as none is missing. */
static bool
count(void *arg, const struct outbox_row *row)
{
	uint64_t *n = arg;

	if (strtoul(row->alert.id, NULL, 16) != *n + 1)
		return false;
	++*n;
	return true;
}

static int
check(struct outbox *o, uint64_t least)
{
	uint64_t n = 0, seq = 0;

	(void) outbox_read(o, 0, INT_MAX, count, &n);
	if (outbox_stream_seq(o, &stream, &seq) < 0)
		return -1;
	printf("%" PRIu64 " alerts, acknowledged to %" PRIu64 ", %" PRIu64 " promised\n", n, seq,
	    least);
	return n >= least && n == seq ? 0 : -1;
}

int
main(int argc, char **argv)
{
	struct outbox_cfg cfg = { .path = argc > 2 ? argv[2] : "" };
	struct outbox *o = NULL;
	struct diag d = { 0 };
	int r = -1;

	(void) setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3 || sem_init(&room, 0, AT_ONCE) != 0)
		return 2;
	if (outbox_open(&cfg, &o, &d) < 0) {
		(void) fprintf(stderr, "outbox_power: %s\n", d.msg);
		return 1;
	}
	if (argc == 4) {
		r = check(o, strtoull(argv[3], NULL, 10));
	} else {
		for (uint64_t n = 1; sem_wait(&room) == 0 && put(o, n) == 0; n++)
			;
	}
	outbox_close(o);
	return r == 0 ? 0 : 1;
}
