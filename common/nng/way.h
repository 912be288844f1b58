/* SPDX-License-Identifier: Apache-2.0 */
/* way.h - which NNG this program has in it, and how it is used. */
#ifndef MEWS_COMMON_NNG_WAY_H
#define MEWS_COMMON_NNG_WAY_H

/* For a person, "NNG 1.5.2, tuned" or "NNG 1.10.1, plain"; README.md says what that means. Static,
 * any thread. */
const char *nng_way(void);

#endif
