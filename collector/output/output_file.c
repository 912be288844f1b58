/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_file.c - write alerts as lines to a file; when it is moved away, create it again.
 *
 * When it is large or old enough it becomes PATH.1, PATH.1 becomes PATH.2, and so on. Only between
 * two lines, and after what was written counts as delivered. If that fails, the file grows.
 */
#include "collector/output/lines.h"
#include "collector/output/output.h"
#include "common/clock.h"
#include "common/probe.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_NS  NS_PER_S        /* how often to check that the file still exists */
#define AGAIN_NS (60 * NS_PER_S) /* after a rotation that failed */
#define KEEP_MAX 1000

struct file_state {
	char *path, *format_name, *sync_name, *template;
	bool append;
	enum text_format format;
	bool sync;
	int fd1; /* the descriptor plus 1, so that zero means closed */
	uint64_t look_at;
	uint64_t rotate_size, rotate_age, keep; /* bytes; ms; files */
	uint64_t rotate_after;                  /* monotonic ns: not before */
	struct lines lines;
	char trouble[512], stuck[512]; /* of writing; of a rotation */
};

static const struct opt opts[] = {
	{ "outputs.file.path", NULL, "The file; created with mode 0600.", OPT_STR,
	    offsetof(struct file_state, path), 0, 0 },
	{ "outputs.file.append", "true", "Append to the file; false: empty it at the start.",
	    OPT_BOOL, offsetof(struct file_state, append), 0, 0 },
	{ "outputs.file.format", "json", TEXT_FORMATS ": one alert a line.", OPT_STR,
	    offsetof(struct file_state, format_name), 0, 0 },
	{ "outputs.file.sync", "none",
	    "none, or batch: an alert counts as delivered once it is on the disk (fdatasync).",
	    OPT_STR, offsetof(struct file_state, sync_name), 0, 0 },
	{ "outputs.file.rotate_size", "0",
	    "Begin a new file when it has this size; the old one becomes PATH.1; 0: never.",
	    OPT_SIZE, offsetof(struct file_state, rotate_size), 0, UINT64_MAX },
	{ "outputs.file.rotate_age", "0", "The same when it was begun so long ago; 0: never.",
	    OPT_MSEC, offsetof(struct file_state, rotate_age), 0, UINT64_MAX },
	{ "outputs.file.keep", "10", "Old files to keep: PATH.1 is the newest.", OPT_U64,
	    offsetof(struct file_state, keep), 1, KEEP_MAX },
	{ "outputs.file.template", NULL,
	    "A line with fields of the alert, '%alert.time %alert.rule %proc.name', instead of the "
	    "format.",
	    OPT_STR, offsetof(struct file_state, template), 0, 0 },
};

/* Terminate a line that a crash cut short, so that it does not corrupt the next. */
static int
end_half_line(int fd)
{
	struct stat sb;
	char last = '\n';

	if (fstat(fd, &sb) < 0)
		return -errno;
	if (!S_ISREG(sb.st_mode) || sb.st_size == 0)
		return 0;
	if (pread(fd, &last, 1, sb.st_size - 1) < 0)
		return -errno;
	if (last != '\n' && write(fd, "\n", 1) < 0)
		return -errno;
	return 0;
}

static int
file_open_fd(struct file_state *st, int flags)
{
	int fd = open(st->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | flags, 0600),
	    r;

	if (fd < 0)
		return -errno;
	r = end_half_line(fd);
	if (r < 0) {
		(void) close(fd);
		return r;
	}
	st->fd1 = fd + 1;
	lines_restart(&st->lines);
	return 0;
}

static int
cannot_write(const struct file_state *st, struct cfg *cfg, int r, struct diag *d)
{
	cfg_place(cfg, opts[0].key, d);
	return diag_fail(d, d->line, d->col,
	    "cannot write '%s': %s; create its folder and let the collector's user write there, or "
	    "set outputs.file.path",
	    st->path, strerrordesc_np(-r));
}

static int
file_check(void *state, struct cfg *cfg, struct diag *d)
{
	struct file_state *st = state;
	int r;

	if (st->path == NULL || st->path[0] == '\0')
		return cfg_wrong(cfg, opts[0].key, "the path of a file", st->path, d);
	if (text_format_of(st->format_name, false, &st->format) < 0)
		return cfg_wrong(cfg, opts[2].key, TEXT_FORMATS, st->format_name, d);
	st->sync = strcmp(st->sync_name, "batch") == 0;
	if (!st->sync && strcmp(st->sync_name, "none") != 0)
		return cfg_wrong(cfg, opts[3].key, "none or batch", st->sync_name, d);
	r = template_option(
	    "outputs.file.template", st->template, true, cfg, &st->lines.template, d);
	if (r < 0)
		return r;
	r = probe_file(st->path);
	return r < 0 ? cannot_write(st, cfg, r, d) : 0;
}

static int
file_open(void *state, struct cfg *cfg, output_done_fn *done, void *arg, struct diag *d)
{
	struct file_state *st = state;
	int r = file_check(state, cfg, d);

	st->lines.done = done;
	st->lines.arg = arg;
	if (r < 0)
		return r;
	r = file_open_fd(st, st->append ? 0 : O_TRUNC);
	if (r == 0 || r == -ENOSPC)
		return 0; /* no room now: poll retries */
	return cannot_write(st, cfg, r, d);
}

