/* SPDX-License-Identifier: Apache-2.0 */
/* test_output_check.c - what outputs refuse, and that a check changes nothing. */
#include "collector/output/test_output_kit.h"
#include "tests/support/test.h"
#include "tests/support/tmpdir.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const struct {
	const struct output_ops *ops;
	const char *yaml;
	unsigned line;
	const char *msg;
} bad[] = {
	{ &output_stdout, "outputs:\n stdout:\n  format: xml", 3,
	    "'outputs.stdout.format' must be json, text, ocsf, ecs, cloudevents, cef or leef, not "
	    "'xml'" },
	{ &output_file, "outputs:\n file:\n  format: json", 0,
	    "'outputs.file.path' must be the path of a file, not ''" },
	{ &output_file, "outputs:\n file:\n  path: @/no/such", 3, "cannot write '" },
	{ &output_file, "outputs:\n file:\n  path: @\n  format: xml", 4,
	    "'outputs.file.format' must be json, text, ocsf, ecs, cloudevents, cef or leef, not "
	    "'xml'" },
	{ &output_file, "outputs:\n file:\n  path: @\n  sync: maybe", 4,
	    "'outputs.file.sync' must be none or batch, not 'maybe'" },
	{ &output_stdout, "outputs:\n stdout:\n  template: '%alert.no'", 3,
	    "outputs.stdout.template: an alert has no '%alert.no'" },
	{ &output_file, "outputs:\n file:\n  path: @\n  template: '%'", 4,
	    "outputs.file.template: no field follows a '%' (write %% for one)" },
	{ &output_program, "outputs:\n program:\n  command: [ /bin/true ]\n  template: '%param.x'",
	    4, "outputs.program.template: it needs the parameter 'x'" },
	{ &output_kafka, "outputs:\n kafka:\n  topic: t", 0,
	    "outputs.kafka.brokers is missing: set it to HOST:PORT of a Kafka broker" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: [ b:1, 'b:' ]", 3,
	    "outputs.kafka.brokers: 'b:' is not an address of a Kafka broker: write HOST:PORT" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: 'a:1,b:70000'", 3,
	    "outputs.kafka.brokers: 'b:70000' is not an address" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: http://b:1/x", 3,
	    "outputs.kafka.brokers: 'http://b:1/x' is not an address" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  topic: 'a-%proc.name'", 4,
	    "outputs.kafka.topic: events decide '%proc.name', so a program could choose the topic: "
	    "use" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  topic: 'a-%alert.output'", 4,
	    "outputs.kafka.topic: events decide '%alert.output'" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  topic: '%alert.no'", 4,
	    "outputs.kafka.topic: an alert has no '%alert.no'" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  key: '%'", 4,
	    "outputs.kafka.key: no field follows a '%' (write %% for one)" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  topic: t\n  dead_letter_topic: t", 5,
	    "outputs.kafka.dead_letter_topic: it must not be the topic of alerts" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  topic: t\n  coverage_topic: t", 5,
	    "outputs.kafka.coverage_topic: it must not be the topic of alerts" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  dead_letter_topic: a b", 4,
	    "outputs.kafka.dead_letter_topic: 'a b' is not a valid topic name" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  topic: a/b", 4,
	    "outputs.kafka.topic: 'a/b' is not a valid topic name" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  properties:\n   no.such: 1", 5,
	    "outputs.kafka.properties.no.such: No such configuration property: \"no.such\"" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  properties:\n   acks: many", 5,
	    "outputs.kafka.properties.acks: Invalid value for configuration property "
	    "\"request.required.acks\"" },
	{ &output_kafka,
	    "outputs:\n kafka:\n  brokers: b:1\n  properties:\n   ssl.ca.location: /none\n"
	    "   security.protocol: ssl",
	    0, "outputs.kafka: ssl.ca.location failed" },
	{ &output_syslog, "outputs:\n syslog:\n  address: /dev/log", 3,
	    "'outputs.syslog.address' must be unix:/PATH, udp://HOST:PORT, tcp://HOST:PORT or "
	    "tls://HOST:PORT, not '/dev/log'" },
	{ &output_syslog, "outputs:\n syslog:\n  facility: local8", 3,
	    "'outputs.syslog.facility' must be a facility such as" },
	{ &output_syslog, "outputs:\n syslog:\n  app_name: a b", 3,
	    "'outputs.syslog.app_name' must be 1 to 48 printable characters" },
	{ &output_syslog, "outputs:\n syslog:\n  structured_data: 'a=b'", 3,
	    "'outputs.syslog.structured_data' must be a name of at most 32 characters" },
	{ &output_syslog, "outputs:\n syslog:\n  header: old", 3,
	    "'outputs.syslog.header' must be auto, rfc5424 or bsd, not 'old'" },
	{ &output_syslog, "outputs:\n syslog:\n  format: xml", 3,
	    "'outputs.syslog.format' must be json, text, ocsf, ecs, cloudevents, cef or leef, not "
	    "'xml'" },
	{ &output_syslog, "outputs:\n syslog:\n  template: '%alert.no'", 3,
	    "outputs.syslog.template: an alert has no '%alert.no'" },
	{ &output_email,
	    "outputs:\n email:\n  server: smtp://h\n  sender: \"a\\x40b\"\n  to: \"a\\x40b\"\n  "
	    "subject: '%'",
	    6, "outputs.email.subject: no field follows a '%' (write %% for one)" },
	{ &output_email,
	    "outputs:\n email:\n  server: smtp://h\n  sender: \"a\\x40b\"\n  to: \"a\\x40b\"\n  "
	    "template: \"a\\nb\"",
	    6, "outputs.email.template: it must be one line" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  template: 'x %alert.rule'", 4,
	    "outputs.kafka.template: it does not make JSON: " },
	{ &output_syslog, "outputs:\n syslog:\n  address: tcp://h\n  tls: { ca: /none }", 3,
	    "'outputs.syslog.address' must be tls://HOST:PORT with outputs.syslog.tls" },
	{ &output_syslog, "outputs:\n syslog:\n  address: tls://h\n  tls: { ca: /none }", 3,
	    "outputs.syslog.tls: cannot use the authorities in '/none': No such file" },
	{ &output_syslog, "outputs:\n syslog:\n  address: tls://h\n  tls: { key: /none }", 3,
	    "outputs.syslog.tls: a certificate needs its key" },
	{ &output_program, "outputs:\n program:\n  format: json", 0,
	    "'outputs.program.command' must be the absolute path of a program and its arguments" },
	{ &output_program, "outputs:\n program:\n  command: [ cat ]", 3,
	    "'outputs.program.command' must be the absolute path of a program and its arguments, "
	    "such as [/usr/local/bin/notify, --fast], not 'cat'" },
	{ &output_program, "outputs:\n program:\n  command: [/bin/cat, '${file:/etc/passwd}']", 3,
	    "'outputs.program.command' must not contain a secret (${file:...}): all users of the "
	    "machine see arguments" },
	{ &output_program,
	    "outputs:\n program:\n  command: [/bin/cat]\n  format: '${file:/etc/passwd}'", 4,
	    "'outputs.program.format' must be json, text, ocsf, ecs, cloudevents, cef or leef, not "
	    "what its "
	    "file contains" },
	{ &output_webhook, "outputs:\n webhook:\n  url: 'http://h/'\n  proxy: 'me:s3cret@h'", 4,
	    "'outputs.webhook.proxy' must be http://HOST:PORT or socks5h://HOST:PORT" },
	{ &output_program, "outputs:\n program:\n  command: /none", 3,
	    "'outputs.program.command': cannot run '/none': No such file or directory" },
	{ &output_program, "outputs:\n program:\n  command: /bin/cat\n  format: xml", 4,
	    "'outputs.program.format' must be json, text, ocsf, ecs, cloudevents, cef or leef, not "
	    "'xml'" },
	{ &output_program, "outputs:\n program:\n  command: /bin/cat\n  acknowledge: yes", 4,
	    "'outputs.program.acknowledge' must be read or line, not 'yes'" },
	{ &output_webhook, "outputs:\n webhook:\n  url: ftp://h/s3cret", 3,
	    "'outputs.webhook.url' must be https://HOST/PATH or http://HOST/PATH" },
	{ &output_webhook, "outputs:\n webhook:\n  url: ''", 3, "'outputs.webhook.url' must be" },
	{ &output_webhook, "outputs:\n webhook:\n  url: http://h\n  preset: slak", 4,
	    "'outputs.webhook.preset' must be a file in /usr/share/mews/presets or a path, not "
	    "'slak'" },
	{ &output_webhook,
	    "outputs:\n webhook:\n  url: http://h\n  preset: deploy/presets/pagerduty.yaml", 6,
	    "outputs.webhook.preset: it needs the parameter 'routing_key'" },
	{ &output_webhook, "outputs:\n webhook:\n  url: http://h\n  format: xml", 4,
	    "'outputs.webhook.format' must be json, text, ocsf, ecs, cloudevents, cef or leef, not "
	    "'xml'" },
	{ &output_webhook,
	    "outputs:\n webhook:\n  url: http://h\n  format: ecs\n  preset: "
	    "deploy/presets/slack.yaml",
	    4, "'outputs.webhook.format' must be left out with a preset" },
	{ &output_kafka, "outputs:\n kafka:\n  brokers: b:1\n  format: xml", 4,
	    "'outputs.kafka.format' must be json, text, ocsf, ecs, cloudevents, cef or leef, not "
	    "'xml'" },
	{ &output_webhook, "outputs:\n webhook:\n  url: http://h\n  fold: maybe", 4,
	    "'outputs.webhook.fold' must be auto, yes or no, not 'maybe'" },
	{ &output_webhook, "outputs: { webhook: { url: 'http://h', compression: zip } }", 1,
	    "'outputs.webhook.compression' must be none or gzip, not 'zip'" },
	{ &output_webhook, "outputs:\n webhook:\n  url: http://h\n  fold: yes", 4,
	    "'outputs.webhook.fold' must be auto or no without a preset that sends one alert" },
	{ &output_webhook, "outputs:\n webhook:\n  url: http://h\n  params: { x: 1 }", 4,
	    "the preset has no parameter 'x'" },
	{ &output_webhook, "outputs:\n webhook:\n  url: http://h\n  headers: [ 'a b' ]", 4,
	    "'outputs.webhook.headers' must be lines 'NAME: VALUE'" },
	{ &output_webhook,
	    "outputs:\n webhook:\n  url: http://h\n  headers: [ \"a: b\\r\\nc: d\" ]", 4,
	    "'outputs.webhook.headers' must be lines 'NAME: VALUE'" },
	{ &output_webhook, "outputs:\n webhook:\n  url: http://h\n  header_files: [ /none ]", 0,
	    "" },
	{ &output_webhook, "outputs:\n webhook:\n  url: http://h\n  tls: { key: /none }", 4,
	    "'outputs.webhook.tls.key' must be set together with tls.certificate" },
	{ &output_webhook, "outputs:\n webhook:\n  url: http://h\n  tls: { ca: /none }", 0, "" },
};

