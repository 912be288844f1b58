#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# by_hand.sh [--build]: run the commands of the README's "By hand" in a copy of the tree,
# in a separate network. Without --build the first command, which installs and builds, is skipped, and
# the programs of this build are used.
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
# Without sudo: root does not need it.
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

# Run the commands, and between them what a person does: check that a started program is up, and
# wait for the sensor's first events.
cd "$copy"
status() { build/release/bin/mewsctl status --json --collector unix:build/api.sock; }
sensor_up() { status | jq -e '.sensors[] | select(.connected and .snapshot == "whole")'; }
started=0
while IFS= read -r line <&3; do
	[[ $line =~ ^[^#] ]] || continue
	echo "\$ $line"
	eval "$line" </dev/null >>"$lab/said.log" 2>&1 || fail "this line fails: $line"
	[[ $line =~ \&$ ]] || continue
	lab_pids=("$!" "${lab_pids[@]}") # stop the sensor first
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
