#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check_monitoring.sh [METRICS]: Prometheus' alert rules pass their own tests; the queries of Grafana's dashboard are
# ones that Prometheus understands, and its panels are complete and do not overlap. With METRICS, the text of a
# collector's /metrics: both name only metrics that exist.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v promtool >/dev/null || { echo 'no promtool: run deploy/install-deps.sh --test'; exit 77; }
rules=deploy/prometheus/mews.rules.yaml dashboard=deploy/grafana/mews.json
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
promtool check rules "$rules" >"$scratch/said" 2>&1 || { cat "$scratch/said"; exit 1; }
promtool test rules deploy/prometheus/mews.test.yaml >"$scratch/said" 2>&1 || { cat "$scratch/said"; exit 1; }

jq -e '
	([.panels[].id] | length == (unique | length)) and
	(.panels | all(.title != "" and (.targets | length > 0) and .fieldConfig.defaults.unit != null)) and
	([.panels[].gridPos | select(.x + .w > 24)] == []) and
	([.panels[].gridPos | .y as $y | .x as $x | range(.w) | [$y, $x + .]] | length == (unique | length))' "$dashboard" >/dev/null ||
	{ echo "$dashboard: panels are incomplete or overlap"; exit 1; }
jq '{ groups: [{ name: "dashboard", rules: [.panels[].targets[].expr | gsub("\\$(cluster|node)"; ".*") | { record: "x", expr: . }] }] }' \
	"$dashboard" >"$scratch/queries.yaml"
promtool check rules --lint=none "$scratch/queries.yaml" >"$scratch/said" 2>&1 || { cat "$scratch/said"; exit 1; }
[ -n "${1:-}" ] || exit 0

for metric in $(grep -hoE '\b(mews|process)_[a-z_]+' "$scratch/queries.yaml" <(grep -E '^ +(- )?expr:' "$rules") | sort -u); do
	grep -qE "^# TYPE ${metric%_bucket} " "$1" || { echo "there is no metric $metric"; exit 1; }
done
