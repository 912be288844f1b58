#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kafka.sh - a real Apache Kafka broker for tests, on free ports of the loopback interface.
#
#   kafka.sh fetch             download Kafka into the cache, if it is missing
#   kafka.sh start DIR         fetch, start a broker with its files in DIR, wait until it is ready,
#                              print its bootstrap address; a second start in DIR uses the old data
#                              and the old address again
#   kafka.sh stop DIR [SIGNAL] stop it (default TERM) and wait until it has exited
#   kafka.sh topic DIR NAME PARTITIONS [CONFIG=VALUE...]   create a topic
#   kafka.sh acl DIR OPTION...   change access rights, if MEWS_KAFKA_CA was set
#
# Topics are created when written to, unless MEWS_KAFKA_AUTO_CREATE=false. With MEWS_KAFKA_TLS, a
# PEM file of a key and its certificate, there is also a listener for SASL over TLS, whose address is in
# DIR/address.sasl: PLAIN and SCRAM-SHA-512, user mews, password MEWS_KAFKA_PASSWORD; with MEWS_KAFKA_CA it asks
# clients for a certificate of that authority, and there are access rights. With MEWS_KAFKA_GUEST
# there is one for virtual machines, whose address there is in DIR/address.guest.
#
# A cluster: MEWS_KAFKA_ROLE=controller kafka.sh start DIR, then for each broker MEWS_KAFKA_JOIN=DIR
# MEWS_KAFKA_NODE=2 (3, ...) kafka.sh start DIR2; all with MEWS_KAFKA_REPLICAS, which topics have.
# Exit status 77: Java or Maven is missing, so a test that needs the broker is skipped.
set -eu

version=${MEWS_KAFKA_VERSION:-4.1.0}
cache=${MEWS_KAFKA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mews/kafka}/$version-1
lib=$cache/lib

die() {
	echo "kafka.sh: $1" >&2
	exit "${2:-1}"
}

fetch() {
	command -v java >/dev/null || die "java is missing (apt-get install default-jre-headless)" 77
	[ ! -e "$cache/complete" ] || return 0
	command -v mvn >/dev/null || die "mvn is missing (apt-get install maven)" 77
	mkdir -p "$cache"
	cat >"$cache/pom.xml" <<-POM
		<project xmlns="http://maven.apache.org/POM/4.0.0">
		  <modelVersion>4.0.0</modelVersion>
		  <groupId>mews</groupId><artifactId>kafka</artifactId><version>1</version>
		  <dependencies>
		    <dependency><groupId>org.apache.kafka</groupId>
		      <artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
		    <dependency><groupId>org.apache.kafka</groupId>
		      <artifactId>kafka-tools</artifactId><version>$version</version></dependency>
		    <dependency><groupId>org.slf4j</groupId>
		      <artifactId>slf4j-reload4j</artifactId><version>1.7.36</version></dependency>
		  </dependencies>
		</project>
	POM
	(cd "$cache" && mvn -q -B dependency:copy-dependencies -DoutputDirectory="$lib" >&2) ||
		die "Maven Central did not give Kafka $version"
	: >"$cache/complete"
}

# Find three free ports.
free_ports() {
	python3 - <<-'PY'
		import socket
		s = [socket.socket() for _ in range(3)]
		for x in s:
		    x.bind(("127.0.0.1", 0))
		print(*(x.getsockname()[1] for x in s))
	PY
}

