#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""schemas.py SWAGGER FOLDER - JSON schemas for kubeconform from an API server's own description: one file for
each kind, 'kind-group-version.json', which refuses keys that the server does not know."""
import json
import os
import sys

AT = "#/definitions/"


def strict(node):
    """Unknown keys are errors; an int-or-string may be either; null counts as absent."""
    if isinstance(node, list):
        return [strict(n) for n in node]
    if not isinstance(node, dict):
        return node
    node = {k: strict(v) for k, v in node.items() if k != "description" or not isinstance(v, str)}
    if node.get("format") == "int-or-string":
        return {"type": ["string", "integer"]}
    if isinstance(node.get("properties"), dict) and not node.get("x-kubernetes-preserve-unknown-fields"):
        node.setdefault("additionalProperties", False)
    return node


def reached(definitions, name, seen):
    if name in seen:
        return
    seen.add(name)
    todo = [definitions[name]]
    while todo:
        node = todo.pop()
        if isinstance(node, list):
            todo += node
        elif isinstance(node, dict):
            ref = node.get("$ref")
            if isinstance(ref, str) and ref.startswith(AT):
                reached(definitions, ref[len(AT):], seen)
            todo += node.values()


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        raw = json.load(f)["definitions"]
    definitions = {name: strict(d) for name, d in raw.items()}
    # A quantity may be written as a number.
    definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"] = {"type": ["string", "number"]}
    os.makedirs(sys.argv[2], exist_ok=True)
    for name, d in raw.items():
        for gvk in d.get("x-kubernetes-group-version-kind", []):
            if len(d["x-kubernetes-group-version-kind"]) > 1:
                continue  # of every group: options of requests
            seen = set()
            reached(definitions, name, seen)
            parts = [gvk["kind"].lower(), gvk["group"].split(".")[0], gvk["version"].lower()]
            schema = dict(definitions[name], definitions={n: definitions[n] for n in sorted(seen)})
            with open(os.path.join(sys.argv[2], "-".join(p for p in parts if p) + ".json"), "w", encoding="utf-8") as f:
                json.dump(schema, f)


main()
