#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# packages.sh - build the Debian packages of this tree, on Debian 12 or 13 for that release.
set -euo pipefail

usage() {
	cat <<'END'
usage: deploy/packages.sh [--arch arm64] [--cmake OPTION] [FOLDER]

Builds mews-sensor, mews-collector, mews-ctl and mews-rules into FOLDER (default build/packages) and
checks them with lintian. The same tree gives the same bytes wherever and whenever it is built.
Needs deploy/install-deps.sh --packages.

  --arch arm64     build for arm64 on another architecture, after deploy/install-deps.sh --cross arm64
  --cmake OPTION   another option for cmake, such as -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF
  -h, --help

The version is that of CMakeLists.txt, followed by the time of the commit unless it has the tag
vVERSION, and by the Debian release. Without git, set SOURCE_DATE_EPOCH.
END
}

die() {
	echo "packages: $1" >&2
	exit 1
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$root/build/packages cmake='' arch=''
while [ $# -gt 0 ]; do
	case $1 in
	--arch)
		arch=${2:?--arch needs an architecture}
		[ "$arch" = arm64 ] || die "--arch is for arm64 only: for the architecture of this machine, leave it out"
		shift
		;;
	--cmake)
		cmake=${2:?--cmake needs an option}
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	-*)
		usage >&2
		exit 2
		;;
	*) out=$1 ;;
	esac
	shift
done
for tool in dh dpkg-buildpackage lintian; do
	command -v "$tool" >/dev/null || die "$tool is missing: run deploy/install-deps.sh --packages"
done
if [ -n "$arch" ]; then
	for tool in aarch64-linux-gnu-gcc qemu-aarch64-static; do
		command -v $tool >/dev/null || die "$tool is missing: run deploy/install-deps.sh --cross arm64"
	done
	cmake+=" -DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64-static"
fi

# The time of the commit is the time of every file, and orders the versions of a release.
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null)} ||
	die "this is no git checkout: set SOURCE_DATE_EPOCH to the time of the sources, such as \$(date +%s)"
version=$(sed -n 's/^project(mews VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
git -C "$root" describe --exact-match --match "v$version" HEAD >/dev/null 2>&1 ||
	version=$version~git$(date -u -d "@$epoch" +%Y%m%d.%H%M%S)
version=$version+deb$(. /etc/os-release && echo "$VERSION_ID")

scratch=$(mktemp -d /var/tmp/mews-packages.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
source=$scratch/mews
mkdir -p "$source" "$out"
out=$(realpath "$out")
(cd "$root" && tar -c --exclude=./build --exclude=./.git --exclude=./.cache .) | tar -x -C "$source"
cp -r "$root/deploy/debian" "$source/debian"
cd "$source"
# ':native': those of the machine that builds, also for another architecture
depends=$(deploy/install-deps.sh --list | sed -E 's/^(build-essential|clang|bpftool)$/&:native/' | paste -sd, | sed 's/,/, /g')
sed -i "s/@BUILD_DEPENDS@/$depends/" debian/control
sed -n '/^Redistribution/,$p' LICENSES/BSD-2-Clause.txt | sed 's/^$/./;s/^/ /' >"$scratch/licence"
sed -i -e "/@BSD_2_CLAUSE@/{r $scratch/licence" -e 'd;}' debian/copyright
cat >debian/changelog <<END
mews ($version) unstable; urgency=medium

  * See CHANGELOG.md.

 -- The Mews maintainers <mews@example.org>  $(date -u -R -d "@$epoch")
END

log=$out/build.log
echo "packages: building $version"
MEWS_CMAKE=$cmake SOURCE_DATE_EPOCH=$epoch dpkg-buildpackage -us -uc -b ${arch:+--host-arch "$arch"} >"$log" 2>&1 || {
	grep -E -A8 'error|FAILED' "$log" | head -n 60
	tail -n 20 "$log"
	die "the build failed: $log"
}
cd "$scratch"
lintian --allow-root --fail-on error,warning --suppress-tags bad-distribution-in-changes-file ./*.changes || die "lintian has found mistakes"
rm -f "$out"/*.deb
mv ./*.deb "$out"
(cd "$out" && sha256sum ./*.deb)
