/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_pki_list.c - mewsctl pki list: who has a certificate of an authority. */
#include "collector/ctl/ctl_pki.h"
#include "collector/ctl/pki_int.h"
#include <stdlib.h>
#include <time.h>

/* By kind and name; of one name the newest last. */
static int
by_name(const void *a, const void *b)
{
	const struct issued_entry *x = a, *y = b;
	int r = strcmp(x->kind, y->kind);

	if (r == 0)
		r = strcmp(x->name, y->name);
	return r != 0 ? r : strcmp(x->expires, y->expires);
}

static bool
is_same(const struct issued_entry *a, const struct issued_entry *b)
{
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->name, b->name) == 0;
}

/* YYYYMMDDHHMMSSZ as people read it. */
static void
print_time(const char *t)
{
	if (strlen(t) == 15)
		printf("%.4s-%.2s-%.2s %.2s:%.2s:%.2s UTC", t, t + 4, t + 6, t + 8, t + 10, t + 12);
	else
		printf("%-23s", t);
}

static void
print_newest(const struct issued_entry *e, size_t earlier, const char *now)
{
	const char *state = e->revoked[0] != '-'          ? "revoked"
			    : strcmp(e->expires, now) < 0 ? "expired"
							  : "valid";

	printf("%-9s  %-30s  %-7s  ", e->kind, e->name, state);
	print_time(e->expires);
	printf("  %zu\n", earlier);
}

int
ctl_pki_list(const char *dir)
{
	struct issued is = { .v = NULL };
	struct diag d = { 0 };
	char now[32];
	size_t earlier = 0;

	if (issued_read(dir, &is, &d) < 0)
		return ctl_fail("%s", d.msg);
	if (is.n > 0)
		qsort(is.v, is.n, sizeof(is.v[0]), by_name);
	issued_stamp(time(NULL), now);
	printf("%-9s  %-30s  %-7s  %-23s  %s\n", "KIND", "NAME", "STATE", "UNTIL", "EARLIER");
	for (size_t i = 0; i < is.n; i++) {
		if (i + 1 < is.n && is_same(&is.v[i], &is.v[i + 1])) {
			earlier++;
			continue;
		}
		print_newest(&is.v[i], earlier, now);
		earlier = 0;
	}
	free(is.v);
	return CTL_OK;
}
