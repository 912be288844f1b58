#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
tests/lint/files.sh sh | xargs shellcheck -S warning -x -P SCRIPTDIR -P .
# A command whose reader leaves early dies of SIGPIPE, and with pipefail the pipe has failed.
! tests/lint/files.sh sh | xargs grep -l '^#!/bin/bash' | xargs grep -lzP '[^|]\|\s*grep -[a-zA-Z]*q' ||
	{ echo 'check_shell: in the files above, write grep -q PATTERN < <(COMMAND): with a pipe it fails now and then' >&2; exit 1; }
