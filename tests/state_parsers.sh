#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# state_parsers.sh BUILD [EVENT...] - switch off each parser of collector/state/parsers.def (or only those of these
# events), one at a time, and check that e2e.state_diff then fails.
#
# The collector is linked again with an apply.c that does not see the parser's row; BUILD stays as it is.
# SEEDS, ACTIONS: what to play for each [2 4000].
# Exit status: 0 if it fails for each parser, else 1 with those that it does not notice.
set -euo pipefail
cd "$(dirname "$0")/.."

build=$(realpath "$1") seeds=${SEEDS:-2} actions=${ACTIONS:-4000}
shift
# Not compared with /proc: connected, memory and limits of a process, users and groups of the machine, containers. An
# unknown role of a socket is not a difference either. getcwd() says what is known.
elsewhere=' READ WRITE READV WRITEV SEND SENDTO SENDMSG SENDMMSG RECV RECVFROM RECVMSG RECVMMSG GETSOCKOPT BRK MMAP MMAP2
	MUNMAP GETRLIMIT SETRLIMIT PRLIMIT USERADDED USERDELETED GROUPADDED GROUPDELETED GETCWD
	CONTAINER_INFO '
# Told twice: an execveat that succeeds is an execve; a row of the descriptor follows a pidfd_getfd.
twice=' EXECVEAT PIDFD_GETFD '
# Not played.
unplayed=' CLONE3 OPEN_BY_HANDLE_AT IO_URING_SETUP BPF SETNS UNSHARE '

work=$(mktemp -d /var/tmp/mews-parsers.XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" "$work/include/collector/state"
for f in "$build"/bin/*; do ln -s "$f" "$work/bin/"; done
source=$PWD/collector/state/apply.c
compile=$(ninja -C "$build" -t commands collector/state/CMakeFiles/state.dir/apply.c.o | tail -n 1)
link=$(ninja -C "$build" -t commands bin/mews-collector | grep -F -- '-o bin/mews-collector ' | tail -n 1)

# without EVENT: make a collector without the event's parser.
without() {
	local object=$work/apply.c.o
	sed -E "/^(MAKER|PARSER)\($1,/d" collector/state/parsers.def >"$work/include/collector/state/parsers.def"
	cp "$build/collector/state/libstate.a" "$work/libstate.a"
	rm -f "$work/bin/mews-collector"
	(
		cd "$build"
		compile=${compile/ -I/ -I$work/include -I}
		eval "${compile%% -MD *} -o $object -c $source"
		ar r "$work/libstate.a" "$object"
		link=${link//collector\/state\/libstate.a/$work/libstate.a}
		eval "${link/-o bin\/mews-collector/-o $work/bin/mews-collector}"
	) >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
}

# notices SEEDS ACTIONS
notices() { ! MEWS_BUILD=$work tests/e2e/state_diff.sh "$@" >"$work/said" 2>&1; }

without NOTHING
notices "$seeds" "$actions" && { cat "$work/said"; echo "it fails with all parsers" >&2; exit 1; }
missed='' n=0
for event in "${@:-$(sed -nE 's/^(MAKER|PARSER)\(([A-Z0-9_]+),.*/\2/p' collector/state/parsers.def)}"; do
	for e in $event; do
		[[ "$elsewhere$twice$unplayed" == *[[:space:]]${e}[[:space:]]* ]] && continue
		without "$e"
		n=$((n + 1))
		# some are rare among the actions, or their effect is seldom alone
		if ! notices "$seeds" "$actions" && ! notices 5 10000; then
			missed+=" $e"
		elif ! grep -qE '[1-9][0-9]* differences$|did not see the mark' "$work/said"; then
			cat "$work/said"
			missed+=" $e(failed otherwise)"
		fi
		echo "$e: $(grep -m 1 -E "collector '|did not see" "$work/said" || echo 'not noticed')"
	done
done
[ -z "$missed" ] || { echo "not noticed:$missed" >&2; exit 1; }
echo "$n parsers, the lack of each is noticed"
