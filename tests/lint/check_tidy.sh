#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check_tidy.sh BUILD [PATTERN]: run clang-tidy on our files in BUILD; there must be no findings. A
# file that passed is skipped until it, its headers or the checks change.
set -eu
cd "$(dirname "$0")/../.."
build=$(realpath "$1") pattern=${2:-.}
cache=$build/tidy
mkdir -p "$cache"
# a test is one thread, and the analyzer cannot see what its asserts exclude
not_in_tests='-clang-analyzer-*,-concurrency-mt-unsafe,-performance-no-int-to-ptr'
not_in_tests+=',-readability-non-const-parameter,-readability-inconsistent-declaration-parameter-name'
not_in_tests+=',-cert-err34-c,-cert-env33-c,-clang-diagnostic-*'
checks=$(sha256sum .clang-tidy tests/lint/check_tidy.sh | sha256sum)

one() { # file, directory, command
	local file=$1 dir=$2 cmd=$3 key said
	local extra=(-Wno-unknown-warning-option -Wno-ignored-optimization-argument -Qunused-arguments
		-Wno-error -UNDEBUG -U_FORTIFY_SOURCE # asserts tell the analyzer what is impossible
		-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
	key=$( (echo "$checks$cmd" && cd "$dir" && eval "${cmd%% -o *} -E -C $file") | sha256sum)
	key=$cache/${key%% *}
	[ -e "$key" ] && return 0
	case $file in
	*/test*) set -- --checks="$not_in_tests" ;;
	*) set -- ;;
	esac
	if ! said=$(clang-tidy -p "$build" --quiet "$@" "${extra[@]/#/--extra-arg=}" "$file" 2>/dev/null) &&
		[ -n "$(grep -E '(error|warning): ' <<<"$said" | grep -v "^$build/")" ]; then # ignore generated code
		echo "$said"
		return 1
	fi
	touch "$key"
}
export -f one
export build cache checks not_in_tests

# a file that several programs are built from is checked once
jq -r --arg top "$PWD/" --arg pattern "$pattern" \
	'unique_by(.file) | .[] | select((.file | startswith($top)) and (.file | test("/build/") | not)
		and (.file | endswith(".c")) and (.file | test($pattern)))
	| [.file, .directory, .command] | join("\u0000")' "$build/compile_commands.json" |
	tr '\n' '\0' | xargs -0 -r -n 3 -P "$(nproc)" bash -c 'one "$@"' one
