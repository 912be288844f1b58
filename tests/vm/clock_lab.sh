# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# clock_lab.sh - a scratch folder and the programs, for the scripts about clocks. Source it.
# shellcheck disable=SC2034 # they use all of these
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bin=${MEWS_BUILD:-$(realpath "$here/../../build/release")}/bin
scratch=$(mktemp -d /var/tmp/mews-clock.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
fail() {
	echo "FAIL: $*" >&2
	exit 1
}
