#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rpm.sh [TARBALL] - the rpm packages of the tarball, built now if none is named: made twice, equal; installed with
# rpm into a fresh system that has none of the libraries, its collector run there, upgraded over a changed
# configuration, removed. The system is a Debian: one of the rpm world cannot be had without its registry. Exit status
# 77: it cannot run here.
. "$(dirname "$0")/../support/lab.sh"
skip() {
	echo "rpm: $1"
	exit 77
}
[ "$(id -u)" = 0 ] || skip 'needs root'
for tool in debootstrap systemd-nspawn rpmbuild; do
	command -v $tool >/dev/null || skip "$tool is missing: run deploy/install-deps.sh --test"
done
lab_begin
tarball=${1:-}
if [ -z "$tarball" ]; then
	"$root/deploy/tarball.sh" --cmake -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF "$lab/out" >"$lab/tarball.log" 2>&1 || fail 'the tarball cannot be built'
	tarball=$(echo "$lab"/out/mews-*.tar.gz)
fi
"$root/deploy/rpm.sh" "$tarball" "$lab/one" >"$lab/rpm.log" 2>&1 || fail 'the packages cannot be built'
TZ=Asia/Tokyo "$root/deploy/rpm.sh" "$tarball" "$lab/two" >"$lab/rpm.log" 2>&1
for file in "$lab"/one/*.rpm; do cmp "$file" "$lab/two/${file##*/}" || fail "built twice, ${file##*/} differs"; done
[ "$(find "$lab/one" -name '*.rpm' | wc -l)" = 5 ] || fail 'not five packages'
rpm -qp --requires "$lab"/one/mews-collector-*.rpm | grep '^mews-libs = ' >/dev/null || fail 'the collector does not need the libraries'

release=12
. "$root/tests/install/machine.sh"
machine_make
find "$machine"/{usr,etc} -xdev | sort >"$lab/before"
# Nothing but rpm's packages is in rpm's list: no glibc, no systemd.
rpm_() { rpm --root "$machine" --nodeps "$@" >"$lab/rpm.log" 2>&1 || fail "rpm $*"; }
rpm_ -i "$lab"/one/*.rpm
grep -q '^mews-collector:' "$machine/etc/passwd" || fail 'no user for the collector'
machine_boot
inside systemctl enable --now mews-collector >/dev/null 2>&1 || fail "the collector does not start: $(inside journalctl -q -u mews-collector -n 5)"
up() { grep -q '"collector"' < <(inside mewsctl status --json); }
lab_wait 60 up || fail 'the collector does not answer'
inside sh -c 'mews-sensor --check 2>&1 || true' >"$lab/check"
! grep -i 'shared librar\|not found' "$lab/check" || fail 'the sensor does not run'
machine_off
# A changed configuration stays, with a package that is newer by its number only.
echo '# mine' >>"$machine/etc/mews/collector.yaml"
rpm_ -U --force "$lab"/one/*.rpm
grep -q '^# mine' "$machine/etc/mews/collector.yaml" || fail 'an upgrade replaces a changed configuration'
rpm_ -e mews-sensor mews-collector mews-ctl mews-rules mews-libs
find "$machine"/{usr,etc} -xdev | sort >"$lab/after"
left=$(comm -13 "$lab/before" "$lab/after" | grep -vE '/etc/(passwd-|group-|shadow-|gshadow-|machine-id|\.pwd|\.updated|mtab|mews$|mews/collector.yaml.rpmsave|systemd/system/multi-user.target.wants)' || true)
[ -z "$left" ] || fail "a removal leaves $left"
echo 'rpm: five packages, built twice and equal; installed, run, upgraded over a changed configuration, removed'
