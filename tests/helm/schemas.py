#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""schemas.py SWAGGER FOLDER, or schemas.py --crds FOLDER FILE... - JSON schemas for kubeconform from an API server's
own description, or from custom resource definitions: one file for each kind, 'kind-group-version.json', which
refuses keys that the server does not know."""
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


def write(folder, kind, group, version, schema):
    parts = [kind.lower(), group.split(".")[0], version.lower()]
    with open(os.path.join(folder, "-".join(p for p in parts if p) + ".json"), "w", encoding="utf-8") as f:
        json.dump(schema, f)


def crds(folder, files):
    import yaml
    os.makedirs(folder, exist_ok=True)
    for file in files:
        with open(file, encoding="utf-8") as f:
            documents = [d for d in yaml.safe_load_all(f) if d and d.get("kind") == "CustomResourceDefinition"]
        if not documents:
            sys.exit(f"{file} has no custom resource definition")
        for spec in (d["spec"] for d in documents):
            for version in spec["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                write(folder, spec["names"]["kind"], spec["group"], version["name"], schema)


def main():
    if sys.argv[1] == "--crds":
        crds(sys.argv[2], sys.argv[3:])
        return
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
            schema = dict(definitions[name], definitions={n: definitions[n] for n in sorted(seen)})
            write(sys.argv[2], gvk["kind"], gvk["group"], gvk["version"], schema)


main()
