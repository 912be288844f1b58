/* SPDX-License-Identifier: Apache-2.0 */
/* webhook_conf.c - options, preset and headers of the webhook output. */
#include "collector/output/output_webhook.h"
#include "common/clock.h"
#include "common/file.h"
#include <errno.h>
#include <unistd.h>

#define AT(f) offsetof(struct webhook_state, f)
const struct opt webhook_opts[] = {
	{ "outputs.webhook.url", NULL, "Where to POST: https://HOST/PATH or http://.", OPT_STR,
	    AT(url), 0, 0 },
	{ "outputs.webhook.preset", NULL,
	    "The service's name: a file in " WEBHOOK_PRESETS
	    ", or a path; empty: an alert a request, in outputs.webhook.format.",
	    OPT_STR, AT(preset), 0, 0 },
	{ "outputs.webhook.format", "json", TEXT_FORMATS ": the body, if there is no preset.",
	    OPT_STR, AT(format_name), 0, 0 },
	{ "outputs.webhook.headers", NULL, "Headers: 'NAME: VALUE', any number.", OPT_LIST,
	    AT(headers), 0, 0 },
	{ "outputs.webhook.header_files", NULL,
	    "Files with such lines, mode 0600: for secrets, any number.", OPT_LIST,
	    AT(header_files), 0, 0 },
	{ "outputs.webhook.timeout", "10s", "How long a request may take.", OPT_MSEC,
	    AT(timeout_ms), 100, 300000 },
	{ "outputs.webhook.parallel", "1",
	    "Requests at a time; with more than 1, alerts may arrive out of order.", OPT_U64,
	    AT(parallel), 1, WEBHOOK_PARALLEL },
	{ "outputs.webhook.batch", "0",
	    "Most alerts in a request, if the service takes several; 0: as the preset says.",
	    OPT_U64, AT(batch), 0, WEBHOOK_BATCH },
	{ "outputs.webhook.compression", "none",
	    "Compress bodies, if the service takes that: none or gzip.", OPT_STR, AT(compression),
	    0, 0 },
	{ "outputs.webhook.max_size", "256KiB",
	    "Most bytes of an alert; the longest texts of a larger one are cut.", OPT_SIZE, AT(max),
	    1024, 64 << 20 },
	{ "outputs.webhook.fold", "auto",
	    "Make repeats of a deed one notification: yes, no, or auto: if people read it.",
	    OPT_STR, AT(fold_name), 0, 0 },
	{ "outputs.webhook.fold_window", "5m",
	    "The time within which repeats of a deed are one notification.", OPT_MSEC, AT(fold_ms),
	    100, 86400000 },
	{ "outputs.webhook.fold_by", NULL,
	    "Fields that tell deeds apart, besides rule, node and cluster; container.id and "
	    "proc.pname if there are none here. 'RULE: FIELD' counts for this rule, instead of "
	    "those for all.",
	    OPT_LIST, AT(fold_by), 0, 0 },
	{ "outputs.webhook.proxy", NULL, "http://HOST:PORT or socks5h://HOST:PORT; empty: none.",
	    OPT_STR, AT(proxy), 0, 0 },
	{ "outputs.webhook.tls.ca", NULL,
	    "PEM file of the authorities of the server's certificate; empty: the system's.",
	    OPT_STR, AT(ca), 0, 0 },
	{ "outputs.webhook.tls.certificate", NULL,
	    "PEM file of our certificate, if one is required.", OPT_STR, AT(cert), 0, 0 },
	{ "outputs.webhook.tls.key", NULL, "PEM file of its key, mode 0600.", OPT_STR, AT(key), 0,
	    0 },
};

