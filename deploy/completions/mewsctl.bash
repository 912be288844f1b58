# SPDX-License-Identifier: Apache-2.0
# bash completion of mewsctl: commands and options as its --help has them.
_mewsctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} command=() word help words
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == [a-z]* && ${#command[@]} -lt 2 ]] || break
		command+=("$word")
	done
	help=$(mewsctl "${command[@]}" --help 2>/dev/null || mewsctl "${command[@]:0:1}" --help 2>/dev/null)
	if [[ $cur == -* ]]; then
		words=$(grep -oE -- '--[a-z][a-z-]+' <<<"$help" | sort -u)
	else
		words=$(awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { print $1 }' <<<"$help")
		[ -n "$words" ] || words=$(sed -nE "s/^(Usage:|      ) mewsctl ${command[*]} ([a-z]+) .*/\2/p" <<<"$help")
	fi
	# without words: names of files, by -o default
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -o default -F _mewsctl mewsctl
