#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# rpm.sh - rpm packages of what deploy/tarball.sh has made.
set -euo pipefail
umask 022

usage() {
	cat <<'END'
usage: deploy/rpm.sh TARBALL [FOLDER]

Puts the content of TARBALL (deploy/tarball.sh) into rpm packages in FOLDER (default build/rpm): mews-sensor,
mews-collector, mews-ctl, mews-rules as for Debian, and mews-libs with the libraries that they bring along. They
need glibc as new as that of the machine that made the tarball. The same tarball gives the same bytes. Needs rpmbuild
(deploy/install-deps.sh --packages).
END
}

die() {
	echo "rpm: $1" >&2
	exit 1
}

case ${1:-} in
-h | --help)
	usage
	exit 0
	;;
'' | -*)
	usage >&2
	exit 2
	;;
esac
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tarball=$1 out=${2:-$root/build/rpm}
command -v rpmbuild >/dev/null || die "rpmbuild is missing: run deploy/install-deps.sh --packages"
scratch=$(mktemp -d /var/tmp/mews-rpm.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/in"
tar -xf "$tarball" -C "$scratch/in" --strip-components=1 2>/dev/null || die "$tarball is no tarball of deploy/tarball.sh"
name=${tarball##*/}
[[ $name =~ ^mews-([0-9.]+)-([a-z0-9_]+)\.tar\.gz$ ]] || die "$name is not named as deploy/tarball.sh names it"
version=${BASH_REMATCH[1]} arch=${BASH_REMATCH[2]}
epoch=$(stat -c %Y "$scratch/in/install.sh")

tree=$scratch/tree
mkdir -p "$tree"/{usr/lib/systemd/system,etc/mews,var/lib}
cp -r "$scratch"/in/{bin,sbin,share} "$tree/usr/"
cp -r "$scratch/in/lib/mews" "$tree/usr/lib/"
cp "$scratch"/in/units/*.service "$tree/usr/lib/systemd/system/"
cp -r "$scratch"/in/etc/* "$tree/etc/mews/"

# users NAME...: the script that makes them. restarts UNIT...: those that go with a package.
users() {
	printf '%%pre -n mews-%s\ngetent group mews >/dev/null || groupadd -r mews\n' "$1"
	printf 'id %s >/dev/null 2>&1 || useradd -r -g mews -d / -M -s /usr/sbin/nologin %s\n' "$2" "$2"
}
units() {
	local part=$1
	shift
	cat <<-END
		%post -n mews-$part
		[ ! -d /run/systemd/system ] || systemctl daemon-reload
		%preun -n mews-$part
		[ \$1 != 0 ] || [ ! -d /run/systemd/system ] || systemctl disable --now $* >/dev/null 2>&1 || :
		%postun -n mews-$part
		[ ! -d /run/systemd/system ] || systemctl daemon-reload
		[ \$1 = 0 ] || [ ! -d /run/systemd/system ] || systemctl try-restart $1 || :
	END
}
package() {
	printf '%%package -n mews-%s\nSummary: %s\nAutoReqProv: no\n%s\n%%description -n mews-%s\n%s.\n' "$1" "$2" "$3" "$1" "$2"
}
glibc=$(ldd --version | sed -n '1s/.* //p')
{
	cat <<-END
		%global debug_package %{nil}
		%global __os_install_post %{nil}
		%global _build_id_links none
		%global use_source_date_epoch_as_buildtime 1
		%global clamp_mtime_to_source_date_epoch 1
		%global _buildhost localhost
		Name: mews
		Version: $version
		Release: 1
		Summary: Runtime security for fleets of Linux machines
		License: Apache-2.0
		%description
		Runtime security for fleets of Linux machines.
	END
	package libs "Libraries of Mews' programs" "Requires: glibc >= $glibc"
	package sensor 'Sends system calls of this machine to a collector' "Requires: mews-libs = $version-1, shadow-utils, systemd"
	package collector 'Evaluates rules on events of sensors' "Requires: mews-libs = $version-1, mews-ctl = $version-1, mews-rules = $version-1, shadow-utils, systemd"
	package ctl 'Command line of Mews, and its enroller' "Requires: mews-libs = $version-1, shadow-utils, systemd"
	package rules 'Rules of Mews' ''
	printf '%%install\ncp -a %s/. %%{buildroot}/\n' "$tree"
	users sensor mews-sensor
	users collector mews-collector
	users ctl mews-enroll
	units sensor mews-sensor mews-sensor-pins
	units collector mews-collector
	units ctl mews-enroll
	cat <<-'END'
		%files -n mews-libs
		/usr/lib/mews
		%files -n mews-sensor
		/usr/sbin/mews-sensor
		/usr/lib/systemd/system/mews-sensor.service
		/usr/lib/systemd/system/mews-sensor-pins.service
		/usr/share/man/man8/mews-sensor.8*
		%dir /etc/mews
		%config(noreplace) /etc/mews/sensor.yaml
		%files -n mews-collector
		/usr/sbin/mews-collector
		%dir /usr/share/mews
		/usr/share/mews/presets
		/usr/share/mews/schemas
		/usr/lib/systemd/system/mews-collector.service
		/usr/share/man/man8/mews-collector.8*
		%dir /etc/mews
		%config(noreplace) /etc/mews/collector.yaml
		%files -n mews-ctl
		/usr/bin/mewsctl
		/usr/lib/systemd/system/mews-enroll.service
		/usr/share/man/man1/mewsctl.1*
		/usr/share/bash-completion/completions/mewsctl
		%files -n mews-rules
		%dir /usr/share/mews
		/usr/share/mews/rules
		%dir /etc/mews
		%dir /etc/mews/rules.d
		%config(noreplace) /etc/mews/rules.d/local.yaml
	END
} >"$scratch/mews.spec"
mkdir -p "$out"
SOURCE_DATE_EPOCH=$epoch rpmbuild -bb --quiet --target "$arch-linux" --define "_topdir $scratch/top" --define "_rpmdir $out" --define '_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' \
	"$scratch/mews.spec" >"$scratch/log" 2>&1 || { tail -n 20 "$scratch/log" >&2; die 'rpmbuild fails'; }
ls "$out"/*"-$version-1.$arch.rpm"
