#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installation and documentation: 'cmake --install' as on a machine, the example
# configurations with --check, and the examples of the manual pages, executed. Everything in separate
# file systems over /usr, /etc, /var/lib, /var/log and /run, and in a separate network.
if [ "${MEWS_DOCUMENTS:-}" = "" ]; then
	[ "$(id -u)" = 0 ] || { echo "this test needs root"; exit 77; }
	MEWS_DOCUMENTS=1 exec unshare --net --mount -- "$0" "$@"
fi
. "$(dirname "$0")/../support/lab.sh"
lab_begin
ip link set lo up

DESTDIR=$lab/root cmake --install "$bin/.." --prefix /usr >"$lab/install.log" || fail "cmake --install"
for d in etc var log; do mkdir -p "$lab/over/$d" "$lab/work/$d"; done
lab_pki node "$(uname -n)"
# The machine of the examples: this one is 'node'.
etc=$lab/over/etc/mews
mkdir -p "$etc/rules.d" "$lab/over/var/mews" "$lab/over/log/mews"
cp "$lab/pki/ca.pem" "$lab/pki/crl.pem" "$etc"
cp "$lab/pki/ca.pem" "$etc/kafka-ca.pem"
"$bin/mewsctl" pki issue "$lab/pki" --collector collector.example --dns mews-collector >/dev/null
for kind in "collector-collector.example:collector" "node-$(uname -n):node"; do
	cp "$lab/pki/${kind%:*}.pem" "$etc/${kind##*:}.pem"
	cp "$lab/pki/${kind%:*}.key" "$etc/${kind##*:}.key"
done
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$lab/over/etc,workdir=$lab/work/etc" /etc || { echo "no overlay file systems"; exit 77; }
mount -t overlay overlay -o "lowerdir=/var/lib,upperdir=$lab/over/var,workdir=$lab/work/var" /var/lib
mount -t overlay overlay -o "lowerdir=/var/log,upperdir=$lab/over/log,workdir=$lab/work/log" /var/log
mount -t overlay overlay -o "lowerdir=$lab/root/usr:/usr" /usr
mount -t tmpfs tmpfs /run
mkdir /run/mews
echo '127.0.0.1 collector.example' >>/etc/hosts
grep -q '^mews:' /etc/group || echo 'mews:x:4242:' >>/etc/group
PATH=/usr/sbin:/usr/bin:/sbin:/bin
hash -r
[ "$(command -v mewsctl)" = /usr/bin/mewsctl ] || fail "the programs are not installed"
[ -s /usr/share/mews/rules/mews_rules.yaml ] || fail "the rules are not installed"

# --- manual pages
for page in man8/mews-collector.8 man8/mews-sensor.8 man1/mewsctl.1; do
	[ -s "/usr/share/man/$page" ] || fail "$page is not installed"
	! grep -q '@[A-Z]*@' "/usr/share/man/$page" || fail "$page is not complete"
	LC_ALL=C.UTF-8 MANWIDTH=100 man -l --warnings "/usr/share/man/$page" >"$lab/page.txt" 2>"$lab/page.log"
	! grep -v 'mdoc.local' "$lab/page.log" || fail "$page: see above"
	program=$(basename "${page%.*}")
	for key in $("$program" --help | awk '/^Options/ { on = 1; next } on && /^  [a-z]/ { print $1 }'); do
		grep -qF -- "$key" "$lab/page.txt" || fail "$page does not name $key"
	done
done
for c in absence pki status alerts nodes outputs ps replay rules silence; do
	mewsctl "$c" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u | while read -r option; do
		grep -qF -- "$option" "$lab/page.txt" || fail "mewsctl.1 does not name $c $option"
	done
done

# --- example configurations
checked=0
for example in "$root"/deploy/examples/{one-machine,fleet}/*.yaml; do
	"mews-$(basename "$example" .yaml)" -c "$example" --check >"$lab/check.log" 2>&1 || fail "$example: $(cat "$lab/check.log")"
	checked=$((checked + 1))
done

# --- examples of the pages, in the order of their dependencies
# lines PAGE: print each example as a line.
lines() {
	awk '/^\.Sh EXAMPLES/ { on = 1; next } /^\.Sh/ { on = 0 } !on { next }
		/^\.Dl / { print substr($0, 5); next } /^\.Bd/ { code = 1; next } /^\.Ed/ { code = 0; next }
		code { line = line $0; if (sub(/ *\\e$/, " ", line)) next; gsub(/ +/, " ", line); print line; line = "" }' "$1"
}
ran=0
run() {
	echo "\$ $1"
	eval "$1" </dev/null >>"$lab/said.log" 2>&1 || fail "this example fails: $1"
	ran=$((ran + 1))
}
background() {
	echo "\$ $1 &"
	eval "exec $1" </dev/null >>"$lab/said.log" 2>&1 &
	example_pid=$!
	lab_pids=("$example_pid" "${lab_pids[@]}")
	ran=$((ran + 1))
}
mkdir "$lab/here"
cd "$lab/here"
here() { mewsctl status --json >"$lab/status"; }
while IFS= read -r line <&3; do
	background "$line"
	lab_wait 30 here || { tail -n 5 "$lab/said.log"; fail "no collector after: $line"; }
	collector=$example_pid
done 3< <(lines /usr/share/man/man8/mews-collector.8)
while IFS= read -r line <&3; do
	case $line in
	*collector=tls*)
		# to a collector with the certificates of /etc/mews
		"$bin/mews-collector" -o listen=tls+tcp://127.0.0.1:7443 -o "http.socket=$lab/fleet.sock" -o http.listen= -o "outbox.path=$lab/fleet.db" \
			-o tls.ca=/etc/mews/ca.pem -o tls.certificate=/etc/mews/collector.pem -o tls.key=/etc/mews/collector.key -o name=collector.example \
			-o rules=/usr/share/mews/rules 2>"$lab/fleet.log" &
		lab_pids+=("$!")
		background "$line"
		seen() { mewsctl status --json --collector "unix:$lab/fleet.sock" | jq -e --arg n "$(uname -n)" '.sensors[] | select(.node == $n and .connected)'; }
		lab_wait 30 seen || { tail -n 5 "$lab/said.log"; fail "no sensor after: $line"; }
		lab_stop "$example_pid"
		;;
	*) run "$line" ;;
	esac
done 3< <(lines /usr/share/man/man8/mews-sensor.8)
lab_stop "$collector"
cp /usr/share/mews/rules/mews_rules.yaml /etc/mews/rules.d
while IFS= read -r line <&3; do
	case $line in
	*forget* | *' ps '* | *absence* | *accounts* | *silence* | *'outputs list'* | *'outputs test'*) continue ;; # no node and no collector is here
	*'rules install'* | *'rules upgrade'* | *'rules rollback'*) continue ;; # nor a bundle: bundles.sh
	esac
	run "$line"
done 3< <(lines /usr/share/man/man1/mewsctl.1)
[ "$ran" -ge 12 ] || fail "only $ran examples were found in the manual pages"
echo "installed, $checked configurations pass --check, $ran examples of the manual pages run as they stand"
