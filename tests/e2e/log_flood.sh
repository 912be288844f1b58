#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One certificate cannot flood the log: of a sensor that causes tens of thousands of lines as fast as it
# can, a few are written, and the rest is counted and summarized.
. "$(dirname "$0")/../support/lab.sh"
lab_begin
lab_pki bad
lab_collector
before=$(wc -l <"$lab/collector.log")
began=$SECONDS
answers=$("$bin/flood" "$listen" "$lab/pki/ca.pem" "$lab/pki/node-bad.pem" "$lab/pki/node-bad.key" mews-collector bad lab 5000)
took=$((SECONDS - began + 1))
lab_wait 30 grep -q 'more lines about bad were held back' "$lab/collector.log" || fail "what was held back is not told"
lines=$(($(wc -l <"$lab/collector.log") - before))
# two peers: the node, and its address before authentication; each 10 at once, 1 a second, and a
# summary every ten
limit=$((2 * (10 + took + 30 + (took + 30) / 10 + 1)))
[ "$answers" -ge $((4 * limit)) ] || fail "only $answers requests were answered in $took s: that is no flood"
[ "$lines" -le "$limit" ] || fail "$lines lines in $took s, more than $limit"
# two of three requests cause a line, which is written or counted
held=$(lab_metric mews_ingest_log_held_total)
[ $((lines + held)) -ge $((answers * 2 / 3)) ] || fail "the lines held back are not counted: $lines lines and $held held back for $answers requests"
grep -q 'sensor bad' "$lab/collector.log" || fail "the log does not say who it was"
echo "$answers requests in $took s: $lines lines, $held held back"
