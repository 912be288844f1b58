#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# SIGHUP, or 'mewsctl outputs reload', takes over outputs, their secrets and proxies without a restart: what has not changed is not
# disturbed; a wrong configuration is refused in one sentence, and the old outputs stay.
. "$(dirname "$0")/../support/lab.sh"
lab_begin

cat >"$lab/server.py" <<'EOF'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        with open(sys.argv[2], "a") as f:
            f.write(self.path + "\n")
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
EOF
lab_port
web=$port
/usr/bin/python3 "$lab/server.py" "$web" "$lab/got" 2>"$lab/server.log" &
lab_pids+=("$!")

# configure [LINE]...: of the webhook
configure() {
	printf 'outputs:\n  webhook:\n' >"$lab/conf.yaml"
	printf '    %s\n' 'enabled: true' "$@" >>"$lab/conf.yaml"
}
# reload TEXT: send the signal, and wait until the log says so.
reload() {
	local before
	before=$(grep -c -- "$1" "$lab/collector.log") || true
	kill -HUP "$collector_pid"
	lab_wait 30 said "$1" "$before" || fail "the log does not say '$1'"
}
said() { [ "$(grep -c -- "$1" "$lab/collector.log")" -gt "$2" ]; }
# arrives PATH: a test alert arrives there.
arrives() {
	: >"$lab/got"
	ctl test webhook >"$lab/test.out" || fail "the test of the webhook: $(cat "$lab/test.out")"
	[ "$(cat "$lab/got")" = "$1" ] || fail "it went to '$(cat "$lab/got")', not '$1'"
}
ctl() { "$bin/mewsctl" outputs "$@" --collector "http://$http" --token-file "$lab/api.token"; }

echo s3cret-1 >"$lab/secret"
chmod 600 "$lab/secret"
url="url: http://127.0.0.1:$web/\${file:$lab/secret}"
configure "$url"
lab_collector -c "$lab/conf.yaml"
arrives /s3cret-1

echo '== nothing has changed'
reload 'outputs reloaded: 0 changed, 0 added, 0 removed'
arrives /s3cret-1

echo '== another secret'
echo s3cret-2 >"$lab/secret"
reload 'outputs reloaded: 1 changed, 0 added, 0 removed'
arrives /s3cret-2

echo '== a proxy'
configure "url: http://192.0.2.1/far" "proxy: http://127.0.0.1:$web"
reload 'outputs reloaded: 1 changed, 0 added, 0 removed'
arrives http://192.0.2.1/far

echo '== wrong ones change nothing'
configure "$url" 'format: xml'
reload "conf.yaml:5: 'outputs.webhook.format' must be json"
configure "$url" 'formats: json'
reload "unknown key 'outputs.webhook.formats'"
configure 'url: ""'
reload "conf.yaml:4: 'outputs.webhook.url'"
echo 'outputs: [' >"$lab/conf.yaml"
reload 'the outputs were not reloaded: the old ones stay'
[ "$(grep -c 'the outputs were not reloaded: the old ones stay' "$lab/collector.log")" = 4 ] || fail 'not each wrong one was refused'
arrives http://192.0.2.1/far

echo '== it goes, and comes back'
printf 'cluster: lab\n' >"$lab/conf.yaml"
reload 'outputs reloaded: 0 changed, 0 added, 1 removed'
grep -q webhook <<<"$(ctl list)" && fail 'it is still listed'
[ "$(ctl list --json | jq length)" = 1 ] || fail "not one output: $(ctl list)"
configure "$url"
reload 'outputs reloaded: 0 changed, 1 added, 0 removed'
arrives /s3cret-2

echo "== by 'mewsctl outputs reload'"
configure "url: http://127.0.0.1:$web/near"
[ "$(ctl reload)" = 'outputs: 1 changed, 0 added, 0 removed' ] || fail 'it was not reloaded'
arrives /near
configure "$url" 'format: xml'
ctl reload >"$lab/reload.out" 2>&1 && fail 'a wrong configuration was taken'
grep -q "conf.yaml:5: 'outputs.webhook.format' must be .*; the old outputs stay" "$lab/reload.out" || fail "the answer: $(cat "$lab/reload.out")"
configure "$url" 'formats: json'
ctl reload >"$lab/reload.out" 2>&1 && fail 'an unknown key was taken'
grep -q "unknown key 'outputs.webhook.formats'" "$lab/reload.out" || fail "the answer: $(cat "$lab/reload.out")"
arrives /near
[ "$(grep -c 'audit.*outputs/reload: 200 done' "$lab/collector.log")" = 1 ] || fail 'the reload is not in the audit log'
[ "$(grep -c 'audit.*outputs/reload: 422 not done' "$lab/collector.log")" = 2 ] || fail 'refused reloads are not in the audit log'
! grep s3cret "$lab/collector.log" || fail 'a secret is in the log'
