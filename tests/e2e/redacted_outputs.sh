#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Secrets of outputs are shown nowhere while the outputs run and fail, although their destinations send back what they
# got: not in the log, the status, what 'mewsctl outputs' says, metrics, alerts, answers to a wrong configuration, nor in the
# arguments and environments of processes.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
python=/usr/bin/python3
"$python" -c 'import aiosmtpd' 2>/dev/null || { echo "aiosmtpd is missing: deploy/install-deps.sh --test"; exit 77; }

lab_quiet 1 20
lab_pki n1 n2
"$bin/mewsctl" pki issue "$lab/pki" --collector mail --dns localhost --ip 127.0.0.1 >/dev/null

# Each secret has this word, which is nowhere else, and its kind.
word=n0body$RANDOM$$
# secret NAME [TEXT]: a file with it, or with TEXT and it.
secret() {
	echo "${2:-}$word-$1" >"$lab/$1.secret"
	chmod 600 "$lab/$1.secret"
}
for name in path query key proxy mail kafka; do secret "$name"; done
secret header 'Authorization: Bearer '
secret token 'X-Api-Key: '

# A server that sends back what it got, with the status of the file 'answer'.
cat >"$lab/reflect.py" <<'EOF'
import http.server, json, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        open(sys.argv[2] + "/got", "a").write(f"{self.path} {self.headers}{body}\n")
        status = int(open(sys.argv[2] + "/answer").read())
        said = f"{self.headers['X-Api-Key']} of {self.headers['Authorization']} at {self.path}: "
        try:
            said += json.loads(body)["routing_key"]
        except (ValueError, KeyError):
            pass
        said = json.dumps({"items": [{"create": {"status": 400, "error": {"reason": said}}}]} if status == 200 else said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
EOF
echo 404 >"$lab/answer"
open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
lab_port
web=$port
"$python" "$lab/reflect.py" "$web" "$lab" 2>"$lab/reflect.log" &
lab_pids+=("$!")
lab_port
mail=$port
echo another >"$lab/password"
"$python" "$root/tests/support/smtpd.py" "$mail" "$lab" "$lab/pki/collector-mail.pem" "$lab/pki/collector-mail.key" 2>"$lab/smtpd.log" &
lab_pids+=("$!")
lab_wait 20 open "$web" || fail "the web server did not start"
lab_wait 20 open "$mail" || fail "the SMTP server did not start"
lab_port
dead=$port
# shellcheck disable=SC2016 # the program's own variables
printf '#!/bin/sh\nread -r line\necho "cannot log in" >&2\nsleep 1\nexit 3\n' >"$lab/program"
chmod +x "$lab/program"

file() { echo "\${file:$lab/$1.secret}"; }
# configure [LINE]...: all outputs, and more of the webhook 'hook'.
configure() {
	cat >"$lab/conf.yaml" <<EOF
outputs:
  webhook:
    - name: hook
      enabled: true
      url: http://127.0.0.1:$web/services/$(file path)?token=$(file query)
      header_files: [$lab/header.secret, $lab/token.secret]
$(printf '      %s\n' "$@")
    - name: pager
      enabled: true
      url: http://127.0.0.1:$web/v2/enqueue
      preset: $root/deploy/presets/pagerduty.yaml
      params: { routing_key: "$(file key)" }
    - name: bulk
      enabled: true
      url: http://127.0.0.1:$web/$(file path)/_bulk
      preset: $root/deploy/presets/elasticsearch.yaml
      params: { index: alerts }
      header_files: [$lab/token.secret]
    - name: proxied
      enabled: true
      url: https://mews.example/$(file path)
      proxy: http://mews:$(file proxy)@127.0.0.1:$dead
  email:
    enabled: true
    server: smtp://localhost:$mail
    sender: mews@mews.example
    to: ops@mews.example
    username: mews
    password_file: $lab/mail.secret
    tls: { ca: $lab/pki/ca.pem }
  kafka:
    enabled: true
    brokers: ["127.0.0.1:$web"]
    properties:
      security.protocol: sasl_plaintext
      sasl.mechanism: PLAIN
      sasl.username: mews
      sasl.password: $(file kafka)
  program:
    enabled: true
    command: [$lab/program, --as, $word-argument]
EOF
}
ctl() { "$bin/mewsctl" "$@" --collector "http://$http" --token-file "$lab/api.token" 2>&1 || true; }
status() { lab_status | jq -e --arg n "$1" '.outputs[] | select(.name == $n) | '"$2"; }

configure
lab_collector -c "$lab/conf.yaml"
lab_replay n1
outputs='webhook.hook webhook.pager webhook.bulk webhook.proxied email kafka program'
for output in $outputs; do
	lab_wait 60 status "$output" '.error != ""' || fail "$output does not fail: $(status "$output" .)"
	echo "$output: $(status "$output" .error)"
done
for kind in path query key header token; do
	lab_wait 20 grep -q "$word-$kind" "$lab/got" || fail "the server has not got the secret: $kind"
done
echo 400 >"$lab/answer"
for output in webhook.hook webhook.pager webhook.bulk; do
	lab_wait 60 status "$output" '.refused > 0' || fail "$output: not refused: $(status "$output" .)"
done
before=$(status webhook.bulk .refused)
echo 200 >"$lab/answer" # and a failure of each alert
lab_replay n2
lab_wait 60 status webhook.bulk ".refused > $before" || fail "webhook.bulk: not refused: $(status webhook.bulk .)"
echo 401 >"$lab/answer"

mkdir "$lab/shown"
shown() { cat >"$lab/shown/$1"; }
for output in $outputs; do
	ctl outputs test "$output" | shown "test-$output"
	ctl outputs dead-letters "$output" | shown "letters-$output"
	ctl outputs dead-letters "$output" --json | shown "letters-json-$output"
	"$bin/mewsctl" outputs render --config "$lab/conf.yaml" "$output" 2>&1 | shown "render-$output"
done
grep -q '(not shown) of (not shown) at .*(not shown)' "$lab/shown/letters-webhook.hook" || fail "the answer is not shown: $(cat "$lab/shown/letters-webhook.hook")"
grep -q '(not shown) of .*(not shown)' "$lab/shown/letters-webhook.bulk" || fail "the answer is not shown: $(cat "$lab/shown/letters-webhook.bulk")"
grep -q '"routing_key": "(not shown)"' "$lab/shown/render-webhook.pager" || fail "the body is not rendered: $(cat "$lab/shown/render-webhook.pager")"

# What is wrong is told without the value.
check() { "$bin/mews-collector" --check -c "$lab/conf.yaml" -o "listen=ipc://$lab/s" -o http.listen= -o http.socket= -o "outbox.path=$lab/check.db" "$@" 2>&1; }
configure
sed -i "s|url: http://.*token=.*|url: $(file path)|" "$lab/conf.yaml"
check | shown url && fail "a wrong URL is accepted"
for wrong in "outputs.email.server=$(file mail)" "outputs.email.sender=$(file mail)" "outputs.email.to=$(file mail)" "outputs.program.command=$(file path)" \
	"outputs.kafka.properties.acks=$(file kafka)" "outputs.kafka.brokers=$(file kafka)/" "outputs.kafka.topic=$(file kafka)/"; do
	configure
	check -o "$wrong" | shown "wrong-${wrong%%=*}" && fail "accepted: $wrong"
	grep -q "${wrong%%=*}" "$lab/shown/wrong-${wrong%%=*}" || fail "$wrong: $(cat "$lab/shown/wrong-${wrong%%=*}")"
done
configure
check -o "outputs.program.command=$lab/program" -o "outputs.program.command=--token=$(file key)" >"$lab/shown/argument" && fail "a secret argument is accepted"
grep -q 'outputs.program.command.* must not contain a secret' "$lab/shown/argument" || fail "a secret argument: $(cat "$lab/shown/argument")"
for line in "preset: $(file path)" "headers: [\"$(file header)\", \"$(file path)\"]" "proxy: \"$(file proxy)\"" "fold: $(file path)" "formt: $word-inline"; do
	configure "$line"
	ctl outputs reload | shown "reload-${line%%:*}"
done
for option in preset proxy fold; do
	grep -q "'outputs.webhook.$option' must be" "$lab/shown/reload-$option" || fail "a wrong option is taken: $(cat "$lab/shown/reload-$option")"
done

echo '== the alert of an output that fails'
lab_wait 120 lab_alert 'Mews output failing' '.output | contains("webhook.hook")' || fail 'no alert of the failing output'
ctl status | shown status
lab_status | shown status-json
ctl outputs list | shown list
ctl outputs list --json | shown list-json
ctl alerts -n all --json | shown alerts
curl -s "http://$http/metrics" | shown metrics
grep -q 'audit: API' "$lab/collector.log" || fail "no audit log"
for program in mews-collector mewsctl; do "$bin/$program" --help 2>&1 | shown "help-$program"; done
"$bin/mewsctl" outputs --help 2>&1 | shown help-outputs
cp "$lab/alerts" "$lab/collector.log" "$lab/collector.out" "$lab/shown"
! grep -r "$word" "$lab/shown" || fail "a secret is shown"

# Processes: an argument that the configuration gives in clear is one that the child has.
tree() { for p in "$collector_pid" $(pgrep -P "$collector_pid" || true); do tr '\0' '\n' <"/proc/$p/$1" 2>/dev/null || true; done; }
seen() { grep -q "^$word-argument\$" < <(tree cmdline); }
lab_wait 60 seen || fail "the program does not run"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	{ tree cmdline && tree environ; } | grep "$word" | grep -v "^$word-argument\$" && fail "a secret is in an argument or environment"
	sleep 0.2
done
echo "ok: $(find "$lab/shown" -type f | wc -l) texts without a secret"
