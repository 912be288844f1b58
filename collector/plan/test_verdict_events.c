/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of all types. Parameters come from small sets (a few threads, descriptors and paths), so
 * that events affect each other; some are arbitrary.
 */
#include "collector/plan/test_verdict.h"
#include "tests/support/test.h"

enum { EPOCH_NS = 1000000000 };

#define TEXT(s)                    \
	{                          \
		(s), sizeof(s) - 1 \
	}
#define HEX64   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX64_2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static const struct slice words[] = { TEXT("sh"), TEXT("bash"), TEXT("cat"), TEXT("/etc/passwd"),
	TEXT("/etc//shadow"), TEXT("../x"), TEXT("tmp/y"), TEXT("/dev/log"), TEXT("/tmp/"),
	TEXT("/lib/ld-linux.so.2"), TEXT("<NA>"), TEXT(""), TEXT("/"), TEXT("./a/../b"), TEXT("/w"),
	TEXT("/usr/bin/x (deleted)"), TEXT("anon_inode:[eventfd]") };
static const struct slice lists[] = { TEXT("a\0-c\0"), TEXT("x\0"), TEXT(""), TEXT("A=1\0B=2\0"),
	TEXT("A=2\0"), TEXT("PATH=/bin\0A=1\0"), TEXT("run\0/opt/tool\0"), TEXT("\1\0\0\0\0"),
	TEXT("\1\157\0\0\0"), TEXT("\xff\xff"), TEXT("\x01") };
static const struct slice cgroups[] = { TEXT("cpu=/docker/" HEX64 "\0memory=/\0"),
	TEXT("cpu=/docker/" HEX64_2 "\0"), TEXT("cpu=/a\0memory=/b\0"), TEXT("=/system.slice\0"),
	TEXT("=/docker/" HEX64 "\0"), TEXT("") };
static const struct slice containers[] = { TEXT("0123456789ab"), TEXT("fedcba987654"), TEXT("host"),
	TEXT("") };
static const struct slice infra[] = { TEXT("Event: start; ID: " HEX64 "; name: n1; Image: i1"),
	TEXT("Event: stop; ID: " HEX64_2 "; name: n2; Image: i2"), TEXT("") };
/* Family, then each end: address and port. */
static const struct slice tuples[] = { TEXT("\2\1\2\3\4\120\0\5\6\7\10\273\1"),
	TEXT("\2\5\6\7\10\273\1\1\2\3\4\120\0"), TEXT("\2\1\2\3\4\120\0\1\2\3\4\65\0"),
	TEXT("\2\0\0\0\0\0\0\5\6\7\10\273\1"), TEXT("\1AAAAAAAABBBBBBBB/run/sock"),
	TEXT("\1BBBBBBBBAAAAAAAA/dev/log"),
	TEXT("\12\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\120\0\40\1\0\0\0\0\0\0\0\0\0\0\0\0\0\1\273\1"),
	TEXT("") };
static const struct slice addresses[] = { TEXT("\2\1\2\3\4\120\0"), TEXT("\2\5\6\7\10\273\1"),
	TEXT("\2\0\0\0\0\0\0"), TEXT("\1/run/sock"), TEXT("\1/dev/log"),
	TEXT("\12\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\120\0"), TEXT("") };
static const struct slice ipv6[] = { TEXT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
	TEXT("\40\1\0\0\0\0\0\0\0\0\0\0\0\0\0\1"), TEXT("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") };
static const struct slice fdlists[] = { TEXT("\1\0\3\0\0\0\0\0\0\0\1\0"),
	TEXT("\2\0\2\0\0\0\0\0\0\0\1\0\3\0\0\0\0\0\0\0\1\0"),
	TEXT("\2\0\4\0\0\0\0\0\0\0\1\0\5\0\0\0\0\0\0\0\1\0"), TEXT("\0\0") };

#define ANY_OF(r, v) ((v)[rnd((r), ARRAY_SIZE(v))])

