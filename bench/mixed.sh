#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mixed.sh [ROUNDS]: simulate an ordinary machine, the same each time: shells, find, tar, gcc, and an
# HTTP server with clients. About 30,000 captured events a round; 10 rounds by default.
#
# For a recording:  mews-sensor --record mixed.rec & bench/mixed.sh 35; kill %1
set -euo pipefail
rounds=${1:-10}
case $rounds in
'' | *[!0-9]*)
	echo "usage: bench/mixed.sh [ROUNDS]" >&2
	exit 2
	;;
esac
for tool in gcc tar find curl python3; do
	command -v "$tool" >/dev/null || {
		echo "mixed.sh: $tool is missing: deploy/install-deps.sh --test installs it" >&2
		exit 1
	}
done
# python3 may be a wrapper that starts other programs for each call
python=$(python3 -c 'import sys; print(sys.executable)')
tree=/usr/include/linux

dir=$(mktemp -d /var/tmp/mews-mixed.XXXXXX)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

mkdir "$dir/www"
for i in 1 2 3 4 5 6 7 8; do head -c $((i * 1000)) /dev/zero >"$dir/www/$i"; done
"$python" -u -m http.server -b 127.0.0.1 -d "$dir/www" 0 >"$dir/server.log" 2>&1 &
server=$!
port=''
while [ -z "$port" ]; do
	kill -0 "$server" || { cat "$dir/server.log" >&2; exit 1; }
	sleep 0.1
	port=$(sed -nE 's/.* port ([0-9]+).*/\1/p' "$dir/server.log")
done

shells() {
	local i
	for i in $(seq 30); do
		sh -c 'for f in /etc/*.conf; do read -r line <"$f"; done; id -u; uname -r' >/dev/null || true
		printf '%s\n' "$i" "$RANDOM" | sort -n | head -n 1 >"$dir/number"
		(cd "$dir" && test -s number && cp number copy && mv copy number)
	done
}

files() {
	find /etc /usr/include -type f -name '*.h' -size +8k >"$dir/found"
	grep -rl SPDX "$tree" >>"$dir/found"
	wc -l "$dir/found" >/dev/null
}

archive() {
	mkdir "$dir/tree"
	tar cf - -C "$tree" . | tar xf - -C "$dir/tree"
	rm -rf "$dir/tree"
}

compile() {
	local i
	for i in 1 2 3; do
		cat >"$dir/$i.c" <<EOF
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <linux/bpf.h>
int f$i(void) { return printf("%zu\n", sizeof(union bpf_attr)) + socket(AF_UNIX, SOCK_STREAM, 0); }
EOF
		gcc -O1 -c -o "$dir/$i.o" "$dir/$i.c"
	done
	echo 'int f1(void), f2(void), f3(void); int main(void) { return f1() + f2() + f3() > 99; }' >"$dir/main.c"
	gcc -o "$dir/program" "$dir/main.c" "$dir"/[123].o
	"$dir/program" >/dev/null
}

requests() {
	local i
	for i in $(seq 10); do
		curl -s "http://127.0.0.1:$port/[1-8]" >/dev/null
	done
}

for round in $(seq "$rounds"); do
	echo "mixed: round $round of $rounds" >&2
	shells
	files
	archive
	compile
	requests
done
