#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# by_hand.sh [--build]: the lines of the README's "By hand", run as they stand in a copy of the tree,
# in a network of its own. Without --build the first line, which installs and builds, is left out, and
# the programs are those of this build.
if [ "${MEWS_BY_HAND:-}" = "" ]; then
	[ "$(id -u)" = 0 ] || { echo "this test needs root"; exit 77; }
	MEWS_BY_HAND=1 exec unshare --net -- "$0" "$@"
fi
. "$(dirname "$0")/../support/lab.sh"
lab_begin
ip link set lo up
copy=$lab/mews
git -C "$root" ls-files -z --cached --others --exclude-standard | (cd "$root" && tar -c --null -T -) | (mkdir "$copy" && tar -x -C "$copy")
if [ "${1:-}" != --build ]; then
	mkdir -p "$copy/build/release"
	ln -s "$bin" "$copy/build/release/bin"
fi
# Where there is no sudo, root needs none.
command -v sudo >/dev/null || {
	mkdir "$lab/path"
	printf '#!/bin/sh\nexec "$@"\n' >"$lab/path/sudo"
	chmod 755 "$lab/path/sudo"
	PATH=$lab/path:$PATH
}

awk '/^## / { here = $0 == "## By hand" } here && /^```$/ { code = 0 } here && code { print } here && /^```sh$/ { code = 1 }' \
	"$root/README.md" >"$lab/lines"
[ "$(grep -c '^[^#]' "$lab/lines")" -gt 8 ] || fail "the README has no 'By hand'"
[ "${1:-}" = --build ] || sed -i 1d "$lab/lines"

# The lines, with what a person does between them: see that a program that was started is there, and
# let the sensor's first events come.
cd "$copy"
status() { build/release/bin/mewsctl status --json --collector unix:build/api.sock; }
sensor_up() { status | jq -e '.sensors[] | select(.connected and .snapshot == "whole")'; }
started=0
while IFS= read -r line <&3; do
	[[ $line =~ ^[^#] ]] || continue
	echo "\$ $line"
	eval "$line" </dev/null >>"$lab/said.log" 2>&1 || fail "this line fails: $line"
	[[ $line =~ \&$ ]] || continue
	lab_pids=("$!" "${lab_pids[@]}") # the sensor is stopped first
	started=$((started + 1))
	if [ "$started" = 1 ]; then
		lab_wait 30 status || fail "no collector after: $line"
	else
		lab_wait 30 sensor_up || fail "no sensor after: $line"
		head -c 1 /etc/shadow >/dev/null
	fi
done 3<"$lab/lines"
[ "$started" = 2 ] || fail "$started programs were started, not two"
grep -q 'Sensitive file read' "$lab/said.log" || fail "an alert does not appear"
echo "$(grep -c '^[^#]' "$lab/lines") lines of the README run as they stand"
