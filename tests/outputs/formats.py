#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""formats.py FORMAT FILE ECS.json: judge lines of a format by its own definitions.

JSON: the schema that Mews ships. OCSF: the schema that the project publishes, as packaged in ocsf-json-schema. ECS: the fields that Elastic publishes
in @elastic/ecs (ECS.json). CloudEvents: its SDK. CEF: pycef. LEEF: IBM's description of version 2.0.
"""

import json
import re
import sys

import cloudevents.http
import jsonschema
import ocsf_json_schema
import pycef

wrong = []


def want(ok, line, what):
    if not ok:
        wrong.append(f"line {line}: {what}")


class Json:
    def __init__(self):
        with open("deploy/schemas/alert.v1.json") as f:
            schema = json.load(f)
        jsonschema.Draft202012Validator.check_schema(schema)
        self.validator = jsonschema.Draft202012Validator(schema)

    def judge(self, n, text):
        for e in self.validator.iter_errors(json.loads(text)):
            want(False, n, f"{'.'.join(map(str, e.absolute_path))}: {e.message[:300]}")


class Ocsf:
    def __init__(self):
        schema = ocsf_json_schema.OcsfJsonSchemaEmbedded(ocsf_json_schema.get_ocsf_schema(version="1.5.0"))
        whole = schema.get_class_schema("detection_finding", ["host", "container", "security_control"])
        self.validator = jsonschema.Draft202012Validator(whole)

    def judge(self, n, text):
        event = json.loads(text)
        for e in self.validator.iter_errors(event):
            want(False, n, f"OCSF: {'.'.join(map(str, e.absolute_path))}: {e.message[:300]}")


class Ecs:
    kinds = {
        "keyword": str, "wildcard": str, "match_only_text": str, "constant_keyword": str, "text": str, "ip": str, "date": str,
        "long": int, "object": (dict, str), "flattened": dict,
    }

    def __init__(self, path):
        with open(path) as f:
            self.fields = json.load(f)

    def leaf(self, n, name, value):
        field = self.fields.get(name)
        if field is None:
            want(False, n, f"ECS has no field '{name}'")
            return
        several = "array" in field["normalize"]
        want(isinstance(value, list) == several, n, f"ECS: '{name}' is {'a list' if several else 'one value'}")
        for v in value if isinstance(value, list) else [value]:
            want(isinstance(v, self.kinds[field["type"]]), n, f"ECS: '{name}' is a {field['type']}, not {v!r}")
            names = [a["name"] for a in field.get("allowed_values", [])]
            want(not names or v in names, n, f"ECS: '{name}' may not be {v!r}")

    def walk(self, n, prefix, value):
        if prefix == "falco.fields.":  # ours: one field of type 'flattened'
            return
        for key, v in value.items():
            name = prefix + key
            if prefix == "labels.":
                want(isinstance(v, str), n, "ECS: labels are texts")
            elif isinstance(v, dict):
                self.walk(n, name + ".", v)
            else:
                self.leaf(n, name, v)

    def judge(self, n, text):
        doc = json.loads(text)
        self.walk(n, "", doc)
        kinds = {t for c in self.fields["event.category"]["allowed_values"] if c["name"] in doc["event"]["category"]
                 for t in c["expected_event_types"]}
        want(set(doc["event"]["type"]) <= kinds, n, "ECS: event.type does not fit event.category")
        for name in ("@timestamp", "ecs", "message"):
            want(name in doc, n, f"ECS: no {name}")


class CloudEvents:
    def judge(self, n, text):
        headers = {"content-type": "application/cloudevents+json; charset=utf-8"}
        event = cloudevents.http.from_http(headers, text.encode())
        data = event.data
        want(event["type"] == "io.mews.alert.v1" and event["id"] == data["uuid"], n, "CloudEvents: id or type")
        want(event["source"].startswith("//production/"), n, "CloudEvents: source")
        want(event["dataschema"] == "urn:mews:schema:alert:v1", n, "CloudEvents: dataschema")
        want(set(data) >= {"output", "output_fields", "priority", "rule", "time"}, n, "CloudEvents: Falco's keys")


class Cef:
    # of version 25 of the format's guide: the keys that we use, by type
    numbers = {"rt", "spid", "spt", "dpt"}
    addresses = {"src", "dst"}
    texts = {"externalId", "dvchost", "deviceFacility", "cat", "act", "sproc", "suser", "suid", "filePath", "proto", "outcome", "msg"}
    custom = re.compile(r"(cs[1-6]|flexString[12])(Label)?")

    def judge(self, n, text):
        # a bar in the header is escaped, as is a backslash; the extension is the rest
        parts = re.match(r"CEF:0\|((?:[^|\\]|\\[|\\])*\|){6}", text)
        want(parts is not None, n, "CEF: header")
        if parts is None:
            return
        header = re.findall(r"((?:[^|\\]|\\.)*)\|", parts.group(0))
        want(header[1:3] == ["Mews", "Mews"] and 0 <= int(header[6]) <= 10, n, f"CEF: header {header}")
        keys = re.findall(r"(?:^| )([A-Za-z0-9_]+)=", text[parts.end():])
        want(len(keys) == len(set(keys)), n, f"CEF: a key twice: {keys}")
        for key in keys:
            known = key in self.numbers | self.addresses | self.texts or self.custom.fullmatch(key)
            want(known, n, f"CEF has no key '{key}'")
        if "=" in parts.group(0) or "\\" in parts.group(0):  # right, but more than pycef reads
            text = "CEF:0|Mews|Mews|1|r|r|1|" + text[parts.end():]
        event = pycef.parse(text)
        want(event is not None, n, "CEF: pycef does not read it")
        for key in self.numbers & set(keys):
            want(re.fullmatch(r"\d+", event[key]), n, f"CEF: {key} is a number")
        want(event["externalId"].startswith("6f1f5c1e"), n, "CEF: externalId")
        want(event.get("commandLine", "") != "no" and event["cluster"] == "production", n, "CEF: an event has made a key")


class Leef:
    numbers = {"devTime", "sev", "srcPort", "dstPort", "processId"}

    def judge(self, n, text):
        head = text.split("|", 6)
        want(len(head) == 7 and head[0] == "LEEF:2.0" and head[5] == "x09", n, "LEEF: header")
        values = {}
        for pair in head[6].split("\t"):
            key, found, value = pair.partition("=")
            want(found and re.fullmatch("[A-Za-z0-9]+", key) and key not in values, n, f"LEEF: '{pair}'")
            values[key] = value
        for key in self.numbers & set(values):
            want(re.fullmatch(r"\d+", values[key]), n, f"LEEF: {key} is a number")
        want(1 <= int(values["sev"]) <= 10, n, "LEEF: sev")
        want({"devTime", "identHostName", "policy", "msg", "id"} <= set(values), n, "LEEF: keys")


def main():
    name, path, ecs = sys.argv[1:]
    judge = {"json": Json, "ocsf": Ocsf, "ecs": lambda: Ecs(ecs), "cloudevents": CloudEvents, "cef": Cef, "leef": Leef}[name]()
    n = 0
    with open(path, newline="\n") as f:
        for n, line in enumerate(f, 1):
            judge.judge(n, line.rstrip("\n"))
    for w in wrong:
        print(w, file=sys.stderr)
    if n == 0:
        print(f"{path} has no line", file=sys.stderr)
    return 1 if wrong or n == 0 else 0


sys.exit(main())
