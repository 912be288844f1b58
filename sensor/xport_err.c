/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/xport_err.h"
#include <nng/nng.h>
#include <stdio.h>

/* A cryptographic error, or the peer hung up during the handshake. */
bool
xport_tls_failed(int rv)
{
	return rv == NNG_ECRYPTO || rv == NNG_EPEERAUTH || rv == NNG_ECONNSHUT ||
	       rv == NNG_ECLOSED || rv == NNG_ECONNRESET;
}

bool
xport_absent(int rv)
{
	return rv == NNG_ECONNREFUSED || rv == NNG_ENOENT || rv == NNG_EUNREACHABLE ||
	       rv == NNG_EADDRINVAL;
}

const char *
xport_reason(const char *url, bool tls, int rv, char *buf, size_t n)
{
	const char *what = "is lost";

	switch (rv) {
	case NNG_ECONNREFUSED:
		what = "cannot be reached: nothing listens there; trying again";
		break;
	case NNG_EADDRINVAL:
		what = "cannot be reached: its name cannot be resolved; trying again";
		break;
	case NNG_ENOENT:
		what = "cannot be reached: no such socket; trying again";
		break;
	case NNG_ETIMEDOUT:
	case NNG_EUNREACHABLE:
		what = "cannot be reached; trying again";
		break;
	case NNG_EPEERAUTH:
	case NNG_ECRYPTO:
		what =
		    "is not trusted: its certificate is not from an authority in tls.ca, or not "
		    "for "
		    "the name in tls.server_name";
		break;
	case NNG_EPROTO:
		what = "does not speak this protocol (TLS on one side only?)";
		break;
	case NNG_ENOMEM:
	case NNG_ENOFILES:
		what = "cannot be reached: out of memory or descriptors";
		break;
	case NNG_ECONNSHUT:
	case NNG_ECLOSED:
	case NNG_ECONNRESET:
	case NNG_ECONNABORTED:
		what = tls ? "closed the connection: it stopped, or refuses this certificate"
			   : "closed the connection";
		break;
	default:
		(void) snprintf(buf, n, "the collector %s: %s", url, nng_strerror(rv));
		return buf;
	}
	(void) snprintf(buf, n, "the collector %s %s", url, what);
	return buf;
}
