/* SPDX-License-Identifier: Apache-2.0 */
/* email_conf.c - the options of the email output. */
#include "collector/output/output_email.h"
#include "common/file.h"
#include <errno.h>

#define AT(f) offsetof(struct email_state, f)
const struct opt email_opts[] = {
	{ "outputs.email.server", NULL,
	    "smtp://HOST:PORT (587 unless given; STARTTLS), or smtps://HOST:PORT (465; TLS from "
	    "the start).",
	    OPT_STR, AT(server), 0, 0 },
	{ "outputs.email.sender", NULL, "The sender's address.", OPT_STR, AT(from), 0, 0 },
	{ "outputs.email.to", NULL, "The recipients' addresses, at most 50.", OPT_LIST, AT(to), 0,
	    0 },
	{ "outputs.email.username", NULL, "The user name, if the server asks for one.", OPT_STR,
	    AT(user), 0, 0 },
	{ "outputs.email.password_file", NULL,
	    "A file with the password in its first line, mode 0600; read for each mail.", OPT_STR,
	    AT(password_file), 0, 0 },
	{ "outputs.email.starttls", "required",
	    "required, or no: without encryption, for a server on this machine; not with a "
	    "password.",
	    OPT_STR, AT(starttls), 0, 0 },
	{ "outputs.email.interval", "5m",
	    "Alerts that follow a mail within this time are sent as one.", OPT_MSEC,
	    AT(interval_ms), 0, 86400000 },
	{ "outputs.email.subject", NULL,
	    "The subject of a mail about one rule on one node, a template such as "
	    "'%alert.priority: %alert.rule on %alert.node'.",
	    OPT_STR, AT(subject), 0, 0 },
	{ "outputs.email.template", NULL,
	    "What a mail says of a rule's first alert on a node, with fields of that alert, "
	    "instead of its output.",
	    OPT_STR, AT(body), 0, 0 },
	{ "outputs.email.timeout", "30s", "Longest time for a mail.", OPT_MSEC, AT(timeout_ms), 100,
	    600000 },
	{ "outputs.email.tls.ca", NULL,
	    "PEM file of the authorities of the server's certificate; empty: the system's.",
	    OPT_STR, AT(ca), 0, 0 },
	{ "outputs.email.tls.certificate", NULL, "PEM file of our certificate, if one is required.",
	    OPT_STR, AT(cert), 0, 0 },
	{ "outputs.email.tls.key", NULL, "PEM file of its key, mode 0600.", OPT_STR, AT(key), 0,
	    0 },
};

static bool
is_empty(const char *s)
{
	return s == NULL || *s == '\0';
}

/* ---- options ---- */

/* Check the server's URL: it has a scheme, a host and perhaps a port only. */
static int
read_server(struct email_state *st, bool *starttls)
{
	char *scheme = NULL, *host = NULL, *path = NULL, *user = NULL;
	CURLU *u = curl_url();
	bool good;

	if (u == NULL)
		return -ENOMEM;
	good =
	    !is_empty(st->server) && curl_url_set(u, CURLUPART_URL, st->server, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
	    (strcmp(scheme, "smtp") == 0 || strcmp(scheme, "smtps") == 0) &&
	    strcmp(path, "/") == 0 && curl_url_get(u, CURLUPART_USER, &user, 0) == CURLUE_NO_USER;
	if (good) {
		*starttls = strcmp(scheme, "smtp") == 0;
		(void) snprintf(st->host, sizeof(st->host), "%s", host);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(path);
	curl_free(user);
	curl_url_cleanup(u);
	return good ? 0 : -EINVAL;
}

int
email_password(const struct email_state *st, char ret[SECRET_MAX], struct diag *d)
{
	CLEANUP(buf_fini) struct buf text = BUF_INIT;
	size_t n;
	int r = file_read(st->password_file, "password", true, &text, d);

	if (r < 0)
		return -EINVAL;
	n = text.n == 0 ? 0 : strcspn(text.p, "\r\n");
	n = MIN(n, text.n);
	if (n == 0 || n >= SECRET_MAX)
		r = diag_fail(d, 0, 0, "'%s' has no password in its first line", st->password_file);
	else
		(void) snprintf(ret, SECRET_MAX, "%.*s", (int) n, text.p);
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	return r;
}

static int
check_addresses(const struct email_state *st, struct cfg *cfg, struct diag *d)
{
	static const char what[] = "an address such as ops@example.org";

	if (is_empty(st->from) || !email_is_address(st->from))
		return cfg_wrong(cfg, "outputs.email.sender", what, st->from, d);
	if (st->to.n == 0 || st->to.n > RCPT_MAX)
		return cfg_wrong(cfg, "outputs.email.to", "1 to 50 addresses", "", d);
	for (size_t i = 0; i < st->to.n; i++) {
		if (!email_is_address(st->to.v[i]))
			return cfg_wrong(cfg, "outputs.email.to", what, st->to.v[i], d);
	}
	return 0;
}

static int
check_login(const struct email_state *st, struct cfg *cfg, struct diag *d)
{
	char password[SECRET_MAX], why[sizeof(d->msg)];
	int r;

	if (is_empty(st->user) != is_empty(st->password_file))
		return cfg_wrong(cfg, "outputs.email.password_file",
		    "given with outputs.email.username, and only then", st->password_file, d);
	if (is_empty(st->user))
		return 0;
	if (!st->tls)
		return cfg_wrong(cfg, "outputs.email.starttls",
		    "required if there is a password, which would travel without encryption",
		    st->starttls, d);
	r = email_password(st, password, d);
	explicit_bzero(password, sizeof(password));
	if (r == 0)
		return 0;
	(void) snprintf(why, sizeof(why), "%s", d->msg);
	cfg_place(cfg, "outputs.email.password_file", d);
	return diag_fail(d, d->line, d->col, "%s", why);
}

int
email_conf(struct email_state *st, struct cfg *cfg, struct diag *d)
{
	bool starttls = false;
	int r = read_server(st, &starttls);

	if (r == -EINVAL)
		return cfg_wrong(cfg, "outputs.email.server",
		    "smtp://HOST:PORT or smtps://HOST:PORT", st->server, d);
	if (r < 0)
		return r;
	st->tls = !starttls || strcmp(st->starttls, "required") == 0;
	if (!st->tls && strcmp(st->starttls, "no") != 0)
		return cfg_wrong(cfg, "outputs.email.starttls", "required or no", st->starttls, d);
	r = check_addresses(st, cfg, d);
	if (r == 0)
		r = template_option(
		    "outputs.email.subject", st->subject, true, cfg, &st->by_subject, d);
	if (r == 0)
		r = template_option("outputs.email.template", st->body, true, cfg, &st->by_body, d);
	st->digest.subject = st->test.subject = st->by_subject;
	st->digest.body = st->test.body = st->by_body;
	return r < 0 ? r : check_login(st, cfg, d);
}