/* A preset's keys. */
static const struct opt preset_opts[] = {
	{ "content_type", "application/json", "", OPT_STR, AT(content_type), 0, 0 },
	{ "escape", "plain", "", OPT_STR, AT(escape), 0, 0 },
	{ "body", NULL, "", OPT_STR, AT(body), 0, 0 },
	{ "before", "", "", OPT_STR, AT(before), 0, 0 },
	{ "between", "", "", OPT_STR, AT(between), 0, 0 },
	{ "after", "", "", OPT_STR, AT(after), 0, 0 },
	{ "batch", "1", "", OPT_U64, AT(preset_batch), 1, WEBHOOK_BATCH },
	{ "reply", "status", "", OPT_STR, AT(reply_name), 0, 0 },
	{ "people", "false", "", OPT_BOOL, AT(people), 0, 0 },
};

static int
wrong(struct cfg *cfg, const char *key, const char *what, const char *value, struct diag *d)
{
	if (cfg != NULL && value != NULL)
		return cfg_wrong(cfg, key, what, value, d);
	if (cfg != NULL)
		cfg_place(cfg, key, d);
	return diag_fail(d, d->line, d->col, "'%s' must be %s%s%s%s", key, what,
	    value == NULL ? "" : ", not '", value == NULL ? "" : value, value == NULL ? "" : "'");
}

static bool
is_empty(const char *s)
{
	return s == NULL || *s == '\0';
}

/* Check the URL, and keep its host. Its path may be a secret: no message shows it. */
static int
read_url(struct webhook_state *st, struct cfg *cfg, struct diag *d)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL;
	bool good;

	if (u == NULL)
		return -ENOMEM;
	good = !is_empty(st->url) && curl_url_set(u, CURLUPART_URL, st->url, 0) == CURLUE_OK &&
	       curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	       (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0) &&
	       curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK;
	if (good)
		(void) snprintf(st->host, sizeof(st->host), "%s", host);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return good ? 0
		    : wrong(cfg, "outputs.webhook.url", "https://HOST/PATH or http://HOST/PATH",
			  NULL, d);
}

struct param {
	struct cfg *cfg;
	const char *name, *value;
};

static int
same_param(void *arg, const char *rest, const char *value, struct diag *d)
{
	struct param *p = arg;

	(void) d;
	if (strcmp(rest, p->name) == 0)
		p->value = value;
	return 0;
}

/* The value of outputs.webhook.params.NAME. */
static const char *
param(void *arg, const char *name)
{
	struct param p = { .cfg = arg, .name = name };
	struct diag d = { 0 };

	return cfg_each(arg, WEBHOOK_PARAMS, same_param, &p, &d) < 0 ? NULL : p.value;
}

/* The parameters that the template asks for; others are an error. */
static int
take_param(void *arg, const char *rest, const char *value, struct diag *d)
{
	struct webhook_state *st = arg;

	if (st->body == NULL || strstr(st->body, rest) == NULL)
		return diag_fail(d, 0, 0, "the preset has no parameter '%s'", rest);
	if (st->nparam == WEBHOOK_PARAMS_MAX)
		return diag_fail(d, 0, 0, "there are too many parameters");
	if (value != NULL)
		st->param[st->nparam++] = slice_str(value);
	return 0;
}

void
webhook_secrets(const struct webhook_state *st, const struct curl_slist *headers, struct hide *ret)
{
	static const char *const ours[] = { "Content-Type:", "Content-Encoding:", "Expect:" };

	hide_url(ret, st->url);
	hide_url(ret, st->proxy);
	for (size_t i = 0; i < st->nparam; i++)
		hide_add(ret, st->param[i], HIDE_WORD);
	for (; headers != NULL; headers = headers->next) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
			known |= strncasecmp(headers->data, ours[i], strlen(ours[i])) == 0;
		if (!known)
			hide_header(ret, headers->data);
	}
}

