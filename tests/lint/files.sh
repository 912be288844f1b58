#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# List the tree's files with these endings ("c h def sh ..."), one a line, without build folders.
set -eu
cd "$(dirname "$0")/../.."
for ending in "$@"; do
	find . \( -path ./build -o -path ./.git -o -path ./.cache \) -prune -o \
		-type f -name "*.$ending" -print
done | sed 's|^\./||' | sort
