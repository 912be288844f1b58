/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/driver/live_rows.h"
#include "sensor/capture_table.h"
#include <errno.h>
#include <linux/net.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define X32_BIT 0x40000000L
#define X32_OWN 512 /* the first of x32's own numbers */

/* How a trigger runs. */
enum way { NATIVE, THREAD, X32, COMPAT, CARRIED };
static const char *const ways[] = { "", ", of a thread", ", of an x32 caller",
	", of a 32-bit caller",
	", of a 32-bit caller, with its arguments in memory or in another call" };

/* The current row; also set in the trigger's process. */
static const struct live_row *row;
static enum way way;

/* The calls of socketcall() and ipc(), by their first argument; and those whose arguments are in
 * memory. */
static const struct {
	const char *name, *in;
	long number;
} carried[] = {
	{ "socket", "socketcall", SYS_SOCKET },
	{ "bind", "socketcall", SYS_BIND },
	{ "connect", "socketcall", SYS_CONNECT },
	{ "listen", "socketcall", SYS_LISTEN },
	{ "accept", "socketcall", SYS_ACCEPT },
	{ "getsockname", "socketcall", SYS_GETSOCKNAME },
	{ "getpeername", "socketcall", SYS_GETPEERNAME },
	{ "socketpair", "socketcall", SYS_SOCKETPAIR },
	{ "send", "socketcall", SYS_SEND },
	{ "recv", "socketcall", SYS_RECV },
	{ "sendto", "socketcall", SYS_SENDTO },
	{ "recvfrom", "socketcall", SYS_RECVFROM },
	{ "shutdown", "socketcall", SYS_SHUTDOWN },
	{ "setsockopt", "socketcall", SYS_SETSOCKOPT },
	{ "getsockopt", "socketcall", SYS_GETSOCKOPT },
	{ "sendmsg", "socketcall", SYS_SENDMSG },
	{ "recvmsg", "socketcall", SYS_RECVMSG },
	{ "accept4", "socketcall", SYS_ACCEPT4 },
	{ "recvmmsg", "socketcall", SYS_RECVMMSG },
	{ "sendmmsg", "socketcall", SYS_SENDMMSG },
	{ "semget", "ipc", 2 },
	{ "semop", "ipc", 1 },
	{ "semctl", "ipc", 3 },
	{ "mmap", "mmap", 0 },
	{ "msgget", "ipc", 13 },
	{ "shmget", "ipc", 23 },
};

/* Its index in carried[]; the array's length if it is not there. */
static size_t
carried_at(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(carried) && strcmp(carried[i].name, name) != 0)
		i++;
	return i;
}

static long
table_number(const char *name, enum way w)
{
#if defined(__x86_64__)
	static const uint8_t callers[] = { CALLER_X86_64, CALLER_X86_64, CALLER_X32, CALLER_IA32,
		CALLER_IA32 };
#else
	static const uint8_t callers[] = { CALLER_ARM64, CALLER_ARM64 }; /* no 32-bit callers */
#endif
	int call = syscall_find(slice_str(name));

	if (call >= 0)
		return w < ARRAY_SIZE(callers) ? syscalls[call].number[callers[w]] : -1;
	printf("%s is not in proto/syscalls.def\n", name);
	abort();
}

/* Its number for a trigger that runs this way; -1: there is no such call. */
static long
number(const char *name, enum way w)
{
	size_t c = carried_at(name);
	bool itself = c < ARRAY_SIZE(carried) && strcmp(carried[c].in, name) == 0;

	if (w == CARRIED)
		return c < ARRAY_SIZE(carried) && table_number(carried[c].in, COMPAT) >= 0
			   ? carried[c].number
			   : -1;
	return w == COMPAT && itself ? -1 : table_number(name, w);
}

