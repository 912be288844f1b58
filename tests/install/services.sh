# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# services.sh - the units in a running machine.
# shellcheck disable=SC2154 # run.sh and machine.sh set them
check "the collector runs" active mews-collector
check "the collector is enabled" inside systemctl is-enabled mews-collector
check "the sensor is enabled" inside systemctl is-enabled mews-sensor

unprivileged() {
	local status
	status=$(inside cat "/proc/$(main_pid mews-collector)/status")
	echo "$status"
	grep -qE '^CapEff:\s0+$' <<<"$status" && grep -qE '^CapBnd:\s0+400$' <<<"$status" &&
		[ "$(awk '/^Uid:/ { print $2 }' <<<"$status")" = "$(inside id -u mews-collector)" ]
}
check "the collector has a user of its own, and no capability" unprivileged

# In a container a sensor cannot see the machine: it says so, once, and is not started again and again.
sensor_refuses() {
	inside systemctl show mews-sensor -p ActiveState,ExecMainStatus,NRestarts | tee "$lab/state"
	grep -qx 'ExecMainStatus=4' "$lab/state" && grep -qx 'NRestarts=0' "$lab/state" &&
		[ "$(inside journalctl -q -u mews-sensor -p err | grep -c 'initial pid namespace')" = 1 ]
}
check "the sensor refuses a container in one sentence" lab_wait 20 sensor_refuses

priorities() {
	inside journalctl -q -u mews-collector -p info -o json |
		jq -es 'any(.[]; (.MESSAGE | tostring | startswith("listening for sensors")) and .PRIORITY == "6" and .SYSLOG_IDENTIFIER == "mews-collector")'
}
check "the journal has priorities" priorities

# Events of a machine, sent as its sensor would: the same user, the same socket.
"$bin/mews-sensor" --record "$lab/deed.rec" --seconds 3 2>"$lab/record.log" &
recorder=$!
lab_pids+=("$recorder")
deed() { head -c 1 /etc/shadow && [ -e "/proc/$recorder" ]; }
while deed >/dev/null; do sleep 0.2; done
wait "$recorder" || fail "no recording"
install -m 0644 "$lab/deed.rec" "$machine/var/deed.rec"
as() { inside setpriv --reuid "$1" --regid "$2" --clear-groups --inh-caps=-all "${@:3}"; }
replay() { as "$1" "$2" timeout 60 mews-sensor --replay /var/deed.rec --speed max -o node=played; }
check "the sensor's user reaches the collector" replay mews-sensor mews
alerts() { inside mewsctl alerts -n all --json | jq -r .uuid | sort; }
has_alert() { inside mewsctl alerts -n all --rule 'Sensitive file read' --json | jq -e 'select(.hostname == "played")'; }
check "a deed raises its alert" has_alert
stranger() { ! as nobody nogroup timeout 3 mews-sensor --replay /var/deed.rec --speed max -o node=stranger; }
check "another user does not reach it" stranger
check "nor is that user's node known" sh -c '! grep -q stranger' < <(inside mewsctl nodes)

put_rule() { cat >"$machine/etc/mews/rules.d/own.yaml"; }
# Without rule.watch only a reload loads them, so it is the reload that is tested.
inside sed -i '$arule: { watch: false }' /etc/mews/collector.yaml
check "an edited configuration starts" inside systemctl restart mews-collector
in_force() { inside journalctl -q -u mews-collector | sed -n 's/.*rules in force: \([0-9]*\).*/\1/p' | tail -n 1; }
before=$(in_force)
put_rule <<<'- rule: Broken'
reload_fails() {
	! inside systemctl reload mews-collector && active mews-collector &&
		inside journalctl -q -u mews-collector | grep 'own.yaml:1'
}
check "a reload with a wrong rule fails and says where; the collector goes on" reload_fails
put_rule <<'EOF2'
- rule: Own rule
  desc: A rule of this test.
  condition: evt.type = chdir
  output: own
  priority: NOTICE
