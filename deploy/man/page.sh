#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# page.sh PROGRAM PAGE: prints the manual page, with what PROGRAM --help knows best in the place of a
# line '.\" @OPTIONS@' (the keys of the configuration) or '.\" @COMMANDS@' (each command's help).
set -eu
program=$1 page=$2

# A text as it is.
literal() { sed -e 's/\\/\\e/g' -e "s/^[.']/\\\\\\&&/"; }

# "  key  type  Help. [default]", and further lines of the help.
options() {
	"$program" --help | awk '
		function flush() {
			if (key == "") return
			def = ""
			if (match(help, / \[[^][]*\]$/)) { def = substr(help, RSTART + 2, RLENGTH - 3); help = substr(help, 1, RSTART - 1) }
			gsub(/\\/, "\\e", help); gsub(/\\/, "\\e", def)
			print ".It Sy " key " Pq " type (def == "" ? "" : ", default " def)
			print (help ~ /^[.\047]/ ? "\\&" : "") help
		}
		/^Options/ { on = 1; next }
		!on { next }
		/^  [a-z][a-zA-Z0-9_.*]* +(text|bool|number|size|time|list) / {
			flush(); key = $1; type = $2; help = $0; sub(/^ *[^ ]+ +[^ ]+ +/, "", help); next
		}
		/^ {20}/ && key != "" { sub(/^ +/, ""); help = help " " $0; next }
		END { flush() }'
}

# The commands that a help lists: "  name  what it does".
names() { awk '/^Commands:/ { on = 1; next } on && /^$/ { exit } on { print $1 }'; }

command_help() {
	printf '.Ss %s\n.Bd -literal\n' "$*"
	"$program" "$@" --help | literal
	printf '.Ed\n'
}

commands() {
	local c sub
	for c in $("$program" --help | names); do
		command_help "$c"
		for sub in $("$program" "$c" --help | names); do command_help "$c" "$sub"; done
	done
}

while IFS= read -r line; do
	case $line in
	'.\" @OPTIONS@') options ;;
	'.\" @COMMANDS@') commands ;;
	*) printf '%s\n' "$line" ;;
	esac
done <"$page"