static int
file_render(void *state, const struct alert *a, struct buf *ret)
{
	const struct file_state *st = state;

	return lines_render(&st->lines, a, st->format, ret);
}

static const char *
file_answered(void *state)
{
	const struct file_state *st = state;

	return st->sync ? "on the disk" : "written to the file";
}

static int
file_submit(void *state, const struct outbox_row *row)
{
	struct file_state *st = state;

	return lines_add(&st->lines, row, st->format);
}

/* If the file was moved away or removed, create a new one at its path. */
static void
look(struct file_state *st)
{
	struct stat there, ours;

	if (st->fd1 == 0 || clock_mono() < st->look_at)
		return;
	st->look_at = clock_mono() + LOOK_NS;
	if (stat(st->path, &there) == 0 && fstat(st->fd1 - 1, &ours) == 0 &&
	    there.st_ino == ours.st_ino && there.st_dev == ours.st_dev)
		return;
	(void) close(st->fd1 - 1);
	st->fd1 = 0;
}

/* Is it large or old enough? The age of a file system without birth times is unknown. */
static bool
is_due(const struct file_state *st)
{
	uint64_t now = clock_real(), born;
	struct statx sx;

	if (st->fd1 == 0 || (st->rotate_size == 0 && st->rotate_age == 0) ||
	    clock_mono() < st->rotate_after)
		return false;
	if (statx(st->fd1 - 1, "", AT_EMPTY_PATH, STATX_SIZE | STATX_BTIME | STATX_TYPE, &sx) < 0 ||
	    !S_ISREG(sx.stx_mode) || sx.stx_size == 0)
		return false;
	if (st->rotate_size > 0 && sx.stx_size >= st->rotate_size)
		return true;
	born = (uint64_t) sx.stx_btime.tv_sec * NS_PER_S + sx.stx_btime.tv_nsec;
	return st->rotate_age > 0 && (sx.stx_mask & STATX_BTIME) != 0 && now > born &&
	       (now - born) / NS_PER_MS >= st->rotate_age;
}

/* Give each old file the next number; the last one is replaced. 0 or -errno. */
static int
rename_all(const struct file_state *st)
{
	char from[4096 + 8], to[4096 + 8];

	for (uint64_t i = st->keep; i > 0; i--) {
		(void) snprintf(to, sizeof(to), "%s.%lu", st->path, (unsigned long) i);
		if (i > 1)
			(void) snprintf(
			    from, sizeof(from), "%s.%lu", st->path, (unsigned long) i - 1);
		else
			(void) snprintf(from, sizeof(from), "%s", st->path);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static void
rotate(struct file_state *st)
{
	int r;

	if (!is_due(st))
		return;
	r = rename_all(st);
	if (r < 0) {
		st->rotate_after = clock_mono() + AGAIN_NS;
		(void) snprintf(st->stuck, sizeof(st->stuck),
		    "cannot rename '%s' or an old file of it: %s; it grows until that is possible",
		    st->path, strerrordesc_np(-r));
		return;
	}
	st->stuck[0] = '\0';
	(void) close(st->fd1 - 1);
	st->fd1 = 0;
}

static int
file_write(struct file_state *st)
{
	int r;

	look(st);
	if (st->fd1 == 0) {
		r = file_open_fd(st, 0);
		if (r < 0)
			return r;
	}
	r = lines_write(&st->lines, st->fd1 - 1, 0);
	if (r == 0 && st->sync && lines_left(&st->lines) > 0 && fdatasync(st->fd1 - 1) < 0 &&
	    errno != EINVAL) /* a pipe or a terminal */
		return -errno;
	if (r == 0 || !st->sync)
		lines_settle(&st->lines);
	if (lines_left(&st->lines) == 0)
		rotate(st);
	return r;
}

static void
file_poll(void *state, int timeout_ms)
{
	struct file_state *st = state;
	int r = file_write(st);

	st->trouble[0] = '\0';
	if (r < 0)
		(void) snprintf(st->trouble, sizeof(st->trouble), "cannot write '%s': %s", st->path,
		    strerrordesc_np(-r));
	if (lines_left(&st->lines) > 0)
		(void) poll(NULL, 0, timeout_ms);
}

static long
file_drain(void *state, int deadline_ms)
{
	struct file_state *st = state;
	uint64_t until = clock_mono() + (uint64_t) deadline_ms * NS_PER_MS;

	do
		file_poll(st, 20);
	while (lines_left(&st->lines) > 0 && clock_mono() < until);
	return (long) lines_left(&st->lines);
}

static const char *
file_trouble(void *state)
{
	struct file_state *st = state;

	if (st->trouble[0] != '\0')
		return st->trouble;
	return st->stuck[0] == '\0' ? NULL : st->stuck;
}

static void
file_reopen(void *state)
{
	struct file_state *st = state;

	st->look_at = 0;
	look(st);
}

static void
file_close(void *state)
{
	struct file_state *st = state;

	lines_fini(&st->lines);
	if (st->fd1 > 0)
		(void) close(st->fd1 - 1);
	st->fd1 = 0;
}

const struct output_ops output_file = {
	.name = "file",
	.state_size = sizeof(struct file_state),
	.opts = opts,
	.nopts = ARRAY_SIZE(opts),
	.check = file_check,
	.open = file_open,
	.render = file_render,
	.answered = file_answered,
	.submit = file_submit,
	.poll = file_poll,
	.drain = file_drain,
	.trouble = file_trouble,
	.reopen = file_reopen,
	.close = file_close,
};
