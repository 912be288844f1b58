/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_import.c - mewsctl import falco: falco.yaml as a configuration of the collector. */
#include "collector/ctl/ctl.h"
#include "common/config.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char help_text[] =
    "Usage: mewsctl import falco [FILE | FOLDER]\n"
    "\n"
    "Prints what a falco.yaml (default /etc/falco/falco.yaml) says as a configuration for\n"
    "mews-collector: rule files and which rules are on, priority, form of alerts, outputs. What "
    "has\n"
    "no counterpart is listed at its end, each line with its place. Rule files themselves need no\n"
    "translation: 'mewsctl rules check' says what they do here.\n"
    "\n"
    "  mewsctl import falco >collector.yaml\n"
    "  mews-collector -c collector.yaml --check\n"
    "\n"
    "Exit status: 0 done, 1 the file cannot be read, 2 usage error.\n";

/* What is read of falco.yaml. */
struct falco {
	struct opt_list files, file;
	char *priority, *matching, *log_level, *filename, *program, *url, *ca, *cert, *key;
	bool watch, iso, json, output, message, tags, fields;
	bool to_stdout, to_file, to_syslog, to_program, to_http, keep_alive, insecure, web;
	uint64_t web_port;
};

#define ROW(type, key, field, def)                                          \
	{                                                                   \
		key, def, "", OPT_##type, offsetof(struct falco, field), 0, \
		    OPT_##type == OPT_U64 ? 65535 : 0                       \
	}

static const struct opt opts[] = {
	ROW(LIST, "rules_files", files, NULL),
	ROW(LIST, "rules_file", file, NULL),
	ROW(STR, "priority", priority, "debug"),
	ROW(STR, "rule_matching", matching, "first"),
	ROW(STR, "log_level", log_level, "info"),
	ROW(BOOL, "watch_config_files", watch, "true"),
	ROW(BOOL, "time_format_iso_8601", iso, "false"),
	ROW(BOOL, "json_output", json, "false"),
	ROW(BOOL, "json_include_output_property", output, "true"),
	ROW(BOOL, "json_include_message_property", message, "false"),
	ROW(BOOL, "json_include_tags_property", tags, "true"),
	ROW(BOOL, "json_include_output_fields_property", fields, "true"),
	ROW(BOOL, "stdout_output.enabled", to_stdout, "false"),
	ROW(BOOL, "file_output.enabled", to_file, "false"),
	ROW(BOOL, "file_output.keep_alive", keep_alive, "false"),
	ROW(STR, "file_output.filename", filename, NULL),
	ROW(BOOL, "syslog_output.enabled", to_syslog, "false"),
	ROW(BOOL, "program_output.enabled", to_program, "false"),
	ROW(BOOL, "program_output.keep_alive", keep_alive, "false"),
	ROW(STR, "program_output.program", program, NULL),
	ROW(BOOL, "http_output.enabled", to_http, "false"),
	ROW(BOOL, "http_output.keep_alive", keep_alive, "false"),
	ROW(BOOL, "http_output.insecure", insecure, "false"),
	ROW(STR, "http_output.url", url, NULL),
	ROW(STR, "http_output.ca_cert", ca, NULL),
	ROW(STR, "http_output.client_cert", cert, NULL),
	ROW(STR, "http_output.client_key", key, NULL),
	ROW(BOOL, "webserver.enabled", web, "false"),
	ROW(U64, "webserver.listen_port", web_port, "8765"),
};

/* Append a text as YAML: JSON's strings are such. */
static void
text(struct buf *b, const char *before, const char *s, const char *after)
{
	buf_str(b, before);
	buf_json(b, slice_str(s == NULL ? "" : s));
	buf_str(b, after);
}

static const char *
yes(bool v)
{
	return v ? "true" : "false";
}

static void
add_rules(struct buf *b, const struct falco *f)
{
	const struct opt_list *l = f->files.n > 0 ? &f->files : &f->file;

	buf_str(b, "rules:\n");
	if (l->n == 0)
		buf_str(
		    b, "  - /etc/falco/falco_rules.yaml\n  - /etc/falco/falco_rules.local.yaml\n");
	for (size_t i = 0; i < l->n; i++)
		text(b, "  - ", l->v[i], "\n");
	text(b, "rule.priority: ", f->priority, "\n");
	text(b, "rule.matching: ", f->matching, "\n");
	buf_printf(b, "rule.watch: %s\n", yes(f->watch));
}

/* Falco's levels of its log are syslog's; here there are four. */
static const char *
level_of(const char *falco)
{
	static const struct {
		const char *falco, *mews;
	} levels[] = { { "emergency", "error" }, { "alert", "error" }, { "critical", "error" },
		{ "error", "error" }, { "warning", "warn" }, { "debug", "debug" } };

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcasecmp(falco, levels[i].falco) == 0)
			return levels[i].mews;
	}
	return "info";
}

static void
add_form(struct buf *b, const struct falco *f)
{
	buf_printf(b,
	    "log.level: %s\nalert:\n  time_iso8601: %s\n  output: %s\n  message: %s\n  tags: %s\n"
	    "  output_fields: %s\n",
	    level_of(f->log_level), yes(f->iso), yes(f->output), yes(f->message), yes(f->tags),
	    yes(f->fields));
	if (f->web)
		buf_printf(b, "http.listen: 127.0.0.1:%lu # /healthz and /metrics, on loopback\n",
		    (unsigned long) f->web_port);
}