configure() {
	# shellcheck disable=SC2046
	set -- "$1" $(free_ports)
	role=${MEWS_KAFKA_ROLE:-broker,controller} node=1 controller=127.0.0.1:$3
	if [ -n "${MEWS_KAFKA_JOIN:-}" ]; then
		role=broker node=$MEWS_KAFKA_NODE controller=$(cat "$MEWS_KAFKA_JOIN/address.controller")
	fi
	if [ "${version%%.*}" -ge 4 ]; then
		quorum="controller.quorum.bootstrap.servers=$controller"
		standalone=--standalone
	else
		quorum="controller.quorum.voters=1@$controller"
		standalone=
	fi
	[ "$role" != broker ] || standalone=
	more='' advertised='' more_map='' scram=''
	if [ -n "${MEWS_KAFKA_TLS:-}" ]; then
		more=,SASL_SSL://127.0.0.1:$4
		advertised=$more
		more_map=,SASL_SSL:SASL_SSL
		scram="--add-scram SCRAM-SHA-512=[name=mews,password=$MEWS_KAFKA_PASSWORD]"
	elif [ -n "${MEWS_KAFKA_GUEST:-}" ]; then
		more=,GUEST://127.0.0.1:$4
		advertised=,GUEST://10.0.2.2:$4
		more_map=,GUEST:PLAINTEXT
		echo "10.0.2.2:$4" >"$1/address.guest"
	fi
	case $role in
	controller) listeners=CONTROLLER://127.0.0.1:$3 ;;
	broker) listeners=PLAINTEXT://127.0.0.1:$2$more ;;
	*) listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$3$more ;;
	esac
	cat >"$1/server.properties" <<-CONF
		process.roles=$role
		node.id=$node
		listeners=$listeners
		controller.listener.names=CONTROLLER
		listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT$more_map
		$quorum
		default.replication.factor=${MEWS_KAFKA_REPLICAS:-1}
		log.dirs=$1/data
		offsets.topic.replication.factor=1
		offsets.topic.num.partitions=1
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		group.initial.rebalance.delay.ms=0
		auto.create.topics.enable=${MEWS_KAFKA_AUTO_CREATE:-true}
	CONF
	[ "$role" = broker,controller ] || cat >>"$1/server.properties" <<-CONF
		broker.session.timeout.ms=3000
		broker.heartbeat.interval.ms=500
	CONF
	[ "$role" = controller ] || cat >>"$1/server.properties" <<-CONF
		advertised.listeners=PLAINTEXT://127.0.0.1:$2$advertised
		inter.broker.listener.name=PLAINTEXT
	CONF
	[ -z "$scram" ] || cat >>"$1/server.properties" <<-CONF
		sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
		listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_mews="$MEWS_KAFKA_PASSWORD";
		listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
		ssl.keystore.type=PEM
		ssl.keystore.location=$MEWS_KAFKA_TLS
	CONF
	[ -z "${MEWS_KAFKA_CA:-}" ] || cat >>"$1/server.properties" <<-CONF
		listener.name.sasl_ssl.ssl.client.auth=required
		ssl.truststore.type=PEM
		ssl.truststore.location=$MEWS_KAFKA_CA
		authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
		allow.everyone.if.no.acl.found=true
		super.users=User:ANONYMOUS
	CONF
	cat >"$1/log4j.properties" <<-CONF
		log4j.rootLogger=INFO, F
		log4j.appender.F=org.apache.log4j.FileAppender
		log4j.appender.F.File=$1/broker.log
		log4j.appender.F.layout=org.apache.log4j.PatternLayout
		log4j.appender.F.layout.ConversionPattern=[%d] %p %m (%c)%n
	CONF
	if [ -n "${MEWS_KAFKA_JOIN:-}" ]; then
		id=$(cat "$MEWS_KAFKA_JOIN/cluster")
	else
		id=$(tool "$1" kafka.tools.StorageTool random-uuid)
	fi
	# shellcheck disable=SC2086
	tool "$1" kafka.tools.StorageTool format $standalone $scram -t "$id" -c "$1/server.properties" \
		>"$1/format.log" 2>&1 || die "cannot format $1/data: $(cat "$1/format.log")"
	echo "$id" >"$1/cluster"
	echo "$controller" >"$1/address.controller"
	echo "127.0.0.1:$4" >"$1/address.sasl"
	echo "127.0.0.1:$2" >"$1/address"
}

tool() {
	dir=$1
	shift
	java -Xmx256m -Dlog4j.configuration="file:$dir/log4j.properties" -cp "$lib/*" "$@"
}

start() {
	mkdir -p "$1"
	[ -e "$1/address" ] || configure "$1"
	java -Xmx512m -Dlog4j.configuration="file:$1/log4j.properties" -cp "$lib/*" \
		kafka.Kafka "$1/server.properties" >"$1/out" 2>&1 </dev/null &
	echo $! >"$1/pid"
	address=$(cat "$1/address")
	tries=0
	until grep -q "Kafka Server started" "$1/out" "$1/broker.log" 2>/dev/null &&
		{ grep -q '^process.roles=controller$' "$1/server.properties" || kcat -b "$address" -L -m 2 >/dev/null 2>&1; }; do
		tries=$((tries + 1))
		kill -0 "$(cat "$1/pid")" 2>/dev/null ||
			die "the broker ended: $(tail -n 5 "$1/out" "$1/broker.log")"
		[ $tries -lt 300 ] || die "the broker is not ready after a minute"
		sleep 0.2
	done
	echo "$address"
}

stop() {
	[ -e "$1/pid" ] || return 0
	pid=$(cat "$1/pid")
	kill -"${2:-TERM}" "$pid" 2>/dev/null || true
	tries=0
	while kill -0 "$pid" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -ne 150 ] || kill -KILL "$pid" 2>/dev/null || true
		[ $tries -lt 200 ] || die "the broker, process $pid, does not end"
		sleep 0.2
	done
	rm -f "$1/pid"
	: >"$1/broker.log" # the next start looks for its own message
}

case ${1:-} in
fetch)
	fetch
	;;
start)
	command -v kcat >/dev/null || die "kcat is missing (apt-get install kcat)" 77
	fetch
	start "$2"
	;;
stop)
	stop "$2" "${3:-TERM}"
	;;
topic)
	dir=$2 name=$3 partitions=$4
	shift 4
	for config; do
		shift
		set -- "$@" --config "$config"
	done
	tool "$dir" org.apache.kafka.tools.TopicCommand --bootstrap-server "$(cat "$dir/address")" \
		--create --topic "$name" --partitions "$partitions" "$@" >&2
	;;
acl)
	dir=$2
	shift 2
	class=org.apache.kafka.tools.AclCommand
	[ "${version%%.*}" -ge 4 ] || class=kafka.admin.AclCommand
	tool "$dir" "$class" --bootstrap-server "$(cat "$dir/address")" "$@" >&2
	;;
*)
	die "usage: kafka.sh fetch | start DIR | stop DIR [SIGNAL] | topic DIR NAME PARTITIONS [CONFIG=VALUE...] | acl DIR OPTION..."
	;;
esac
