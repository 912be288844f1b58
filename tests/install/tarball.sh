#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# tarball.sh [TARBALL] - the tarball, built now if none is named, in fresh Debian 12 and 13 systems that have none of
# its libraries: installed below a prefix, twice, its collector runs; removed, and purged: nothing stays. Exit status
# 77: it cannot run here.
. "$(dirname "$0")/../support/lab.sh"
skip() {
	echo "tarball: $1"
	exit 77
}
[ "$(id -u)" = 0 ] || skip 'needs root'
for tool in debootstrap systemd-nspawn; do
	command -v $tool >/dev/null || skip "$tool is missing: run deploy/install-deps.sh --test"
done
lab_begin
tarball=${1:-}
if [ -z "$tarball" ]; then
	"$root/deploy/tarball.sh" --cmake -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF "$lab/out" >"$lab/tarball.log" 2>&1 || fail 'the tarball cannot be built'
	cat "$lab/tarball.log"
	tarball=$(echo "$lab"/out/mews-*.tar.gz)
fi
for release in 12 13; do
	. "$root/tests/install/machine.sh"
	machine_make
	find "$machine"/{usr,etc,var,opt} -xdev | sort >"$lab/before"
	tar -xf "$tarball" -C "$machine/root"
	machine_boot
	run() { inside sh -c "cd /root/mews-* && $1"; }
	got=0
	run './install.sh --prefix relative' >"$lab/refused" 2>&1 || got=$?
	[ "$got" = 1 ] || fail "a relative prefix is accepted"
	run './install.sh --prefix /opt/mews' >"$lab/install.log" 2>&1 || fail "Debian $release: install.sh: $(cat "$lab/install.log")"
	run './install.sh --prefix /opt/mews' >"$lab/install.log" 2>&1 || fail "Debian $release: a second install.sh: $(cat "$lab/install.log")"
	[ -z "$(find "$machine/opt/mews" -name '*.new')" ] || fail "Debian $release: files stay beside the programs"
	inside systemctl enable --now mews-collector >/dev/null 2>&1 || fail "Debian $release: the collector does not start: $(inside journalctl -q -u mews-collector -n 5)"
	up() { grep -q '"collector"' < <(inside /opt/mews/bin/mewsctl status --json); }
	lab_wait 60 up || fail "Debian $release: the collector does not answer"
	own() { inside sh -c "tr '\\0' '\\n' </proc/\$(systemctl show -P MainPID mews-collector)/maps" | grep -c '/opt/mews/lib/mews/librdkafka'; }
	own >/dev/null || fail "Debian $release: the collector does not use its own libraries"
	# A sensor refuses a container, in a sentence; it has loaded its libraries then.
	inside sh -c '/opt/mews/sbin/mews-sensor --check 2>&1 || true' >"$lab/check"
	! grep -i 'shared librar\|not found' "$lab/check" || fail "Debian $release: the sensor does not run"
	inside /opt/mews/bin/mewsctl rules check /opt/mews/share/mews/rules/mews_rules.yaml >/dev/null || fail "Debian $release: the rules are refused"
	run './install.sh --prefix /opt/mews --uninstall' >"$lab/install.log" 2>&1 || fail "Debian $release: --uninstall: $(cat "$lab/install.log")"
	[ ! -e "$machine/opt/mews" ] || fail "Debian $release: --uninstall leaves $(find "$machine/opt/mews" | head -3)"
	[ -e "$machine/etc/mews/collector.yaml" ] || fail "Debian $release: --uninstall removes the configuration"
	! inside systemctl cat mews-collector >/dev/null 2>&1 || fail "Debian $release: --uninstall leaves units"
	got=0
	run './install.sh --prefix /opt/mews --uninstall' >"$lab/refused" 2>&1 || got=$?
	[ "$got" = 1 ] || fail "a second --uninstall succeeds"
	# Purged, after another install: nothing of it stays.
	run './install.sh --prefix /opt/mews && ./install.sh --prefix /opt/mews --uninstall --purge' >"$lab/install.log" 2>&1 || fail "Debian $release: --purge: $(cat "$lab/install.log")"
	machine_off
	rm -rf "$machine"/root/mews-*
	find "$machine"/{usr,etc,var,opt} -xdev | sort >"$lab/after"
	left=$(comm -13 "$lab/before" "$lab/after" | grep -ivE '/var/(log|lib/systemd|tmp|cache)|/etc/(passwd-|group-|shadow-|gshadow-|machine-id|\.pwd|\.updated|subuid|subgid)|/var/\.updated' | grep -v '^.*/etc/mtab$' || true)
	[ -z "$left" ] || fail "Debian $release: --purge leaves $left"
	! grep mews "$machine/etc/passwd" "$machine/etc/group" || fail "Debian $release: users stay"
	rm -rf --one-file-system "$machine"
done
echo 'tarball: installed below /opt/mews in Debian 12 and 13, run, installed over itself, removed and purged'
