/* SPDX-License-Identifier: Apache-2.0 */
/* gather.h - shared by close.c, which wraps all sending, and gather.c. */
#ifndef MEWS_COMMON_NNG_GATHER_H
#define MEWS_COMMON_NNG_GATHER_H

#include <nng/nng.h>

/* Merge a short first piece and the following ones before a stream sends them. */
void nng_gather(nng_aio *aio);

#endif