#if defined(__x86_64__)
/* Call as a 32-bit program: the kernel treats every int 0x80 as one. */
__attribute__((naked)) static long
int80(UNUSED long nr, UNUSED const int64_t args[6])
{
	__asm__(
	    "push %rbx\n\t"
	    "push %rbp\n\t"
	    "mov %edi, %eax\n\t"
	    "mov (%rsi), %ebx\n\t"
	    "mov 8(%rsi), %ecx\n\t"
	    "mov 16(%rsi), %edx\n\t"
	    "mov 32(%rsi), %edi\n\t"
	    "mov 40(%rsi), %ebp\n\t"
	    "mov 24(%rsi), %esi\n\t"
	    "int $0x80\n\t"
	    "pop %rbp\n\t"
	    "pop %rbx\n\t"
	    "ret");
}
#else
#define int80(nr, args) (-ENOSYS)
#endif

/* The arguments of socketcall() and mmap() are in memory, 32 bits each; those of ipc() in
 * registers. */
static long
carry(struct facts *f, const char *name, long nr, const int64_t args[6])
{
	const char *in = carried[carried_at(name)].in;
	uint32_t words[6];
	int64_t at;

	if (strcmp(name, "semop") == 0)
		return int80(table_number(in, COMPAT),
		    (const int64_t[6]){ nr, args[0], args[2], 0, args[1] });
	if (strcmp(in, "ipc") == 0)
		return int80(table_number(in, COMPAT),
		    (const int64_t[6]){ nr, args[0], args[1], args[2], args[3], args[4] });
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = (uint32_t) args[i];
	at = live_mem(f, words, sizeof(words));
	return int80(table_number(in, COMPAT),
	    strcmp(in, name) == 0 ? (const int64_t[6]){ at } : (const int64_t[6]){ nr, at });
}

long
live_call(struct facts *f, const char *name, const int64_t args[6])
{
	struct live_made *m = &f->made[f->nmade];
	long nr = number(name, way), res;

	if (nr < 0)
		return -ENOSYS;
	if (way == COMPAT)
		res = int80(nr, args);
	else if (way == CARRIED)
		res = carry(f, name, nr, args);
	else if ((res = syscall(way == X32 ? nr | X32_BIT : nr, args[0], args[1], args[2], args[3],
		      args[4], args[5])) < 0)
		res = -errno;
	if (f->nmade++ >= ARRAY_SIZE(f->made))
		abort();
	m->res = res;
	m->tid = gettid();
	return res;
}

void
live_want(struct facts *f, const char *fmt, ...)
{
	char *to = f->made[f->nmade - 1].want;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(to, sizeof(f->made[0].want), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t) n >= sizeof(f->made[0].want))
		abort();
}

int64_t
live_mem(struct facts *f, const void *p, size_t n)
{
	char *to = f->mem + f->nmem;

	if (n > sizeof(f->mem) - f->nmem)
		abort();
	memcpy(to, p, n);
	f->nmem += (n + 7) & ~(size_t) 7;
	return (intptr_t) to;
}

bool
live_carried(void)
{
	return way == CARRIED;
}

bool
live_wide(void)
{
	return way < COMPAT;
}

bool
live_narrow(void)
{
	return way >= COMPAT || (way == X32 && number(row->name, X32) >= X32_OWN);
}

long
live_id(long n)
{
	if (live_wide())
		return n & 0xffffffff;
	return (n & 0xffff) == 0xffff ? 0xffffffff : n & 0xffff;
}

int64_t
live_words(struct facts *f, const int64_t *words, size_t n)
{
	uint32_t narrow[16];

	if (!live_narrow())
		return live_mem(f, words, n * sizeof(*words));
	if (n > ARRAY_SIZE(narrow))
		abort();
	for (size_t i = 0; i < n; i++)
		narrow[i] = (uint32_t) words[i];
	return live_mem(f, narrow, n * sizeof(*narrow));
}

void *
live_at(struct facts *f, int64_t arg)
{
	return f->mem + (arg - (intptr_t) f->mem);
}

int64_t
live_str(struct facts *f, const char *text)
{
	return live_mem(f, text, strlen(text) + 1);
}

