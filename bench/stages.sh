# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# stages.sh - functions shared by several stages; sourced by stage.sh. The stages themselves are in
# the files below. README.md describes them.
# shellcheck disable=SC2154,SC2034 # bin, lab, http and the pids are lab.sh's, lab_rules is for it

quick=${BENCH_QUICK:-}
seconds=10
[ -z "$quick" ] || seconds=3

figure() { echo "figure $1 $2"; }
also() { echo "also $*"; }
say() { echo "    $*" >&2; }
calc() { awk "BEGIN { printf \"%.${2:-1}f\", ($1) }"; }

cpu_ns() { "$bin/bench_cpu" "$1"; }

# Events of a type that the collector has evaluated, or that are counted as dropped.
counted() {
	curl -sf "http://$http/metrics" | awk -v want="type=\"$1\"}" '
		/^mews_(collector_type_events|node_type_drops)_total/ && index($0, want) { n += $NF }
		END { print n + 0 }'
}
counted_is() { [ "$(counted "$1")" -ge "$2" ]; }

# Wait until the snapshot and the events caused by the start are durable.
settle() {
	lab_wait 30 lab_durable n1 || fail "the snapshot did not become durable"
	sleep 1
}

# load RATE SECONDS: make events, and wait until each is evaluated or counted as dropped.
# Sets $made (events) and $dropped; fails if the count does not match or the rate is not reached.
load() {
	local rate=$1 seconds=$2 opens closes took reached
	local opens0 closes0 drops0
	opens0=$(counted open) closes0=$(counted close) drops0=$(lab_metric mews_node_drops_total)
	: >"$lab/file"
	read -r opens closes took < <("$bin/bench_load" "$rate" "$seconds" 2 "$lab/file") || fail "the generator failed"
	lab_wait 60 counted_is open $((opens0 + opens)) || true
	lab_wait 10 lab_durable n1 || true
	opens0=$(($(counted open) - opens0)) closes0=$(($(counted close) - closes0))
	dropped=$(($(lab_metric mews_node_drops_total) - drops0))
	made=$((opens + closes))
	reached=$(calc "$made / $took" 0)
	also "$reached" "events/s made, of $rate wanted, for $took s"
	also "$((opens0 - opens))" "open events too many, of $opens made: evaluated and dropped less made"
	also "$((closes0 - closes))" "close events of other processes, beside the $closes made"
	[ "$opens0" = "$opens" ] || fail "$opens open events were made, $opens0 evaluated or dropped"
	[ "$closes0" -ge "$closes" ] || fail "$closes close events were made, $closes0 evaluated or dropped"
	[ "$(calc "$reached >= $rate * 0.995" 0)" = 1 ] || fail "the generator reached $reached events/s of $rate"
}

# interest RULES: the names of the events that sensors send whole while these rules are in force.
interest() {
	"$bin/mewsctl" rules interest --json "$1" |
		jq -r '.[] | select(.captured and (.by_name | not) and (.state_needs == "all" or .rules != [])) | .event'
}

# Set $falco to Falco's two rule files.
falco_files() {
	local dir=${BENCH_FALCO_RULES:-$root/../shared/rules}
	falco=("$dir/falco_rules.yaml" "$dir/falco-incubating_rules.yaml")
	[ -r "${falco[0]}" ] && [ -r "${falco[1]}" ] ||
		fail "Falco's falco_rules.yaml and falco-incubating_rules.yaml are not in $dir: BENCH_FALCO_RULES=DIR says where they are"
}

# shellcheck source=stages_sensor.sh
. "$here/stages_sensor.sh"
# shellcheck source=stages_latency.sh
. "$here/stages_latency.sh"
# shellcheck source=stages_shares.sh
. "$here/stages_shares.sh"
# shellcheck source=stages_collector.sh
. "$here/stages_collector.sh"
# shellcheck source=stages_outputs.sh
. "$here/stages_outputs.sh"
# shellcheck source=stages_survival.sh
. "$here/stages_survival.sh"
# shellcheck source=stages_host.sh
. "$here/stages_host.sh"
