/* SPDX-License-Identifier: Apache-2.0 */
/* container_users.c - the users and groups that a container's own files name. */
#include "common/clock.h"
#include "sensor/container_read.h"
#include "sensor/event_build.h"
#include "sensor/passwd.h"
#include <errno.h>

#define USERS_FILE_MAX (64u << 10) /* the rest of a longer one is left out */

/* What the kernel says of its processes are the host's ids. */
struct own {
	const struct container_info *c;
	struct id_maps uids, gids;
};

typedef bool line_fn(const struct own *o, struct rec *r, struct slice line);

static bool
user_record(const struct own *o, struct rec *r, struct slice line)
{
	struct user_line u;

	if (!user_parse(line, &u) || !container_id_outside(&o->uids, &u.uid))
		return false;
	if (!container_id_outside(&o->gids, &u.gid))
		u.gid = UINT32_MAX;
	rec_begin(r, EV_USERADDED, clock_boot(), 0, 0, 0);
	rec_num(r, EVP_USERADDED_uid, u.uid);
	rec_num(r, EVP_USERADDED_gid, u.gid);
	rec_text(r, EVP_USERADDED_name, u.name);
	rec_text(r, EVP_USERADDED_home, u.home);
	rec_text(r, EVP_USERADDED_shell, u.shell);
	rec_text(r, EVP_USERADDED_container_id, slice_str(o->c->ask->id));
	return true;
}

static bool
group_record(const struct own *o, struct rec *r, struct slice line)
{
	struct slice name;
	uint32_t gid;

	if (!group_parse(line, &name, &gid) || !container_id_outside(&o->gids, &gid))
		return false;
	rec_begin(r, EV_GROUPADDED, clock_boot(), 0, 0, 0);
	rec_num(r, EVP_GROUPADDED_gid, gid);
	rec_text(r, EVP_GROUPADDED_name, name);
	rec_text(r, EVP_GROUPADDED_container_id, slice_str(o->c->ask->id));
	return true;
}

static void
add_lines(struct container_info *c, const struct own *o, const char *file, line_fn *record,
    size_t max, struct buf *out)
{
	static struct rec r;
	struct buf text = BUF_INIT;
	struct slice rest, line;
	int n = container_own_file(c, file, USERS_FILE_MAX, &text);

	rest = n < 0 && n != -EFBIG ? (struct slice){ NULL, 0 } : buf_get(&text);
	while (line_next(&rest, &line)) {
		if (!record(o, &r, line))
			continue;
		(void) rec_end(&r);
		if (out->n + r.n > max)
			break;
		buf_add(out, r.u.bytes, r.n);
	}
	buf_fini(&text);
}

void
container_users(struct container_info *c, size_t max, struct buf *out)
{
	struct own o = { .c = c };

	container_ids(c, &o.uids, &o.gids);
	add_lines(c, &o, "etc/passwd", user_record, max / 2, out);
	add_lines(c, &o, "etc/group", group_record, max, out);
}
