/* SPDX-License-Identifier: Apache-2.0 */
/* outputs_order.c - outputs.first_match: a list of outputs, of which one gets an alert. */
#include "collector/output/outputs_int.h"
#include <errno.h>

#define KEY "outputs.first_match"

static const struct opt opts[] = {
	{ KEY, NULL,
	    "Outputs in order, such as [webhook.pager, webhook.slack, email]: an alert goes to the "
	    "first of them that takes it, and to no other of them. One without a condition at the "
	    "end is the default.",
	    OPT_LIST, 0, 0, 0 },
};

int
output_order(struct cfg *cfg, struct opt_list *ret, struct diag *d)
{
	*ret = (struct opt_list){ .v = NULL };
	return cfg_bind(cfg, opts, ARRAY_SIZE(opts), ret, d);
}

size_t
output_order_of(const struct opt_list *names, const char *name)
{
	size_t i = 0;

	while (i < names->n && strcmp(names->v[i], name) != 0)
		i++;
	return i;
}

static bool
is_enabled(const char *name, const struct outbox_output *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i].name, name) == 0)
			return true;
	}
	return false;
}

int
output_order_check(struct cfg *cfg, const struct outbox_output *v, size_t n, struct diag *d)
{
	struct opt_list names;
	int r = output_order(cfg, &names, d);

	for (size_t i = 0; r == 0 && i < names.n; i++) {
		const char *name = names.v[i];

		if (output_order_of(&names, name) == i && is_enabled(name, v, n))
			continue;
		cfg_place(cfg, KEY, d);
		r = diag_fail(d, d->line, d->col,
		    output_order_of(&names, name) < i
			? "'" KEY "' names '%s' twice"
			: "'" KEY
			  "' names '%s', and no such output is "
			  "enabled: write a kind, or KIND.NAME for one of a "
			  "list, such as webhook.slack",
		    name);
	}
	return r;
}

void
output_order_help(FILE *f)
{
	fputs("\nOptions of all outputs together:\n", f);
	opt_print(f, opts, ARRAY_SIZE(opts));
}
