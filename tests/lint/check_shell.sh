#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
tests/lint/files.sh sh | xargs shellcheck -S warning -x -P SCRIPTDIR -P .
