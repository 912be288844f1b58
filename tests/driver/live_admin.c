/* SPDX-License-Identifier: Apache-2.0 */
/* live_admin.c - calls whose command decides what their arguments are: fsconfig, keyctl, quotactl.
 */
#include "tests/driver/live_rows.h"
#include <linux/keyctl.h>
#include <linux/quota.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static void
t_fsconfig(struct facts *f)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (fs < 0)
		_exit(1);
	(void) CALL(f, "fsconfig", fs, FSCONFIG_SET_STRING, live_str(f, "size"), live_str(f, "1m"));
	WANT(
	    f, "fd=%d cmd=FSCONFIG_SET_STRING key=size value_bytebuf=- value_charbuf=1m aux=0", fs);
	(void) CALL(f, "fsconfig", fs, FSCONFIG_SET_FLAG, live_str(f, "ro"));
	WANT(f, "fd=%d cmd=FSCONFIG_SET_FLAG key=ro value_bytebuf=- value_charbuf=- aux=0", fs);
	(void) CALL(f, "fsconfig", fs, FSCONFIG_SET_BINARY, live_str(f, "none"),
	    live_str(f, "bytes-and-more"), 5);
	WANT(f, "fd=%d cmd=FSCONFIG_SET_BINARY key=none value_bytebuf=bytes value_charbuf=- aux=5",
	    fs);
	(void) CALL(f, "fsconfig", 4711, FSCONFIG_SET_PATH, live_str(f, "source"),
	    live_str(f, "/dev/none"), -100);
	WANT(f,
	    "fd=4711 cmd=FSCONFIG_SET_PATH key=source value_bytebuf=- "
	    "value_charbuf=/dev/none aux=-100");
	(void) CALL(f, "fsconfig", fs, FSCONFIG_CMD_CREATE);
	WANT(f, "fd=%d cmd=FSCONFIG_CMD_CREATE key=- value_bytebuf=- value_charbuf=- aux=0", fs);
}

/* An argument of keyctl as stored, a number or a text, in hexadecimal. */
struct key_arg {
	char hex[64];
};

static struct key_arg
key_number(int64_t v)
{
	struct key_arg a;
	char bytes[9] = { 0 };

	memcpy(bytes + 1, &v, sizeof(v));
	(void) snprintf(a.hex, sizeof(a.hex), "%s", live_hex(bytes, sizeof(bytes)));
	return a;
}

static struct key_arg
key_text(const char *text)
{
	struct key_arg a;
	char bytes[24] = { 1 };

	(void) snprintf(bytes + 1, sizeof(bytes) - 1, "%s", text);
	(void) snprintf(a.hex, sizeof(a.hex), "%s", live_hex(bytes, 1 + strlen(text)));
	return a;
}

static void
want_key(struct facts *f, const char *operation, struct key_arg a, struct key_arg b,
    struct key_arg c, struct key_arg d)
{
	WANT(f, "operation=%s arg2=%s arg3=%s arg4=%s arg5=%s", operation, a.hex, b.hex, c.hex,
	    d.hex);
}

static void
t_keyctl(struct facts *f)
{
	const struct key_arg none = key_number(0), session = key_number(KEY_SPEC_SESSION_KEYRING);

	(void) CALL(f, "keyctl", KEYCTL_JOIN_SESSION_KEYRING, live_str(f, "mine"), 7, 8, 9);
	want_key(f, "KEYCTL_JOIN_SESSION_KEYRING", key_text("mine"), none, none, none);
	(void) CALL(f, "keyctl", KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1, 8, 9);
	want_key(f, "KEYCTL_GET_KEYRING_ID", session, key_number(1), none, none);
	(void) CALL(f, "keyctl", KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, live_str(f, "user"),
	    live_str(f, "gone"), 9);
	want_key(f, "KEYCTL_SEARCH", session, key_text("user"), key_text("gone"), key_number(9));
	(void) CALL(f, "keyctl", 4711, 6, 7, 8, 9);
	want_key(f, "4711", none, none, none, none);
}