const char *
live_hex(const void *p, size_t n)
{
	static _Thread_local char hex[2][256];
	static _Thread_local unsigned k;
	char *to = hex[++k % 2];

	for (size_t i = 0; i < n; i++)
		(void) snprintf(to + 2 * i, 3, "%02x", ((const unsigned char *) p)[i]);
	return to;
}

unsigned long
live_dev(long fd)
{
	struct stat st;

	if (fstat((int) fd, &st) != 0)
		return 0;
	return (minor(st.st_dev) & 0xff) | major(st.st_dev) << 8 |
	       (minor(st.st_dev) & ~0xffUL) << 12;
}

unsigned long
live_ino(long fd)
{
	struct stat st;

	return fstat((int) fd, &st) == 0 ? st.st_ino : 0;
}

static void *
run_trigger(void *f)
{
	row->trigger(f);
	return NULL;
}

static void
d_row(struct facts *f)
{
	static _Alignas(
	    4096) char stack[1 << 16]; /* one that the C library makes needs mprotect() */
	pthread_attr_t attr;
	pthread_t t;

	if (way != THREAD) {
		row->trigger(f);
		return;
	}
	if (pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstack(&attr, stack, sizeof(stack)) != 0 ||
	    pthread_create(&t, &attr, run_trigger, f) != 0 || pthread_join(t, NULL) != 0)
		_exit(1);
}

/* Parse "A|B" by the words of the parameter's table, or a number. */
static bool
parse_number(const struct ev_param *p, char *value, int64_t *ret)
{
	char *end, *save, *word = strtok_r(value, "|", &save);
	bool known = true;

	*ret = (int64_t) strtoull(value, &end, 0);
	if (end != value && *end == '\0')
		return true;
	for (*ret = 0; word != NULL && known; word = strtok_r(NULL, "|", &save)) {
		known = false;
		for (size_t i = 0; i < p->names->n && !known; i++) {
			known = strcmp(p->names->v[i].name, word) == 0;
			if (known)
				*ret |= (int64_t) p->names->v[i].value;
		}
	}
	return known;
}

