#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A program of many processes does random things under a real sensor and a real collector; whenever it stands
# still, what the collector knows of its processes equals /proc: parents, sessions, groups, ids, capabilities,
# names, arguments, folders, and each descriptor's number, type, name and close-on-exec.
#
#	tests/e2e/state_diff.sh [SEEDS [ACTIONS [FIRST_SEED]]]
#
# A failure prints its seed and the last actions; MEWS_STATE_LOG=FILE keeps them all.
# shellcheck disable=SC2016 # jq programs
. "$(dirname "$0")/../support/lab.sh"

seeds=${1:-10} actions=${2:-10000} first=${3:-1}
lab_begin
mkdir -m 755 "$lab/play"
chmod 755 "$lab"
lab_collector
lab_pki n1
lab_sensor n1 -o capture.rings=256MiB
whole() { lab_status | jq -e '.sensors[0].snapshot == "whole"'; }
lab_wait 60 whole || fail "the first snapshot did not arrive"

# What the collector knows, as lines of statediff_facts.c.
cat >"$lab/known" <<END
#!/bin/bash
'$bin/mewsctl' ps --json --files --threads --collector 'unix:$lab/api.sock' lab/n1 | jq -r '
	def text: if . == null then "" else tostring end;
	(select(.dead | not) | ["T", .tid, .pid, .threads, .ppid, .sid, .pgid, .uid, .gid, .loginuid, .cap_inheritable,
		.cap_permitted, .cap_effective, .comm, .exe, .exepath, (.args | join(" ")), .cwd, .root]),
	(select(.pid == .tid) | .pid as \$pid | .files[] | ["F", \$pid, .fd, .type, .cloexec, .name])
	| map(text) | @tsv'
END
chmod +x "$lab/known"

for seed in $(seq "$first" $((first + seeds - 1))); do
	dir=$lab/play/$seed log=${MEWS_STATE_LOG:-$lab/play/log}
	mkdir "$dir"
	cp "$bin/statediff" "$dir/program"
	# with files of its own: a shell moves its own about while the first snapshot is taken
	"$bin/statediff" play "$seed" "$actions" 200 "$dir" "$lab/known" "$log" </dev/null >"$lab/said" 2>&1 || {
		cat "$lab/said"
		echo "--- the last actions"
		tail -n 30 "$log"
		fail "seed $seed: replay with tests/e2e/state_diff.sh 1 $actions $seed"
	}
	cat "$lab/said"
	rm -rf --one-file-system "$dir"
done
echo "ok: $seeds seeds of $actions actions"
