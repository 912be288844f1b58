/* SPDX-License-Identifier: Apache-2.0 */
/* way.h - the NNG version in this program, and the way it is used. */
#ifndef MEWS_COMMON_NNG_WAY_H
#define MEWS_COMMON_NNG_WAY_H

/* For people: "NNG 1.5.2, tuned" or "NNG 1.10.1, plain"; see README.md. Static, any thread. */
const char *nng_way(void);

#endif
