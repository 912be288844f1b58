/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output_syslog.c - send alerts to a syslog server: /dev/log, UDP, TCP (RFC 6587, octets counted),
 * TLS (RFC 5425).
 *
 * Syslog has no acknowledgement. An alert counts as delivered a moment after the destination's
 * kernel has confirmed its bytes (a stream) or the datagram was sent; if an error arrives before,
 * the alert is submitted again. So a restart of the server loses none that it had time to read,
 * and may repeat some.
 */
#include "collector/output/output.h"
#include "collector/output/peer.h"
#include "collector/output/syslog_msg.h"
#include "common/clock.h"
#include <errno.h>

#define PENDING   1024        /* alerts under way */
#define DATAGRAMS 64          /* of them over UDP, so that a receiver's buffer suffices */
#define BYTES     (256 << 10) /* above this no further alert is accepted */
#define GRACE_NS  (100 * NS_PER_MS)
#define STALL_NS  (5 * NS_PER_S)
#define PIECE     (16 << 10)
#define WAIT_MS   10

struct pending {
	uint64_t rowid;
	size_t end;     /* in 'out'; 0 once it was written */
	uint64_t mark;  /* of peer.sent, once it was written */
	uint64_t ready; /* monotonic ns: delivered if no error came before; 0: not confirmed */
};

struct syslog_state {
	char *address, *facility, *app, *header, *format, *template, *sd_id;
	char *ca, *cert, *key, *tls_name;
	uint64_t max;
	struct syslog_form form;
	struct template *line; /* of the text, or NULL */
	struct peer peer;
	struct buf out, msg;
	size_t written; /* of 'out' */
	struct pending ring[PENDING];
	size_t head, n, nwritten; /* under way, and how many of them are written */
	uint64_t moved;           /* monotonic ns: when something was last confirmed */
	output_done_fn *done;
	void *arg;
	char trouble[512];
};

#define AT(f) offsetof(struct syslog_state, f), 0, 0
static const struct opt opts[] = {
	{ "outputs.syslog.address", "unix:/dev/log",
	    "unix:/dev/log, udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT; the usual ports "
	    "are "
	    "514, 601 and 6514.",
	    OPT_STR, AT(address) },
	{ "outputs.syslog.facility", "user", "The facility: user, daemon, authpriv, local0 ...",
	    OPT_STR, AT(facility) },
	{ "outputs.syslog.app_name", "mews", "The name of the program.", OPT_STR, AT(app) },
	{ "outputs.syslog.header", "auto",
	    "rfc5424, bsd (RFC 3164), or auto: bsd on a unix socket, whose readers expect it.",
	    OPT_STR, AT(header) },
	{ "outputs.syslog.format", "json", TEXT_FORMATS ".", OPT_STR, AT(format) },
	{ "outputs.syslog.template", NULL,
	    "The text with fields of the alert, such as '%alert.rule: %proc.name', instead of "
	    "the format.",
	    OPT_STR, AT(template) },
	{ "outputs.syslog.structured_data", "mews@32473",
	    "The name of the structured data in rfc5424; empty: none.", OPT_STR, AT(sd_id) },
	{ "outputs.syslog.max_size", "8KiB",
	    "Most bytes of a message that the server accepts; the longest texts of a larger alert "
	    "are "
	    "cut.",
	    OPT_SIZE, offsetof(struct syslog_state, max), 480, 1 << 20 },
	{ "outputs.syslog.tls.ca", NULL,
	    "PEM file of the authorities of the server's certificate; empty: the system's.",
	    OPT_STR, AT(ca) },
	{ "outputs.syslog.tls.certificate", NULL,
	    "PEM file of our certificate, if one is required.", OPT_STR, AT(cert) },
	{ "outputs.syslog.tls.key", NULL, "PEM file of its key, mode 0600.", OPT_STR, AT(key) },
	{ "outputs.syslog.tls.server_name", NULL,
	    "The name in the server's certificate, if it is not the host of 'address'.", OPT_STR,
	    AT(tls_name) },
};

static const char *
unless_empty(const char *s)
{
	return s == NULL || *s == '\0' ? NULL : s;
}

/* The form of messages, from the options. */
static int
read_form(struct syslog_state *st, struct cfg *cfg, struct diag *d)
{
	bool local = st->peer.to.kind == PEER_UNIX;
	int facility = st->facility == NULL ? -EINVAL : syslog_facility_of(st->facility);

	if (facility < 0)
		return cfg_wrong(cfg, "outputs.syslog.facility",
		    "a facility such as user, daemon, authpriv or local0", st->facility, d);
	if (st->app == NULL || !syslog_app_ok(st->app))
		return cfg_wrong(cfg, "outputs.syslog.app_name",
		    "1 to 48 printable characters without spaces, brackets and colons", st->app, d);
	if (unless_empty(st->sd_id) != NULL && !syslog_sd_id_ok(st->sd_id))
		return cfg_wrong(cfg, "outputs.syslog.structured_data",
		    "a name of at most 32 characters, such as mews@32473", st->sd_id, d);
	st->form = (struct syslog_form){ local ? SYSLOG_LOCAL : SYSLOG_5424, (unsigned) facility,
		st->app, unless_empty(st->sd_id), TEXT_JSON, st->line, st->max };
	if (text_format_of(st->format, true, &st->form.format) < 0)
		return cfg_wrong(cfg, "outputs.syslog.format", TEXT_FORMATS, st->format, d);
	if (st->form.format == TEXT_COLOURED)
		st->form.format = TEXT_BARE;
	if (strcmp(st->header, "bsd") == 0)
		st->form.header = local ? SYSLOG_LOCAL : SYSLOG_BSD;
	else if (strcmp(st->header, "rfc5424") == 0)
		st->form.header = SYSLOG_5424;
	else if (strcmp(st->header, "auto") != 0)
		return cfg_wrong(
		    cfg, "outputs.syslog.header", "auto, rfc5424 or bsd", st->header, d);
	return 0;
}

