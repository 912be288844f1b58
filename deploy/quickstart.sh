#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh - set up Mews on this machine, from nothing to alerts; leave nothing behind.
set -euo pipefail

usage() {
	cat <<'EOF'
usage: sudo deploy/quickstart.sh [--demo] [--kafka HOST:PORT] [--rules FILE]... [--no-build]

Installs missing packages, builds Mews, creates certificates, starts a collector and a sensor on this
machine with the default rules, and prints alerts as they occur. Ctrl-C stops everything and
removes all files that it created.

  --demo             also perform harmless attacks; show each alert beside its trigger, with the
                     time from system call to alert; exit 0 only if every one was seen
  --kafka HOST:PORT  also send alerts to this broker, topic mews.alerts.v1
  --rules FILE       load more rules after the default ones; may be repeated
  --no-build         use the existing programs in build/release/bin
  -h, --help

Exit codes: 0 stopped, or every attack was seen; 1 something failed, or an attack was not seen;
2 usage error.
EOF
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$root/build/release/bin
demo=no build=yes kafka='' rules=("$root/rules/mews_rules.yaml")
while [ $# -gt 0 ]; do
	case $1 in
	--demo) demo=yes ;;
	--no-build) build=no bin=${MEWS_BUILD:-$root/build/release}/bin ;; # tests set MEWS_BUILD
	--kafka)
		kafka=${2:?--kafka needs HOST:PORT}
		shift
		;;
	--rules)
		rules+=("${2:?--rules needs a file}")
		shift
		;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		echo "quickstart: '$1' is not an option; see --help" >&2
		exit 2
		;;
	esac
	shift
done

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; else bold='' dim='' red='' green='' plain=''; fi
step() { printf '%s[%s/5]%s %s\n' "$bold" "$1" "$plain" "$2"; }
die() {
	printf '%squickstart: %s%s\n' "$red" "$1" "$plain" >&2
	exit 1
}

[ "$(id -u)" = 0 ] || die "it must load eBPF programs and install packages: run it with sudo"
[ -r /sys/kernel/btf/vmlinux ] || die "this kernel has no BTF (/sys/kernel/btf/vmlinux): Mews needs a kernel with CONFIG_DEBUG_INFO_BTF"

dir='' collector='' sensor='' reader=''
# Stop the programs, sensor first, so that its last events are still evaluated. Another Ctrl-C does
# not interrupt this: it takes a few seconds at most.
cleanup() {
	trap - EXIT
	trap '' INT TERM HUP
	for pid in $sensor $collector $reader; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	[ -z "$dir" ] || rm -rf "$dir"
}
trap cleanup EXIT
trap 'echo; exit 0' INT TERM HUP

# Set $port to a free TCP port on loopback at or after $1.
free_port() {
	port=$1
	while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
}

# Wait up to $1 seconds for the command to succeed, while process $2 lives.
wait_for() {
	local until=$((SECONDS + $1)) pid=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		kill -0 "$pid" 2>/dev/null || return 1
		[ "$SECONDS" -lt "$until" ] || return 1
		sleep 0.1
	done
}

if [ "$build" = yes ]; then
	step 1 'installing missing packages'
	"$root/deploy/install-deps.sh"
	step 2 'building (release)'
	(cd "$root" && cmake --preset release >/dev/null && cmake --build --preset release --target programs) |
		grep --line-buffered -E '^\[[0-9]+/[0-9]+\]|error|FAILED' |
		{ if [ -t 1 ]; then while IFS= read -r l; do printf '\r\e[K  %s%.70s%s' "$dim" "$l" "$plain"; done; printf '\r\e[K'; else tail -n 1; fi; }
fi
[ -x "$bin/mews-collector" ] && [ -x "$bin/mews-sensor" ] || die "no programs in $bin: run it without --no-build"

# On the file system of /etc, so that hard links to files there are possible; only root can read it.
dir=$(mktemp -d /var/tmp/mews-quickstart.XXXXXX)
chmod 700 "$dir"
node=$(uname -n)

step 3 'creating certificates'
"$bin/mewsctl" pki init "$dir/pki" --name quickstart >/dev/null
"$bin/mewsctl" pki issue "$dir/pki" --collector mews-collector --dns localhost --ip 127.0.0.1 >/dev/null
"$bin/mewsctl" pki issue "$dir/pki" --node "$node" >/dev/null

step 4 'starting the collector'
free_port 7443
listen=tls+tcp://127.0.0.1:$port
free_port 8765
http=127.0.0.1:$port
collector_args=(-o "listen=$listen" -o "http.listen=$http" -o cluster=quickstart
	-o "tls.ca=$dir/pki/ca.pem" -o "tls.certificate=$dir/pki/collector-mews-collector.pem" -o "tls.key=$dir/pki/collector-mews-collector.key"
	-o "outbox.path=$dir/outbox.db" -o outputs.stdout.enabled=true -o log.level=warn)
for r in "${rules[@]}"; do collector_args+=(-o "rules=$r"); done
[ -z "$kafka" ] || collector_args+=(-o outputs.kafka.enabled=true -o "outputs.kafka.brokers=$kafka")
# A terminal's Ctrl-C signals every foreground program at once. These two run in their own sessions
# (setsid), so that only this script receives it and stops them in order; if the script is killed,
# they stop too.
apart=(setsid setpriv --pdeathsig TERM)
if [ "$demo" = yes ]; then
	# Write each alert with the time of its arrival.
	mkfifo "$dir/alerts.fifo"
	while IFS= read -r l; do printf '%s\t%s\n' "$EPOCHREALTIME" "$l"; done <"$dir/alerts.fifo" >"$dir/alerts.tsv" &
	reader=$!
	"${apart[@]}" "$bin/mews-collector" "${collector_args[@]}" -o outputs.stdout.format=json >"$dir/alerts.fifo" &
else
	"${apart[@]}" "$bin/mews-collector" "${collector_args[@]}" -o outputs.stdout.format=text &
fi
collector=$!
status() { "$bin/mewsctl" status --json --collector "http://$http"; }
wait_for 20 "$collector" status || die "the collector did not start: see above"

step 5 "starting the sensor on $node"
"${apart[@]}" "$bin/mews-sensor" -o "collector=$listen" -o "node=$node" -o cluster=quickstart \
	-o "tls.ca=$dir/pki/ca.pem" -o "tls.certificate=$dir/pki/node-$node.pem" -o "tls.key=$dir/pki/node-$node.key" \
	-o tls.server_name=mews-collector -o log.level=warn -o "local_collector=$collector" &
sensor=$!
connected() { grep -q '"connected": true' < <(status); }
wait_for 30 "$sensor" connected || die "the sensor did not connect: see above"

if [ "$demo" = yes ]; then
	# shellcheck source=deploy/demo.sh
	. "$root/deploy/demo.sh"
	demo_run
	exit $?
fi
printf '\n%sWatching this machine.%s Try: %scat /etc/shadow%s. Ctrl-C stops and removes everything.\n' "$bold" "$plain" "$bold" "$plain"
printf '%s%s status --collector http://%s%s\n\n' "$dim" "$bin/mewsctl" "$http" "$plain"
wait -n "$collector" "$sensor" || true
die "a program stopped by itself: see above"
