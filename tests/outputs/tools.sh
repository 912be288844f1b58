# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# tools.sh: what tests of outputs need from registries, in a folder of their own. Sourced.
#
# outputs_tools DIR: install it there unless it is there; sets tools_python, and tools_node for npm's packages.
# shellcheck disable=SC2034 # used by those who source this
outputs_tools() {
	local dir=$1
	tools_python=$dir/venv/bin/python tools_node=$dir/node_modules
	[ -e "$dir/complete" ] && return
	mkdir -p "$dir"
	python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" -q --disable-pip-version-check install \
		ocsf-json-schema==1.2.0 jsonschema==4.26.0 cloudevents==1.12.0 pycef==1.11
	npm --prefix "$dir" --silent --no-audit --no-fund install @elastic/ecs@8.11.5
	touch "$dir/complete"
}
