/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_outputs_render.c - 'mewsctl outputs render': an alert as an output would send it. */
#include "collector/ctl/ctl_args.h"
#include "collector/ctl/ctl_outputs.h"
#include "collector/output/output.h"
#include "common/clock.h"
#include "common/escape.h"
#include <errno.h>
#include <jansson.h>
#include <unistd.h>

#define CONFIG     "/etc/mews/collector.yaml"
#define ALERT_MAX  (4 << 20)
#define OPTION_MAX 32

static const char sample[] =
    "{\"hostname\":\"web-1\",\"output\":\"10:31:07.520481000: Warning Sensitive file opened for "
    "reading (file=/etc/shadow gparent=sshd parent=bash process=cat user=deploy "
    "command=cat /etc/shadow)\",\"output_fields\":{\"evt.time\":1795861867520481000,"
    "\"evt.type\":\"openat\",\"fd.name\":\"/etc/shadow\",\"mews.cluster\":\"production\","
    "\"proc.cmdline\":\"cat /etc/shadow\",\"proc.name\":\"cat\",\"proc.pid\":4711,"
    "\"proc.pname\":\"bash\",\"user.name\":\"deploy\"},\"priority\":\"Warning\","
    "\"rule\":\"Sensitive file read\",\"source\":\"syscall\",\"tags\":[\"filesystem\","
    "\"maturity_stable\",\"mitre_credential_access\"],\"time\":\"2026-11-28T10:31:07.520481000Z\","
    "\"uuid\":\"3f0c7b52-9d1e-8a44-b6c0-5e2f19a7d803\"}";

struct render_args {
	const char *config;
	struct {
		const char *v[OPTION_MAX];
		size_t n;
	} set;
};

static int
set_option(const char *command, const char *value, void *member)
{
	struct render_args *a = CONTAINER_OF(member, struct render_args, set);

	if (a->set.n == OPTION_MAX)
		return ctl_usage(command, "at most %d -o; use a file (--config)", OPTION_MAX);
	a->set.v[a->set.n++] = value;
	return CTL_OK;
}

/* ---- the alert ---- */

/* Read a file, or standard input for "-". CTL_FAIL: reported. */
static int
read_alert(const char *path, struct buf *ret)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	char piece[4096];
	size_t n;

	if (f == NULL)
		return ctl_fail("cannot read '%s': %s", path, strerrordesc_np(errno));
	while (ret->n <= ALERT_MAX && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(ret, piece, n);
	if (f != stdin)
		(void) fclose(f);
	if (buf_ok(ret) < 0 || ret->n > ALERT_MAX)
		return ctl_fail("'%s' is larger than an alert can be", path);
	return CTL_OK;
}

static const char *
text_of(json_t *o, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s == NULL ? otherwise : s;
}

static uint64_t
time_of(json_t *root)
{
	json_t *ns = json_object_get(json_object_get(root, "output_fields"), "evt.time");
	struct tm tm = { 0 };

	if (json_is_integer(ns))
		return (uint64_t) json_integer_value(ns);
	if (strptime(text_of(root, "time", ""), "%Y-%m-%dT%H:%M:%S", &tm) == NULL)
		return 0;
	return (uint64_t) timegm(&tm) * NS_PER_S;
}

/* The first alert of a text; later lines are ignored. *json is its line, to be freed. CTL_FAIL:
 * reported. */
static int
make_alert(struct slice text, json_t **root, char **json, struct alert *ret)
{
	json_error_t where;
	int priority;

	*root = json_loadb(
	    text.p == NULL ? "" : text.p, text.n, JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK, &where);
	priority = priority_of(text_of(*root, "priority", ""));
	if (!json_is_object(*root) || json_object_get(*root, "rule") == NULL || priority < 0)
		return ctl_fail("this is not an alert in Falco's JSON, with rule and priority: %s",
		    *root == NULL ? where.text : "something is missing");
	*json = json_dumps(*root, JSON_COMPACT);
	if (*json == NULL)
		return ctl_fail("no memory");
	*ret = (struct alert){ .priority = (enum priority) priority,
		.time = time_of(*root),
		.rule = text_of(*root, "rule", ""),
		.node = text_of(*root, "hostname", ""),
		.cluster = text_of(json_object_get(*root, "output_fields"), "mews.cluster", ""),
		.json = *json,
		.json_len = strlen(*json) };
	(void) snprintf(ret->id, sizeof(ret->id), "%s", text_of(*root, "uuid", ""));
	return CTL_OK;
}