static struct slice
random_path(struct rng *r)
{
	static char own[32];

	if (!one_in(r, 8)) /* a new text, so that others are evicted */
		return ANY_OF(r, words);
	return (struct slice){ own, (size_t) snprintf(own, sizeof(own), "/n/%u", rnd(r, 1 << 30)) };
}

static struct slice
random_text(struct rng *r, const struct ev_param *p)
{
	if (strcmp(p->name, "cgroups") == 0)
		return ANY_OF(r, cgroups);
	if (strcmp(p->name, "container_id") == 0)
		return ANY_OF(r, containers);
	if (strcmp(p->name, "description") == 0)
		return ANY_OF(r, infra);
	switch (p->type) {
	case PT_SOCKTUPLE:
		return ANY_OF(r, tuples);
	case PT_SOCKADDR:
		return ANY_OF(r, addresses);
	case PT_IPV6ADDR:
		return ANY_OF(r, ipv6);
	case PT_FDLIST:
		return ANY_OF(r, fdlists);
	case PT_BYTEBUF:
	case PT_CHARBUFARRAY:
	case PT_DYN:
		return ANY_OF(r, lists);
	default:
		return random_path(r);
	}
}

static int64_t
random_tid(struct stream *s)
{
	return 1 + rnd(s->r, s->tids);
}

/* An id that is mostly the same for a thread. */
static int64_t
random_id(struct stream *s, unsigned divisor)
{
	if (one_in(s->r, 8))
		return -(int64_t) rnd(s->r, 2);
	return one_in(s->r, 3) ? random_tid(s) : 1 + (int64_t) (s->b.c.hdr.tid / divisor);
}

/* Bits that have a name, or the value of one. */
static int64_t
random_word(struct rng *r, const struct ev_names *n)
{
	int64_t v = (int64_t) n->v[rnd(r, (uint32_t) n->n)].value;

	while (n->kind == NAMES_FLAGS && one_in(r, 2))
		v |= (int64_t) n->v[rnd(r, (uint32_t) n->n)].value;
	return v;
}

/* 0: the parameter is not an id of a thread or a group of them. */
static unsigned
id_divisor(const struct ev_param *p)
{
	if (strcmp(p->name, "ptid") == 0 || strcmp(p->name, "ppid") == 0)
		return 3;
	if (strcmp(p->name, "sid") == 0 || strstr(p->name, "pgid") != NULL)
		return 4;
	return p->type == PT_PID || strstr(p->name, "tid") != NULL ||
	       strstr(p->name, "pid") != NULL;
}

static int64_t
random_num(struct stream *t, const struct ev_schema *s, unsigned i)
{
	/* system calls without an event of their own */
	static const int64_t ids[] = { 13, 24, 39, 158, 186 };
	static const int64_t results[] = { 0, 0, 0, 0, 0, -1, -2, -13, -115, 1, 5, -1000 };
	static const int64_t others[] = { 0, 1, 2, 3, 4, 5, 6, 7, 9, 0x24, 1000, -1, 0x10000000,
		1 << 20 };
	const struct ev_param *p = &s->params[i];
	struct rng *r = t->r;

	if (p->type == PT_SYSCALLID)
		return ANY_OF(r, ids);
	if (strcmp(p->name, "res") == 0 && p->type == PT_PID)
		return one_in(r, 3) ? random_tid(t) : one_in(r, 4) ? -11 : 0;
	if (id_divisor(p) != 0)
		return random_id(t, id_divisor(p));
	if (p->type == PT_FD)
		return !one_in(r, 4)  ? (int64_t) rnd(r, 7)
		       : one_in(r, 2) ? AT_CWD
				      : -(int64_t) rnd(r, 20);
	if (i == s->role[EVR_RESULT])
		return ANY_OF(r, results);
	if (p->names->n > 0 && !one_in(r, 6))
		return random_word(r, p->names);
	if (p->type == PT_UID || p->type == PT_GID)
		return one_in(r, 8) ? -1 : (int64_t) rnd(r, 3);
	return ANY_OF(r, others);
}

