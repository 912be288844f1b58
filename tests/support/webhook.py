#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""webhook.py PORT FOLDER [CERTIFICATE KEY CA]: servers that alerts are posted to, for a test.

Each path checks what its service requires, answers as that does, and appends the ids of the alerts that it
took to FOLDER/NAME.got, and for falco and slack the nodes and the matches that each message stands for to
FOLDER/NAME.counts. The file FOLDER/fault, while it exists, decides instead: "429", "500", "401", "reset",
"hang", "trickle" (an answer of a byte every tenth of a second). With CERTIFICATE and CA it speaks TLS, and requires a client's certificate.
"""
import gzip, http.server, json, os, re, ssl, sys, time

folder = sys.argv[2]
known = set()


class Wrong(Exception):
    pass


def want(condition, why):
    if not condition:
        raise Wrong(why)


def text(v):
    return isinstance(v, str) and v != ""


def count(name, node, matches):
    with open(f"{folder}/{name}.counts", "a") as f:
        print(node, matches, file=f)


def rfc3339(v):
    return text(v) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", v)


def falco(alert):
    for key in ("output", "priority", "rule", "time", "source", "hostname", "uuid"):
        want(text(alert.get(key)), f"no {key}")
    want(isinstance(alert["output_fields"], dict) and isinstance(alert["tags"], list), "no output_fields or tags")
    want(alert["priority"] in ("Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"), "priority")
    return alert["uuid"]


# What falcosidekick 2 takes: its handler answers 400 to a priority that it does not know, to no rule, no time of RFC 3339 and to
# empty output_fields, decodes into texts, a list of texts and an object, and panics if a name of Kubernetes is no text.
def do_falco(body, headers):
    want(headers["Content-Type"] == "application/json", "content type")
    alert = json.loads(body)
    i, fields = falco(alert), alert["output_fields"]
    want(rfc3339(alert["time"]) and not alert["time"].startswith("0001"), "time")
    want(fields and all(text(t) for t in alert["tags"]), "output_fields are empty, or a tag is no text")
    want(all(isinstance(fields.get(f), (str, type(None))) for f in ("k8s.ns.name", "k8s.pod.name")), "a name of Kubernetes is no text")
    count("falco", alert["hostname"], fields.get("mews.suppressed.count", 1))
    return [i], 200, ""


# No text of the message may begin a link, a mention, or be parsed.
def do_slack(body, headers):
    m = json.loads(body)
    want(text(m.get("text")) and m["parse"] == "none" and m["link_names"] is False, "text")
    want("<" not in body.decode() and ">" not in body.decode(), "an unescaped angle bracket: a mention or a link")
    want(len(m["attachments"]) <= 20, "attachments")
    for a in m["attachments"]:
        want(re.fullmatch("#[0-9a-f]{6}", a["color"]), "color")
        want(len(a["blocks"]) <= 50, "blocks")
        for b in a["blocks"]:
            for t in [b["text"]] if b["type"] == "section" else b["elements"]:
                want(t["type"] == "plain_text" and 1 <= len(t["text"]) <= 3000, "a text object")
    title, context = m["text"], [e["text"] for b in m["attachments"][0]["blocks"][1:] for e in b["elements"]]
    want(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( to (\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d)? UTC", context[1]), "when")
    times = re.search(r" \((\d+) times, \d\d:\d\d:\d\d to \d\d:\d\d:\d\d UTC\)$", title)
    ids = context[2].split(" to ")
    want(len(ids) == 1 or times and len(ids) == 2, "ids and count")
    count("slack", context[0].split(" ")[0], times[1] if times else 1)
    return ids, 200, "ok"


def do_mattermost(body, headers):
    m = json.loads(body)
    want(not re.search(r"@\w", body.decode()), "a mention")
    a = m["attachments"][0]
    want(text(a["fallback"]) and text(a["title"]) and text(a["text"]), "attachment")
    return [f["value"] for f in a["fields"] if f["title"] == "Id"], 200, "ok"


def do_discord(body, headers):
    m = json.loads(body)
    want(m["allowed_mentions"] == {"parse": []}, "mentions are allowed")
    want(1 <= len(m["embeds"]) <= 10, "embeds")
    e = m["embeds"][0]
    want(isinstance(e["color"], int) and 0 <= e["color"] <= 0xffffff, "color")
    want(text(e["title"]) and len(e["title"]) <= 256 and text(e["description"]) and len(e["description"]) <= 4096, "texts")
    want(rfc3339(e["timestamp"]), "timestamp")
    for f in e["fields"]:
        want(text(f["name"]) and text(f["value"]), "an empty field")
    return [f["value"] for f in e["fields"] if f["name"] == "Id"], 204, ""


def do_teams(body, headers):
    m = json.loads(body)
    want(m["type"] == "message", "type")
    a = m["attachments"][0]
    want(a["contentType"] == "application/vnd.microsoft.card.adaptive" and a["content"]["type"] == "AdaptiveCard", "card")
    want(len(body) < 28000, "more than 28 KB")
    return [f["value"] for f in a["content"]["body"][2]["facts"] if f["title"] == "Id"], 202, ""


def do_pagerduty(body, headers):
    m = json.loads(body)
    want(m["routing_key"] == "key" and m["event_action"] == "trigger", "routing_key or event_action")
    want(text(m["dedup_key"]) and len(m["dedup_key"]) <= 255, "dedup_key")
    p = m["payload"]
    want(p["severity"] in ("critical", "error", "warning", "info"), "severity")
    want(text(p["source"]) and text(p["summary"]) and len(p["summary"]) <= 1024 and rfc3339(p["timestamp"]), "payload")
    want(falco(p["custom_details"]) == m["dedup_key"], "custom_details")
    return [m["dedup_key"]], 202, '{"status":"success"}'


def do_alertmanager(body, headers):
    alerts = json.loads(body)
    want(isinstance(alerts, list), "not a list")
    for a in alerts:
        want(text(a["labels"].get("alertname")), "no alertname")
        for name, value in list(a["labels"].items()) + list(a["annotations"].items()):
            want(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) and isinstance(value, str), f"label {name}")
        want(rfc3339(a["startsAt"]), "startsAt")
    return [a["annotations"]["id"] for a in alerts], 200, ""


def do_elasticsearch(body, headers):
    want(headers["Content-Type"] == "application/x-ndjson", "content type")
    want(body.endswith(b"\n"), "the last line has no end")
    lines = [json.loads(line) for line in body.decode().split("\n")[:-1]]
    items, ids = [], []
    for action, doc in zip(lines[::2], lines[1::2]):
        i = action["create"]["_id"]
        want(action["create"]["_index"] == "alerts" and doc["event"]["id"] == i and doc["event"]["kind"] == "alert" and "evt.type" in doc["falco"]["fields"] and rfc3339(doc["@timestamp"]), "document")
        items.append({"create": {"_id": i, "status": 409 if i in known else 201}})
        if i not in known:
            ids.append(i)
        known.add(i)
    return ids, 200, json.dumps({"errors": False, "items": items})


def do_cloudevents(body, headers):
    want(headers["Content-Type"].startswith("application/cloudevents-batch+json"), "content type")
    ids = []
    for e in json.loads(body):
        want(e["specversion"] == "1.0" and e["id"] == falco(e["data"]) and rfc3339(e["time"]), "event")
        want(e["source"].startswith("//lab/") and e["type"] == "io.mews.alert.v1", "source or type")
        ids.append(e["id"])
    return ids, 200, ""


def do_telegram(body, headers):
    m = json.loads(body)
    want(m["chat_id"] == "-100" and m["parse_mode"] == "HTML" and 1 <= len(m["text"]) <= 4096, "message")
    want(re.findall(r"<[^>]*>", m["text"]) == ["<b>", "</b>"], "markup of an event")
    want(not re.search(r"@\w", m["text"]), "a mention")
    return [m["text"].split("\n")[-1]], 200, '{"ok":true,"result":{"message_id":1}}'


def do_opsgenie(body, headers):
    want(headers["Authorization"] == "GenieKey k3y", "key")
    a = json.loads(body)
    want(1 <= len(a["message"]) <= 130 and 1 <= len(a["alias"]) <= 512 and len(a["description"]) <= 15000, "texts")
    want(a["priority"] in ("P1", "P2", "P3", "P4", "P5"), "priority")
    want(len(a["tags"]) <= 20 and all(text(t) and len(t) <= 50 for t in a["tags"]), "tags")
    want(all(isinstance(v, str) for v in a["details"].values()), "details")
    return [a["alias"]], 202, '{"result":"Request will be processed","took":0.1,"requestId":"1"}'


def do_oncall(body, headers):
    a = json.loads(body)
    want(a["state"] in ("alerting", "ok") and text(a["title"]) and text(a["message"]), "group")
    return [a["alert_uid"]], 200, '"Ok."'


def do_loki(body, headers):
    ids = []
    for s in json.loads(body)["streams"]:
        want(all(isinstance(v, str) for v in s["stream"].values()) and s["stream"], "labels")
        for at, line in s["values"]:
            want(re.fullmatch(r"\d{19}", at), "nanoseconds")
            ids.append(falco(json.loads(line)))
    return ids, 204, ""


def do_splunk(body, headers):
    want(headers["Authorization"] == "Splunk t0ken", "token")
    ids, rest, decode = [], body.decode(), json.JSONDecoder()
    while rest.strip():
        e, n = decode.raw_decode(rest.strip())
        rest = rest.strip()[n:]
        want(isinstance(e["time"], float) and text(e["host"]), "time or host")
        ids.append(falco(e["event"]))
    return ids, 200, '{"text":"Success","code":0}'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def say(self, status, body, *headers):
        data = body.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    def do_POST(self):
        name = self.path.strip("/")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        try:
            fault = open(folder + "/fault").read().strip()
        except FileNotFoundError:
            fault = ""
        if fault:
            self.close_connection = True
        if fault == "reset":
            return
        if fault == "hang":
            time.sleep(3)
            return
        if fault == "trickle":
            try:
                for c in b"HTTP/1.1 200 OK\r\nX-Slow: 0123456789abcdef":
                    self.wfile.write(bytes([c]))
                    self.wfile.flush()
                    time.sleep(0.1)
            except OSError:
                pass
            return
        if fault:
            self.say(int(fault), "a fault of this test", *([("Retry-After", "1")] if fault == "429" else []))
            return
        try:
            ids, status, answer = globals()["do_" + name](body, self.headers)
        except (Wrong, KeyError, ValueError, TypeError, IndexError) as e:
            with open(f"{folder}/{name}.wrong", "a") as f:
                print(repr(e), body, file=f)
            self.say(400, repr(e))
            return
        with open(f"{folder}/{name}.got", "a") as f:
            f.writelines(i + "\n" for i in ids)
        self.say(status, answer)


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    context.load_verify_locations(sys.argv[5])
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
