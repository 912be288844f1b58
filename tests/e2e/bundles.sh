#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Signed bundles of rules and a real sensor and collector: installed, a rule of it alerts on a real deed; upgraded, a
# new one does; rolled back, that one no longer does; removed, none. What is tampered with, cut off, not trusted,
# too old, too large, does not load or clashes is refused in one sentence and changes nothing.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
python=/usr/bin/python3

# rule NAME FILE: alerts when that file is opened
rule() {
	printf -- '- rule: %s\n  desc: d\n  condition: evt.type in (open, openat, openat2) and fd.name = %s\n' "$1" "$2"
	printf '  output: opened %%fd.name\n  priority: INFO\n'
}
key() {
	openssl genpkey -algorithm ed25519 -out "$1" 2>/dev/null
	chmod 600 "$1"
}
pack() { "$bin/mewsctl" rules pack --key "$lab/acme.key" "$@" >"$lab/pack.log" 2>&1 || fail "not packed: $(cat "$lab/pack.log")"; }
ctl() { "$bin/mewsctl" rules "$1" --rules-dir "$rules" --config "$lab/collector.yaml" --collector "http://$http" --token-file "$lab/api.token" "${@:2}"; }
add() { ctl "$1" --keys "$lab/keys" "${@:2}"; }
in_force() { lab_api /api/v1/rules | jq -r '.[].rule' | sort | tr '\n' ' '; }
deed() { cat "$lab/$1" >/dev/null; }
alerted() { [ "$(lab_alerts "$1")" -ge "$2" ]; }

rules=$lab/rules.d
mkdir -m 755 "$rules" "$lab/keys" "$lab/src"
touch "$lab/one" "$lab/two" "$lab/own"
rule Own "$lab/own" >"$rules/local.yaml"
printf 'rules: [%s]\n' "$rules" >"$lab/collector.yaml"
key "$lab/acme.key"
key "$lab/other.key"
openssl pkey -in "$lab/acme.key" -pubout -out "$lab/keys/acme.pem"
rule One "$lab/one" >"$lab/src/one.yaml"
rule Two "$lab/two" >"$lab/src/two.yaml"
pack --name acme --version 1.0 -o "$lab/acme-1.0.mrb" "$lab/src/one.yaml"
pack --name acme --version 1.1 -o "$lab/acme-1.1.mrb" "$lab/src/one.yaml" "$lab/src/two.yaml"

lab_pki n
lab_rules=$rules
lab_collector -o rule.watch=false
lab_sensor n

# ---- install, upgrade, rollback ----
[ "$(in_force)" = 'Own ' ] || fail "in force at first: $(in_force)"
add install "$lab/acme-1.0.mrb" >"$lab/out" 2>&1 || fail "not installed: $(cat "$lab/out")"
grep -qx 'acme 1.0 is in force' "$lab/out" || fail "install says $(cat "$lab/out")"
deed one
lab_wait 20 alerted One 1 || fail "the installed rule does not alert"
grep -q 'audit.*reload bundle="install acme 1.0": 200 done' "$lab/collector.log" || fail "no line of the log tells who installed it"

add upgrade "$lab/acme-1.1.mrb" >"$lab/out" 2>&1 || fail "not upgraded: $(cat "$lab/out")"
deed two
lab_wait 20 alerted Two 1 || fail "the new rule does not alert"

ctl rollback acme >"$lab/out" 2>&1 || fail "not rolled back: $(cat "$lab/out")"
grep -qx 'acme 1.0 is in force, after 1.1' "$lab/out" || fail "rollback says $(cat "$lab/out")"
deed two
deed one
lab_wait 20 alerted One 2 || fail "the rule of before does not alert"
[ "$(lab_alerts Two)" = 1 ] || fail "the rule that was rolled back alerts"
ctl rollback acme >"$lab/out" 2>&1 && fail "rolled back to nothing"
grep -q 'no version of acme before 1.0 is kept' "$lab/out" || fail "rollback says $(cat "$lab/out")"
ctl bundles >/dev/null 2>&1 && fail "'bundles' takes options that it does not have"
list() { "$bin/mewsctl" rules bundles --rules-dir "$rules"; }
grep -qE '^acme +1\.0 +ok +[0-9a-f]{16} +1\.1$' < <(list) || fail "the list: $(list)"
grep -qx 'acme 1.0 is in force already' < <(add install "$lab/acme-1.0.mrb") || fail "the same again is not told"
add upgrade "$lab/acme-1.1.mrb" >/dev/null 2>&1 || fail "not upgraded again"

