/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_enroll.c - enrolment at the start, renewal while the sensor runs. */
#include "common/clock.h"
#include "common/file.h"
#include "sensor/enrolled.h"
#include "sensor/sensor_int.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY_NS   (86400 * NS_PER_S)
#define RETRY_NS (600 * NS_PER_S)

/* Enrol with the line in enroll.file, if there is one. */
static int
enroll_now(struct app *a, struct diag *d)
{
	struct buf b = BUF_INIT;
	char host[256];
	const char *node = is_set(a->opt.node) ? a->opt.node : enroll_host(host);
	int r;

	if (!is_set(a->opt.enroll_file) || access(a->opt.enroll_file, F_OK) < 0)
		return -ENOENT;
	r = file_read(a->opt.enroll_file, "enrolment line (enroll.file)", true, &b, d);
	if (r == 0)
		r = enroll(a->opt.enroll_dir, buf_get(&b), node, d);
	if (b.p != NULL)
		OPENSSL_cleanse(b.p, b.cap);
	buf_fini(&b);
	if (r == 0)
		log_info("enrolled as node '%s'", node);
	return r == -ENOENT ? -EINVAL : r;
}

/* Use what enrolment gave. */
static int
use(struct app *a, const struct enrolled *e, struct diag *d)
{
	const struct {
		char **option;
		const char *name;
	} files[] = { { &a->opt.tls_ca, "ca.pem" }, { &a->opt.tls_cert, "node.pem" },
		{ &a->opt.tls_crl, "crl.pem" } };
	char host[256], path[4096];
	const char *node = is_set(a->opt.node) ? a->opt.node : e->node;

	if (strcmp(node, e->node) != 0)
		return diag_fail(d, 0, 0,
		    "node: this machine is enrolled as '%s', not as '%s': set that name, or remove "
		    "%s and enrol it again",
		    e->node, node, a->opt.enroll_dir);
	if (!is_set(a->opt.node) && strcmp(enroll_host(host), e->node) != 0)
		log_warn(
		    "the host name is '%s', but this machine is enrolled as '%s', which stays "
		    "its name",
		    host, e->node);
	a->opt.node = e->node;
	a->opt.url = e->collector;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		(void) snprintf(path, sizeof(path), "%s/%s", a->opt.enroll_dir, files[i].name);
		*files[i].option = cfg_copy(a->cfg, path);
		if (*files[i].option == NULL)
			return -ENOMEM;
	}
	a->opt.tls_key = NULL;
	return 0;
}

int
app_enroll(struct app *a, struct diag *d)
{
	struct enrolled e = { .node = NULL };
	int r;

	if (!is_set(a->opt.enroll_dir) || is_set(a->opt.tls_cert) || is_set(a->opt.tls_dir) ||
	    a->args.record != NULL || a->args.replay != NULL)
		return 0;
	r = enrolled_read(a->opt.enroll_dir, &e, &a->enrolled, d);
	if (r == -ENOENT && !a->args.check) {
		r = enroll_now(a, d);
		if (r == 0)
			r = enrolled_read(a->opt.enroll_dir, &e, &a->enrolled, d);
	}
	if (r == -ENOENT)
		return 0; /* as configured */
	return r < 0 ? r : use(a, &e, d);
}

/* ---- renewal ---- */

/* A day, or less for certificates that live shorter; not all nodes at the same time. */
static uint64_t
next_time(const struct app *a, bool failed)
{
	const struct identity *id = a->node[0]->cfg.identity;
	uint64_t life = id->until - MIN(id->since + ENROLL_SKEW_S * NS_PER_S, id->until);
	uint64_t wait = MIN(MIN(life / 6, DAY_NS), failed ? RETRY_NS : DAY_NS);
	uint16_t some = 0;

	(void) RAND_bytes((unsigned char *) &some, sizeof(some));
	return MAX(wait - wait / 4 * some / UINT16_MAX, NS_PER_S);
}

/* The renewer has ended: use what it fetched. */
static void
take_renewed(struct app *a, uint64_t now)
{
	int status = 0;
	pid_t r = waitpid(a->renewer, &status, WNOHANG);

	if (r == 0)
		return;
	a->renewer = 0;
	a->renew_failed = r < 0 || !WIFEXITED(status) || WEXITSTATUS(status) > 1;
	a->renew_at = now + next_time(a, a->renew_failed);
	if (r > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		a->reload = true;
}

static void
start_renewer(struct app *a, uint64_t now)
{
	char name[] = "mews-sensor", verb[] = "enroll", what[] = "--renew", where[] = "--dir";
	char *const argv[] = { name, verb, what, where, a->opt.enroll_dir, NULL };
	posix_spawnattr_t attr;
	sigset_t none;
	int r;

	sigemptyset(&none);
	r = posix_spawnattr_init(&attr);
	if (r == 0)
		r = posix_spawnattr_setsigmask(&attr, &none);
	if (r == 0)
		r = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	if (r == 0)
		r = posix_spawn(&a->renewer, "/proc/self/exe", NULL, &attr, argv, environ);
	(void) posix_spawnattr_destroy(&attr);
	if (r == 0)
		return;
	a->renewer = 0;
	a->renew_failed = true;
	a->renew_at = now + RETRY_NS;
	log_error("cannot start what renews the certificate: %s", strerrordesc_np(r));
}

void
app_renew(struct app *a, uint64_t now)
{
	if (a->enrolled == NULL || a->nnodes == 0 || a->node[0]->cfg.identity == NULL ||
	    a->stopping)
		return;
	if (a->renewer > 0)
		take_renewed(a, now);
	else if (a->renew_at == 0)
		a->renew_at = now + next_time(a, true);
	else if (now >= a->renew_at)
		start_renewer(a, now);
}
