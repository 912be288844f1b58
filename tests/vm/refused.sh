#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Under a kernel that is too old the sensor says so in one sentence, with its requirements.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sensor=${MEWS_BUILD:-$(realpath "$here/../../build/release")}/bin/mews-sensor
"$here/fetch.sh" kernel 5.10 >/dev/null || exit $? # its output is not the sensor's
status=0
said=$("$here/run.sh" -f "$sensor" 5.10 "$sensor" --record /tmp/none 2>&1) || status=$?
[ "$status" != 77 ] || { echo "$said"; exit 77; }
echo "$said"
grep -q 'kernel 5\.10\..* is too old: capture needs 5\.15, and is tested on 6\.1 and newer' <<<"$said" || { echo 'FAIL: another sentence'; exit 1; }
[ "$(grep -c . <<<"$said")" = 1 ] || { echo 'FAIL: not one sentence'; exit 1; }
if [ "$status" = 0 ] || [ "$status" -ge 120 ]; then
	echo "FAIL: exit status $status"
	exit 1
fi