static int
syslog_check(void *state, struct cfg *cfg, struct diag *d)
{
	struct syslog_state *st = state;
	struct peer_to *to = &st->peer.to;
	char why[sizeof(d->msg)];
	int r = template_option("outputs.syslog.template", st->template, true, cfg, &st->line, d);

	if (r < 0)
		return r;
	if (st->address == NULL || peer_parse(st->address, to) < 0)
		return cfg_wrong(cfg, "outputs.syslog.address",
		    "unix:/PATH, udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT", st->address,
		    d);
	to->tls.ca = unless_empty(st->ca);
	to->tls.cert = unless_empty(st->cert);
	to->tls.key = unless_empty(st->key);
	to->tls.name = unless_empty(st->tls_name);
	r = read_form(st, cfg, d);
	if (r < 0)
		return r;
	if (to->kind != PEER_TLS && cfg_has(cfg, "outputs.syslog.tls"))
		return cfg_wrong(cfg, "outputs.syslog.address",
		    "tls://HOST:PORT with outputs.syslog.tls", st->address, d);
	r = peer_check(to, d);
	if (r == 0)
		return 0;
	(void) snprintf(why, sizeof(why), "%s", d->msg);
	cfg_place(cfg, "outputs.syslog.address", d);
	return diag_fail(d, d->line, d->col, "outputs.syslog.tls: %s", why);
}

static int
syslog_open(void *state, struct cfg *cfg, output_done_fn *done, void *arg, struct diag *d)
{
	struct syslog_state *st = state;

	st->done = done;
	st->arg = arg;
	return syslog_check(state, cfg, d);
}

static bool
is_stream(const struct syslog_state *st)
{
	return st->peer.to.kind >= PEER_TCP;
}

static struct pending *
at(struct syslog_state *st, size_t i)
{
	return &st->ring[(st->head + i) % PENDING];
}

/* Nothing is known of what is under way: all of it will be submitted again. */
static void
give_up(struct syslog_state *st, const char *why)
{
	size_t n = st->n;

	st->n = st->nwritten = st->written = 0;
	buf_clear(&st->out);
	for (size_t i = 0; i < n; i++)
		st->done(st->arg, at(st, i)->rowid, OUTPUT_RETRY, why);
}

static int
add(struct syslog_state *st, uint64_t rowid)
{
	if (is_stream(st))
		buf_printf(&st->out, "%zu ", st->msg.n);
	buf_slice(&st->out, buf_get(&st->msg));
	if (buf_ok(&st->out) < 0)
		return -ENOMEM;
	*at(st, st->n++) = (struct pending){ .rowid = rowid, .end = st->out.n };
	if (st->n == 1)
		st->moved = clock_mono();
	return 0;
}

static int
syslog_render(void *state, const struct alert *a, struct buf *ret)
{
	const struct syslog_state *st = state;
	int r = syslog_msg(&st->form, a, ret);

	buf_char(ret, '\n');
	return r;
}

static const char *
syslog_answered(void *state)
{
	static const char *const means[] = {
		[PEER_UNIX] = "the socket has taken it",
		[PEER_UDP] = "sent; nothing confirms a datagram",
		[PEER_TCP] = "the server's machine has received it; syslog itself does not answer",
		[PEER_TLS] = "the server's machine has received it; syslog itself does not answer",
	};
	const struct syslog_state *st = state;

	return means[st->peer.to.kind];
}

static int
syslog_submit(void *state, const struct outbox_row *row)
{
	struct syslog_state *st = state;
	size_t before = st->out.n;
	int r;

	if (st->peer.state != PEER_UP || st->n == (is_stream(st) ? PENDING : DATAGRAMS) ||
	    st->out.n > BYTES)
		return -EAGAIN;
	buf_clear(&st->msg);
	r = syslog_msg(&st->form, &row->alert, &st->msg);
	if (r == -EMSGSIZE) {
		st->done(st->arg, row->rowid, OUTPUT_REFUSED,
		    "the alert is too large for syslog: raise outputs.syslog.max_size");
		return 0;
	}
	if (r == 0)
		r = add(st, row->rowid);
	if (r < 0) {
		st->out.n = before;
		st->out.failed = false;
	}
	return r;
}