#define NO_LIMITS                                                            \
	"dqb_bhardlimit=0 dqb_bsoftlimit=0 dqb_curspace=0 dqb_ihardlimit=0 " \
	"dqb_isoftlimit=0 dqb_btime=0 dqb_itime=0 "
#define NO_INFO "dqi_bgrace=0 dqi_igrace=0 dqi_flags=0 "

/* A quotactl command; the kernel's QCMD() shifts a signed number out of its range. */
#define QUOTA(cmd, type) ((int64_t) (uint32_t) ((uint32_t) (cmd) << SUBCMDSHIFT | (type)))

/* The kernel says yes to a synchronisation of all quotas even if there are none. */
static void
t_quotactl(struct facts *f)
{
	static const struct if_dqblk limits = { 1, 2, 3, 4, 5, 6, 7, 8,
		QIF_BLIMITS | QIF_SPACE | QIF_BTIME };
	static const struct if_dqinfo info = { 9, 10, 1, IIF_IGRACE | IIF_FLAGS };
	int64_t dev = live_str(f, "/dev/none");

	(void) CALL(f, "quotactl", QUOTA(Q_SYNC, USRQUOTA), 0, 7, 0);
	WANT(f, "special=- quotafilepath=- " NO_LIMITS NO_INFO
		"quota_fmt_out=QFMT_NOT_USED cmd=Q_SYNC type=USRQUOTA id=0 "
		"quota_fmt=QFMT_NOT_USED");
	(void) CALL(f, "quotactl", QUOTA(Q_QUOTAON, GRPQUOTA), dev, 4, live_str(f, "a.group"));
	WANT(f, "special=/dev/none quotafilepath=a.group " NO_LIMITS NO_INFO
		"quota_fmt_out=QFMT_NOT_USED cmd=Q_QUOTAON type=GRPQUOTA id=0 "
		"quota_fmt=QFMT_VFS_V1");
	(void) CALL(f, "quotactl", QUOTA(Q_SETQUOTA, USRQUOTA), dev, 1001,
	    live_mem(f, &limits, sizeof(limits)));
	WANT(f,
	    "special=/dev/none quotafilepath=- dqb_bhardlimit=1 dqb_bsoftlimit=2 "
	    "dqb_curspace=3 dqb_ihardlimit=0 dqb_isoftlimit=0 dqb_btime=7 "
	    "dqb_itime=0 " NO_INFO
	    "quota_fmt_out=QFMT_NOT_USED cmd=Q_SETQUOTA "
	    "type=USRQUOTA id=1001 quota_fmt=QFMT_NOT_USED");
	(void) CALL(
	    f, "quotactl", QUOTA(Q_SETINFO, USRQUOTA), dev, 0, live_mem(f, &info, sizeof(info)));
	WANT(f, "special=/dev/none quotafilepath=- " NO_LIMITS
		"dqi_bgrace=0 dqi_igrace=10 dqi_flags=V1_DQF_RSQUASH "
		"quota_fmt_out=QFMT_NOT_USED cmd=Q_SETINFO type=USRQUOTA id=0 "
		"quota_fmt=QFMT_NOT_USED");
	(void) CALL(f, "quotactl", QUOTA(Q_GETFMT, USRQUOTA), dev, 0,
	    live_mem(f, (int[1]){ 2 }, sizeof(int)));
	WANT(f, "special=/dev/none quotafilepath=- " NO_LIMITS NO_INFO
		"quota_fmt_out=QFMT_VFS_V0 cmd=Q_GETFMT type=USRQUOTA id=0 "
		"quota_fmt=QFMT_NOT_USED");
}

const struct live_row admin_rows[] = {
	LIVE_ROW(fsconfig),
	LIVE_ROW(keyctl),
	LIVE_ROW(quotactl),
	{ .name = NULL },
};
