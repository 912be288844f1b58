/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/state/state.h"

const uint8_t state_touches[EV_TYPE_MAX + STATE_DEEDS] = {
#define TOUCHES(ID, PIECE)    [EV_##ID] = STATE_##PIECE,
#define DEED(ID, PIECE, what) [EV_TYPE_MAX + DEED_##ID] = STATE_##PIECE,
#include "collector/state/touches.def"
};
