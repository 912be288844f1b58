#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# page.sh PAGE PROGRAM...: print the manual page; insert parts of PROGRAM --help for a line '.\"
# @OPTIONS@' (the configuration keys) or '.\" @COMMANDS@' (each command's help). PROGRAM may follow an
# emulator, for another architecture's.
set -eu
page=$1 program=("${@:2}")

# Print text literally.
literal() { sed -e 's/\\/\\e/g' -e "s/^[.']/\\\\\\&&/"; }

# Parse "  key  type  Help. [default]" and continuation lines of the help.
options() {
	"${program[@]}" --help | awk '
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

# List the commands of a help: "  name  description".
names() { awk '/^Commands:/ { on = 1; next } on && /^$/ { exit } on { print $1 }'; }

command_help() {
	printf '.Ss %s\n.Bd -literal\n' "$*"
	"${program[@]}" "$@" --help | literal
	printf '.Ed\n'
}

commands() {
	local c sub
	for c in $("${program[@]}" --help | names); do
		command_help "$c"
		for sub in $("${program[@]}" "$c" --help | names); do command_help "$c" "$sub"; done
	done
}

while IFS= read -r line; do
	case $line in
	'.\" @OPTIONS@') options ;;
	'.\" @COMMANDS@') commands ;;
	*) printf '%s\n' "$line" ;;
	esac
done <"$page"
