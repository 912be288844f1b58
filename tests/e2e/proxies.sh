#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# HTTP proxies: a node enrols and renews, a webhook gets alerts and a bundle of rules is fetched through one, from
# servers whose names only the proxy knows; also through one that wants a password, which comes from a file; no_proxy.
# What is refused is told in one sentence, without the password.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
python=/usr/bin/python3
pki() { "$bin/mewsctl" pki "$@"; }
ready() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
lab_port; open=$port
lab_port; closed=$port
lab_port; desk_port=$port
lab_port; web=$port
echo 'node:s3cret/pass' >"$lab/login"
echo 'node:wrong' >"$lab/wrong"
printf 's3cret%%2Fpass' >"$lab/password" # as in a URL
chmod 600 "$lab/login" "$lab/wrong" "$lab/password"
"$python" "$root/tests/support/proxy.py" "$open" "$lab/open" 2>>"$lab/proxy.log" &
lab_pids+=($!)
"$python" "$root/tests/support/proxy.py" "$closed" "$lab/closed" "$(cat "$lab/login")" 2>>"$lab/proxy.log" &
lab_pids+=($!)
lab_wait 20 ready "$open" && lab_wait 20 ready "$closed" || fail "no proxies"
# through PROXY LINE: the proxy's log has this line, once more since the last time
through() {
	[ "$(grep -cxF "$2" "$lab/$1")" = 1 ] || fail "$1: not one '$2' in: $(cat "$lab/$1")"
	: >"$lab/$1"
}

# ---- enrolment ----
lab_pki
pki enroller "$lab/pki" "$lab/desk" --address "desk.example:$desk_port" --listen "127.0.0.1:$desk_port" --collector tls+tcp://c.example:7443 >/dev/null
"$bin/mewsctl" pki serve "$lab/desk" 2>>"$lab/enroller.log" &
lab_pids+=($!)
lab_wait 20 ready "$desk_port" || fail "the enroller does not serve"
(umask 077 && pki token "$lab/desk" --nodes '*' --uses 9 >"$lab/line")
# enrol NODE EXIT [VARIABLE=VALUE]...
enrol() {
	local got=0
	env -u https_proxy -u no_proxy "${@:3}" "$bin/mews-sensor" enroll --dir "$lab/$1" --node "$1" "$lab/line" 2>"$lab/enrol.log" || got=$?
	[ "$got" = "$2" ] || fail "enrolling $1 exits with $got, not $2: $(cat "$lab/enrol.log")"
	[ "$(wc -l <"$lab/enrol.log")" = 1 ] || fail "more than one sentence: $(cat "$lab/enrol.log")"
	! grep -qE 's3cret|wrong' "$lab/enrol.log" || fail "a password is logged"
}
says() { grep -q -- "$1" "$lab/enrol.log" || fail "no '$1' in: $(cat "$lab/enrol.log")"; }
enrol a 1
says 'cannot find the enrolment server desk.example'
enrol a 0 "https_proxy=http://127.0.0.1:$open"
through open "CONNECT desk.example:$desk_port 200"
enrol b 1 "https_proxy=http://127.0.0.1:$open" no_proxy=.example
says 'cannot find the enrolment server desk.example'
[ ! -s "$lab/open" ] || fail "no_proxy is not heeded"
enrol b 3 "https_proxy=http://127.0.0.1:$closed"
says 'wants a user and a password'
enrol b 3 "https_proxy=http://127.0.0.1:$closed" "MEWS_PROXY_PASSWORD_FILE=$lab/wrong"
says 'does not accept the user and the password'
: >"$lab/closed"
enrol b 0 "https_proxy=http://127.0.0.1:$closed" "MEWS_PROXY_PASSWORD_FILE=$lab/login"
through closed "CONNECT desk.example:$desk_port 200"
enrol c 3 "https_proxy=http://node:s3cret@127.0.0.1:$open"
says 'others can see'
enrol c 1 https_proxy=http://127.0.0.1:1
says 'cannot reach the proxy 127.0.0.1 port 1'
code=0
https_proxy=http://127.0.0.1:$open "$bin/mews-sensor" enroll --renew --dir "$lab/a" 2>"$lab/enrol.log" || code=$?
[ "$code" = 1 ] || fail "renewal through the proxy: $code: $(cat "$lab/enrol.log")"
through open "CONNECT desk.example:$desk_port 200"

