/* SPDX-License-Identifier: Apache-2.0 */
/* ctl_token.c - the token that mewsctl sends, and to which listener. */
#include "collector/api/token.h"
#include "collector/ctl/ctl.h"
#include "collector/ctl/ctl_http.h"
#include "common/config.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG "/etc/mews/collector.yaml"

struct places {
	const char *token_file, *outbox;
};

static const struct opt opts[] = {
	{ "http.token_file", NULL, "", OPT_STR, offsetof(struct places, token_file), 0, 0 },
	{ "outbox.path", OUTBOX_PATH, "", OPT_STR, offsetof(struct places, outbox), 0, 0 },
};

/* Find the token file of this machine's collector, from its configuration. */
static void
find_file(char *path, size_t n)
{
	struct places p = { NULL, OUTBOX_PATH };
	struct cfg *cfg = NULL;
	struct diag d = { 0 };

	if (access(CONFIG, R_OK) == 0 && cfg_open(CONFIG, NULL, &cfg, &d) == 0 &&
	    cfg_bind(cfg, opts, ARRAY_SIZE(opts), &p, &d) < 0)
		p = (struct places){ NULL, OUTBOX_PATH };
	(void) tokens_place(p.token_file, p.outbox, path, n);
	cfg_free(cfg);
}

int
ctl_token_read(const struct ctl_target *t, struct ctl_token *ret)
{
	char found[4096];
	const char *path = t->token_file;
	struct tokens tokens = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct diag d = { 0 };
	struct slice token;
	struct stat st;
	int r;

	if (path == NULL) {
		find_file(found, sizeof(found));
		path = found;
	}
	r = tokens_read(&tokens, path, &d);
	if (r < 0 || stat(path, &st) < 0)
		return t->token_file != NULL ? ctl_fail("%s", d.msg) : CTL_FAIL;
	token = tokens_best(&tokens);
	(void) snprintf(
	    ret->header, sizeof(ret->header), "Authorization: Bearer %.*s", (int) token.n, token.p);
	ret->owner = st.st_uid;
	ret->found = t->token_file == NULL;
	tokens_fini(&tokens);
	return CTL_OK;
}

/* The n-th word, from 0, of a line of /proc/net/tcp. */
static const char *
word(const char *line, int n)
{
	while (*line == ' ')
		line++;
	for (; n > 0; n--) {
		line += strcspn(line, " ");
		line += strspn(line, " ");
	}
	return line;
}

/* Count the listeners of a port in a file such as /proc/net/tcp, and the trusted ones among
 * them. */
static void
count_listeners(const char *file, const struct ctl_token *t, int port, int *all, int *trusted)
{
	enum { ADDRESS = 1, STATE = 3, USER = 7, LISTEN = 0x0a };
	FILE *f = fopen(file, "re");
	char line[512];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		const char *colon = strchr(word(line, ADDRESS), ':');
		uid_t uid;

		if (colon == NULL || strtol(colon + 1, NULL, 16) != port ||
		    strtol(word(line, STATE), NULL, 16) != LISTEN)
			continue;
		uid = (uid_t) strtoul(word(line, USER), NULL, 10);
		++*all;
		*trusted += uid == 0 || uid == t->owner || uid == geteuid();
	}
	if (f != NULL)
		(void) fclose(f);
}

bool
ctl_token_may_go(const struct ctl_token *t, const char *local, const char *remote, int port)
{
	int all = 0, trusted = 0;

	if (strcmp(local, remote) != 0)
		return false;
	count_listeners("/proc/net/tcp", t, port, &all, &trusted);
	count_listeners("/proc/net/tcp6", t, port, &all, &trusted);
	return all > 0 && trusted == all;
}
