#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# debian13.sh: Mews on Debian 13 (trixie), on any machine: installs the dependencies with
# deploy/install-deps.sh, builds with that release's libraries and compilers and without warnings,
# runs the unit tests, the fuzzers' corpus, and the quickstart's demonstration, with eBPF in
# this machine's kernel; logs in to Apache Kafka 4 with SCRAM-SHA-512 by that release's librdkafka;
# builds packages and installs them in a fresh system of that release.
#
# The release's root folder (2 GB) is kept in ~/.cache/mews/debian13; remove it to start afresh. Needs root,
# debootstrap, Java and Maven (to download Kafka), and the first time the mirror: exit status 77 without them.
set -euo pipefail
cd "$(dirname "$0")/.."

mirror=http://deb.debian.org/debian release=trixie
root=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mews/debian13
say() { printf '== %s (%dm%02ds)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }
skip() {
	echo "debian13: $1" >&2
	exit 77
}
[ "$(id -u)" = 0 ] || skip 'needs root'
{ command -v java && command -v mvn; } >/dev/null || skip 'needs Java and Maven'

# inside COMMAND...: run it in the release, with this machine's kernel. The root folder is the root of a
# new mount namespace, not a chroot, so that paths in events are those of a machine with that release. No
# mount is visible outside, and none remains.
inside() {
	# shellcheck disable=SC2016 # the inner shells expand it
	unshare --mount --propagation private bash -euc '
		root=$1
		shift
		mount --bind "$root" "$root"
		cd "$root"
		mount -t proc proc proc
		mount -t tmpfs tmpfs tmp
		mount --rbind /dev dev
		mount --rbind /sys sys
		pivot_root . .
		umount -l .
		exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
			chroot . sh -c "cd /src && exec \"\$@\"" sh "$@"' bash "$root" "$@"
}

# logged LOG COMMAND...: print the log's end if it fails.
logged() {
	local log=$1
	shift
	"$@" >"$log" 2>&1 && return 0
	{ grep -E -A8 'error|FAILED' "$log" | head -n 60; } || true
	tail -n 20 "$log"
	echo "debian13: failed; all of it is in $log" >&2
	exit 1
}

make_root() {
	command -v debootstrap >/dev/null || skip 'needs debootstrap'
	curl -sfIL -m 20 "$mirror/dists/$release/Release" >/dev/null || skip "no way to $mirror"
	say "making a root folder of $release"
	rm -rf --one-file-system "$root"
	mkdir -p "$root"
	# names of ports, which rules may use, and programs that the tests call
	logged "$root.log" unshare --mount --propagation private debootstrap --variant=minbase \
		--include=netbase,ca-certificates,procps,sqlite3,curl,openssl "$release" "$root" "$mirror"
	printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
	: >"$root/complete"
}

# Copy the tree without build results; unchanged files keep their times, and are not compiled
# again.
copy_tree() {
	mkdir -p "$root/src"
	find "$root/src" -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	tar -c --exclude=./build --exclude=./.git . | tar -x -C "$root/src"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
}

mkdir -p "${root%/*}"
exec 9>"$root.lock"
flock 9
[ -e "$root/complete" ] || make_root
copy_tree
say 'installing what it needs'
inside deploy/install-deps.sh
inside apt-get clean
say 'building'
logged "$root.log" inside sh -c 'cmake --preset release && cmake --build --preset release'
if grep -v '^ninja: warning' "$root.log" | grep -i 'warning'; then
	rm -rf "$root/src/build" # else the next run would compile nothing, and pass
	echo "debian13: warnings: $root.log" >&2
	exit 1
fi
inside build/release/bin/mews-sensor --version
say 'unit tests and the corpus of the fuzzers'
logged "$root.log" inside ctest --test-dir build/release -L 'unit|fuzz' -LE long -j "$(nproc)" --output-on-failure
grep 'tests passed' "$root.log"
say 'Kafka 4: SASL over TLS, with PLAIN and SCRAM-SHA-512'
logged "$root.log" env "MEWS_KAFKA_CACHE=$root/root/.cache/mews/kafka" tests/support/kafka.sh fetch
logged "$root.log" inside env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
	kcat python3 default-jre-headless
inside apt-get clean
logged "$root.log" inside tests/e2e/kafka_sasl.sh
grep '^Kafka 4\.1\.0 with librdkafka ' "$root.log" || {
	echo "debian13: not tested with Kafka 4.1.0: $root.log" >&2
	exit 1
}
grep '^SCRAM-SHA-512 over TLS: delivered' "$root.log"
say 'the demonstration'
inside deploy/quickstart.sh --demo
say 'packages'
epoch=$(git log -1 --format=%ct 2>/dev/null || date +%s)
# shellcheck disable=SC2016 # the inner shell expands it
logged "$root.log" inside sh -c 'deploy/install-deps.sh --packages &&
	SOURCE_DATE_EPOCH=$0 deploy/packages.sh --cmake -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF build/packages' "$epoch"
MEWS_BUILD='' tests/install/run.sh --packages "$root/src/build/packages" 13
say 'done'