/* The preset's file, as a configuration of its own. */
static int
read_preset(struct webhook_state *st, struct cfg *cfg, struct diag *d)
{
	char path[512];
	int r;

	if (is_empty(st->preset)) {
		r = cfg_new(&st->preset_cfg);
	} else {
		(void) snprintf(path, sizeof(path),
		    strchr(st->preset, '/') != NULL ? "%s" : WEBHOOK_PRESETS "/%s.yaml",
		    st->preset);
		if (access(path, R_OK) < 0)
			return wrong(cfg, "outputs.webhook.preset",
			    "a file in " WEBHOOK_PRESETS " or a path", st->preset, d);
		r = cfg_load(path, &st->preset_cfg, d);
	}
	if (r == 0)
		r = cfg_bind(st->preset_cfg, preset_opts, ARRAY_SIZE(preset_opts), st, d);
	if (r == 0)
		r = cfg_check_unknown(st->preset_cfg, d);
	if (r == 0 && is_empty(st->body) && !is_empty(st->preset))
		r = wrong(st->preset_cfg, "body", "a template", NULL, d);
	return r;
}

static int
use_preset(struct webhook_state *st, struct cfg *cfg, struct diag *d)
{
	enum template_escape escape;

	if (template_escape_of(st->escape, &escape) < 0)
		return wrong(
		    st->preset_cfg, "escape", "plain, slack, markdown or html", st->escape, d);
	if (webhook_reply_of(st->reply_name, &st->reply) < 0)
		return wrong(
		    st->preset_cfg, "reply", "status, ok, code or bulk", st->reply_name, d);
	if (st->batch == 0 || st->preset_batch == 1)
		st->batch = st->preset_batch;
	st->gzip = strcmp(st->compression, "gzip") == 0;
	if (!st->gzip && strcmp(st->compression, "none") != 0)
		return wrong(
		    cfg, "outputs.webhook.compression", "none or gzip", st->compression, d);
	if (text_format_of(st->format_name, false, &st->format) < 0)
		return wrong(cfg, "outputs.webhook.format", TEXT_FORMATS, st->format_name, d);
	if (is_empty(st->body))
		return 0;
	if (st->format != TEXT_JSON)
		return wrong(cfg, "outputs.webhook.format",
		    "left out with a preset, which has its own", st->format_name, d);
	cfg_place(st->preset_cfg, "body", d);
	return template_new(
	    st->body, "outputs.webhook.preset", escape, param, cfg, &st->body_template, d);
}

/* A header is 'NAME: VALUE' without control characters. */
static bool
is_header(const char *s)
{
	size_t n = strcspn(s, ": \t");

	if (n == 0 || s[n] != ':')
		return false;
	for (; *s != '\0'; s++) {
		if ((unsigned char) *s < ' ' || *s == 0x7f)
			return false;
	}
	return true;
}

static int
add_header(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (longer == NULL)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static int
read_header_file(struct curl_slist **list, const char *path, struct cfg *cfg, struct diag *d)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	char *line, *rest;
	int r = file_read(path, "file of headers", true, &text, d);

	if (r < 0)
		return -EINVAL;
	buf_char(&text, '\0');
	if (buf_ok(&text) < 0)
		return -ENOMEM;
	for (rest = text.p; r == 0 && (line = strsep(&rest, "\n")) != NULL;) {
		if (*line == '\0')
			continue;
		if (is_header(line))
			r = add_header(list, line);
		else
			r = wrong(cfg, "outputs.webhook.header_files",
			    "files with lines 'NAME: VALUE'", path, d);
	}
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	return r;
}

static int
read_headers(
    const struct webhook_state *st, struct curl_slist **list, struct cfg *cfg, struct diag *d)
{
	char type[200];
	int r;

	(void) snprintf(type, sizeof(type), "Content-Type: %s",
	    is_empty(st->preset) ? text_content_type(st->format) : st->content_type);
	r = add_header(list, type);
	if (r == 0)
		r = add_header(list, "Expect:"); /* a body at once */
	if (r == 0 && st->gzip)
		r = add_header(list, "Content-Encoding: gzip");
	for (size_t i = 0; r == 0 && i < st->headers.n; i++) {
		if (!is_header(st->headers.v[i]))
			return wrong(
			    cfg, "outputs.webhook.headers", "lines 'NAME: VALUE'", NULL, d);
		r = add_header(list, st->headers.v[i]);
	}
	for (size_t i = 0; r == 0 && i < st->header_files.n; i++)
		r = read_header_file(list, st->header_files.v[i], cfg, d);
	return r;
}