EOF2
check "a reload loads an added rule" inside systemctl reload mews-collector
own_rule() { [ "$(in_force)" = $((before + 1)) ]; }
check "... which is in force" lab_wait 20 own_rule

# restarted COMMAND...: does it end the collector, and systemd start another?
restarted() {
	local before now
	before=$(main_pid mews-collector)
	"$@" || return
	another() {
		now=$(main_pid mews-collector)
		[ "$now" != 0 ] && [ "$now" != "$before" ] && active mews-collector
	}
	lab_wait 60 another
}
check "killed, the collector is started again" restarted inside systemctl kill -s KILL mews-collector
inside mkdir -p /run/systemd/system/mews-collector.service.d
inside sh -c 'printf "[Service]\nWatchdogSec=2\n" >/run/systemd/system/mews-collector.service.d/soon.conf; systemctl daemon-reload; systemctl restart mews-collector'
alive() {
	sleep 5 # longer than two watchdog times: with signs of life it is not restarted
	[ "$(inside systemctl show -P NRestarts mews-collector)" = 0 ] && active mews-collector
}
inside systemctl reset-failed mews-collector
inside systemctl restart mews-collector
check "the collector gives signs of life" alive
check "a collector that hangs is started again" restarted inside systemctl kill -s STOP mews-collector
inside sh -c 'rm -r /run/systemd/system/mews-collector.service.d; systemctl daemon-reload; systemctl restart mews-collector'

# The exposure that systemd computes, from 0 (none) to 10; it may only fall.
for unit in mews-collector:17 mews-sensor:26 mews-sensor-pins:6; do
	exposed() {
		inside systemd-analyze security --no-pager "--threshold=${unit#*:}" "${unit%:*}.service"
	}
	check "hardening of ${unit%:*}: at most ${unit#*:} tenths" exposed
	sed 's/\x1b\[[0-9;]*m//g' "$lab/check.out" | grep -E 'Overall' | sed 's/^/        /'
done

# A cluster whose API server does not answer costs no start and no alert.
mkdir -p "$machine/etc/mews/collector.d"
cat >"$machine/etc/mews/collector.d/kubernetes.yaml" <<'EOF2'
kubernetes: { enabled: true, kubeconfig: /etc/mews/kubeconfig, insecure: true, wait: 1s }
EOF2
cat >"$machine/etc/mews/kubeconfig" <<'EOF2'
clusters: [{ name: broken, cluster: { server: 'http://127.0.0.1:9' } }]
users: [{ name: mews, user: { token: none } }]
contexts: [{ name: broken, context: { cluster: broken, user: mews } }]
current-context: broken
EOF2
chmod 0644 "$machine/etc/mews/kubeconfig"
before=$(alerts | wc -l)
more_alerts() { [ "$(alerts | wc -l)" -gt "$before" ]; }
check "with a broken Kubernetes the collector starts" inside systemctl restart mews-collector
kube_told() { grep -q 'kubernetes: .*API server' < <(inside journalctl -q -u mews-collector -p warning); }
check "... says so" lab_wait 20 kube_told
again() { as mews-sensor mews timeout 60 mews-sensor --replay /var/deed.rec --speed max -o node=broken; }
check "... takes events" again
check "... and raises their alerts" lab_wait 20 more_alerts
rm "$machine/etc/mews/collector.d/kubernetes.yaml" "$machine/etc/mews/kubeconfig"
inside systemctl restart mews-collector

complete() { # complete WORDS...: what bash proposes
	# shellcheck disable=SC2016 # the inner shell expands it
	inside bash -c '. /usr/share/bash-completion/completions/mewsctl.bash; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _mewsctl; echo "${COMPREPLY[*]}"' bash mewsctl "$@"
}
completes() { # completes WANT WORDS...
	[[ " $(complete "${@:2}" | tee /dev/stderr) " == *" $1 "* ]]
}
check "completion of commands" completes status st
check "completion of commands of a command" completes check rules c
check "completion of commands that the usage names" completes issue pki i
check "completion of options" completes --follow alerts --f
