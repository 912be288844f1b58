#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh - the Debian packages as a user gets them: built, put into a signed repository, installed by the
# README's lines in a fresh Debian with its own systemd (systemd-nspawn), used, upgraded, removed and
# purged. A sensor needs a kernel of its own: the installed system also boots in a virtual machine.
#
#   run.sh --reproducible   build twice, in different folders, and compare; nothing else
#   run.sh --old            only the upgrade of old packages, with running services
#   run.sh --cgroups        only the installed packages under three kernels, with cgroup v1, hybrid and v2; --old may be added
#   run.sh --long           all of this but --reproducible; the Helm chart, and arm64 if arm64.sh has run before.
#                           45 minutes on two processors
#   run.sh --packages FOLDER RELEASE [OPTION...]   install these packages, in Debian 12 or 13, and build none
#
# Ends with 'N passed, N failed'. Fresh systems and old packages are kept in ~/.cache/mews. Exit status 77:
# it cannot run here.
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
if [ ! -x "$bin/mews-sensor" ]; then # the events of a machine are recorded by it
	"$root/deploy/install-deps.sh" --test >/dev/null || exit 1
	(cd "$root" && cmake --preset release && cmake --build --preset release) >/dev/null || exit 1
fi
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
		sed 's/^/        /' "$lab/check.out" | tail -n "${MEWS_LINES:-20}"
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

release=12 short=yes long=no parts=() from=''
while [ $# -gt 0 ]; do
	case $1 in
	--packages)
		from=${2:?a folder} release=${3:?a release}
		shift 2
		;;
	--long) long=yes parts=(--old --cgroups) ;;
	--old | --cgroups) short=no parts+=("$1") ;;
	*)
		sed -n '7,13s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
	shift
done
if [ -n "$from" ]; then cp -r "$from" "$lab/packages"; else build; fi
. "$here/machine.sh"
. "$here/guest.sh"
# script NAME COMMAND...: another script with checks of its own, or which is one check.
script() {
	local name=$1 log=$lab/$1.log code=0 left=$((44 * 60 - SECONDS)) good bad
	shift
	say "$name"
	[ "$left" -ge 60 ] || {
		check "$name: there is no time left" false
		return
	}
	timeout -k 20 "$left" "$@" >"$log" 2>&1 || code=$?
	if [ "$code" = 77 ]; then
		echo "skipped $name: $(tail -n 1 "$log")"
		return
	fi
	grep -E '^(ok|FAILED) ' "$log" || true
	read -r good bad < <(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1) || true
	passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0}))
	if [ -z "${good:-}" ] || { [ "$bad" = 0 ] && [ "$code" != 0 ]; }; then check "$name" ended "$code" "$log"; fi
}
ended() { # ended CODE LOG
	[ "$1" != 0 ] || return 0
	cat "$2"
	[ "$1" != 124 ] || echo 'it was not done in the time that was left'
	return 1
}

if [ "$short" = yes ]; then
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
fi
for part in "${parts[@]}"; do
	case $part in
	--old)
		say 'upgrading old packages'
		. "$here/old.sh"
		;;
	--cgroups)
		say 'kernels and cgroups'
		. "$here/cgroups.sh"
		;;
	esac
done
if [ "$long" = yes ]; then
	script 'Helm chart' "$root/tests/helm/run.sh"
	script 'Helm chart in a cluster' "$root/tests/helm/install.sh"
	if [ -e "${MEWS_CROSS_ROOT:-${fresh%/*}/cross-arm64}/complete" ]; then
		script arm64 "$here/arm64.sh"
	else
		echo "skipped arm64: tests/install/arm64.sh makes its Debian first"
	fi
fi
over
