/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/field/field.h"
#include "collector/state/test_play.h"
#include "tests/support/test.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * The values of fields that look up a parameter, for every event. All its parameters are filled: a
 * text is the parameter's name, descriptor number i is the folder /dI, flags request everything.
 * First it succeeds: paths, data, the access of an open. Then it fails, on unknown descriptors: the
 * type of what it would have created (fd.typechar), the kind of error. Events not in the table have
 * no such values.
 */
static const struct {
	uint16_t event;
	const char *says;
} cases[] = {
	{ EV_OPEN_E, "made=d" },
	{ EV_OPEN, "name=/cwd/name own=/cwd/name read write exec create made=o file" },
	{ EV_CLOSE, "made=o" },
	{ EV_READ, "data=data made=o" },
	{ EV_WRITE, "data=data made=o" },
	{ EV_SOCKET, "made=4" },
	{ EV_BIND, "made=o" },
	{ EV_CONNECT_E, "made=o" },
	{ EV_CONNECT, "made=o net" },
	{ EV_LISTEN, "made=o" },
	{ EV_SEND, "data=data made=o" },
	{ EV_SENDTO, "data=data made=o" },
	{ EV_RECV, "data=data made=o" },
	{ EV_RECVFROM, "data=data made=o" },
	{ EV_SHUTDOWN, "made=o" },
	{ EV_SOCKETPAIR, "made=o" },
	{ EV_SETSOCKOPT, "made=o" },
	{ EV_GETSOCKOPT, "made=o" },
	{ EV_SENDMSG, "data=data made=o" },
	{ EV_SENDMMSG, "data=data made=o" },
	{ EV_RECVMSG, "data=data made=o" },
	{ EV_RECVMMSG, "data=data made=o" },
	{ EV_CREAT_E, "made=d" },
	{ EV_CREAT, "exec made=f file" },
	{ EV_PIPE, "made=p" },
	{ EV_EVENTFD, "made=e" },
	{ EV_FSTAT, "made=o" },
	{ EV_LSEEK, "made=o" },
	{ EV_LLSEEK, "made=o" },
	{ EV_FCHDIR, "made=o" },
	{ EV_PREAD, "data=data made=o" },
	{ EV_PWRITE, "data=data made=o" },
	{ EV_READV, "data=data made=o" },
	{ EV_WRITEV, "data=data made=o" },
	{ EV_PREADV, "data=data made=o" },
	{ EV_PWRITEV, "data=data made=o" },
	{ EV_SIGNALFD, "made=s" },
	{ EV_TIMERFD_CREATE, "made=t" },
	{ EV_INOTIFY_INIT, "made=i" },
	{ EV_FCNTL, "made=o" },
	{ EV_BRK, "memory" },
	{ EV_MMAP, "made=o memory" },
	{ EV_MMAP2, "made=o memory" },
	{ EV_MUNMAP, "memory" },
	{ EV_SPLICE, "made=o" },
	{ EV_IOCTL, "made=o" },
	{ EV_RENAME,
	    "source=/cwd/oldpath target=/cwd/newpath own_source=/cwd/oldpath "
	    "own_target=/cwd/newpath" },
	{ EV_RENAMEAT,
	    "abs=/d1/oldpath dst=/d3/newpath source=/d1/oldpath target=/d3/newpath "
	    "own_source=/d1/oldpath own_target=/d3/newpath" },
	{ EV_SYMLINK,
	    "source=/cwd/linkpath target=/cwd/target own_source=/cwd/linkpath "
	    "own_target=/cwd/target" },
	{ EV_SYMLINKAT,
	    "abs=/d2/linkpath dst=/d2/linkpath source=/d2/linkpath target=/d2/target "
	    "own_source=/d2/linkpath own_target=/d2/target made=o" },
	{ EV_SENDFILE, "made=o" },
	{ EV_QUOTACTL, "name=/cwd/special own=/cwd/special" },
	{ EV_GETDENTS, "made=o" },
	{ EV_GETDENTS64, "made=o" },
	{ EV_SETNS, "made=o" },
	{ EV_FLOCK, "made=o" },
	{ EV_ACCEPT, "made=4 net" },
	{ EV_MOUNT, "source=/cwd/dev target=/cwd/dir own_source=/cwd/dev own_target=/cwd/dir" },
	{ EV_MKDIR, "name=/cwd/path own=/cwd/path" },
	{ EV_RMDIR, "name=/cwd/path own=/cwd/path" },
	{ EV_UNLINK, "name=/cwd/path own=/cwd/path" },
	{ EV_UNLINKAT, "abs=/d1/name dst=/d1/name name=/d1/name own=/d1/name made=o" },
	{ EV_MKDIRAT, "abs=/d1/path dst=/d1/path name=/d1/path own=/d1/path made=o" },
	{ EV_OPENAT_E, "made=o" },
	{ EV_OPENAT,
	    "abs=/d1/name dst=/d1/name name=/d1/name own=/d1/name read write exec create made=f "
	    "file" },
	{ EV_LINK,
	    "source=/cwd/newpath target=/cwd/oldpath own_source=/cwd/newpath "
	    "own_target=/cwd/oldpath" },
	{ EV_LINKAT,
	    "abs=/d1/oldpath dst=/d3/newpath source=/cwd/newpath target=/cwd/oldpath "
	    "own_source=/d3/newpath own_target=/d1/oldpath" },
	{ EV_FCHMODAT,
	    "abs=/d1/filename dst=/d1/filename name=/d1/filename own=/d1/filename made=o" },
	{ EV_CHMOD, "name=/cwd/filename own=/cwd/filename" },
	{ EV_FCHMOD, "name=/d1 own=/d1 made=o" },
	{ EV_RENAMEAT2,
	    "abs=/d1/oldpath dst=/d3/newpath source=/d1/oldpath target=/d3/newpath "
	    "own_source=/d1/oldpath own_target=/d3/newpath" },
	{ EV_USERFAULTFD, "made=o" },
	{ EV_OPENAT2_E, "made=o" },
	{ EV_OPENAT2,
	    "abs=/d1/name dst=/d1/name name=realname own=realname read write exec create made=f "
	    "file" },
	{ EV_MPROTECT, "memory" },
	{ EV_COPY_FILE_RANGE, "made=o" },
	{ EV_OPEN_BY_HANDLE_AT, "read write create made=o file" },
	{ EV_IO_URING_SETUP, "made=o" },
	{ EV_IO_URING_ENTER, "made=o" },
	{ EV_IO_URING_REGISTER, "made=o" },
	{ EV_MLOCK, "memory" },
	{ EV_MUNLOCK, "memory" },
	{ EV_MLOCKALL, "memory" },
	{ EV_MUNLOCKALL, "memory" },
	{ EV_DUP2, "made=o" },
	{ EV_DUP3, "made=o" },
	{ EV_DUP, "made=o" },
	{ EV_BPF, "made=o" },
	{ EV_MLOCK2, "memory" },
	{ EV_FSCONFIG, "made=o" },
	{ EV_EPOLL_CREATE, "made=o" },
	{ EV_EPOLL_CREATE1, "made=o" },
	{ EV_CHOWN, "name=/cwd/path own=/cwd/path" },
	{ EV_LCHOWN, "name=/cwd/path own=/cwd/path" },
	{ EV_FCHOWN, "name=/d1 own=/d1 made=o" },
	{ EV_FCHOWNAT,
	    "abs=/d1/pathname dst=/d1/pathname name=/d1/pathname own=/d1/pathname made=o" },
	{ EV_UMOUNT, "name=/cwd/name own=/cwd/name" },
	{ EV_ACCEPT4, "made=4 net" },
	{ EV_UMOUNT2, "name=/cwd/name own=/cwd/name" },
	{ EV_PIPE2, "made=p" },
	{ EV_INOTIFY_INIT1, "made=i" },
	{ EV_EVENTFD2, "made=e" },
	{ EV_SIGNALFD4, "made=s" },
	{ EV_MEMFD_CREATE, "made=o memory" },
	{ EV_PIDFD_GETFD, "made=o" },
	{ EV_PIDFD_OPEN, "made=o" },
	{ EV_FINIT_MODULE, "made=o" },
	{ EV_MKNODAT, "made=o" },
	{ EV_NEWFSTATAT, "made=o" },
};

