#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every C file is as clang-format makes it; tables (.def) are laid out by hand.
set -eu
cd "$(dirname "$0")/../.."
tests/lint/files.sh c h | xargs clang-format --dry-run -Werror
