/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/alert/alert.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const priorities[] = {
	[PRIO_EMERGENCY] = "Emergency",
	[PRIO_ALERT] = "Alert",
	[PRIO_CRITICAL] = "Critical",
	[PRIO_ERROR] = "Error",
	[PRIO_WARNING] = "Warning",
	[PRIO_NOTICE] = "Notice",
	[PRIO_INFORMATIONAL] = "Informational",
	[PRIO_DEBUG] = "Debug",
};

const char *
priority_name(enum priority p)
{
	return priorities[p];
}

int
priority_of(const char *name)
{
	if (strcasecmp(name, "info") == 0)
		return PRIO_INFORMATIONAL;
	for (int i = 0; i < (int) ARRAY_SIZE(priorities); i++) {
		if (strcasecmp(name, priorities[i]) == 0)
			return i;
	}
	return -EINVAL;
}

/* Copy n bytes and a NUL to *at, and advance it. */
static const char *
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
	char *at;

	if (a == NULL)
		return -ENOMEM;
	*a = *from;
	a->next = NULL;
	at = (char *) (a + 1);
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
