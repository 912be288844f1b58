#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh: install what the tests need, build, and run all of them.
#
#   --quick        only release and its unit and lint tests: minutes, no root needed
#   --long         also tests that take minutes (label 'long'; one builds and tests on Debian 13),
#                  plain NNG, ten minutes of fuzzing per target, and coverage
#   --allow-skip   do not fail for a test that cannot run here
#
# Exit status 0 if everything passed. Logs are in build/PRESET/run.log.
set -eu
cd "$(dirname "$0")/.."

quick=no long=no allow_skip=no
for arg in "$@"; do
	case $arg in
	--quick) quick=yes ;;
	--long) long=yes ;;
	--allow-skip) allow_skip=yes ;;
	*)
		sed -n '3,10s/^# \{0,1\}//p' "$0" >&2
		exit 2
		;;
	esac
done
if [ "$quick" = no ] && [ "$(id -u)" != 0 ]; then
	echo "run.sh: the tests load eBPF programs: run it with sudo, or with --quick" >&2
	exit 1
fi

failed=() total=0 bad=0
say() { printf '\n== %s (%dm%02ds)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60)); }

# build PRESET [TARGET...]
build() {
	local preset=$1 targets=()
	shift
	[ $# -eq 0 ] || targets=(--target "$@")
	say "building $preset"
	mkdir -p "build/$preset"
	if ! { cmake --preset "$preset" && cmake --build --preset "$preset" "${targets[@]}"; } >"build/$preset/run.log" 2>&1; then
		grep -E -A8 'error|FAILED' "build/$preset/run.log" | head -n 60
		echo "the build of $preset failed: build/$preset/run.log" >&2
		exit 1
	fi
}

# run PRESET CTEST-ARGUMENT...: print its last lines; remember what failed or was skipped.
run() {
	local preset=$1 log=build/$1/ctest.log status=0 closing
	shift
	say "testing $preset"
	# some kernels place libraries where the thread sanitizer has its shadow memory
	setarch "$(uname -m)" -R ctest --test-dir "build/$preset" --output-on-failure --no-tests=error "$@" >"$log" 2>&1 || status=$?
	closing=$(grep -n 'tests passed' "$log" | tail -n 1 | cut -d: -f1)
	[ "$status" = 0 ] || sed '/tests passed/,$d' "$log" | grep -vE '^ *[0-9]+/[0-9]+ Test.*Passed|^ +Start +[0-9]+:' | head -n 300
	if [ -z "$closing" ]; then
		tail -n 5 "$log"
		failed+=("$preset")
		return
	fi
	sed -n "$closing,\$p" "$log"
	total=$((total + $(sed -n "${closing}s/.*out of //p" "$log")))
	bad=$((bad + $(sed -n "${closing}s/.*passed, \([0-9]*\) tests failed.*/\1/p" "$log")))
	[ "$status" = 0 ] || failed+=("$preset")
	if [ "$allow_skip" = no ] && grep -qE '\*\*\*(Skipped|Not Run)' "$log"; then
		grep -E '\*\*\*(Skipped|Not Run)' "$log"
		failed+=("$preset (tests were skipped)")
	fi
}

# The build's options for CI are in CMakePresets.json; the sanitizers' options for tests are here.
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1

say 'installing what the tests need'
deploy/install-deps.sh --test
build release
if [ "$quick" = yes ]; then
	run release -L 'unit|fuzz|lint' -LE 'slow|long' -j "$(nproc)"
else
	if [ "$long" = yes ]; then run release -j "$(nproc)"; else run release -LE long -j "$(nproc)"; fi
	build asan
	run asan -L 'unit|fuzz|live|asan' -LE 'lint|long' -j "$(nproc)"
	build tsan
	# the rules' compiler is one thread, and its tests are slow here
	run tsan -L 'unit|tsan' -LE 'lint|long' -E 'unit.(filter|rule)' -j "$(nproc)"
	build fuzz fuzzers
	say 'fuzzing'
	tests/fuzz/run.sh "$([ "$long" = yes ] && echo 600 || echo 12)" || failed+=(fuzzing)
fi
if [ "$long" = yes ]; then
	build plain # without our changes to NNG: common/nng/README.md
	run plain -L 'unit|plain' -LE long -j "$(nproc)"
	build coverage
	run coverage -L 'unit|fuzz' -j "$(nproc)"
	gcovr -r . --gcov-executable gcov -e 'tests/' -e 'build/' -e '.*/test_' build/coverage | tail -n 40
fi

say 'done'
for what in "${failed[@]}"; do echo "FAILED: $what"; done
echo "$(((total - bad) * 100 / (total > 0 ? total : 1)))% tests passed, $bad tests failed out of $total"
[ ${#failed[@]} -eq 0 ]
