/* SPDX-License-Identifier: Apache-2.0 */
/* value_text.c - print values: numbers, addresses, times, errors. */
#include "collector/field/field_int.h"
#include "common/clock.h"
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

const char *
errno_name(int64_t negative)
{
	static const char *const kernel[] = { "ERESTARTSYS", "ERESTARTNOINTR", "ERESTARTNOHAND",
		"ENOIOCTLCMD", "ERESTART_RESTARTBLOCK" };

	if (negative <= -512 && negative > -512 - (int64_t) ARRAY_SIZE(kernel))
		return kernel[-negative - 512];
	if (negative >= 0 || negative < -4095)
		return NULL;
	return strerrorname_np((int) -negative);
}

void
ip_text(const uint8_t *addr, unsigned family, struct buf *out)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	char text[INET6_ADDRSTRLEN];

	if (family == 6 && memcmp(addr, mapped, sizeof(mapped)) == 0) {
		addr += sizeof(mapped);
		family = 4;
	}
	if (inet_ntop(family == 4 ? AF_INET : AF_INET6, addr, text, sizeof(text)) != NULL)
		buf_str(out, text);
}

void
time_text(uint64_t ns, bool utc, char date, bool fraction, struct buf *out)
{
	time_t sec = (time_t) (ns / NS_PER_S);
	struct tm tm;

	if (utc)
		(void) gmtime_r(&sec, &tm);
	else
		(void) localtime_r(&sec, &tm);
	if (date != '\0')
		buf_printf(
		    out, "%04d-%02d-%02d%c", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, date);
	buf_printf(out, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (fraction)
		buf_printf(out, ".%09u", (unsigned) (ns % NS_PER_S));
}

void
number_text(const struct fval *v, enum ev_pfmt fmt, bool padded, struct buf *out)
{
	if (fmt == PF_HEX)
		buf_printf(out, "%llX", (unsigned long long) v->u);
	else if (fmt == PF_OCT)
		buf_printf(out, "%#llo", (unsigned long long) v->u);
	else if (padded)
		buf_printf(out, "%09llu", (unsigned long long) v->u);
	else if (v->type == FT_INT)
		buf_printf(out, "%lld", (long long) v->i);
	else
		buf_u64(out, v->u);
}

void
value_text(const struct field *f, const struct fval *v, struct buf *out)
{
	switch (v->type) {
	case FT_STR:
	case FT_BYTES:
		buf_slice(out, v->s);
		break;
	case FT_INT:
	case FT_UINT:
	case FT_PORT:
	case FT_RELTIME:
	case FT_ABSTIME:
	case FT_DYN:
		number_text(
		    v, f == NULL ? PF_DEC : f->fmt, f != NULL && (f->flags & FF_PADDED), out);
		break;
	case FT_BOOL:
		buf_str(out, v->b ? "true" : "false");
		break;
	case FT_DOUBLE:
		buf_printf(out, "%.1f", v->d);
		break;
	case FT_IP:
	case FT_NET:
		ip_text(v->ip.addr, v->ip.family, out);
		break;
	}
}