static void
bad_options_have_a_place_and_a_sentence(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct bench *b = bench_new(bad[i].ops, bad[i].yaml);
		struct diag d = { 0 }, checked = { 0 };

		assert_int_equal(-EINVAL, b->ops->check(b->st, b->cfg, &checked));
		bench_close(b);
		b = bench_new(bad[i].ops, bad[i].yaml);
		assert_int_equal(-EINVAL, b->ops->open(b->st, b->cfg, bench_ended, b, &d));
		assert_string_equal(d.msg, checked.msg);
		assert_int_equal(d.line, checked.line);
		if (strncmp(d.msg, bad[i].msg, strlen(bad[i].msg)) != 0)
			assert_string_equal(bad[i].msg, d.msg);
		assert_int_equal(bad[i].line, d.line);
		bench_close(b);
	}
}

static const struct {
	const struct output_ops *ops;
	const char *yaml;
} fine[] = {
	{ &output_file, "outputs: { file: { path: @, append: false } }" },
	{ &output_file, "outputs: { file: { path: @.new } }" },
	{ &output_kafka,
	    "outputs: { kafka: { brokers: [ 'a:1, ssl://b:2', '[::1]:3', '::1', c ] } }" },
};

static void
a_check_changes_nothing(void **state)
{
	char fresh[80], text[8] = "";
	int fd;

	(void) state;
	fd = open(bench_path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(5, write(fd, "kept\n", 5));
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		struct bench *b = bench_new(fine[i].ops, fine[i].yaml);
		struct diag d = { 0 };

		if (b->ops->check(b->st, b->cfg, &d) != 0)
			fail_msg("%s", d.msg);
		bench_close(b);
	}
	assert_int_equal(5, pread(fd, text, sizeof(text), 0));
	assert_string_equal("kept\n", text);
	assert_int_equal(0, close(fd));
	(void) snprintf(fresh, sizeof(fresh), "%s.new", bench_path);
	assert_int_equal(-1, access(fresh, F_OK));
}

