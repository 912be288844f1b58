#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Include rules. A folder's rule lists what its files may include in quotes; tests of a folder
# (test*) may include tests/support/ too. Exit 1 and the lines that break a rule.
set -eu
cd "$(dirname "$0")/../.."

kernel_safe='proto/((event|names)\.h|(events|names|syscalls)\.def)|driver/'
status=0

allow() { # folder, what it may include, and what its tests may besides
	tests/lint/files.sh c h def cpp cc | grep "^$1/" | while read -r file; do
		ok=$2
		case $file in
		*/test*) ok="$ok|tests/support/${3:+|$3}" ;;
		esac
		grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$file" |
			grep -vE "include[[:space:]]*\"($ok)" || true
	done | sed "s|\$|   <- $1/ may not include this|" | grep . && status=1
	return 0
}

allow common 'common/'
allow proto 'common/|proto/'
allow driver "$kernel_safe"
allow sensor 'common/|proto/|driver/|sensor/'
allow collector 'common/|proto/|collector/'

# The rooms of the collector: each knows those before it, and of the program around it only what is
# named here. No cycles: what a room includes does not include it.
room() { # room, the rooms it may include, the headers of collector/ itself, what its tests may besides
	allow "collector/$1" "common/|proto/|collector/($1${2:+|$2})/${3:+|collector/($3)\.(h|def)}" "${4:-}"
}
room alert
room state
room field state '' 'collector/filter/'
room filter 'state|field' '' 'collector/plan/'
room plan 'state|field|filter'
room rule 'alert|state|field|filter|plan'
room outbox 'alert|rule'
room output 'alert|rule|outbox'
room stream 'alert|outbox|shard'
room shard 'alert|state|filter|rule|outbox|stream'
room ingest 'alert|state|filter|shard|stream' '' 'collector/ctl/pki\.h'
room api 'alert|rule|outbox|output|stream|shard|ingest' 'lookout|reload' 'collector/ctl/pki\.h'
room ctl 'state|field|filter|rule|output|api'
allow tests 'common/|proto/|driver/|sensor/|collector/|tests/|bench/'
allow bench 'common/|proto/|driver/|sensor/|collector/|tests/|bench/'
exit $status
