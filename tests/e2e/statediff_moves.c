/* SPDX-License-Identifier: Apache-2.0 */
/* statediff_moves.c - the choice among the random actions. */
#include "tests/e2e/statediff_moves.h"

enum { ACTORS_MAX = 24 };

static size_t
actors_alive(const struct play *p)
{
	size_t n = 0;

	for (int i = 0; i < SLOTS; i++)
		n += p->actor[i].alive;
	return n;
}

static const struct {
	unsigned weight;
	move_fn *fn;
} moves[] = {
	{ 30, m_open },
	{ 8, m_open_dir },
	{ 12, m_close },
	{ 20, m_dup },
	{ 6, m_fork },
	{ 2, m_vfork },
	{ 4, m_exec },
	{ 3, m_exit },
	{ 3, m_tmpfile },
	{ 3, m_close_range },
	{ 4, m_set_cloexec },
	{ 4, m_pipe },
	{ 10, m_special },
	{ 2, m_kernel },
	{ 3, m_open_handle },
	{ 5, m_chdir },
	{ 1, m_chroot },
	{ 4, m_rename },
	{ 3, m_unlink },
	{ 3, m_socketpair },
	{ 3, m_socket },
	{ 2, m_tcp },
	{ 3, m_pass },
	{ 3, m_take },
	{ 3, m_ids },
	{ 3, m_groups },
	{ 2, m_capset },
	{ 3, m_prctl },
	{ 2, m_namespace },
	{ 3, m_thread },
	{ 2, m_thread_exit },
};

void
move(struct play *p)
{
	int i, v[FD_MAX * 2];
	unsigned sum = 0;
	struct who w;
	uint64_t at;

	do
		i = (int) roll(p, SLOTS);
	while (!p->actor[i].alive);
	w = (struct who){ .p = p, .i = i, .a = &p->actor[i] };
	if (fds_of(&w, v) > FD_MAX - 10) {
		m_close(&w);
		return;
	}
	if (actors_alive(p) > ACTORS_MAX) {
		m_exit(&w);
		return;
	}
	for (size_t k = 0; k < ARRAY_SIZE(moves); k++)
		sum += moves[k].weight;
	at = roll(p, sum);
	for (size_t k = 0; k < ARRAY_SIZE(moves); k++) {
		if (at < moves[k].weight) {
			moves[k].fn(&w);
			return;
		}
		at -= moves[k].weight;
	}
}