/* The outputs of a configuration: their names, or what is wrong. */
static const struct {
	const char *yaml, *names;
	unsigned line;
} sets[] = {
	{ "", "", 0 },
	{ "outputs: { stdout: { enabled: true }, file: { path: x } }", "stdout ", 0 },
	{ "outputs: { webhook: { name: slack, enabled: true } }", "webhook.slack ", 0 },
	{ "outputs:\n webhook:\n - { name: a, enabled: true, params: { x: 1 } }\n"
	  " - { name: b }\n - { enabled: true, name: c_2-d, from: beginning }\n"
	  " file: { enabled: true }",
	    "file webhook.a webhook.c_2-d ", 0 },
	{ "outputs:\n webhook:\n - { name: a }\n - { enabled: true }",
	    "'outputs.webhook.name' must be 1 to 20 characters of a-z, 0-9, - and _, not ''", 4 },
	{ "outputs:\n webhook:\n - { name: A }",
	    "'outputs.webhook.name' must be 1 to 20 characters of a-z, 0-9, - and _, not 'A'", 3 },
	{ "outputs:\n webhook:\n - { name: aaaaaaaaaaaaaaaaaaaaa }",
	    "'outputs.webhook.name' must be 1 to 20 characters", 3 },
	{ "outputs:\n webhook:\n - name: a\n - name: b\n - name: a",
	    "'outputs.webhook.name': another one is named 'a'; choose another name", 5 },
	{ "outputs:\n stdout:\n - name: a",
	    "'outputs.stdout' must not be a list, and have no name: there is only one stdout", 3 },
	{ "outputs:\n webhook:\n - { name: a, timeout: x }",
	    "'outputs.webhook.timeout' must be a time", 3 },
	{ "outputs:\n webhook:\n - { name: a, ulr: x }", "unknown key 'outputs.webhook.0.ulr'", 3 },
	{ "outputs: { first_match: [file, stdout], stdout: { enabled: true }, file: { enabled: "
	  "true } }",
	    "stdout file ", 0 },
	{ "outputs:\n first_match: [webhook.b, webhook.a]\n webhook:\n"
	  " - { name: a, enabled: true }\n - { name: b, enabled: true }",
	    "webhook.a webhook.b ", 0 },
	{ "outputs:\n first_match: [webhook]\n webhook:\n - { name: a, enabled: true }",
	    "'outputs.first_match' names 'webhook', and no such output is enabled", 2 },
	{ "outputs:\n first_match: [file]\n file: { enabled: false }",
	    "'outputs.first_match' names 'file', and no such output is enabled", 2 },
	{ "outputs:\n first_match:\n - file\n - file\n file: { enabled: true }",
	    "'outputs.first_match' names 'file' twice", 4 },
	{ "outputs:\n webhook:\n - { name: a, enabled: true }\n - { name: b, enabled: true }\n"
	  " - { name: c, enabled: true }\n - { name: d, enabled: true }",
	    "more than 3 outputs are enabled, the limit", 6 },
};

