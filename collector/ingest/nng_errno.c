/* SPDX-License-Identifier: Apache-2.0 */
/* nng_errno.c - the only place that knows NNG's error numbers. */
#include "collector/ingest/listen.h"
#include <errno.h>

int
nng_errno(int rv)
{
	switch (rv) {
	case 0:
		return 0;
	case NNG_ENOMEM:
		return -ENOMEM;
	case NNG_EADDRINUSE:
		return -EADDRINUSE;
	case NNG_EADDRINVAL:
		return -EADDRNOTAVAIL;
	case NNG_EPERM:
		return -EACCES;
	case NNG_ENOENT:
		return -ENOENT;
	case NNG_ENOTSUP:
		return -EPROTONOSUPPORT;
	case NNG_ENOFILES:
		return -EMFILE;
	default:
		return -EIO;
	}
}