# ---- refused ----
state() {
	find "$rules" -printf '%P %y %l %s %T@\n' | grep -v '^.bundles/acme \|^.bundles d\|^ d' | sort
	in_force
}
refusals=0
# refused SENTENCE COMMAND...: it fails with one line that has the sentence, and nothing has changed.
refused() {
	local want=$1
	shift
	state >"$lab/before"
	! "$@" >"$lab/out" 2>&1 || fail "done instead of: $want"
	grep -qF -- "$want" "$lab/out" || fail "no '$want' in: $(cat "$lab/out")"
	[ "$(grep -c '^mewsctl: ' "$lab/out")" = 1 ] || fail "not one sentence: $(cat "$lab/out")"
	state | cmp -s "$lab/before" - || fail "'$want' has changed: $(state | diff "$lab/before" -)"
	refusals=$((refusals + 1))
}
refused 'acme 1.1 is installed, and 1.0 is older' add upgrade "$lab/acme-1.0.mrb"
rule Three "$lab/one" >"$lab/src/three.yaml"
pack --name acme --version 1.2 -o "$lab/acme-1.2.mrb" "$lab/src/three.yaml"
refused "'mewsctl rules upgrade' takes a newer one" add install "$lab/acme-1.2.mrb"
sed 's/Three/Thr33/' "$lab/acme-1.2.mrb" >"$lab/x"
refused 'has a changed three.yaml' add upgrade "$lab/x"
sed 's/^version 1.2/version 1.3/' "$lab/acme-1.2.mrb" >"$lab/x"
refused 'was changed after it was signed' add upgrade "$lab/x"
sed 's/three.yaml/..\/three.yaml/' "$lab/acme-1.2.mrb" >"$lab/x"
refused 'no plain name of a rule file' add upgrade "$lab/x"
head -c -5 "$lab/acme-1.2.mrb" >"$lab/x"
refused 'is cut off' add upgrade "$lab/x"
: >"$lab/x"
refused 'is not a bundle' add upgrade "$lab/x"
refused 'is not a file' add upgrade "$lab"
mkfifo "$lab/fifo"
refused 'is not a file' add upgrade "$lab/fifo"
truncate -s 1G "$lab/x"
refused 'is larger than 64 MiB' add upgrade "$lab/x"
"$bin/mewsctl" rules pack --key "$lab/other.key" --name acme --version 1.2 -o "$lab/x" "$lab/src/three.yaml" >/dev/null
refused 'a key that is not trusted here' add upgrade "$lab/x"
pack --name acme --version 1.2 --expires 1s -o "$lab/x" "$lab/src/three.yaml"
late() { [ "$(sed -n 's/^expires //p' "$lab/x")" -le "$(date +%s)" ]; }
lab_wait 5 late
refused 'expired on ' add upgrade "$lab/x"
pack --name acme --version 1.1 -o "$lab/x" "$lab/src/three.yaml"
refused 'this is another acme 1.1' add upgrade "$lab/x"
pack --name acme --version 1.0 -o "$lab/x" "$lab/src/three.yaml"
refused 'is older' add install "$lab/x"
pack --name acme --version 1.2 --engine 99.0.0 -o "$lab/x" "$lab/src/three.yaml"
refused 'needs version 99.0.0 of the rule engine' add upgrade "$lab/x"
echo '- rule: Three' >"$lab/src/broken.yaml"
pack --name acme --version 1.2 -o "$lab/x" "$lab/src/broken.yaml"
refused 'the rules would not load with acme 1.2' add upgrade "$lab/x"
rule One "$lab/two" >"$lab/src/clash.yaml"
pack --name other --version 1 -o "$lab/x" "$lab/src/clash.yaml"
refused "the rule 'One' is in two bundles, acme and other" add install "$lab/x"
pack --name aaa --version 1 -o "$lab/x" "$lab/src/clash.yaml"
refused "the rule 'One' is in two bundles, aaa and acme" add install "$lab/x"
pack --name other --version 2 -o "$lab/other.mrb" "$lab/src/three.yaml"
refused 'other is not installed' add upgrade "$lab/other.mrb"
refused 'no bundle nobody is installed' ctl rollback nobody
chmod 777 "$lab/keys"
refused 'others may change' add upgrade "$lab/acme-1.2.mrb"
chmod 755 "$lab/keys"
refused 'there is no ' ctl upgrade --keys "$lab/nowhere" "$lab/acme-1.2.mrb"
printf 'rules: [/usr/share/mews/rules]\n' >"$lab/elsewhere.yaml"
refused "'rules' of $lab/elsewhere.yaml does not have" add upgrade --config "$lab/elsewhere.yaml" "$lab/acme-1.2.mrb"
# Own files can change a bundle's rule, which then cannot go.
printf -- '- rule: Two\n  override: { condition: append }\n  condition: and proc.name != x\n' >"$rules/zz.yaml"
"$bin/mewsctl" rules reload --collector "http://$http" --token-file "$lab/api.token" >/dev/null || fail "an own file does not change a bundle's rule"
refused 'the rules would not load without acme' ctl remove acme
rm "$rules/zz.yaml"
# The collector refuses what mewsctl, by another configuration, does not: it is put back.
printf -- '- rule: Two\n  override: { condition: append }\n  condition: and proc.name != x\n' >"$lab/last.yaml"
refused_by_collector() {
	lab_stop "$collector_pid"
	lab_collector -o "rules=$lab/last.yaml" -o rule.watch=false
	! ctl remove acme >"$lab/out" 2>&1 || fail "removed, although the collector cannot load the rest"
	grep -q 'acme was put back: nothing was changed' "$lab/out" || fail "remove says $(cat "$lab/out")"
	[ "$(in_force)" = 'One Own Two ' ] || fail "in force then: $(in_force)"
	grep -qE '^acme +1\.1 +ok' < <(list) || fail "the list then: $(list)"
}
refused_by_collector