# ---- webhooks ----
pki issue "$lab/pki" --collector web --dns web.example >/dev/null
cat >"$lab/web.py" <<'END'
import http.server, ssl, sys
lab, port = sys.argv[1], int(sys.argv[2])
class H(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *a): super().__init__(*a, directory=lab + "/files")
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.end_headers()
        open(lab + "/got", "a").write(self.path + "\n")
s = http.server.ThreadingHTTPServer(("127.0.0.1", port), H)
c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
c.load_cert_chain(f"{lab}/pki/collector-web.pem", f"{lab}/pki/collector-web.key")
s.socket = c.wrap_socket(s.socket, server_side=True)
s.serve_forever()
END
mkdir "$lab/files"
"$python" "$lab/web.py" "$lab" "$web" 2>>"$lab/web.log" &
lab_pids+=($!)
lab_wait 20 ready "$web" || fail "no web server"
# hook PROXY: a test alert arrives through it.
hook() {
	printf 'outputs: { webhook: { enabled: true, url: "https://web.example:%s/hook", proxy: "%s", tls.ca: %s } }\n' "$web" "$1" "$lab/pki/ca.pem" >"$lab/conf.yaml"
	[ -z "${collector_pid:-}" ] || lab_stop "$collector_pid"
	lab_collector -c "$lab/conf.yaml"
	"$bin/mewsctl" outputs test webhook --collector "http://$http" --token-file "$lab/api.token" >"$lab/test.out" 2>&1
}
hook "http://127.0.0.1:$open" || fail "a webhook through a proxy: $(cat "$lab/test.out")"
through open "CONNECT web.example:$web 200"
hook "http://node:\${file:$lab/password}@127.0.0.1:$closed" || fail "a webhook through a proxy with a password: $(cat "$lab/test.out")"
through closed "CONNECT web.example:$web 200"
! hook "http://127.0.0.1:$closed" || fail "a webhook through a proxy without its password"
grep -q "the proxy answers 407: it wants another user or password" "$lab/test.out" || fail "the test does not tell of the proxy: $(cat "$lab/test.out")"
! grep -rq s3cret "$lab"/*.log "$lab/test.out" || fail "a password is logged"
https_proxy=http://127.0.0.1:$open hook '' && fail "the environment's proxy is used for webhooks"
[ "$(grep -c . "$lab/got")" = 2 ] || fail "the server got $(cat "$lab/got")"

# ---- a bundle of rules ----
mkdir -m 755 "$lab/rules.d" "$lab/keys"
openssl genpkey -algorithm ed25519 -out "$lab/key" 2>/dev/null
chmod 600 "$lab/key"
openssl pkey -in "$lab/key" -pubout -out "$lab/keys/a.pem"
printf -- '- list: l\n  items: [a]\n' >"$lab/l.yaml"
for v in 1 2 3; do "$bin/mewsctl" rules pack --key "$lab/key" --name b --version $v -o "$lab/files/$v" "$lab/l.yaml" >/dev/null; done
printf 'rules: [%s]\n' "$lab/rules.d" >"$lab/collector.yaml"
# fetch COMMAND HOST VERSION [OPTION]...
fetch() {
	"$bin/mewsctl" rules "$1" --rules-dir "$lab/rules.d" --config "$lab/collector.yaml" --keys "$lab/keys" --no-reload --url-ca "$lab/pki/ca.pem" \
		"${@:4}" "https://$2:$web/$3" >"$lab/fetch.out" 2>&1
}
export https_proxy=http://127.0.0.1:$open
: >"$lab/open"
fetch install web.example 1 || fail "a bundle through a proxy: $(cat "$lab/fetch.out")"
through open "CONNECT web.example:$web 200"
export https_proxy=http://127.0.0.1:$closed
! fetch upgrade web.example 2 || fail "a proxy without its password"
grep -q 407 "$lab/fetch.out" || fail "the refusal: $(cat "$lab/fetch.out")"
: >"$lab/closed"
fetch upgrade web.example 2 --proxy-password-file "$lab/login" || fail "a bundle through a proxy with a password: $(cat "$lab/fetch.out")"
through closed "CONNECT web.example:$web 200"
no_proxy=web.example fetch upgrade web.example 3 && fail "no_proxy is not heeded"
[ ! -s "$lab/closed" ] || fail "no_proxy is not heeded: $(cat "$lab/closed")"
echo "enrolled, renewed, alerted and fetched through proxies, with and without a password"
