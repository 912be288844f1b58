# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# stages_outputs.sh - stage: alerts drained to each output, and what ten outputs cost the shard; for stages.sh.
# shellcheck disable=SC2154,SC2034 # bin, lab, http and the pids are lab.sh's, the helpers stages.sh's

shard_s() { lab_metric mews_collector_shard_cpu_seconds_total; }

# shard_cost FILE ARGUMENT...: all alerts with these outputs; add the shard's ns for each to FILE.
shard_cost() {
	local file=$1 before
	shift
	rm -f "$lab"/outbox.db* "$lab/alerts"
	lab_collector -o shards=1 -o outputs.file.enabled=false "$@"
	before=$(shard_s)
	lab_replay n1
	calc "($(shard_s) - $before) * 1e9 / $alerts" 0 >>"$file"
	echo >>"$file"
	lab_stop "$collector_pid"
}

delivered() { [ "$(lab_metric "mews_output_delivered_total{output=\"$1\"}")" = "$alerts" ]; }

# drain NAME ARGUMENT...: send all that the full outbox has to one output.
drain() {
	local name=$1 began ns until=$((SECONDS + 300))
	shift
	rm -f "$lab"/outbox.db* "$lab/alerts"
	cp "$lab"/full/outbox.db* "$lab/"
	began=$(date +%s%N)
	lab_collector -o outputs.file.enabled=false -o "outputs.$name.enabled=true" -o "outputs.$name.from=beginning" "$@"
	until delivered "$name"; do
		[ "$SECONDS" -lt "$until" ] || fail "$name: $(lab_metric "mews_output_delivered_total{output=\"$name\"}") of $alerts alerts"
		sleep 0.02
	done
	began=$(($(date +%s%N) - began)) ns=$(cpu_ns "$collector_pid")
	figure "outputs_${name}_alerts_per_s" "$(calc "$alerts * 1e9 / $began" 0)"
	also "$(calc "($ns - $idle_ns) / $alerts / 1000")" "us of the collector's CPU per alert, $name"
	lab_stop "$collector_pid"
}

# Servers for the outputs that need one. Sets $brokers, and web, the port of an index that takes whatever comes.
destinations() {
	cat >"$lab/index.py" <<-'END'
		import http.server, sys
		class Handler(http.server.BaseHTTPRequestHandler):
		    protocol_version = "HTTP/1.1"
		    def do_POST(self):
		        n = self.rfile.read(int(self.headers["Content-Length"])).count(b'{"create":')
		        said = b'{"errors":false,"items":[' + b",".join([b'{"create":{"status":201}}'] * n) + b"]}"
		        self.send_response(200)
		        self.send_header("Content-Length", str(len(said)))
		        self.end_headers()
		        self.wfile.write(said)
		    def log_message(self, *args):
		        pass
		http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
	END
	lab_port
	web=$port
	/usr/bin/python3 "$lab/index.py" "$web" 2>>"$lab/index.log" &
	lab_pids+=($!)
	lab_wait 20 sh -c "curl -s -d x 'http://127.0.0.1:$web/'" || fail "the index did not start"
	brokers=$("$root/tests/support/kafka.sh" start "$lab/kafka") || fail "no Kafka broker"
	"$root/tests/support/kafka.sh" topic "$lab/kafka" mews.alerts.v1 4
	cat >"$lab/rsyslog.conf" <<-END
		global(workDirectory="$lab" maxMessageSize="64k")
		module(load="imuxsock" sysSock.use="off")
		input(type="imuxsock" socket="$lab/log" rateLimit.interval="0")
		action(type="omfile" file="$lab/syslog.got")
	END
	/usr/sbin/rsyslogd -n -f "$lab/rsyslog.conf" -i "$lab/rsyslogd.pid" 2>>"$lab/rsyslogd.log" &
	lab_pids+=($!)
	lab_wait 20 test -S "$lab/log" || fail "rsyslogd did not start"
}

stage_outputs() {
	local alerts=50000 ten=() idle_ns brokers web
	[ -z "$quick" ] || alerts=5000
	printf -- '- rule: Closed\n  desc: d\n  condition: evt.type = close\n  output: closed by %%proc.name\n  priority: WARNING\n' >"$lab/closed.yaml"
	lab_rules=$lab/closed.yaml
	"$bin/quiet_recording" "$lab/quiet.rec" 100 $((alerts / 100))
	lab_pki n1
	ten=(-o outputs.file.enabled=true -o outputs.stdout.enabled=true)
	for i in 1 2 3 4 5 6 7 8; do
		ten+=(-o "outputs.program[]={name: p$i, enabled: true, command: [/bin/sh, -c, 'exec cat >/dev/null']}")
	done
	say "$alerts alerts three times without outputs, and with ten"
	for i in 1 2 3; do
		shard_cost "$lab/none"
		shard_cost "$lab/ten" "${ten[@]}"
	done
	figure outputs_shard_ns "$(sort -n "$lab/none" | sed -n 2p)"
	figure outputs_shard_ten_ns "$(sort -n "$lab/ten" | sed -n 2p)"
	also "$(paste -sd/ "$lab/none") $(paste -sd/ "$lab/ten")" "ns of the shard per alert, without outputs and with ten"

	say "$alerts stored alerts to each output"
	destinations
	shard_cost "$lab/full.ns"
	mkdir "$lab/full"
	cp "$lab"/outbox.db* "$lab/full/"
	lab_collector -o outputs.file.enabled=false
	idle_ns=$(cpu_ns "$collector_pid")
	lab_stop "$collector_pid"
	drain file
	drain stdout
	drain program -o outputs.program.command=/bin/sh -o outputs.program.command=-c -o 'outputs.program.command=exec cat >/dev/null'
	drain syslog -o "outputs.syslog.address=unix:$lab/log"
	drain webhook -o "outputs.webhook.url=http://127.0.0.1:$web/_bulk" -o outputs.webhook.params.index=alerts \
		-o "outputs.webhook.preset=$root/deploy/presets/elasticsearch.yaml"
	drain kafka -o "outputs.kafka.brokers=$brokers"
	"$root/tests/support/kafka.sh" stop "$lab/kafka"
}
