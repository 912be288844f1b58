/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_empty.c - hold empty programs on the hooks that a sensor has while it captures some events.
 *
 *   bench_empty EVENT...
 *
 * Prints "ready" when they are attached, and holds them until its standard input ends. Needs root.
 */
#include "proto/schema.h"
#include "sensor/bpf_int.h"
#include "sensor/capture_table.h"
#include <empty.skel.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn static void
die(const char *what, const char *why)
{
	(void) fprintf(stderr, "bench_empty: %s: %s\n", what, why);
	_exit(EXIT_FAILURE);
}

/* Add all events of a name. */
static void
want(struct event_set *set, const char *name)
{
	const struct ev_schema *s;
	size_t n = 0;

	for (; (s = schema_by_name(slice_str(name), n)) != NULL; n++)
		event_set_add(set, s->num);
	if (n == 0)
		die(name, "no such event");
}

int
main(int argc, char **argv)
{
	static struct drv_control ctl;
	static struct hooks hooks;
	struct empty_bpf *empty = empty_bpf__open_and_load();
	struct event_set set = { 0 };
	struct progs progs;
	struct diag d = { 0 };
	char byte;

	if (empty == NULL)
		die("this kernel does not accept the empty programs", strerrordesc_np(errno));
	for (int i = 1; i < argc; i++)
		want(&set, argv[i]);
	captures_wanted(&ctl, &set);
	progs_init(&progs);
	if (progs_of(&progs, empty->obj) < 0 || hooks_attach(&hooks, &progs, &d) < 0)
		die("cannot attach", d.msg);
	if (entries_find(&hooks.entries) < 0 || entries_attach(&hooks.entries, &progs, &ctl) < 0)
		die("cannot attach", "to the entry of single system calls");
	puts("ready");
	if (fflush(stdout) != 0)
		die("standard output", strerrordesc_np(errno));
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	hooks_detach(&hooks);
	empty_bpf__destroy(empty);
	return EXIT_SUCCESS;
}
