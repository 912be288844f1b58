/* SPDX-License-Identifier: Apache-2.0 */
/* gather.h - between close.c, through which all sending goes, and gather.c. */
#ifndef MEWS_COMMON_NNG_GATHER_H
#define MEWS_COMMON_NNG_GATHER_H

#include <nng/nng.h>

/* Before a stream sends: make one piece of a short one and what follows it. */
void nng_gather(nng_aio *aio);

#endif
