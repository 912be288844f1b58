#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fetch.sh - get Debian's kernels, and a QEMU new enough for them, for the tests in machines.
#
#   fetch.sh kernel NAME     print the folder of that kernel ('kernels' has the names), fetched if it is
#                            missing: vmlinuz, and its modules below lib/modules
#   fetch.sh qemu VERSION [ARCH]
#                            print the command of a QEMU of that version or newer, for x86_64 or aarch64:
#                            the installed one, else a fetched one
#
# apt downloads and verifies, with its own lists: the machine's lists and packages stay as they are.
# Everything is kept in ~/.cache/mews/vm (MEWS_VM_CACHE); remove it to fetch the newest.
# Exit status 77: not in the cache, and it cannot be fetched.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${MEWS_VM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mews/vm}
mirror=${MEWS_DEBIAN_MIRROR:-http://deb.debian.org}
partial='' # the folder being fetched
modules='overlay|failover|net_failover|virtio(_ring|_pci.*|_net)?' # of a kernel, those that run.sh takes

die() {
	echo "fetch.sh: $1" >&2
	exit "${2:-1}"
}

# archive FOLDER SUITE [ARCH]: make apt use only that suite from now on.
archive() {
	local state=$partial/apt arch=${3:-amd64}
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	: >"$state/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror/$1 $2 main" >"$state/sources.list"
	cat >"$state/conf" <<-CONF
		Dir::Etc::SourceList "$state/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::Etc::Preferences "/dev/null";
		Dir::Etc::PreferencesParts "/dev/null";
		Dir::State::Lists "$state/lists";
		Dir::State::Status "$state/status";
		Dir::Cache "$state/cache";
		APT::Architecture "$arch";
		APT::Architectures "$arch";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
	CONF
	export APT_CONFIG=$state/conf
	apt-get -qq -o APT::Update::Error-Mode=any update >&2 ||
		die "$mirror/$1 did not give the list of $2: is there a network, and is the suite still there?" 77
}

# unpack PACKAGE... into the folder being fetched
unpack() {
	(cd "$partial" && apt-get -qq download "$@" >&2) || die "$mirror did not give $*" 77
	for deb in "$partial"/*.deb; do dpkg-deb -x "$deb" "$partial"; done
	rm -f "$partial"/*.deb
}

# begin NAME: start fetching unless it exists already
begin() {
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	[ ! -e "$cache/$1" ] || return 1
	for tool in apt-get dpkg-deb; do
		command -v $tool >/dev/null || die "this is no Debian: $tool is needed to fetch $1" 77
	done
	partial=$cache/partial
	rm -rf "$partial"
	mkdir -p "$partial"
}

# finish NAME: mark it as complete by renaming it
finish() {
	rm -rf "$partial/apt"
	mv "$partial" "$cache/$1"
}

# kernel_packages METAPACKAGE: those of the kernel to which the suite's newest one refers.
kernel_packages() {
	apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
		--no-enhances "$1" | grep -E '^linux-(image|binary|modules|base)-[0-9]' | sort -u
}

kernel() {
	local row folder suite meta arch packages
	row=$(awk -v name="$1" '$1 == name' "$here/kernels")
	[ -n "$row" ] || die "no kernel '$1' in $here/kernels"
	read -r _ _ folder suite meta _ <<<"$row"
	meta=${meta:-linux-image-cloud-amd64}
	arch=${meta##*-}
	# a cache of before there was a network
	[ -n "$(find "$cache/linux-$1" -name 'virtio_net.ko*' 2>/dev/null)" ] || rm -rf "$cache/linux-$1"
	if begin "linux-$1"; then
		archive "$folder" "$suite" "$arch"
		packages=$(kernel_packages "$meta") || true
		[ -n "$packages" ] || die "$suite has no $meta"
		# shellcheck disable=SC2086 # a list
		unpack $packages
		mkdir -p "$partial/boot" "$partial/lib"
		[ ! -d "$partial/usr/lib/modules" ] || mv "$partial/usr/lib/modules" "$partial/lib/"
		mv "$(find "$partial/boot" "$partial/lib" -name "vmlinuz*" -type f 2>/dev/null | head -n 1)" "$partial/vmlinuz"
		rm -rf "${partial:?}/boot" "${partial:?}/usr"
		find "$partial/lib" -name '*.ko*' | grep -vE "/($modules)\.ko[.xz]*\$" | xargs -r rm
		finish "linux-$1"
	fi
	echo "$cache/linux-$1"
}

# at_least VERSION COMMAND: is it a QEMU of that version or newer?
at_least() {
	local have
	have=$("$2" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p')
	[ -n "$have" ] && [ "$(printf '%s\n' "$1" "$have" | sort -V | head -n 1)" = "$1" ]
}

# A newer QEMU runs with the libraries of the installed one.
qemu() {
	local command name=qemu-system-${2:-x86_64}
	command=$(command -v "$name") || die "$name is missing: run deploy/install-deps.sh --test" 77
	[ "$name" = qemu-system-x86_64 ] || { echo "$command"; return; } # no kernel of these needs a newer one
	if ! at_least "$1" "$command"; then
		if begin qemu; then
			archive debian bookworm-backports
			unpack qemu-system-x86 qemu-system-common qemu-system-data seabios
			finish qemu
		fi
		command=$cache/qemu/usr/bin/qemu-system-x86_64
		at_least "$1" "$command" || die "QEMU $1 is needed: neither the installed one nor $command is, or runs" 77
	fi
	echo "$command"
}

case ${1:-} in
kernel | qemu) "$1" "${2:?}" "${@:3}" ;;
*)
	sed -n '3,13s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
