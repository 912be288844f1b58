#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Access to the API: on loopback, on a unix socket, on an address that other machines can
# reach; with curl and with mewsctl; tokens and certificates replaced at run time.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki
chmod 711 "$lab"
fails=0
bad() {
	echo "FAIL: $*" >&2
	fails=$((fails + 1))
}

# expect CODE PATTERN COMMAND...: it exits with CODE, and its output has a line that matches.
expect() {
	local code=$1 pattern=$2 got=0
	shift 2
	timeout 60 "$@" >"$lab/out" 2>&1 || got=$?
	if [ "$got" != "$code" ] || ! grep -qE -e "$pattern" "$lab/out"; then
		bad "$*: exit $got (expected $code), expected /$pattern/ in: $(cat "$lab/out")"
	fi
}

# status CODE PATH [CURL OPTION]...: check the HTTP status, at $base.
status() {
	local code=$1 path=$2 got
	shift 2
	got=$(curl -s -o "$lab/answer" -w '%{http_code}' -m 30 --cacert "$lab/pki/ca.pem" "$@" "$base$path") || true
	[ "$got" = "$code" ] || bad "$base$path $*: status $got, expected $code: $(cat "$lab/answer" 2>/dev/null)"
}
bearer() { printf 'Authorization: Bearer %s' "$1"; }
ctl=$bin/mewsctl
other=(setpriv --reuid=65534 --regid=65534 --clear-groups)
restart() {
	[ -z "${collector_pid:-}" ] || lab_stop "$collector_pid"
	"$bin/mews-collector" -o "listen=ipc://$lab/sensors" -o "outbox.path=$lab/outbox.db" -o "rules=$lab_rules" \
		-o "http.socket=$lab/api.sock" "$@" 2>>"$lab/collector.log" &
	collector_pid=$!
	lab_pids+=("$collector_pid")
	lab_wait 30 test -S "$lab/api.sock" || fail "the collector did not start"
}
lab_watch
lab_port
here=127.0.0.1:$port http=$here
lab_port
everywhere=0.0.0.0:$port

# --- refused at start and by --check, with one sentence that names the remedies
for how in '' --check; do
	# shellcheck disable=SC2086 # no option, or one
	expect 3 "other machines can reach $everywhere: set http.tls.certificate and http.tls.key, listen on 127.0.0.1 instead, or set 'insecure: true'" \
		"$bin/mews-collector" -o "listen=ipc://$lab/sensors" -o "outbox.path=$lab/outbox.db" -o "rules=$lab_rules" -o "http.socket=$lab/api.sock" \
		-o "http.listen=$everywhere" $how
	# shellcheck disable=SC2086
	expect 3 'http.tls.key: the key .* does not belong to the certificate' \
		"$bin/mews-collector" -o "listen=ipc://$lab/sensors" -o "outbox.path=$lab/outbox.db" -o "rules=$lab_rules" -o "http.socket=$lab/api.sock" \
		-o "http.listen=$everywhere" -o "http.tls.certificate=$lab/pki/collector-mews-collector.pem" -o "http.tls.key=$lab/pki/ca.key" $how
done
for f in api.token outbox.db; do [ ! -e "$lab/$f" ] || bad "a refused start left $f"; done

# --- loopback
restart -o "http.listen=$here"
[ "$(stat -c %a "$lab/api.token")" = 600 ] || bad "the token's file has mode $(stat -c %a "$lab/api.token")"
token=$(cat "$lab/api.token")
base=http://$here
for path in /healthz /readyz /metrics /api/v1/status; do status 200 $path; done
for path in /api/v1/rules /api/v1/alerts; do
	status 401 $path
	status 401 $path -H "$(bearer "${token%?}x")"
	status 200 $path -H "$(bearer "$token")"
done
status 401 /api/v1/rules/reload -X POST
status 200 /api/v1/rules/reload -X POST -H "$(bearer "$token")"
[ "$(lab_metric mews_api_wrong_token_total)" = 2 ] || bad "wrong tokens are not counted"
[ "$(lab_metric mews_api_no_token_total)" = 3 ] || bad "missing tokens are not counted"
for _ in $(seq 100); do status 401 /api/v1/alerts -H "$(bearer 0123456789abcdef)"; done
[ "$(grep -c 'with a wrong token' "$lab/collector.log")" -lt 50 ] || bad "wrong tokens fill the log"
[ "$(grep -c 'with a wrong token' "$lab/collector.log")" -gt 5 ] || bad "wrong tokens are not logged"

