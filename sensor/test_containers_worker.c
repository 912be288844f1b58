/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/test_containers_worker.h"
#include "sensor/event_build.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int worker = -1, workers;
char added[256];
uint64_t later;
const char *comm = "runc";

int __wrap_scanner_containers(struct scanner *s);
int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
int __real_clock_gettime(clockid_t id, struct timespec *ts);

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	int r = __real_clock_gettime(id, ts);

	ts->tv_sec += (time_t) (later / NS_PER_S);
	return r;
}

int
__wrap_scanner_containers(struct scanner *s)
{
	int end[2];

	(void) s;
	assert_int_equal(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end));
	if (worker >= 0)
		(void) close(worker);
	worker = end[1];
	workers++;
	return end[0];
}

static int
add(void *arg, const struct ev_hdr *rec)
{
	struct slice id = record_text(rec, schema_get(EV_CONTAINER_INFO), EVP_CONTAINER_INFO_id);
	size_t n = strlen(added);

	(void) arg;
	(void) snprintf(added + n, sizeof(added) - n, "%.*s ", SLICE_ARG(id));
	return 0;
}

struct containers *
begin(void)
{
	struct containers *c = NULL;

	added[0] = '\0';
	workers = 0;
	assert_int_equal(0, containers_new(NULL, add, NULL, &c));
	return c;
}

void
end(struct containers *c)
{
	containers_free(c);
	if (worker >= 0)
		(void) close(worker);
	worker = -1;
}

const struct ev_hdr *
exec(const char *cgroups, const char *args, size_t nargs, int64_t uid)
{
	static struct rec r;

	rec_begin(&r, EV_EXECVE, 1, 10, 10, 5);
	rec_num(&r, EVP_EXECVE_uid, uid);
	rec_list(&r, EVP_EXECVE_args, (struct slice){ args, nargs });
	rec_text(&r, EVP_EXECVE_comm, slice_str(comm));
	rec_list(&r, EVP_EXECVE_cgroups, (struct slice){ cgroups, strlen(cgroups) + 1 });
	return rec_end(&r);
}

int
see(struct containers *c, const char *cgroups, bool hurry)
{
	return containers_see(c, exec(cgroups, "x", 2, 0), hurry);
}

struct container_ask
question(void)
{
	struct container_ask q;

	assert_int_equal(sizeof(q), recv(worker, &q, sizeof(q), MSG_DONTWAIT));
	return q;
}

bool
asked(void)
{
	char c;

	return worker >= 0 && recv(worker, &c, 1, MSG_DONTWAIT | MSG_PEEK) > 0;
}

void
reply(const struct container_ask *q, enum container_fault fault)
{
	static struct rec r;
	struct {
		struct container_answer a;
		char rec[1024];
	} m = { .a = { .serial = q->serial, .fault = fault } };
	size_t n = sizeof(m.a);

	if (container_has_records(fault)) {
		rec_begin(&r, EV_CONTAINER_INFO, 1, 0, 0, 0);
		rec_text(&r, EVP_CONTAINER_INFO_id, slice_str(q->id));
		(void) rec_end(&r);
		memcpy(m.rec, r.u.bytes, r.n);
		n += r.n;
	}
	assert_int_equal(n, send(worker, &m, n, 0));
}