static unsigned
any_type(struct rng *r)
{
	static const uint16_t often[] = { EV_CLONE, EV_EXECVE, EV_EXECVE, EV_PROCEXIT, EV_OPENAT,
		EV_OPENAT, EV_CLOSE, EV_DUP2, EV_CHDIR, EV_TASK, EV_SETSID, EV_VFORK, EV_CLONE3,
		EV_FORK, EV_EXECVEAT, EV_SOCKET, EV_CONNECT, EV_READ, EV_SYSCALL, EV_ASYNCEVENT };

	if (one_in(r, 3))
		return ANY_OF(r, often);
	return schema_events[rnd(r, (uint32_t) schema_nevents)].num;
}

/* The frequent types: some next to the focus in the table, which belong to it, and any. */
void
stream_start(struct stream *s, struct rng *r, unsigned focus)
{
	size_t at = 0;

	memset(s, 0, sizeof(*s));
	*s = (struct stream){ .r = r, .ts = EPOCH_NS, .focus = focus };
	s->tids = 2 + rnd(r, TIDS - 2);
	while (schema_events[at].num != focus)
		at++;
	for (unsigned i = 0; i < FEW; i++)
		s->few[i] = any_type(r);
	for (unsigned i = 0; i < FEW / 3; i++) {
		size_t near = at + rnd(r, 5);

		if (near >= 2 && near - 2 < schema_nevents)
			s->few[i] = schema_events[near - 2].num;
	}
}

static const struct ev_schema *
random_type(struct stream *s)
{
	if (one_in(s->r, 4))
		return schema_get(s->focus);
	return schema_get(one_in(s->r, 4) ? any_type(s->r) : s->few[rnd(s->r, FEW)]);
}

/* Most events belong to the current holder of a tid, some to an earlier or later one. */
static void
random_task(struct stream *s)
{
	struct rng *r = s->r;
	uint32_t tid = (uint32_t) random_tid(s), pid = tid;
	uint64_t *start = &s->start[tid];

	if (tid > s->tids / 2 + 1 && !one_in(r, 8))
		pid = tid - s->tids / 2;
	else if (one_in(r, 16))
		pid = (uint32_t) random_tid(s);
	if (*start == 0 || one_in(r, 60))
		*start += 2;
	s->b.c.hdr.tid = tid;
	evb_task(&s->b, pid, one_in(r, 12) ? 0 : one_in(r, 12) ? *start - 1 : *start);
}

static void
random_time(struct stream *s)
{
	struct rng *r = s->r;

	s->ts += one_in(r, 100) ? EPOCH_NS : rnd(r, 1000000);
	if (one_in(r, 20))
		s->ts -= rnd(r, 1000);
	if (s->epoch == 0 || one_in(r, 50))
		s->epoch = 1000ULL * EPOCH_NS + rnd(r, 10) * 500000ULL;
}

struct batch *
stream_next(struct stream *s, struct state *state, struct view *v)
{
	const struct ev_schema *e = random_type(s);
	struct rng *r = s->r;
	struct batch *b;

	random_time(s);
	evb_begin(&s->b, e->num, 1, s->ts);
	random_task(s);
	s->b.c.hdr.cpu = (uint16_t) rnd(r, 4);
	s->b.c.hdr.flags = (uint16_t) rnd(r, 4);
	for (unsigned i = 0; i < e->nparams; i++) {
		if (one_in(r, 10) && e->params[i].type != PT_SYSCALLID)
			continue;
		if (!ptype_is_text(e->params[i].type))
			compose_num(&s->b.c, i, random_num(s, e, i));
		else
			compose_text(&s->b.c, i, random_text(r, &e->params[i]));
	}
	evb_add(&s->b);
	b = evb_batch(&s->b);
	*v = (struct view){ .state = state, .batch = b, .ev = &b->ev[0], .num = ++s->num };
	v->node = one_in(r, 16) ? "other" : "node";
	v->time = b->ev[0].ts + s->epoch;
	return b;
}
