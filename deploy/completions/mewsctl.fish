# SPDX-License-Identifier: Apache-2.0
# fish completion of mewsctl: commands and options as its --help has them.
function __mewsctl_words
    set -l command
    for word in (commandline -opc)[2..]
        string match -qr '^[a-z]' -- $word; and test (count $command) -lt 2; or break
        set -a command $word
    end
    set -l help (mewsctl $command --help 2>/dev/null; or mewsctl $command[1] --help 2>/dev/null)
    printf '%s\n' $help | grep -oE -- '--[a-z][a-z-]+' | sort -u
    set -l commands (printf '%s\n' $help | awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 }
        on && /^  [a-z]/ { name = $1; $1 = ""; print name "\t" substr($0, 2) }')
    test (count $commands) -gt 0
    or set commands (printf '%s\n' $help | sed -nE "s/^(Usage:|      ) mewsctl $command ([a-z]+) .*/\2/p")
    printf '%s\n' $commands
end
complete -c mewsctl -a '(__mewsctl_words)'
