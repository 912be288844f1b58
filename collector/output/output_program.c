/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_program.c - alerts as lines on the standard input of a program that keeps running.
 *
 * An alert counts as delivered once the program has read its line or, if it answers, once it has
 * said so. If the program ends, or does neither for too long, it is started again, later each
 * time, and gets what did not count.
 */
#include "collector/output/child.h"
#include "collector/output/lines.h"
#include "collector/output/output.h"
#include "collector/output/program_answer.h"
#include "common/clock.h"
#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAUSE_MIN (100 * NS_PER_MS)
#define PAUSE_MAX (30 * NS_PER_S)
#define STEADY_NS (10 * NS_PER_S) /* it has run for so long: what went wrong before is over */
#define CLOSE_MS  1000
#define UNREAD_MS 2 /* between two looks at how much it has read */

struct program_state {
	struct opt_list command;
	char *format_name, *acknowledge, *template;
	uint64_t timeout_ms;
	enum text_format format;
	bool answers;
	char **argv;
	struct child child;
	struct lines lines;
	struct answers in; /* of the program */
	uint64_t started;  /* monotonic ns */
	uint64_t moved;    /* when it last read or answered */
	uint64_t start_at, pause;
	char trouble[256 + CHILD_SAID];
};

#define AT(f) offsetof(struct program_state, f), 0, 0
static const struct opt opts[] = {
	{ "outputs.program.command", NULL,
	    "The program, an absolute path, and its arguments: a list. It reads an alert per line.",
	    OPT_LIST, AT(command) },
	{ "outputs.program.format", "json", TEXT_FORMATS ": one alert a line.", OPT_STR,
	    AT(format_name) },
	{ "outputs.program.acknowledge", "read",
	    "read: an alert is delivered once the program has read its line; line: once the "
	    "program has written a line for it, 'ok', 'retry WHY' or 'refuse WHY'.",
	    OPT_STR, AT(acknowledge) },
	{ "outputs.program.timeout", "1m",
	    "A program that reads or answers nothing for so long is started again.", OPT_MSEC,
	    offsetof(struct program_state, timeout_ms), 100, 3600000 },
	{ "outputs.program.template", NULL,
	    "A line with fields of the alert, '%alert.time %alert.rule %proc.name', instead of the "
	    "format.",
	    OPT_STR, offsetof(struct program_state, template), 0, 0 },
};

static int
program_check(void *state, struct cfg *cfg, struct diag *d)
{
	struct program_state *st = state;
	const char *path = st->command.n == 0 ? "" : st->command.v[0];

	if (path[0] != '/')
		return cfg_wrong(cfg, opts[0].key,
		    "the absolute path of a program and its arguments, such as "
		    "[/usr/local/bin/notify, --fast]",
		    path, d);
	if (cfg_is_secret(cfg, opts[0].key)) {
		cfg_place(cfg, opts[0].key, d);
		return diag_fail(d, d->line, d->col,
		    "'%s' must not contain a secret (${file:...}): all users of the machine see "
		    "arguments; give the program the file's path",
		    opts[0].key);
	}
	if (access(path, X_OK) < 0) {
		cfg_place(cfg, opts[0].key, d);
		return diag_fail(d, d->line, d->col, "'%s': cannot run '%s': %s", opts[0].key, path,
		    strerrordesc_np(errno));
	}
	if (text_format_of(st->format_name, false, &st->format) < 0)
		return cfg_wrong(cfg, opts[1].key, TEXT_FORMATS, st->format_name, d);
	st->answers = strcmp(st->acknowledge, "line") == 0;
	if (!st->answers && strcmp(st->acknowledge, "read") != 0)
		return cfg_wrong(cfg, opts[2].key, "read or line", st->acknowledge, d);
	return template_option(
	    "outputs.program.template", st->template, true, cfg, &st->lines.template, d);
}

/* Start it if it is time. */
static void
start(struct program_state *st)
{
	uint64_t now = clock_mono();
	int r;

	if (st->child.pid != 0 || now < st->start_at)
		return;
	st->in = (struct answers){ 0 };
	r = child_start(&st->child, st->argv, st->answers);
	st->started = st->moved = now;
	if (r == 0)
		return;
	(void) snprintf(st->trouble, sizeof(st->trouble), "program: cannot run '%s': %s",
	    st->argv[0], strerrordesc_np(-r));
	st->pause = st->pause == 0 ? PAUSE_MIN : MIN(st->pause * 2, PAUSE_MAX);
	st->start_at = now + st->pause;
}

static int
program_open(void *state, struct cfg *cfg, output_done_fn *done, void *arg, struct diag *d)
{
	struct program_state *st = state;
	int r = program_check(st, cfg, d);

	if (r < 0)
		return r;
	st->lines.done = done;
	st->lines.arg = arg;
	st->argv = calloc(st->command.n + 1, sizeof(*st->argv));
	if (st->argv == NULL)
		return -ENOMEM;
	memcpy(st->argv, st->command.v, st->command.n * sizeof(*st->argv));
	start(st);
	return 0;
}

/* It has ended, for the reason in 'trouble': what does not count is submitted again. */
static void
end(struct program_state *st)
{
	uint64_t now = clock_mono();

	if (st->child.said[0] != '\0')
		(void) snprintf(st->trouble + strlen(st->trouble),
		    sizeof(st->trouble) - strlen(st->trouble), "; its last words: %s",
		    st->child.said);
	if (now - st->started >= STEADY_NS)
		st->pause = 0;
	st->start_at = now + st->pause;
	st->pause = st->pause == 0 ? PAUSE_MIN : MIN(st->pause * 2, PAUSE_MAX);
	lines_give_up(&st->lines, st->trouble);
}

