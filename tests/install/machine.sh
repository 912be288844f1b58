# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# machine.sh - a fresh Debian with systemd in a container, for run.sh.
# shellcheck disable=SC2154 # lab.sh sets them
machine=$lab/machine leader=''
declare -A suites=([12]=bookworm [13]=trixie)
suite=${suites[$release]}
fresh=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mews/fresh$release
mirror=${MEWS_DEBIAN_MIRROR:-http://deb.debian.org/debian}

# No more than a machine has before anybody installs Mews; packages that Mews needs are downloaded once.
machine_make() {
	mkdir -p "${fresh%/*}"
	exec 9>"$fresh.lock"
	flock 9
	if [ ! -e "$fresh/complete" ]; then
		curl -sfIL -m 20 "$mirror/dists/$suite/Release" >/dev/null || skip "no way to $mirror"
		rm -rf --one-file-system "$fresh"
		mkdir -p "$fresh"
		unshare --mount --propagation private debootstrap --variant=minbase \
			--include=systemd,systemd-sysv,netbase,ca-certificates,wget,busybox-static "$suite" "$fresh" "$mirror" >"$lab/debootstrap.log"
		: >"$fresh/complete"
	fi
	cp -a "$fresh" "$machine"
	exec 9>&-
	rm -f "$machine/complete"
	cp -L /etc/resolv.conf "$machine/etc/resolv.conf"
	echo machine >"$machine/etc/hostname"
	printf '127.0.0.1 localhost machine\n' >"$machine/etc/hosts"
}

# It has the host's network, to reach Debian's archive, and no other part of it but what OPTION... adds.
machine_boot() { # OPTION...
	systemd-nspawn -q --register=no --keep-unit -D "$machine" -b --console=pipe --hostname=machine \
		--capability=all --system-call-filter='bpf' --system-call-filter='perf_event_open' "$@" </dev/null >"$lab/console.log" 2>&1 &
	nspawn=$!
	lab_pids+=("$nspawn")
	lab_wait 30 machine_leader || fail "the machine does not start"
	leader=$(machine_leader)
	lab_wait 60 machine_up || { inside systemctl list-jobs; inside systemctl --failed; fail "the machine does not come up"; }
}
machine_up() { grep -qxE 'running|degraded' < <(inside systemctl is-system-running --wait); }
machine_leader() { pgrep -P "$nspawn" -x systemd; }

machine_off() {
	inside systemctl poweroff
	lab_wait 60 lab_gone "$nspawn" || fail "the machine does not stop"
	wait "$nspawn" || true
}

# inside COMMAND...: run it in the machine, as root.
inside() {
	nsenter -t "$leader" --all -- /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}

# A web server for the repository. Sets $repo.
web_start() {
	lab_port
	python3 -m http.server --bind 127.0.0.1 --directory "$lab/apt" "$port" >"$lab/web.log" 2>&1 &
	lab_pids+=("$!")
	repo=http://127.0.0.1:$port
	lab_wait 20 curl -sf "$repo/mews.asc" || fail "no web server"
}

# The processes of a unit: its main one.
main_pid() { inside systemctl show -P MainPID "$1"; }
active() { inside systemctl is-active --quiet "$1"; }
