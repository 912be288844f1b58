#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks before a commit that take seconds. As a hook: ln -s ../../tests/precommit.sh
# .git/hooks/commit-msg checks the subject too.
set -eu
cd "$(git rev-parse --show-toplevel)"

git diff --cached --name-only --diff-filter=ACM -- '*.c' '*.h' | xargs -r clang-format --dry-run -Werror
git diff --cached --name-only --diff-filter=ACM -- '*.sh' | xargs -r shellcheck -S warning -x -P SCRIPTDIR -P .
tests/lint/check_deps.sh
tests/lint/check_text.sh
if [ -x build/dev/proto/schema_gen ]; then
	build/dev/proto/schema_gen | diff -q proto/EVENTS.md - >/dev/null ||
		{ echo "proto/EVENTS.md is stale: cmake --build --preset dev --target schema"; exit 1; }
fi
[ $# -eq 0 ] || head -n 1 "$1" | grep -qE '^[a-z0-9/_-]+: .+$' ||
	{ echo "the subject is not 'area: effect'"; exit 1; }
[ $# -eq 0 ] || [ "$(head -n 1 "$1" | wc -m)" -le 66 ] || { echo "the subject is too long"; exit 1; }