static void
several_outputs_of_a_kind_have_names(void **state)
{
	(void) state;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		struct outbox_output v[3];
		char names[100] = "";
		struct cfg *c = NULL;
		struct diag d = { 0 };
		int n, r;

		assert_int_equal(0, cfg_parse("mews.yaml", slice_str(sets[i].yaml), &c, &d));
		n = outputs_enabled(c, v, ARRAY_SIZE(v), &d);
		r = n < 0 ? n : cfg_check_unknown(c, &d);
		for (int k = 0; k < n; k++)
			(void) snprintf(
			    names + strlen(names), sizeof(names) - strlen(names), "%s ", v[k].name);
		if (r < 0)
			(void) snprintf(names, sizeof(names), "%s", d.msg);
		if (strncmp(names, sets[i].names, MIN(strlen(sets[i].names), sizeof(names) - 1)) !=
		    0)
			assert_string_equal(sets[i].names, r < 0 ? d.msg : names);
		assert_int_equal(sets[i].line, r < 0 ? d.line : 0);
		cfg_free(c);
	}
}

static int
setup(void **state)
{
	(void) state;
	(void) snprintf(bench_path, sizeof(bench_path), "%s/a.log", tmpdir);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bad_options_have_a_place_and_a_sentence, setup),
		cmocka_unit_test_setup(a_check_changes_nothing, setup),
		cmocka_unit_test(several_outputs_of_a_kind_have_names),
	};

	return cmocka_run_group_tests(tests, tmpdir_begin, tmpdir_end);
}