# ---- from a URL ----
"$bin/mewsctl" pki issue "$lab/pki" --collector web --dns localhost --ip 127.0.0.1 >/dev/null
cat >"$lab/web.py" <<'END'
import http.server, ssl, sys
lab, plain, tls = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
class H(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *a): super().__init__(*a, directory=lab)
    def do_GET(self):
        if self.path == "/endless":  # without a length
            self.send_response(200); self.end_headers()
            try:
                while True: self.wfile.write(b"x" * 65536)
            except OSError: return
        elif self.path == "/file": # to a file of this machine
            self.send_response(302); self.send_header("Location", "file:///etc/passwd"); self.end_headers()
        elif self.path == "/down": # to plain HTTP
            self.send_response(302); self.send_header("Location", f"http://127.0.0.1:{plain}/acme-1.2.mrb"); self.end_headers()
        else: super().do_GET()
import threading
a = http.server.ThreadingHTTPServer(("127.0.0.1", plain), H)
b = http.server.ThreadingHTTPServer(("127.0.0.1", tls), H)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain(f"{lab}/pki/collector-web.pem", f"{lab}/pki/collector-web.key")
b.socket = c.wrap_socket(b.socket, server_side=True)
threading.Thread(target=a.serve_forever, daemon=True).start()
b.serve_forever()
END
lab_port
plain=$port
lab_port
tls=$port
"$python" "$lab/web.py" "$lab" "$plain" "$tls" 2>>"$lab/web.log" &
lab_pids+=($!)
lab_wait 10 curl -s -o /dev/null "http://127.0.0.1:$plain/one" || fail "the web server did not start"
refused 'is larger than 64 MiB' add upgrade "http://127.0.0.1:$plain/endless"
refused 'cannot fetch' add upgrade "http://127.0.0.1:$plain/missing"
refused 'cannot fetch' add upgrade "http://127.0.0.1:$plain/file"
refused 'cannot fetch' add upgrade "https://127.0.0.1:$tls/acme-1.2.mrb"
refused 'cannot fetch' add upgrade --url-ca "$lab/pki/ca.pem" "https://127.0.0.1:$tls/down"
: >"$lab/last.yaml"
add upgrade --url-ca "$lab/pki/ca.pem" "https://127.0.0.1:$tls/acme-1.2.mrb" >"$lab/out" 2>&1 || fail "not upgraded from a URL: $(cat "$lab/out")"
[ "$(in_force)" = 'Own Three ' ] || fail "in force after the URL: $(in_force)"
ctl rollback acme 1.0 >/dev/null 2>&1 || fail "not rolled back by version"
add upgrade "http://127.0.0.1:$plain/acme-1.2.mrb" >"$lab/out" 2>&1 || fail "not upgraded over http: $(cat "$lab/out")"
grep -q 'warning: http://' "$lab/out" || fail "no warning of http"

# ---- what somebody changed is told; a removed bundle is gone ----
echo '# changed' >>"$rules/acme.bundle/three.yaml"
grep -qE '^acme +1\.2 +changed' < <(list) || fail "a changed file is not told: $(list)"
ctl rollback acme >/dev/null || fail "not rolled back from a changed one"
add upgrade "$lab/acme-1.2.mrb" >/dev/null || fail "a changed version is not mended"
grep -qE '^acme +1\.2 +ok' < <(list) || fail "the list after that: $(list)"
ctl remove acme >/dev/null || fail "not removed"
[ "$(in_force)" = 'Own ' ] || fail "in force at last: $(in_force)"
[ -z "$(find "$rules" -name "acme*" -o -name "*.new")" ] || fail "left: $(find "$rules")"
# Without a collector it is in place, and that is told.
lab_stop "$collector_pid"
collector_pid=
! add install "$lab/acme-1.0.mrb" >"$lab/out" 2>&1 || fail "no word of the collector that is away"
grep -q 'the collector was not told' "$lab/out" || fail "without a collector: $(cat "$lab/out")"
lab_collector
by_itself() { [ "$(in_force)" = 'One Own Two ' ]; }
add upgrade --no-reload "$lab/acme-1.1.mrb" >/dev/null || fail "not upgraded without telling a collector"
lab_wait 10 by_itself || fail "the collector does not see a new version by itself: $(in_force)"
echo "installed, upgraded, rolled back and removed, alerts of each; $refusals refusals changed nothing"