/* The message at the front of the unwritten ones was written, or cannot be. */
static void
message_written(struct syslog_state *st)
{
	struct pending *p = at(st, st->nwritten++);

	p->mark = st->peer.sent;
	if (!is_stream(st))
		p->ready = clock_mono() + (st->peer.to.kind == PEER_UNIX ? 0 : GRACE_NS);
}

/* Write what the destination takes: a datagram is a whole message. -EAGAIN: no more now. */
static int
write_some(struct syslog_state *st)
{
	const struct pending *p = at(st, st->nwritten);
	size_t n =
	    is_stream(st) ? MIN(st->out.n - st->written, (size_t) PIECE) : p->end - st->written;
	long done = peer_send(&st->peer, st->out.p + st->written, n);

	if (done < 0 && done != -EMSGSIZE)
		return (int) done;
	st->written += done == -EMSGSIZE ? n : (size_t) done;
	if (done == -EMSGSIZE) { /* the only case of a message that can never be sent */
		uint64_t rowid = p->rowid;

		for (size_t i = st->nwritten; i > 0; i--)
			*at(st, i) = *at(st, i - 1);
		st->head = (st->head + 1) % PENDING;
		st->n--;
		st->done(st->arg, rowid, OUTPUT_REFUSED,
		    "the alert is too large for a datagram: lower outputs.syslog.max_size");
		return 0;
	}
	while (st->nwritten < st->n && at(st, st->nwritten)->end <= st->written)
		message_written(st);
	return 0;
}

/* End what was confirmed long enough ago. */
static void
settle(struct syslog_state *st)
{
	uint64_t now = clock_mono(), confirmed = peer_confirmed(&st->peer);

	for (size_t i = 0; i < st->nwritten; i++) {
		struct pending *p = at(st, i);

		if (p->ready != 0)
			continue;
		if (p->mark > confirmed)
			break;
		p->ready = now + GRACE_NS;
		st->moved = now;
	}
	while (st->nwritten > 0 && at(st, 0)->ready != 0 && at(st, 0)->ready <= now) {
		uint64_t rowid = at(st, 0)->rowid;

		st->head = (st->head + 1) % PENDING;
		st->n--;
		st->nwritten--;
		st->moved = now;
		st->done(st->arg, rowid, OUTPUT_DELIVERED, NULL);
	}
	if (st->written < st->out.n)
		return;
	buf_clear(&st->out);
	st->written = 0;
}

static void
step(struct syslog_state *st)
{
	int r = peer_go_on(&st->peer);

	while (r == 1 && st->written < st->out.n) {
		r = write_some(st);
		r = r == 0 ? 1 : r;
	}
	if (st->peer.state == PEER_UP)
		settle(st);
	else if (st->n > 0)
		give_up(st, st->peer.why);
}

static void
syslog_poll(void *state, int timeout_ms)
{
	struct syslog_state *st = state;
	bool connected = st->peer.state == PEER_UP;

	step(st);
	if (timeout_ms <= 0 || (st->n == 0 && connected))
		return;
	peer_wait(&st->peer, st->written < st->out.n, MIN(timeout_ms, WAIT_MS));
	step(st);
}

static long
syslog_drain(void *state, int deadline_ms)
{
	struct syslog_state *st = state;
	uint64_t until = clock_mono() + (uint64_t) deadline_ms * NS_PER_MS;

	do
		syslog_poll(st, WAIT_MS);
	while (st->n > 0 && clock_mono() < until);
	return (long) st->n;
}

static void
syslog_purge(void *state)
{
	struct syslog_state *st = state;

	if (st->n == 0)
		return;
	peer_break(&st->peer, NULL); /* a message may be half written */
	give_up(st, "given up");
}

static const char *
syslog_trouble(void *state)
{
	struct syslog_state *st = state;

	if (st->peer.why[0] != '\0') {
		(void) snprintf(st->trouble, sizeof(st->trouble), "syslog: %s", st->peer.why);
		return st->trouble;
	}
	if (st->n == 0 || clock_mono() - st->moved < STALL_NS)
		return NULL;
	(void) snprintf(st->trouble, sizeof(st->trouble),
	    "syslog: %s has accepted nothing for %llu s; is it stopped or overloaded?", st->address,
	    (unsigned long long) ((clock_mono() - st->moved) / NS_PER_S));
	return st->trouble;
}

static void
syslog_close(void *state)
{
	struct syslog_state *st = state;

	peer_close(&st->peer);
	buf_fini(&st->out);
	buf_fini(&st->msg);
	template_free(st->line);
	st->line = NULL;
	st->n = st->nwritten = st->written = 0;
}

const struct output_ops output_syslog = {
	.name = "syslog",
	.state_size = sizeof(struct syslog_state),
	.opts = opts,
	.nopts = ARRAY_SIZE(opts),
	.check = syslog_check,
	.open = syslog_open,
	.render = syslog_render,
	.answered = syslog_answered,
	.submit = syslog_submit,
	.poll = syslog_poll,
	.drain = syslog_drain,
	.purge = syslog_purge,
	.trouble = syslog_trouble,
	.close = syslog_close,
};
