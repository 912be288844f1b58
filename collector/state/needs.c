/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/state/state.h"

static const struct {
	uint8_t need, part;
} rows[EV_TYPE_MAX] = {
#define MAKER(ID, fn, PART, NEED)  [EV_##ID] = { STATE_NEEDS_##NEED, STATE_PART_##PART },
#define PARSER(ID, fn, PART, NEED) MAKER(ID, fn, PART, NEED)
#include "collector/state/parsers.def"
};

enum state_need
state_needs(unsigned num)
{
	return rows[num].need;
}

const char *
state_part_name(unsigned num)
{
	static const char *const names[] = {
		[STATE_PART_NONE] = NULL,
		[STATE_PART_THREADS] = "threads",
		[STATE_PART_DESCRIPTORS] = "descriptors",
		[STATE_PART_SOCKETS] = "sockets",
		[STATE_PART_FOLDERS] = "working folders",
		[STATE_PART_IDS] = "ids",
		[STATE_PART_LIMITS] = "limits",
		[STATE_PART_USERS] = "users",
		[STATE_PART_CONTAINERS] = "containers",
	};

	return names[rows[num].part];
}