int
webhook_headers(
    const struct webhook_state *st, struct cfg *cfg, struct curl_slist **ret, struct diag *d)
{
	struct curl_slist *list = NULL;
	int r = read_headers(st, &list, cfg, d);

	if (r < 0)
		curl_slist_free_all(list);
	else
		*ret = list;
	return r;
}

/* Are the files of TLS there, and is the key nobody else's? curl reads them for each connection. */
static int
check_tls(struct webhook_state *st, struct cfg *cfg, struct diag *d)
{
	const struct {
		const char *path, *what;
		bool secret;
	} files[] = { { st->ca, "PEM file of authorities", false },
		{ st->cert, "certificate", false }, { st->key, "key", true } };

	if (is_empty(st->cert) != is_empty(st->key))
		return wrong(
		    cfg, "outputs.webhook.tls.key", "set together with tls.certificate", NULL, d);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEANUP(buf_fini) struct buf text = BUF_INIT;

		if (is_empty(files[i].path))
			continue;
		if (file_read(files[i].path, files[i].what, files[i].secret, &text, d) < 0)
			return -EINVAL;
		if (files[i].secret && text.p != NULL)
			explicit_bzero(text.p, text.n);
	}
	return 0;
}

/* Set up folding, if it is wanted. */
static int
use_fold(struct webhook_state *st, struct cfg *cfg, struct diag *d)
{
	bool yes = strcmp(st->fold_name, "yes") == 0, plain = st->body_template == NULL;

	if (!yes && strcmp(st->fold_name, "auto") != 0 && strcmp(st->fold_name, "no") != 0)
		return wrong(cfg, "outputs.webhook.fold", "auto, yes or no", st->fold_name, d);
	if (yes && (plain || st->batch > 1))
		return wrong(cfg, "outputs.webhook.fold",
		    "auto or no without a preset that sends one alert at a time", "yes", d);
	if (!yes && (!st->people || plain || st->batch > 1 || strcmp(st->fold_name, "no") == 0))
		return 0;
	st->note = malloc(sizeof(*st->note));
	if (st->note == NULL)
		return -ENOMEM;
	return fold_new(
	    st->fold_ms * NS_PER_MS, (const char *const *) st->fold_by.v, st->fold_by.n, &st->fold);
}

/* curl would take anything as a host, and name it in errors. */
static int
check_proxy(const struct webhook_state *st, struct cfg *cfg, struct diag *d)
{
	static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://",
		"socks4://", "socks4a://" };

	if (is_empty(st->proxy))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (strncasecmp(st->proxy, schemes[i], strlen(schemes[i])) == 0)
			return 0;
	}
	return wrong(
	    cfg, "outputs.webhook.proxy", "http://HOST:PORT or socks5h://HOST:PORT", NULL, d);
}

int
webhook_conf(struct webhook_state *st, struct cfg *cfg, struct diag *d)
{
	int r = read_url(st, cfg, d);

	if (r == 0)
		r = check_proxy(st, cfg, d);
	if (r == 0)
		r = read_preset(st, cfg, d);
	if (r == 0)
		r = use_preset(st, cfg, d);
	if (r == 0)
		r = use_fold(st, cfg, d);
	if (r == 0)
		r = cfg_each(cfg, WEBHOOK_PARAMS, take_param, st, d);
	if (r == 0)
		r = webhook_headers(st, cfg, &st->list, d);
	return r < 0 ? r : check_tls(st, cfg, d);
}

void
webhook_conf_fini(struct webhook_state *st)
{
	fold_free(st->fold);
	st->fold = NULL;
	free(st->note);
	st->note = NULL;
	template_free(st->body_template);
	st->body_template = NULL;
	curl_slist_free_all(st->list);
	st->list = NULL;
	cfg_free(st->preset_cfg);
	st->preset_cfg = NULL;
}