/* ---- its form ---- */

static int
say_wrong(const char *name, const struct diag *d, int r)
{
	char where[64] = "";

	if (r == -ENOENT)
		return ctl_fail("the configuration has no output '%s'", name);
	if (r == -EMSGSIZE)
		return ctl_fail("the output would refuse this alert: it is too large");
	if (r == -ENOMEM || r == -EBADMSG)
		return ctl_fail("%s", r == -ENOMEM ? "no memory" : "the alert is not JSON");
	if (d->line > 0)
		(void) snprintf(where, sizeof(where), " (line %u)", d->line);
	return ctl_fail("%s%s", d->msg, where);
}

static int
render(const struct render_args *args, const char *name, const struct alert *a, struct buf *out)
{
	struct cfg *cfg = NULL;
	struct diag d = { 0 };
	int r = cfg_open(args->config, CONFIG, &cfg, &d);

	for (size_t i = 0; r == 0 && i < args->set.n; i++)
		r = cfg_override(cfg, args->set.v[i], &d);
	if (r == 0)
		r = outputs_render(cfg, name, a, out, &d);
	cfg_free(cfg);
	return r < 0 ? say_wrong(name, &d, r) : CTL_OK;
}

/* Print it; on a terminal no character of an event moves the cursor. */
static int
print(struct slice s)
{
	CLEANUP(buf_fini) struct buf safe = BUF_INIT;
	bool terminal = isatty(STDOUT_FILENO) != 0;

	while (terminal && s.n > 0) {
		const char *end = memchr(s.p, '\n', s.n);
		size_t n = end == NULL ? s.n : (size_t) (end - s.p);

		escape_add(&safe, (struct slice){ s.p, n });
		buf_char(&safe, '\n');
		n += end == NULL ? 0 : 1;
		s = (struct slice){ s.p + n, s.n - n };
	}
	if (terminal)
		s = buf_get(&safe);
	if (buf_ok(&safe) < 0 || fwrite(s.p, 1, s.n, stdout) != s.n)
		return ctl_fail("cannot write to standard output");
	return CTL_OK;
}

static const struct ctl_option options[] = {
	{ "config", 'c', "FILE", "the collector's configuration (default\n" CONFIG ")",
	    ctl_set_text, offsetof(struct render_args, config) },
	{ "option", 'o', "KEY=VALUE",
	    "an option of the collector, for example\noutputs.file.format=text", set_option,
	    offsetof(struct render_args, set) },
};

static const struct ctl_syntax syntax = { "outputs render", options, ARRAY_SIZE(options),
	"Usage: mewsctl outputs render [OPTIONS] OUTPUT [FILE]\n"
	"\n"
	"Shows an alert as an output of a configuration would send it: body, headers, key. It need "
	"not\n"
	"be enabled, nothing is sent, and no collector is needed. Secrets are not shown. The alert "
	"is a\n"
	"made-up one, or the first of FILE (- is standard input), in Falco's JSON, as 'mewsctl "
	"alerts\n"
	"--json' prints it.\n"
	"\n",
	"\n"
	"Exit status: 0 shown, 1 the configuration or the alert is wrong, 2 usage error.\n" };

int
ctl_outputs_render(int argc, char **argv)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	CLEANUP(buf_fini) struct buf out = BUF_INIT;
	struct render_args args = { 0 };
	struct alert a;
	json_t *root = NULL;
	char *json = NULL;
	int code;

	if (!ctl_args(argc, argv, &syntax, &args, &code))
		return code;
	if (optind == argc || argc - optind > 2)
		return ctl_usage("outputs render", "name an output, and at most one file");
	if (optind + 1 < argc)
		code = read_alert(argv[optind + 1], &text);
	else
		buf_str(&text, sample);
	if (code == CTL_OK)
		code = make_alert(buf_get(&text), &root, &json, &a);
	if (code == CTL_OK)
		code = render(&args, argv[optind], &a, &out);
	if (code == CTL_OK)
		code = print(buf_get(&out));
	free(json);
	json_decref(root);
	return code;
}
