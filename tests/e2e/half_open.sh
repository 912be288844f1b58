#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Half-open connections: destinations whose machine is suddenly not there any more, without a word, are reported in one
# sentence and delay no other output; once they are back every alert arrives, on the same or a new connection.
if [ -z "${MEWS_OWN_NETWORK:-}" ]; then
	MEWS_OWN_NETWORK=1 exec unshare --net "$0"
fi
. "$(dirname "$0")/../support/lab.sh"
lab_begin
ip link set lo up

count=200
lab_quiet 2 100
lab_pki before meanwhile
# A server of syslog over TCP that appends each message.
cat >"$lab/syslogd.py" <<'EOF'
import socketserver, sys
class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while size := b"".join(iter(lambda: self.rfile.read(1), b" ")) if self.rfile.peek(1) else b"":
            open(sys.argv[2], "ab").write(self.rfile.read(int(size)) + b"\n")
socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
EOF
lab_port
web=$port
/usr/bin/python3 "$root/tests/support/webhook.py" "$web" "$lab" 2>"$lab/webhook.log" &
lab_pids+=("$!")
lab_port
log=$port
/usr/bin/python3 "$lab/syslogd.py" "$log" "$lab/syslog.got" 2>"$lab/syslogd.log" &
lab_pids+=("$!")
open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for p in "$web" "$log"; do lab_wait 20 open "$p" || fail "a server did not start"; done
lab_collector -o outputs.webhook.enabled=true -o "outputs.webhook.url=http://127.0.0.1:$web/falco" -o outputs.webhook.timeout=2s \
	-o outputs.syslog.enabled=true -o "outputs.syslog.address=tcp://127.0.0.1:$log" \
	-o 'outputs.webhook.condition=alert.rule = Closed' -o 'outputs.syslog.condition=alert.rule = Closed'

raised() { jq -r 'select(.rule == "Closed").uuid' "$lab/alerts" 2>/dev/null | sort; }
# got OUTPUT: the ids that have arrived, each once.
got() {
	case $1 in
	webhook) sort -u "$lab/falco.got" 2>/dev/null ;;
	syslog) sed 's/^[^{]*{/{/' "$lab/syslog.got" 2>/dev/null | jq -r .uuid | sort -u ;;
	esac
}
output() { lab_status | jq -e --arg n "$1" '.outputs[] | select(.name == $n) | '"$2"; }
all_raised() { [ "$(raised | wc -l)" = "$1" ]; }
arrived() { [ "$(got "$1")" = "$(raised)" ] && output "$1" '.waiting == 0 and .error == ""'; }

lab_replay before
lab_wait 20 all_raised "$count" || fail "$(raised | wc -l) of $count alerts"
for output in webhook syslog; do lab_wait 30 arrived "$output" || fail "$output: $(got "$output" | wc -l) of $count alerts: $(output "$output" .)"; done

nft add table inet gone
nft add chain inet gone input '{ type filter hook input priority 0; }'
nft add rule inet gone input tcp dport "{ $web, $log }" drop
nft add rule inet gone input tcp sport "{ $web, $log }" drop
lab_replay meanwhile
lab_wait 20 all_raised $((2 * count)) || fail "the other output is delayed: $(raised | wc -l) of $((2 * count)) alerts"
lab_wait 30 output webhook '.waiting > 0 and (.error | test("^webhook: 127.0.0.1: no answer within outputs.webhook.timeout"))' || fail "webhook: $(output webhook .)"
lab_wait 30 output syslog '.waiting > 0 and (.error | test("^syslog: tcp://127.0.0.1:[0-9]+ has accepted nothing for [0-9]+ s"))' || fail "syslog: $(output syslog .)"
output webhook .error
output syslog .error
for output in webhook syslog; do [ "$(got "$output" | wc -l)" = "$count" ] || fail "$output: it is not gone"; done
lab_wait 90 output syslog '.error | test("^syslog: (lost|cannot)")' || fail "syslog: the connection is not given up: $(output syslog .)"
output syslog .error
nft delete table inet gone
for output in webhook syslog; do
	lab_wait 90 arrived "$output" || fail "$output: $(got "$output" | wc -l) of $((2 * count)) alerts: $(output "$output" .)"
	echo "ok: $output: all $((2 * count)) alerts"
done
