#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tarball.sh - the programs for Linux machines without Mews' packages: a tarball with an install script.
set -euo pipefail
umask 022 # the modes in the archive

usage() {
	cat <<'END'
usage: deploy/tarball.sh [--cmake OPTION] [FOLDER]

Builds FOLDER/mews-VERSION-ARCH.tar.gz (default build/tarball): the programs, the libraries that they need beside
the C library, units, rules, configurations, manual pages, and install.sh with --prefix and --uninstall. It runs
where the C library is that of this machine or newer: built on Debian 12, glibc 2.36. The same tree gives the same
bytes. Needs deploy/install-deps.sh --packages.

  --cmake OPTION   another option for cmake, such as -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF
  -h, --help
END
}

die() {
	echo "tarball: $1" >&2
	exit 1
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
out=$root/build/tarball options=()
while [ $# -gt 0 ]; do
	case $1 in
	--cmake)
		options+=("${2:?--cmake needs an option}")
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
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null)} ||
	die "this is no git checkout: set SOURCE_DATE_EPOCH to the time of the sources, such as \$(date +%s)"
version=$(sed -n 's/^project(mews VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
name=mews-$version-$(uname -m)
scratch=$(mktemp -d /var/tmp/mews-tarball.XXXXXX)
trap 'rm -rf "$scratch"' EXIT

# RPATH, not RUNPATH: libraries find their own libraries by it too.
# shellcheck disable=SC2016 # for the loader
cmake -G Ninja -S "$root" -B "$scratch/build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON \
	-DCMAKE_INSTALL_PREFIX=/ -DCMAKE_INSTALL_RPATH='$ORIGIN/../lib/mews' -DCMAKE_EXE_LINKER_FLAGS=-Wl,--disable-new-dtags \
	"${options[@]}" >"$scratch/log" 2>&1 &&
	cmake --build "$scratch/build" --target programs >>"$scratch/log" 2>&1 ||
	{ tail -n 20 "$scratch/log" >&2; die 'the build fails'; }
top=$scratch/$name
DESTDIR=$top cmake --install "$scratch/build" --strip >/dev/null

# What the C library's package holds is the machine's own: it belongs together.
mkdir -p "$top/lib/mews"
ldd "$scratch"/build/bin/{mews-sensor,mews-collector,mewsctl} | awk '$2 == "=>" { print $3 }' | sort -u | while read -r library; do
	case ${library##*/} in
	libc.so.* | libm.so.* | libresolv.so.* | libpthread.so.* | libdl.so.* | librt.so.* | ld-linux*) ;;
	*) install -m 0644 "$(readlink -f "$library")" "$top/lib/mews/${library##*/}" ;;
	esac
done

mkdir -p "$top/etc" "$top/units"
cp -r "$root"/deploy/examples/one-machine/*.yaml "$root/deploy/examples/rules.d" "$top/etc/"
cp "$root"/deploy/systemd/*.service "$top/units/"
install -D -m 0644 "$root/deploy/completions/mewsctl.bash" "$top/share/bash-completion/completions/mewsctl"
install -m 0755 "$root/deploy/tarball/install.sh" "$top/"
install -m 0644 "$root/LICENSE" "$top/"
mkdir -p "$out"
tar -c --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$epoch" -C "$scratch" "$name" | gzip -9n >"$out/$name.tar.gz"
echo "$out/$name.tar.gz: $(($(stat -c %s "$out/$name.tar.gz") / 1024)) KiB, $(find "$top/lib/mews" -type f | wc -l) libraries"
