#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The formats of outputs, as collector/output/golden has them (unit.shape compares them with what is sent),
# judged by each format's own definitions, from PyPI and npm. Installs those in
# BUILD/outputs-tools.
#
# formats.sh [BUILD]
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "${1:-build/release}")
. tests/outputs/tools.sh
outputs_tools "$build/outputs-tools"
ecs=$build/outputs-tools/ecs.json
node -e "process.stdout.write(JSON.stringify(require('$tools_node/@elastic/ecs').EcsFlat))" >"$ecs"
failed=0
for format in json ocsf ecs cloudevents cef leef; do
	file=collector/output/golden/alerts.$format
	if "$tools_python" tests/outputs/formats.py "$format" "${file/%.json/.jsonl}" "$ecs"; then
		echo "passed: $format"
	else
		failed=$((failed + 1))
		echo "FAILED: $format"
	fi
done
echo "$((6 - failed)) passed, $failed failed"
[ "$failed" = 0 ]