(umask 077 && echo a-token-of-another-collector >"$lab/wrong")

# --- mewsctl on TCP: a token that is given, none, a wrong one
expect 0 ready "$ctl" status --collector "$base"
expect 1 '--token-file FILE names' "${other[@]}" "$ctl" alerts --collector "$base"
expect 1 'the token is wrong' "$ctl" alerts --collector "$base" --token-file "$lab/wrong"
expect 1 'cannot read .*no-such' "$ctl" alerts --collector "$base" --token-file "$lab/no-such"
expect 0 "RULE" "$ctl" rules top --collector "$base" --token-file "$lab/api.token"
expect 0 'in force' "$ctl" rules reload --collector "$base" --token-file "$lab/api.token"
expect 0 'Watched file opened' "$ctl" rules top --collector "$base" --token-file "$lab/api.token"

# --- the unix socket: root and the collector's user need no token, others do
base=http://localhost
status 200 /api/v1/alerts --unix-socket "$lab/api.sock"
expect 0 'in force' "$ctl" rules reload --collector "unix:$lab/api.sock"
expect 1 'Permission denied; be root' "${other[@]}" "$ctl" status --collector "unix:$lab/api.sock"
chmod 666 "$lab/api.sock"
expect 0 '"connected"|"sensors"' "${other[@]}" "$ctl" status --json --collector "unix:$lab/api.sock"
expect 1 'a token is needed' "${other[@]}" "$ctl" alerts --collector "unix:$lab/api.sock"

# --- root's mewsctl finds the token where the configuration puts it, and sends it to no other user's port
(
	base=http://$here
	export lab base
	# shellcheck disable=SC2016 # expanded inside the namespace
	unshare -m bash -c 'mkdir -p "$lab/etc" && printf "outbox:\n  path: %s/outbox.db\n" "$lab" >"$lab/etc/collector.yaml" &&
		mkdir -p /etc/mews && mount --bind "$lab/etc" /etc/mews && exec "$@"' - "$ctl" rules top --collector "$base"
) >"$lab/out" 2>&1 || bad "root's mewsctl does not find the token: $(cat "$lab/out")"
rmdir /etc/mews 2>/dev/null || true

lab_port
printf 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n' >"$lab/401"
chmod 644 "$lab/401"
"${other[@]}" /usr/bin/python3 - "$port" "$lab/401" >"$lab/heard" <<'PY' &
import socket, sys
answer = open(sys.argv[2], "rb").read()
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
for _ in range(2):
    c, _a = s.accept()
    c.settimeout(10)
    print(c.recv(4096), flush=True)
    c.sendall(answer)
    c.close()
PY
lab_pids+=($!)
lab_wait 10 grep -q "$(printf '0100007F:%04X' "$port")" /proc/net/tcp || fail "the other listener did not start"
(
	export lab port
	# shellcheck disable=SC2016
	unshare -m bash -c 'mkdir -p /etc/mews && mount --bind "$lab/etc" /etc/mews && exec "$@"' - \
		"$ctl" alerts --collector "http://127.0.0.1:$port"
) >"$lab/out" 2>&1 && bad "a stranger's port was believed"
rmdir /etc/mews 2>/dev/null || true
grep -q 'the token was not sent' "$lab/out" || bad "nothing tells that the token was withheld: $(cat "$lab/out")"
grep -q GET "$lab/heard" || bad "the other listener was not asked at all"
! grep -q "$token" "$lab/heard" || bad "another user's port got the token"

# --- an address that other machines can reach: TLS, and a token for all but /healthz
pair=(-o log.level=error -o "http.tls.certificate=$lab/pki/collector-mews-collector.pem" -o "http.tls.key=$lab/pki/collector-mews-collector.key")
restart -o "http.listen=$everywhere" "${pair[@]}"
base=https://127.0.0.1:${everywhere##*:}
status 200 /healthz
status 000 /healthz --cacert /etc/ssl/certs/ca-certificates.crt
status 000 /healthz --tls-max 1.1
for version in 1.2 1.3; do status 200 /healthz "--tlsv$version" --tls-max "$version"; done
for path in /readyz /metrics /api/v1/status /api/v1/rules /api/v1/alerts; do
	status 401 $path
	status 200 $path -H "$(bearer "$token")"
