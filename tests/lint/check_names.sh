#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One name, one thing: files of one base name are in one folder and differ only in their ending. Exceptions are
# main.c, and X.h with the X.def that it includes.
set -eu
cd "$(dirname "$0")/../.."

tests/lint/files.sh c h def cc | awk '
	{
		folder = $0
		base = $0
		sub("/[^/]*$", "", folder)
		sub(".*/", "", base)
		sub("\\.bpf\\.c$", ".c", base)
		sub("\\.[a-z]*$", "", base)
	}
	base == "main" { next }
	base in first && first[base] != folder {
		print "two things have the name " base ": " file[base] ", " $0
		bad = 1
	}
	{ first[base] = folder; file[base] = $0 }
	END { exit bad }
'
