/* SPDX-License-Identifier: Apache-2.0 */
/* alert_stub.c - alert_new() and alert_free() for tests that link no rules. */
#include "collector/alert.h"
#include <errno.h>

static const char *const names[] = {
	"Emergency",
	"Alert",
	"Critical",
	"Error",
	"Warning",
	"Notice",
	"Informational",
	"Debug",
};

const char *
priority_name(enum priority p)
{
	return names[p];
}

static char *
put(char **at, const char *s, size_t n)
{
	char *p = *at;

	memcpy(p, s, n);
	p[n] = '\0';
	*at += n + 1;
	return p;
}

int
alert_new(const struct alert *from, struct alert **ret)
{
	size_t rule = strlen(from->rule), cluster = strlen(from->cluster),
	       node = strlen(from->node);
	struct alert *a = malloc(sizeof(*a) + rule + cluster + node + from->json_len + 4);
	char *at = (char *) (a + 1);

	if (a == NULL)
		return -ENOMEM;
	*a = *from;
	a->next = NULL;
	a->rule = put(&at, from->rule, rule);
	a->cluster = put(&at, from->cluster, cluster);
	a->node = put(&at, from->node, node);
	a->json = put(&at, from->json, from->json_len);
	*ret = a;
	return 0;
}

void
alert_free(struct alert *a)
{
	free(a);
}
