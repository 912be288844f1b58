#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh - the Debian packages as a user gets them: built, put into a signed repository, installed by the
# README's lines in a fresh Debian with its own systemd (systemd-nspawn), used, upgraded, removed and
# purged. A sensor needs a kernel of its own: the installed system also boots in a virtual machine.
#
#   run.sh --reproducible   build twice, in different folders, and compare; nothing else
#   run.sh --packages FOLDER RELEASE   install these packages, in Debian 12 or 13, and build none
#
# Ends with 'N passed, N failed'. Fresh systems are kept in ~/.cache/mews/fresh*. Exit status 77: it
# cannot run here.
. "$(dirname "$0")/../support/lab.sh"
here=$root/tests/install
skip() {
	echo "install: $1"
	exit 77
}
[ "$(id -u)" = 0 ] || skip 'needs root'
for tool in debootstrap systemd-nspawn lintian apt-ftparchive mke2fs; do
	command -v $tool >/dev/null || skip "$tool is missing: run deploy/install-deps.sh --test"
done
lab_begin
passed=0 failed=0
# check NAME COMMAND...: count it, and go on.
check() {
	local name=$1
	shift
	if "$@" >"$lab/check.out" 2>&1; then
		passed=$((passed + 1))
		echo "ok      $name"
	else
		failed=$((failed + 1))
		echo "FAILED  $name"
		sed 's/^/        /' "$lab/check.out" | tail -n 20
	fi
}
say() { printf '== %s (%dm%02ds)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }
build() {
	say 'building packages'
	"$root/deploy/packages.sh" "${fast[@]}" "$lab/packages" >"$lab/packages.log"
}
over() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
# Nothing in the packages depends on link-time optimisation, which takes minutes.
fast=(--cmake -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF)

if [ "${1:-}" = --reproducible ]; then
	"$root/deploy/packages.sh" "${fast[@]}" "$lab/one" >"$lab/one.log"
	umask 027
	CCACHE_DISABLE=1 TZ=Asia/Tokyo "$root/deploy/packages.sh" "${fast[@]}" "$lab/two" >"$lab/two.log"
	for deb in "$lab"/one/*.deb; do check "the same twice: $(basename "$deb")" cmp "$deb" "$lab/two/$(basename "$deb")"; done
	over
fi

release=12
if [ "${1:-}" = --packages ]; then
	cp -r "${2:?a folder}" "$lab/packages"
	release=${3:?a release}
else
	build
fi
. "$here/machine.sh"
say 'making a repository'
"$root/deploy/apt-repo.sh" "$lab/apt" "$lab"/packages/*.deb >"$lab/repo.log" 2>&1
say 'making a fresh machine'
machine_make
machine_boot
web_start

say 'installing'
. "$here/install.sh"
say 'services'
. "$here/services.sh"
say 'enrolment'
. "$here/enroll.sh"
say 'upgrading'
. "$here/upgrade.sh"
say 'its own kernel'
. "$here/kernel.sh"
say 'removing'
. "$here/remove.sh"
over
