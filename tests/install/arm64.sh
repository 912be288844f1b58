#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# arm64.sh - Mews for arm64, on a machine of another architecture: the Debian packages are cross-built in a
# Debian 12 of its own; the unit tests run under qemu-user; and in a virtual machine with Debian's kernel
# for arm64 the programs of the packages raise alerts of real deeds.
#
#   arm64.sh [packages | unit | alert]...   only these parts; without any, all
#
# Ends with 'N passed, N failed'. The Debian 12 with the build (3 GB) is kept in ~/.cache/mews/cross-arm64;
# remove it to start afresh. Exit status 77: it cannot run here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
cross=${MEWS_CROSS_ROOT:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mews/cross-arm64}
mirror=${MEWS_DEBIAN_MIRROR:-http://deb.debian.org/debian}
logs=$(mktemp -d /var/tmp/mews-arm64.XXXXXX)
trap 'rm -rf "$logs"' EXIT
say() { printf '== %s (%dm%02ds)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }
skip() {
	echo "arm64: $1"
	exit 77
}
[ "$(id -u)" = 0 ] || skip 'needs root'
for tool in debootstrap qemu-system-aarch64; do
	command -v $tool >/dev/null || skip "$tool is missing: run deploy/install-deps.sh --test"
done
passed=0 failed=0
# check NAME COMMAND...: count it, and go on.
check() {
	local name=$1
	shift
	if "$@" >"$logs/check" 2>&1; then
		passed=$((passed + 1))
		echo "ok      $name"
	else
		failed=$((failed + 1))
		echo "FAILED  $name"
		grep -vE '^ *[0-9]+/[0-9]+ Test .* Passed|^ *Start ' "$logs/check" | tail -n 40 | sed 's/^/        /'
	fi
}

# inside COMMAND...: run it in that Debian, in a copy of this tree. No mount is visible outside.
inside() {
	# shellcheck disable=SC2016 # the inner shells expand it
	unshare --mount --propagation private bash -euc '
		root=$1
		shift
		mount -t proc proc "$root/proc"
		mount -t tmpfs tmpfs "$root/tmp"
		mount --rbind /dev "$root/dev"
		mount --rbind /sys "$root/sys"
		exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
			chroot "$root" sh -c "cd /src && exec \"\$@\"" sh "$@"' bash "$cross" "$@"
}
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

make_root() {
	[ ! -e "$cross/complete" ] || return 0
	curl -sfIL -m 20 "$mirror/dists/bookworm/Release" >/dev/null || skip "no way to $mirror"
	say 'making a Debian 12 to build in'
	rm -rf --one-file-system "$cross"
	mkdir -p "$cross"
	unshare --mount --propagation private debootstrap --variant=minbase --include=ca-certificates bookworm "$cross" "$mirror" >"$logs/debootstrap" || {
		tail -n 20 "$logs/debootstrap"
		exit 1
	}
	cp -L /etc/resolv.conf "$cross/etc/resolv.conf"
	: >"$cross/complete"
}

build_tests() {
	inside cmake -G Ninja -S . -B build/arm64 --toolchain cmake/arm64.cmake -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMEWS_WERROR=ON &&
		inside nice cmake --build build/arm64
}
# qemu-user runs a program, not those that it starts, as these do; and it has no openat2, so test_container_read is in the
# virtual machine.
starting='xport|rules_coverage|rules_said|asked_wrongly|check'
unit() { inside ctest --test-dir build/arm64 -L unit -E "^unit[.]($starting|container_read)\$" --output-on-failure --timeout 900 -j "$(nproc)"; }
file_of() { # file_of DEB PATH: of which architecture is it?
	dpkg-deb --fsys-tarfile "$1" | tar -xO "./$2" | od -An -tu1 -j18 -N1
}
# Are they, and the sensor in them?
for_arm64() {
	local deb
	for deb in "$cross"/src/build/packages/mews-{sensor,collector,ctl}_*_arm64.deb; do dpkg-deb -f "$deb" Package Architecture Depends; done
	[ "$(file_of "$cross"/src/build/packages/mews-sensor_*_arm64.deb usr/sbin/mews-sensor)" -eq 183 ]
}

# vm FILES... -- COMMAND...: a machine with them, and what the packages have unpacked.
vm() {
	local files=()
	while [ "$1" != -- ]; do
		files+=(-f "$1")
		shift
	done
	shift
	"$top/tests/vm/run.sh" -r "$cross" "${files[@]}" -t "$seconds" arm64 "$@"
}

wanted() { [ ${#parts[@]} = 0 ] || [[ " ${parts[*]} " == *" $1 "* ]]; }
parts=("$@")
make_root
mkdir -p "$cross/src"
# Unchanged files keep their times, so a second build is a short one.
(cd "$top" && tar -c --exclude=./build --exclude=./.git --exclude=./.cache .) | tar -x -C "$cross/src"
say 'what the build needs'
inside deploy/install-deps.sh --cross arm64

if wanted packages; then
	say 'packages'
	check 'the Debian packages are built, lintian without errors or warnings' inside deploy/packages.sh --arch arm64 --cmake -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF build/packages
	check '... for arm64' for_arm64
fi
if wanted unit; then
	say 'programs and tests'
	check 'programs and tests are built, without warnings' build_tests
	say 'unit tests, under qemu-user'
	check 'unit tests' unit
fi
if wanted alert; then
	say 'an alert, in a virtual machine'
	. "$here/arm64_alert.sh"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