enum { PID = 10, FOLDERS = 6, OPEN_ALL = 0x6007 };

/* The value of a numeric parameter. */
static int64_t
number(const struct ev_schema *s, unsigned i, bool fails)
{
	if (i == 0 && fails)
		return -ENOENT;
	if (s->params[i].type == PT_FD)
		return fails ? 1000 + i : i;
	return s->params[i].type == PT_ERRNO || i == 0 ? 0 : OPEN_ALL;
}

static struct batch *
event(struct play *p, const struct ev_schema *s, bool fails, struct view *v)
{
	struct batch *b;

	evb_begin(&p->b, s->num, PID, p->ts += 1000);
	for (unsigned i = 0; i < s->nparams; i++) {
		if (ptype_is_text(s->params[i].type))
			evb_text(&p->b, s->params[i].name, s->params[i].name);
		else
			evb_num(&p->b, s->params[i].name, number(s, i, fails));
	}
	evb_add(&p->b);
	b = evb_batch(&p->b);
	intern_tick(p->pool);
	*v = (struct view){ .state = p->s, .batch = b, .ev = &b->ev[0], .node = "node", .num = 1 };
	v->time = b->ev[0].ts + TEST_EPOCH;
	return b;
}

static void
open_folders(struct play *p)
{
	char params[64];

	for (unsigned i = 0; i < FOLDERS; i++) {
		struct row r = { EV_OPEN, "10", params, "" };

		(void) snprintf(params, sizeof(params), "fd=%u;name=/d%u;flags=0x400", i, i);
		play_row(p, &r);
	}
	play_row(p, &(struct row){ EV_CHDIR, "10", "res=0;path=/cwd", "" });
}

