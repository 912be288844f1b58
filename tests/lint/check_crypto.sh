#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_crypto.sh BUILD: one library of cryptography per program, OpenSSL. NNG's package would bring mbed TLS
# (common/nng/tls.c replaces it). libmicrohttpd, of the collector's API and of 'mewsctl pki serve', is built on GnuTLS
# and brings that.
set -eu
bad=0
for program in mews-sensor mews-collector mewsctl; do
	needed=$(readelf -d "$1/bin/$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
	for lib in $needed; do
		case $program/$lib in
		mews-collector/libgnutls.* | mewsctl/libgnutls.*) ;;
		*/libmbed* | */libgnutls.* | */libnettle.* | */libgcrypt.* | */libwolfssl.* | */libsodium.*)
			echo "$program needs $lib: its cryptography is OpenSSL's"
			bad=1
			;;
		esac
	done
	case $program/$needed in
	mewsctl/* | *libssl.so*) ;;
	*)
		echo "$program is not linked with OpenSSL's TLS"
		bad=1
		;;
	esac
done
exit $bad
