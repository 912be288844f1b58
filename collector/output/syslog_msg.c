/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/output/syslog_msg.h"
#include "collector/output/text.h"
#include "common/clock.h"
#include "common/escape.h"
#include <errno.h>
#include <unistd.h>

#define CUT_LEAST 128 /* a text cut to less is useless */

/* RFC 5424, 6.2.1, in its order. */
static const char *const facilities[] = { "kern", "user", "mail", "daemon", "auth", "syslog", "lpr",
	"news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0",
	"local1", "local2", "local3", "local4", "local5", "local6", "local7" };

int
syslog_facility_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(facilities); i++) {
		if (strcmp(facilities[i], name) == 0)
			return (int) i;
	}
	return -EINVAL;
}

static bool
is_printable(char c)
{
	return c > ' ' && c <= '~';
}

bool
syslog_app_ok(const char *s)
{
	size_t n = 0;

	while (is_printable(s[n]) && strchr("[]:", s[n]) == NULL)
		n++;
	return s[n] == '\0' && n > 0 && n <= 48;
}

bool
syslog_sd_id_ok(const char *s)
{
	size_t n = 0;

	while (is_printable(s[n]) && strchr("=]\"", s[n]) == NULL)
		n++;
	return s[n] == '\0' && n > 0 && n <= 32;
}

/* A field of printable characters without spaces; "-" if it is empty. */
static void
add_name(struct buf *b, const char *s, size_t max)
{
	if (*s == '\0')
		buf_char(b, '-');
	for (size_t n = 0; s[n] != '\0' && n < max; n++)
		buf_char(b, is_printable(s[n]) ? s[n] : '_');
}

static void
add_param(struct buf *b, const char *name, const char *value)
{
	CLEANUP(buf_fini) struct buf safe = BUF_INIT;

	escape_add(&safe, slice_str(value));
	buf_printf(b, " %s=\"", name);
	for (size_t i = 0; i < safe.n; i++) {
		if (strchr("\"\\]", safe.p[i]) != NULL)
			buf_char(b, '\\');
		buf_char(b, safe.p[i]);
	}
	buf_char(b, '"');
	b->failed |= safe.failed;
}

/* RFC 3339 with microseconds: RFC 5424 allows no more digits. */
static void
add_time(struct buf *b, uint64_t realtime_ns)
{
	char at[40];

	text_time(realtime_ns, at);
	buf_printf(b, "%.*sZ", (int) (strlen(at) - strlen("000Z")), at);
}

static void
header_5424(struct buf *b, const struct syslog_form *f, const struct alert *a)
{
	buf_str(b, "1 ");
	add_time(b, a->time);
	buf_char(b, ' ');
	add_name(b, a->node, 255);
	buf_printf(b, " %s - alert ", f->app);
	if (f->sd_id == NULL) {
		buf_str(b, "- ");
		return;
	}
	buf_printf(b, "[%s", f->sd_id);
	add_param(b, "id", a->id);
	add_param(b, "rule", a->rule);
	add_param(b, "priority", priority_name(a->priority));
	add_param(b, "node", a->node);
	add_param(b, "cluster", a->cluster);
	buf_str(b, "] ");
}

static void
header_bsd(struct buf *b, const struct syslog_form *f, const struct alert *a)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t s = (time_t) (a->time / NS_PER_S);
	struct tm tm = { 0 };

	(void) localtime_r(&s, &tm);
	buf_printf(b, "%s %2d %02d:%02d:%02d ", months[tm.tm_mon], tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
	if (f->header == SYSLOG_BSD) {
		add_name(b, a->node, 255);
		buf_char(b, ' ');
	}
	buf_printf(b, "%s[%d]: ", f->app, (int) getpid());
}

/* Append the text in at most 'room' bytes. */
static int
add_text(struct buf *b, const struct syslog_form *f, const struct alert *a, size_t room)
{
	size_t before = b->n;
	int r = f->template == NULL ? -EBADMSG : template_line_cut(f->template, a, SIZE_MAX, b);

	if (r == -EBADMSG && f->format != TEXT_BARE) /* no template, or an alert without fields */
		return text_fit(b, a, f->format, room);
	if (r == -EBADMSG)
		text_shape(b, a, TEXT_BARE);
	else if (r < 0)
		return r;
	if (b->n - before > room && room < CUT_LEAST)
		return -EMSGSIZE;
	return text_shorten(b, before, room);
}

int
syslog_msg(const struct syslog_form *f, const struct alert *a, struct buf *ret)
{
	size_t before = ret->n, room;

	buf_printf(ret, "<%u>", f->facility * 8 + (unsigned) a->priority);
	if (f->header == SYSLOG_5424)
		header_5424(ret, f, a);
	else
		header_bsd(ret, f, a);
	if (buf_ok(ret) < 0)
		return -ENOMEM;
	if (ret->n - before >= f->max)
		return -EMSGSIZE;
	room = f->max - (ret->n - before);
	return add_text(ret, f, a, room);
}
