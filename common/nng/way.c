/* SPDX-License-Identifier: Apache-2.0 */
#include "common/nng/way.h"
#include <nng/nng.h>

#define TEXT(x)     TEXT_OF(x)
#define TEXT_OF(x)  #x
#define NNG_VERSION TEXT(NNG_MAJOR_VERSION) "." TEXT(NNG_MINOR_VERSION) "." TEXT(NNG_PATCH_VERSION)

/* NNG is linked as an archive, so its header's version is the version that runs. */
const char *
nng_way(void)
{
	return "NNG " NNG_VERSION ", " MEWS_NNG_WAY;
}