static void
add_outputs(struct buf *b, const struct falco *f)
{
	const char *form = f->json ? "json" : "text";

	if (!f->to_stdout && !f->to_file && !f->to_syslog && !f->to_program && !f->to_http)
		return;
	buf_str(b, "outputs:\n");
	if (f->to_stdout)
		buf_printf(b, "  stdout: { enabled: true, format: %s }\n", form);
	if (f->to_file) {
		text(b, "  file: { enabled: true, path: ", f->filename, "");
		buf_printf(b, ", format: %s }\n", form);
	}
	if (f->to_syslog)
		buf_printf(b,
		    "  syslog: { enabled: true, address: \"unix:/dev/log\", format: %s }\n", form);
	if (f->to_program) { /* it is a command for a shell */
		text(b, "  program: { enabled: true, command: [/bin/sh, -c, ", f->program, "]");
		buf_printf(b, ", format: %s }\n", form);
	}
	if (f->to_http) {
		text(b, "  webhook:\n    enabled: true\n    url: ", f->url, "\n");
		buf_printf(b, "    format: %s\n", form);
		if (f->ca != NULL && f->ca[0] != '\0')
			text(b, "    tls.ca: ", f->ca, "\n");
		if (f->cert != NULL && f->cert[0] != '\0') {
			text(b, "    tls.certificate: ", f->cert, "\n");
			text(b, "    tls.key: ", f->key, "\n");
		}
	}
}

struct select {
	struct buf *b;
	bool begun;
};

/* "0.disable.rule" and its value: an element of a list that is the same here. */
static int
add_select(void *arg, const char *rest, const char *value, struct diag *d)
{
	struct select *s = arg;
	const char *what = strchr(rest, '.'), *key = what == NULL ? NULL : strchr(what + 1, '.');

	if (key == NULL)
		return diag_fail(d, 0, 0, "'rules' is a list such as '- disable: { rule: NAME }'");
	if (!s->begun)
		buf_str(s->b, "rule.select:\n");
	s->begun = true;
	buf_printf(s->b, "  - { %.*s: { %s: ", (int) (key - what - 1), what + 1, key + 1);
	text(s->b, "", value, " } }\n");
	return 0;
}

struct rest {
	struct buf *b;
	size_t n;
};

static void
add_rest(void *arg, const struct diag *d)
{
	struct rest *r = arg;
	char safe[CTL_SAFE];

	if (r->n++ == 0)
		buf_str(
		    r->b, "\n# Without a counterpart here, or with one that is not translated:\n");
	buf_printf(r->b, "# line %u: %s\n", d->line, ctl_safe(d->text, safe));
}

static int
translate(const char *path, struct cfg *c, struct buf *b, struct diag *d)
{
	struct falco f = { .priority = NULL };
	struct select s = { .b = b };
	struct rest rest = { .b = b };
	int r = cfg_bind(c, opts, ARRAY_SIZE(opts), &f, d);

	if (r < 0)
		return r;
	buf_printf(b,
	    "# mews-collector, as %s was. To do: where sensors connect; see the examples.\n"
	    "listen: ipc:///run/mews/sensor.sock\nipc.group: mews\n",
	    path);
	add_rules(b, &f);
	if (cfg_has(c, "rules"))
		r = cfg_each(c, "rules", add_select, &s, d);
	add_form(b, &f);
	add_outputs(b, &f);
	if (f.insecure)
		buf_str(b, "# http_output.insecure: certificates are always checked here\n");
	if (r == 0 && cfg_tell_unknown(c, add_rest, &rest) < 0)
		buf_str(b, "# See mews-collector(8) for what there is instead.\n");
	return r < 0 ? r : buf_ok(b);
}

int
ctl_import(int argc, char **argv)
{
	CLEANUP(buf_fini) struct buf b = BUF_INIT;
	const char *from = argc > 2 ? argv[2] : "/etc/falco";
	struct cfg *c = NULL;
	struct diag d = { 0 };
	char path[4096];
	struct stat st;
	int r;

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(help_text, stdout);
		return CTL_OK;
	}
	if (argc < 2 || strcmp(argv[1], "falco") != 0 || argc > 3 || from[0] == '-')
		return ctl_usage("import", "say what to import: falco, and its file or folder");
	(void) snprintf(path, sizeof(path), "%s%s", from,
	    stat(from, &st) == 0 && S_ISDIR(st.st_mode) ? "/falco.yaml" : "");
	r = cfg_load(path, &c, &d);
	if (r == 0)
		r = translate(path, c, &b, &d);
	cfg_free(c);
	if (r < 0)
		return d.file[0] == '\0' ? ctl_fail("%s", d.msg)
		       : d.line == 0     ? ctl_fail("%s: %s", d.file, d.msg)
					 : ctl_fail("%s:%u: %s", d.file, d.line, d.msg);
	fputs(b.p, stdout);
	return CTL_OK;
}