/* Append " WORD=value"; only the word for true; nothing for null, false and 0. */
static void
say(struct buf *b, const char *word, const char *field, const struct view *v, struct fscratch *fs)
{
	struct slice text = { NULL, 0 };
	struct field_ref ref;
	struct diag d;
	struct arena a;
	size_t used;

	arena_init(&a, 0);
	assert_int_equal(0, field_lookup(slice_str(field), &a, &ref, &used, &d));
	if (field_text(&ref, v, fs, &text) && !slice_eq(text, SLICE("false")) &&
	    !slice_eq(text, SLICE("0"))) {
		if (b->n > 0)
			buf_char(b, ' ');
		buf_str(b, word);
		if (!slice_eq(text, SLICE("true")) && !slice_eq(text, SLICE("1"))) {
			buf_char(b, '=');
			buf_slice(b, text);
		}
	}
	arena_fini(&a);
}

static const struct {
	const char *word, *field;
	bool fails; /* evaluated on the failed event */
} asked[] = {
	{ "abs", "evt.abspath", false },
	{ "dst", "evt.abspath.dst", false },
	{ "name", "fs.path.name", false },
	{ "source", "fs.path.source", false },
	{ "target", "fs.path.target", false },
	{ "own", "mews.path.name", false },
	{ "own_source", "mews.path.source", false },
	{ "own_target", "mews.path.target", false },
	{ "data", "evt.buffer", false },
	{ "read", "evt.is_open_read", false },
	{ "write", "evt.is_open_write", false },
	{ "exec", "evt.is_open_exec", false },
	{ "create", "evt.is_open_create", false },
	{ "made", "fd.typechar", true },
	{ "file", "evt.count.error.file", true },
	{ "net", "evt.count.error.net", true },
	{ "memory", "evt.count.error.memory", true },
};

static void
ask_all(const struct ev_schema *s, bool fails, struct fscratch *fs, struct buf *says)
{
	struct play p;
	struct view v;
	struct batch *b;

	play_start(&p, NULL);
	open_folders(&p);
	b = event(&p, s, fails, &v);
	state_apply(p.s, b, b->ev, &v);
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		if (asked[i].fails == fails)
			say(says, asked[i].word, asked[i].field, &v, fs);
	}
	fscratch_reset(fs);
	batch_free(b);
	play_stop(&p);
}

static const char *
expected(unsigned num)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].event == num)
			return cases[i].says;
	}
	return "";
}

static void
test_events(void **state)
{
	struct fscratch *fs = NULL;
	struct buf says = BUF_INIT;
	unsigned wrong = 0;

	(void) state;
	assert_int_equal(0, fscratch_new(&fs));
	for (size_t i = 0; i < schema_nevents; i++) {
		const struct ev_schema *s = &schema_events[i];

		if (s->capture == CAP_SNAP)
			continue;
		says.n = 0;
		ask_all(s, false, fs, &says);
		ask_all(s, true, fs, &says);
		buf_char(&says, '\0');
		if (strcmp(says.p, expected(s->num)) == 0)
			continue;
		print_error(
		    "%u %s says \"%s\", not \"%s\"\n", s->num, s->name, says.p, expected(s->num));
		wrong++;
	}
	assert_int_equal(0, wrong);
	buf_fini(&says);
	fscratch_free(fs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_events) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
