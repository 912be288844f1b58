# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# remove.sh - what is left after remove, and after purge.
# shellcheck disable=SC2154 # run.sh and machine.sh set them
machine_boot
lab_wait 60 active mews-collector || fail "the collector does not start at boot"
check "the alerts are there after a boot" lab_wait 20 same_alerts
inside sh -c 'mkdir -p /etc/mews/pki; echo key >/etc/mews/pki/ca.key'
check "remove" inside apt-get -y remove 'mews-*'
gone() {
	local path
	for path; do ! inside sh -c "ls -d $path" 2>/dev/null || return 1; done
}
check "no program, unit or process is left" gone '/usr/*bin/mews*' '/lib/systemd/system/mews*' '/run/mews'
no_process() { ! inside pgrep -a mews; }
check "no process is left" no_process
check "configuration and alerts are left" inside ls /etc/mews/collector.yaml /etc/mews/sensor.yaml /etc/mews/rules.d/local.yaml /var/lib/mews/outbox.db /var/lib/mews-sensor/kept
check "purge" inside apt-get -y purge 'mews-*'
check "no configuration, alert or log of the packages is left" gone /var/lib/mews /var/lib/mews-sensor /var/lib/mews-enroll /var/log/mews '/etc/mews/*.yaml' /etc/mews/rules.d/local.yaml \
	'/etc/systemd/system/*/mews*' '/var/lib/systemd/deb-systemd-helper-*/mews*' '/var/lib/dpkg/info/mews-*'
check "files of the administrator are left" inside ls /etc/mews/pki/ca.key /etc/mews/rules.d/own.yaml
machine_off
