/* SPDX-License-Identifier: Apache-2.0 */
#include "common/nng/join.h"
#include <string.h>

enum { LENGTH = 8, GREETING = 8 };

/* Take the length of the next message. */
static void
begin(struct join *j, const uint8_t *p, size_t n)
{
	uint64_t length = 0;

	if (n != LENGTH) {
		j->state = JOIN_UNKNOWN;
		return;
	}
	for (size_t i = 0; i < LENGTH; i++)
		length = length << 8 | p[i];
	if (length > UINT64_MAX - LENGTH)
		j->state = JOIN_UNKNOWN;
	else
		j->left = LENGTH + length;
}

bool
join_hold(struct join *j, const uint8_t *p, size_t n)
{
	if (j->state == JOIN_MESSAGES && j->left == 0)
		begin(j, p, n);
	if (j->state != JOIN_MESSAGES || n >= j->left || j->n + n > JOIN_HELD)
		return false;
	memcpy(j->held + j->n, p, n);
	j->n += n;
	j->left -= n;
	return true;
}

void
join_sent(struct join *j, size_t n)
{
	j->n = 0;
	if (j->state == JOIN_GREETING)
		j->state = n == GREETING ? JOIN_MESSAGES : JOIN_UNKNOWN;
	else if (j->state == JOIN_MESSAGES && n > j->left)
		j->state = JOIN_UNKNOWN;
	else if (j->state == JOIN_MESSAGES)
		j->left -= n;
}
