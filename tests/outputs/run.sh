#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [BUILD]: the outputs against real counterparts, one after the other: rsyslogd (its socket, UDP, TCP, TLS), an
# SMTP server with STARTTLS and AUTH, HTTP servers that check each service's protocol and fail in every way, also with
# certificates of both sides, programs, files, Apache Kafka (TLS with client certificates, SASL, restarts), each killed
# and revived in mid-flow, or unreachable without a word; routing, folding, a storm's counts, silences; no secret shown;
# the conformance of all outputs; their formats by their definitions. Installs what it needs, as root; closes with
# 'N passed, N failed'.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build/release}
deploy/install-deps.sh --test >/dev/null || exit 1
if [ ! -x "$build/bin/mews-collector" ]; then
	{ cmake --preset release && cmake --build "$build"; } >/dev/null || exit 1
fi
log=$build/outputs.log passed=0 failed=0
for test in 'unit.output_ops' 'unit.output_(check|file|kafka|syslog|webhook|program)' 'unit.(kafka_record|email_msg|shape|fold|hide|silence|route|template)' \
	'outputs.formats' 'e2e.outputs' 'e2e.syslog' 'e2e.email' 'e2e.webhook' 'e2e.program' 'e2e.route' 'e2e.fold' 'e2e.storm' 'e2e.half_open' 'e2e.redacted_outputs' 'e2e.silence' \
	'e2e.output_off' 'unit.outputs_reload' 'e2e.outputs_reload' 'e2e.kafka_outbox' 'e2e.kafka_leader' 'e2e.kafka_sasl' 'e2e.pipeline_kafka' 'fuzz.(alert|reply|outbox|silence)'; do
	started=$SECONDS
	if setarch "$(uname -m)" -R ctest --test-dir "$build" -R "^($test)\$" --no-tests=error --output-on-failure >"$log" 2>&1 &&
		! grep -q '\*\*\*\(Skipped\|Not Run\)' "$log"; then
		passed=$((passed + 1))
		echo "passed: $test ($((SECONDS - started)) s)"
	else
		failed=$((failed + 1))
		echo "FAILED: $test"
		grep -vE ' Passed |^ +Start ' "$log" | tail -n 40
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