done
expect 0 ready "$ctl" status --collector "$base" --ca "$lab/pki/ca.pem" --token-file "$lab/api.token"
expect 0 "RULE" "$ctl" rules top --collector "https://localhost:${base##*:}" --ca "$lab/pki/ca.pem" --token-file "$lab/api.token"
expect 1 'is its authority the one that --ca names' "$ctl" status --collector "$base" --token-file "$lab/api.token"
expect 1 'does it need https' "$ctl" status --collector "http://127.0.0.1:${base##*:}"

# --- roles: who may only read changes nothing; each change, made or refused, is one line of the log
printf '%s\nread dashboard a-token-that-only-reads\noperate ops a-token-that-may-do-all\n' "$token" >"$lab/api.token"
kill -HUP "$collector_pid"
code() { [ "$(curl -s -o /dev/null -w '%{http_code}' --cacert "$lab/pki/ca.pem" -H "$(bearer "$2")" "$base/metrics")" = "$1" ]; }
lab_wait 10 code 200 a-token-that-only-reads || bad "a token with a role is not taken"
(umask 077 && echo a-token-that-only-reads >"$lab/reader" && echo 'operate ops a-token-that-may-do-all' >"$lab/ops")
there=(--collector "$base" --ca "$lab/pki/ca.pem")
expect 0 RULE "$ctl" rules top "${there[@]}" --token-file "$lab/reader"
expect 1 "prod/gone: the token's role is 'read': a change needs one with the role 'operate'" \
	"$ctl" nodes forget prod/gone "${there[@]}" --token-file "$lab/reader"
expect 1 'no such node' "$ctl" nodes forget prod/gone "${there[@]}" --token-file "$lab/ops"
expect 0 'in force' "$ctl" rules reload "${there[@]}" --token-file "$lab/ops"
expect 1 'no such node' "$ctl" nodes forget prod/gone --collector "unix:$lab/api.sock"
status 401 '/api/v1/nodes/forget?cluster=c&node=%0aforged' -X POST
audited() { grep -qE "^[^ ]+ mews-collector audit: API: $1\$" "$lab/collector.log" || bad "not audited: $1: $(grep audit: "$lab/collector.log")"; }
audited '"dashboard" \(read\) at 127.0.0.1: /api/v1/nodes/forget: refused: the token.s role is .*'
audited '"ops" \(operate\) at 127.0.0.1: /api/v1/nodes/forget cluster="prod" node="gone": 404 not done'
audited '"ops" \(operate\) at 127.0.0.1: /api/v1/rules/reload: 200 done'
audited 'user 0 \(operate\): /api/v1/nodes/forget cluster="prod" node="gone": 404 not done'
audited 'nobody known, at 127.0.0.1: /api/v1/nodes/forget: refused: a token is needed.*'
! grep -q a-token-that "$lab/collector.log" || bad "a token is in the log"

# --- a new token beside the old one, then the old one gone; a new certificate; no restart
printf '%s\nthe-token-of-tomorrow\n' "$token" >"$lab/api.token"
kill -HUP "$collector_pid"
lab_wait 10 code 200 the-token-of-tomorrow || bad "a new token is not taken"
code 200 "$token" || bad "the old token is gone too early"
echo the-token-of-tomorrow >"$lab/api.token"
kill -HUP "$collector_pid"
lab_wait 10 code 401 "$token" || bad "an old token is still good"
serial() { openssl s_client -connect "${base#https://}" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
before=$(serial)
"$ctl" pki issue "$lab/pki" --collector mews-collector --ip 127.0.0.1 --force >/dev/null
kill -HUP "$collector_pid"
renewed() { [ -n "$(serial)" ] && [ "$(serial)" != "$before" ]; }
lab_wait 10 renewed || bad "a new certificate is not taken"
code 200 the-token-of-tomorrow || bad "it does not serve with the new certificate"

# --- without TLS, if the configuration allows it
restart -o "http.listen=$everywhere" -o insecure=true
base=http://127.0.0.1:${everywhere##*:}
status 200 /metrics
status 401 /api/v1/alerts
status 200 /api/v1/alerts -H "$(bearer the-token-of-tomorrow)"
lab_stop "$collector_pid"
[ "$fails" = 0 ] || fail "$fails cases"
