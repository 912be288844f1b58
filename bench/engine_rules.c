/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine.h"
#include <stdlib.h>
#include <unistd.h>

enum { PATHS_MAX = 64 };

/* Conditions as people write them; '@' is the rule's number, so no two are the same. None matches
 * on an ordinary machine, so that all are evaluated. */
static const char *const conditions[] = {
	"fd.name startswith /srv/bench@/ and proc.name != bench@",
	"proc.name in (bench@, benchd, benchctl) and user.uid = @",
	"proc.pname = bench@ or proc.aname[2] = benchd@",
	"proc.cmdline contains \"--bench=@\" and not proc.tty = @",
	"fd.name endswith .bench@ or fd.filename = bench@",
	"proc.exepath in (/opt/bench@/a, /opt/bench/b) and proc.pid != @",
	"evt.rawres = -9 and proc.cwd startswith /bench@ and fd.num > @",
	"not proc.name startswith bench@ and fd.directory = /var/bench/@",
};

static void
print_rule(FILE *f, unsigned i, const struct ev_schema *s)
{
	fprintf(f, "- rule: bench %u\n  desc: made up\n  priority: NOTICE\n  output: made up\n", i);
	fprintf(f, "  condition: evt.type = %s and (", s->name);
	for (const char *c = conditions[i % ARRAY_SIZE(conditions)]; *c != '\0'; c++) {
		if (*c == '@')
			fprintf(f, "%u", i);
		else
			fputc(*c, f);
	}
	fprintf(f, ")\n");
}

static void
write_rules(int fd, unsigned more, const struct tape *t)
{
	const struct ev_schema *type[TAPE_FREQUENT];
	size_t n = tape_frequent(t, type);
	FILE *f = fdopen(fd, "w");

	if (f == NULL)
		engine_die("cannot write the generated rules");
	for (unsigned i = 0; i < more; i++)
		print_rule(f, i, type[i % n]);
	if (fclose(f) != 0)
		engine_die("cannot write the generated rules");
}

struct ruleset *
engine_rules(const char *const *files, size_t n, unsigned more, const struct tape *t)
{
	char made_up[] = "/tmp/bench_engine.XXXXXX.yaml";
	const char *paths[PATHS_MAX];
	struct rule_options o = { .min_priority = PRIO_DEBUG };
	struct rule_log log = { 0 };
	struct ruleset *ret = NULL;
	int fd, r;

	if (n >= PATHS_MAX)
		engine_die("at most %d rule files", PATHS_MAX - 1);
	for (size_t i = 0; i < n; i++)
		paths[i] = files[i];
	fd = mkstemps(made_up, sizeof(".yaml") - 1);
	if (fd < 0)
		engine_die("cannot write to /tmp");
	write_rules(fd, more, t);
	if (more > 0 || n == 0)
		paths[n++] = made_up;
	r = ruleset_load(paths, n, &o, &ret, &log);
	(void) unlink(made_up);
	if (r < 0) {
		rule_log_print(stderr, &log);
		engine_die("the rules do not load");
	}
	rule_log_fini(&log);
	return ret;
}
