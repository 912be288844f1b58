# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# in_guest.sh - what the scripts of guest.sh share, in the machine.
set -u
wait_for() {
	local until=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$until" ] || { echo "never: $*"; return 1; }
		sleep 0.2
	done
}
pid() { systemctl show -P MainPID "${1:-mews-sensor}"; }
connected() { grep -qE '(^|[ /])machine .* up ' < <(mewsctl nodes); }

# Numbered deeds, each of which has to raise one alert. Since Linux 7.0 events are missed, and counted, when a
# thread is preempted in a program (driver/README.md): real-time threads are not.
deeds=0 by=()
case $(uname -r) in
[1-6].*) ;;
*) by=(chrt -f 1) && echo -1 >/proc/sys/kernel/sched_rt_runtime_us ;;
esac
deed() {
	deeds=$((deeds + 1))
	"${by[@]}" cat /etc/shadow "/run/deed-$deeds" >/dev/null 2>&1
}
# raised: the number of each alert's deed, one a line
raised() {
	mewsctl alerts -n all --rule 'Sensitive file read' --node machine --json |
		sed -n 's|.*"proc.cmdline":"cat /etc/shadow /run/deed-\([0-9]*\)".*|\1|p' | sort -n
}
all_raised() { [ "$(raised | sort -nu | wc -l)" = "$deeds" ]; }
# once NAME: does each deed so far have its alert, once?
once() {
	wait_for 90 all_raised
	if [ "$(raised)" = "$(seq "$deeds")" ]; then
		echo "$1: each deed once"
	else
		echo "$1: $deeds deeds, but $(raised | uniq -c | tr -s ' \n' ' x,')"
	fi
}
