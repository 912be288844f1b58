#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# install-deps.sh [--packages | --test | --cross arm64 | --list]: install the packages of Debian 12 or 13
# that are needed to build Mews, with --packages those to make its Debian packages too, and with --test all
# for its tests. --cross arm64: what makes packages for arm64 on another architecture, which then is one of
# this system's (dpkg --add-architecture): better in a system of its own. Installs only missing packages.
# --list prints those to build it.
#
# Package names of compilers have no version here: the release selects it.
set -eu

build='build-essential cmake ninja-build pkg-config clang bpftool libbpf-dev libelf-dev
zlib1g-dev linux-libc-dev libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libnng-dev
librdkafka-dev libyaml-dev libzstd-dev libxxhash-dev libsqlite3-dev libmicrohttpd-dev libgnutls28-dev libcurl4-openssl-dev libssl-dev
libre2-dev libjansson-dev libcap-dev libcmocka-dev jq'
packages='debhelper lintian apt-utils gpg:gpg gpg-agent:gpg-agent rpm:rpmbuild'
# a package; package:command: any provider of the command will do; package=pattern: any package that
# matches will do
tests='shellcheck clang-tidy clang-format llvm gcc-multilib kcat jq sqlite3 curl openssl iproute2 procps
util-linux ncat:ncat netcat-openbsd:nc default-jre-headless:java maven:mvn python3:python3 git gcovr debootstrap
libclang-rt-dev=libclang-rt-*dev prometheus:promtool qemu-system-x86:qemu-system-x86_64 busybox-static:busybox rsyslog:rsyslogd rsyslog-openssl
python3-aiosmtpd systemd-container:systemd-nspawn nftables:nft podman docker.io:dockerd containerd runc conmon
python3-grpcio python3-protobuf qemu-system-arm:qemu-system-aarch64'

# For another architecture: its libraries, with this one's tools.
cross() {
	local entry
	for entry in $build; do
		case $entry in
		*-dev | pkg-config) echo "$entry:$1" ;;
		*) echo "$entry" ;;
		esac
	done
	echo "crossbuild-essential-$1 qemu-user-static busybox-static:$1 $packages"
}

arch=''
case ${1:-} in
'') want=$build ;;
--packages) want="$build $packages" ;;
--test) want="$build $packages $tests" ;;
--cross)
	arch=${2:-}
	[ "$arch" = arm64 ] || { echo "install-deps: --cross is for arm64 only" >&2; exit 2; }
	want=$(cross arm64)
	;;
--list)
	# shellcheck disable=SC2086 # words
	printf '%s\n' $build
	exit 0
	;;
*)
	echo 'usage: install-deps.sh [--packages | --test | --cross arm64 | --list]' >&2
	exit 2
	;;
esac

missing=()
for entry in $want; do
	package=${entry%%[:=]*} pattern=$package
	case $entry in
	*:"${arch:-none}") package=$entry pattern=$entry ;;
	*:*) ! command -v "${entry#*:}" >/dev/null || continue ;;
	*=*) pattern=${entry#*=} ;;
	esac
	grep -qx installed < <(dpkg-query -W -f '${db:Status-Status}\n' "$pattern" 2>/dev/null) || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
	echo "install-deps: nothing is missing"
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "install-deps: missing: ${missing[*]}: run this script with sudo to install them" >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Run apt-get quietly; on a terminal, show its progress in one line.
quietly() {
	export DEBIAN_FRONTEND=noninteractive
	if [ -t 1 ]; then
		apt-get -o APT::Status-Fd=3 "$@" 3>&1 >"$log" 2>&1 |
			awk -F: '{ printf "\r  %3d%% %-60.60s", $3, $4; fflush() } END { printf "\r%70s\r", "" }'
		return "${PIPESTATUS[0]}"
	fi
	apt-get "$@" >"$log" 2>&1
}

if [ -n "$arch" ] && ! grep -qx "$arch" < <(dpkg --print-foreign-architectures); then
	dpkg --add-architecture "$arch"
	apt-get -qq update
fi
echo "install-deps: installing ${#missing[@]} packages: ${missing[*]}"
if ! quietly -qq install -y --no-install-recommends "${missing[@]}"; then
	# the package lists may be old or missing
	quietly -qq update || true
	if ! quietly -qq install -y --no-install-recommends "${missing[@]}"; then
		tail -n 20 "$log" >&2
		echo "install-deps: apt-get could not install: ${missing[*]} (is this Debian 12 or 13, and its mirror reachable?)" >&2
		exit 1
	fi
fi
echo "install-deps: done"