/* Stop it, because it does not keep to the rules. */
static void
stop(struct program_state *st, const char *why)
{
	child_stop(&st->child, 0);
	(void) snprintf(st->trouble, sizeof(st->trouble), "program: '%s' %s; it is started again",
	    st->argv[0], why);
	end(st);
}

/* Has it ended by itself? */
static bool
has_ended(struct program_state *st)
{
	int status;

	if (!child_ended(&st->child, &status))
		return false;
	if (WIFSIGNALED(status))
		(void) snprintf(st->trouble, sizeof(st->trouble),
		    "program: '%s' was killed by signal %d; it is started again", st->argv[0],
		    WTERMSIG(status));
	else
		(void) snprintf(st->trouble, sizeof(st->trouble),
		    "program: '%s' ended with status %d; it is started again", st->argv[0],
		    WEXITSTATUS(status));
	end(st);
	return true;
}

static int
program_render(void *state, const struct alert *a, struct buf *ret)
{
	const struct program_state *st = state;

	return lines_render(&st->lines, a, st->format, ret);
}

static const char *
program_answered(void *state)
{
	const struct program_state *st = state;

	return st->answers ? "the program has answered ok" : "the program has read it";
}

static int
program_submit(void *state, const struct outbox_row *row)
{
	struct program_state *st = state;

	return st->child.pid == 0 ? -EAGAIN : lines_add(&st->lines, row, st->format);
}

/* Something got through: what was wrong is over. */
static void
moved(struct program_state *st)
{
	st->moved = clock_mono();
	st->trouble[0] = '\0';
	st->pause = 0;
}

/* Count what it has read: what is no longer in the pipe. */
static void
settle_read(struct program_state *st)
{
	size_t left = lines_left(&st->lines);
	int unread = 0;

	if (left == 0 || ioctl(st->child.in, FIONREAD, &unread) < 0)
		return;
	if (st->lines.written > (size_t) unread)
		lines_settle_to(&st->lines, st->lines.written - (size_t) unread);
	if (lines_left(&st->lines) < left)
		moved(st);
}

/* Count what it has answered. false: it was stopped. */
static bool
settle_answers(struct program_state *st)
{
	struct answer a;
	ssize_t n;
	int r;

	n = read(st->child.out, st->in.text + st->in.n, sizeof(st->in.text) - st->in.n);
	if (n > 0)
		st->in.n += (size_t) n;
	while ((r = answer_next(&st->in, &a)) > 0) {
		if (lines_told(&st->lines) == 0) {
			stop(st, "answers an alert that it did not get");
			return false;
		}
		lines_end(&st->lines, a.result, a.result == OUTPUT_DELIVERED ? NULL : a.why);
		moved(st);
	}
	if (r < 0)
		stop(st, "answers neither 'ok' nor 'retry WHY' nor 'refuse WHY'");
	return r == 0;
}

static void
wait_for_it(struct program_state *st, int timeout_ms)
{
	bool unwritten = st->lines.written < st->lines.out.n;
	struct pollfd p[] = {
		{ .fd = unwritten ? st->child.in : -1, .events = POLLOUT },
		{ .fd = st->child.out, .events = POLLIN },
	};

	if (!st->answers && !unwritten && lines_left(&st->lines) > 0)
		timeout_ms = MIN(timeout_ms, UNREAD_MS);
	if (timeout_ms > 0)
		(void) poll(p, ARRAY_SIZE(p), timeout_ms);
}

/* Nothing went wrong for long, or too long nothing went on. */
static void
look_at_clock(struct program_state *st)
{
	uint64_t now = clock_mono();

	if (lines_left(&st->lines) == 0) {
		st->moved = now;
		if (now - st->started >= STEADY_NS)
			moved(st);
	} else if (now - st->moved > st->timeout_ms * NS_PER_MS) {
		stop(st, st->answers ? "does not answer" : "does not read");
	}
}

static void
program_poll(void *state, int timeout_ms)
{
	struct program_state *st = state;

	start(st);
	if (st->child.pid == 0) {
		(void) poll(NULL, 0, timeout_ms);
		return;
	}
	if (lines_left(&st->lines) > 0)
		wait_for_it(st, timeout_ms);
	if (lines_write(&st->lines, st->child.in, 0) < 0)
		(void) poll(NULL, 0, UNREAD_MS); /* it has closed its input: its end follows */
	child_listen(&st->child);
	if (!st->answers)
		settle_read(st);
	else if (!settle_answers(st))
		return;
	if (!has_ended(st))
		look_at_clock(st);
}

static long
program_drain(void *state, int deadline_ms)
{
	struct program_state *st = state;
	uint64_t until = clock_mono() + (uint64_t) deadline_ms * NS_PER_MS;

	do
		program_poll(st, 20);
	while (lines_left(&st->lines) > 0 && clock_mono() < until);
	return (long) lines_left(&st->lines);
}

static const char *
program_trouble(void *state)
{
	struct program_state *st = state;

	return st->trouble[0] == '\0' ? NULL : st->trouble;
}

static void
program_close(void *state)
{
	struct program_state *st = state;

	child_stop(&st->child, CLOSE_MS);
	lines_fini(&st->lines);
	free(st->argv);
	st->argv = NULL;
}

const struct output_ops output_program = {
	.name = "program",
	.state_size = sizeof(struct program_state),
	.opts = opts,
	.nopts = ARRAY_SIZE(opts),
	.check = program_check,
	.open = program_open,
	.render = program_render,
	.answered = program_answered,
	.submit = program_submit,
	.poll = program_poll,
	.drain = program_drain,
	.trouble = program_trouble,
	.close = program_close,
};
