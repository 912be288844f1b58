#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Includes go downwards. A folder's files may include in quotes only its own headers and those of the folders on
# its line; its tests (test_*) also tests/support/ and the folders in the last column. Prints each file that
# includes something else, each folder without a line, each line without a folder.
set -eu
cd "$(dirname "$0")/../.."

# Each folder comes after all that it may include, so that no cycle is possible.
rules='
# folder            may include                                                    its tests besides
common
common/nng          common
proto               common
driver              proto!
driver/bpf          driver proto!
sensor              common common/nng proto driver
collector/alert     common
collector/kube      common
collector/state     common proto
collector/field     common proto kube state                                             : filter
collector/filter    common proto state field                                       : plan
collector/plan      common proto state field filter
collector/rule      common proto alert state field filter plan
collector/outbox    common alert rule
collector/output    common alert filter outbox                                     : rule
collector/stream    common proto alert outbox
collector/checkpoint common proto alert state outbox stream
collector/shard     common proto alert kube state rule outbox stream checkpoint
collector/ingest    common common/nng proto filter outbox stream shard checkpoint : ctl/pki.h
collector/watch     common proto filter alert kube rule outbox output stream shard ingest checkpoint
collector/api       common proto alert kube rule outbox output stream shard ingest watch checkpoint : ctl/pki.h
collector/ctl       common proto state field filter rule outbox output api
collector           common common/nng proto alert kube field rule outbox output stream shard ingest watch api checkpoint
tests               *
tests/conformance   *
tests/driver        *
tests/e2e           *
tests/fuzz          *
tests/lint          *
tests/support       *
tests/vm            *
bench               *
'

# "folder|regular expression|the same for tests" of each rule.
expand() {
	echo "$rules" | awk '
		/^#/ || NF == 0 { next }
		function allowed(name) {
			if (name == "*")
				return "(common|proto|driver|sensor|collector|tests|bench)/"
			if (name == "proto!") # what the kernel side compiles
				return "proto/((event|names)\\.h|(events|names|syscalls)\\.def)"
			if (name ~ /\.h$/)
				return "collector/" name
			if ($1 ~ /^collector/ && name !~ /^(common|common\/nng|proto)$/)
				name = "collector/" name
			return name "/[^/]*$"
		}
		{
			ok = $1 "/[^/]*$"
			of = "tests/support/"
			test = 0
			for (i = 2; i <= NF; i++)
				if ($i == ":")
					test = 1
				else if (test)
					of = of "|" allowed($i)
				else
					ok = ok "|" allowed($i)
			print $1 " " ok " " ok "|" of
		}'
}

files=$(mktemp) rules_of=$(mktemp)
trap 'rm -f "$files" "$rules_of"' EXIT
tests/lint/files.sh c h cpp cc def >"$files"
expand >"$rules_of"

# shellcheck disable=SC2046 # names without blanks
grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' $(cat "$files") /dev/null |
	sed 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*"/ /;s/".*//' |
	awk -v files="$files" -v rules="$rules_of" '
	function folder(path) {
		return path ~ /\// ? substr(path, 1, match(path, /\/[^\/]*$/) - 1) : "."
	}
	BEGIN {
		while ((getline < rules) > 0) {
			ok[$1] = $2
			test[$1] = $3
		}
		while ((getline < files) > 0) {
			used[folder($0)] = 1
			if (!(folder($0) in ok) && !(folder($0) in told)) {
				print $0 ": tests/lint/check_deps.sh has no rule for its folder"
				told[folder($0)] = bad = 1
			}
		}
		for (f in ok)
			if (!(f in used) && f != "tests") {
				print "tests/lint/check_deps.sh: there is no folder " f
				bad = 1
			}
	}
	{
		split($1, at, ":")
		f = folder(at[1])
		if (f in ok && $2 !~ "^(" (at[1] ~ /\/test_[^\/]*$/ ? test[f] : ok[f]) ")") {
			print $1 ": " f "/ may not include " $2
			bad = 1
		}
	}
	END { exit bad }'