static void
check_hex(struct live *l, const struct ev_hdr *r, const char *param, const char *hex)
{
	char bytes[128];
	size_t n = 0;
	unsigned byte;

	for (; n < sizeof(bytes) && sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		bytes[n] = (char) byte;
	live_bytes(l, r, param, bytes, n);
}

/* Check a "name=value"; returns the parameter's bit. */
static uint64_t
check_pair(struct live *l, const struct ev_hdr *r, char *pair)
{
	char *value = strchr(pair, '=');
	const struct ev_param *p;
	int64_t want;
	int i;

	if (value == NULL) {
		live_fail(l, "'%s' is not name=value: fix the test", pair);
		return 0;
	}
	*value++ = '\0';
	i = live_param(l, r, pair);
	if (i < 0)
		return 0;
	p = &schema_get(r->type)->params[i];
	if (strcmp(value, "-") == 0)
		live_absent(l, r, pair);
	else if (p->type == PT_SOCKADDR || p->type == PT_SOCKTUPLE || p->type == PT_DYN)
		check_hex(l, r, pair, value);
	else if (strncmp(value, "hex:", 4) == 0)
		check_hex(l, r, pair, value + 4);
	else if (ptype_is_text(p->type))
		live_text(l, r, pair, value);
	else if (strcmp(value, "+") == 0)
		live_that(l, record_num(r, schema_get(r->type), (unsigned) i) != 0, "it is not 0");
	else if (parse_number(p, value, &want))
		live_num(l, r, pair, want);
	else
		live_fail(l, "%s has no word '%s': fix the test", pair, value);
	return 1ULL << i;
}

static void
check_caller(struct live *l, const struct ev_hdr *r, const struct live_made *m)
{
	live_that(
	    l, r->tid == (uint32_t) m->tid && r->pid == (uint32_t) l->child, "the caller is right");
	live_that(l, !(r->flags & EVF_COMPAT) == !live_narrow(), "so is the kind of caller");
	live_that(l, !(r->flags & (EVF_REREAD | EVF_CUT)), "all was read whole, in time");
}

/* A generic event has nothing of the call but its name and number. */
static void
check_generic(struct live *l, const struct ev_hdr *r)
{
	const char *name = row->name, *own = way == CARRIED ? carried[carried_at(name)].in : name;

	live_num(l, r, "ID", syscalls[syscall_find(slice_str(name))].id);
	live_num(l, r, "nativeID", number(own, way == CARRIED ? COMPAT : way));
}

static void
check_made(struct live *l, const struct ev_hdr *r, struct live_made *m)
{
	const struct ev_schema *s = schema_get(r->type);
	uint64_t seen = 1;
	char *save;

	check_caller(l, r, m);
	if (s->num == EV_SYSCALL) {
		check_generic(l, r);
		return;
	}
	if (s->nparams == 0)
		live_counted(l, s);
	else
		live_num(l, r, s->params[0].name, m->res);
	for (char *pair = strtok_r(m->want, " ", &save); pair != NULL;
	     pair = strtok_r(NULL, " ", &save))
		seen |= check_pair(l, r, pair);
	for (unsigned i = 0; i < s->nargs; i++) {
		if (!(seen >> i & 1))
			live_fail(l, "%s: no WANT() for '%s'", s->name, s->params[i].name);
	}
}

/* The event of a call. */
static const struct ev_schema *
event_of(const char *name)
{
	for (size_t i = 0; i < ncaptures; i++) {
		if (strcmp(captures[i].call, name) == 0)
			return schema_get(captures[i].event);
	}
	return syscall_find(slice_str(name)) < 0 ? NULL : schema_get(EV_SYSCALL);
}

/* The k-th record of that event by that thread: the C library may make the same call in others.
 * NULL: none. */
static const struct ev_hdr *
made_record(const struct live *l, uint16_t type, int64_t tid, unsigned k)
{
	for (size_t i = 0; i < l->nrecs; i++) {
		if (l->recs[i]->type == type && l->recs[i]->tid == (uint32_t) tid && k-- == 0)
			return l->recs[i];
	}
	return NULL;
}

static void
c_row(struct live *l)
{
	const struct ev_schema *s = event_of(row->name);
	unsigned n = (unsigned) l->f->nmade;
	bool good = false, bad = false;

	live_that(l, WIFEXITED(l->status) && WEXITSTATUS(l->status) == 0, "the trigger ran");
	for (unsigned i = 0; i < n; i++) {
		struct live_made *m = &l->f->made[i];
		const struct ev_hdr *r = made_record(l, s->num, m->tid, i);

		good |= m->res >= 0;
		bad |= m->res < 0;
		if (r != NULL)
			check_made(l, r, m);
	}
	live_that(l,
	    n > 0 && made_record(l, s->num, l->f->made[0].tid, n - 1) != NULL &&
		made_record(l, s->num, l->f->made[0].tid, n) == NULL,
	    "there is a record for each call");
	live_that(l, row->one != NULL || (good && bad), "one call succeeded, and one failed");
}

void
live_row_run(struct live *l, const struct live_row *r)
{
	char name[128];
	struct live_case c = { name, d_row, c_row, NULL };
	struct live_tally before = l->checks[EV_SYSCALL];
	const struct ev_schema *s;

	if (l->only != NULL && strstr(r->name, l->only) == NULL)
		return;
	row = r;
	s = event_of(row->name);
	if (s == NULL) {
		live_begin(l, row->name);
		live_fail(l, "no event of this name is captured");
		return;
	}
	if (s->num == EV_SYSCALL)
		live_all_and(l->st, (unsigned) syscall_find(slice_str(row->name)));
	for (way = NATIVE; way <= CARRIED; way++) {
		if (number(row->name, way) < 0 || (way == THREAD && row->no_thread) ||
		    (way == X32 && syscall(SYS_getpid | X32_BIT) < 0))
			continue;
		(void) snprintf(name, sizeof(name), "%s%s", row->name, ways[way]);
		live_run(l, &c);
	}
	if (s->num == EV_SYSCALL)
		live_by_name(l, row->name, before);
}
