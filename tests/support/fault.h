/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - make the n-th allocation of this program fail.
 *
 *	for (unsigned n = 0;; n++) {
 *		fault_arm_nth(n);
 *		r = thing_new(&t);
 *		if (!fault_disarm())
 *			break;       (nothing was left to fail: r must be 0)
 *		assert_int_equal(-ENOMEM, r);
 *	}
 *
 * Uses the linker's --wrap for malloc, calloc and realloc in our own code and static libraries.
 */
#ifndef MEWS_TESTS_SUPPORT_FAULT_H
#define MEWS_TESTS_SUPPORT_FAULT_H

#include <stdbool.h>

void fault_arm_nth(unsigned n);
bool fault_disarm(void); /* did it fire? */

#endif
