/* SPDX-License-Identifier: Apache-2.0 */
/* output_stdout.c - alerts as lines on standard output. */
#include "collector/output/lines.h"
#include "collector/output/output.h"
#include "common/clock.h"
#include <errno.h>
#include <poll.h>
#include <unistd.h>

struct stdout_state {
	char *format_name, *template;
	enum text_format format;
	struct lines lines;
	int error; /* of the last write */
	char trouble[128];
};

static const struct opt opts[] = {
	{ "outputs.stdout.format", "text",
	    TEXT_FORMATS ": one alert a line; text is coloured on a terminal.", OPT_STR,
	    offsetof(struct stdout_state, format_name), 0, 0 },
	{ "outputs.stdout.template", NULL,
	    "A line with fields of the alert, '%alert.time %alert.rule %proc.name', instead of the "
	    "format.",
	    OPT_STR, offsetof(struct stdout_state, template), 0, 0 },
};

static int
stdout_check(void *state, struct cfg *cfg, struct diag *d)
{
	struct stdout_state *st = state;

	if (text_format_of(st->format_name, isatty(STDOUT_FILENO) != 0, &st->format) == 0)
		return template_option(
		    "outputs.stdout.template", st->template, true, cfg, &st->lines.template, d);
	cfg_place(cfg, opts[0].key, d);
	diag_set(d, d->line, d->col, "'%s' must be " TEXT_FORMATS ", not '%s'", opts[0].key,
	    st->format_name);
	return -EINVAL;
}

static int
stdout_open(void *state, struct cfg *cfg, output_done_fn *done, void *arg, struct diag *d)
{
	struct stdout_state *st = state;

	st->lines.done = done;
	st->lines.arg = arg;
	return stdout_check(state, cfg, d);
}

static int
stdout_render(void *state, const struct alert *a, struct buf *ret)
{
	const struct stdout_state *st = state;

	return lines_render(&st->lines, a, st->format, ret);
}

static const char *
stdout_answered(void *state)
{
	(void) state;
	return "written to standard output";
}

static int
stdout_submit(void *state, const struct outbox_row *row)
{
	struct stdout_state *st = state;

	return lines_add(&st->lines, row, st->format);
}

static void
stdout_poll(void *state, int timeout_ms)
{
	struct stdout_state *st = state;

	st->error = lines_write(&st->lines, STDOUT_FILENO, timeout_ms);
	lines_settle(&st->lines);
	if (st->error < 0) /* the reader is gone: nothing to wait for */
		(void) poll(NULL, 0, timeout_ms);
}

static long
stdout_drain(void *state, int deadline_ms)
{
	struct stdout_state *st = state;
	uint64_t until = clock_mono() + (uint64_t) deadline_ms * NS_PER_MS;

	do
		stdout_poll(st, 50);
	while (lines_left(&st->lines) > 0 && st->error == 0 && clock_mono() < until);
	return (long) lines_left(&st->lines);
}

static const char *
stdout_trouble(void *state)
{
	struct stdout_state *st = state;

	if (st->error == 0)
		return NULL;
	(void) snprintf(st->trouble, sizeof(st->trouble), "cannot write to standard output: %s",
	    strerrordesc_np(-st->error));
	return st->trouble;
}

static void
stdout_close(void *state)
{
	struct stdout_state *st = state;

	lines_fini(&st->lines);
}

const struct output_ops output_stdout = {
	.name = "stdout",
	.state_size = sizeof(struct stdout_state),
	.only_one = true,
	.opts = opts,
	.nopts = ARRAY_SIZE(opts),
	.check = stdout_check,
	.open = stdout_open,
	.render = stdout_render,
	.answered = stdout_answered,
	.submit = stdout_submit,
	.poll = stdout_poll,
	.drain = stdout_drain,
	.trouble = stdout_trouble,
	.close = stdout_close,
};
