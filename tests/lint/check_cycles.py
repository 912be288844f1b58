#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_cycles.py BUILD [NM]: no cycle between files.

X.c and X.h are one unit, with X_int.h if there is an X.c. Three graphs must have no cycle: which unit includes which, which
folder includes which (tests aside, which may include anything), and which file calls which, from the
symbols of the objects in BUILD. The third finds what the first cannot: two files that implement parts of
one header and call each other.
"""
import collections
import json
import os
import re
import subprocess
import sys

top = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
build, nm = os.path.realpath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "nm"


def unit(file):
    if file.endswith(".def"):
        return file
    of = re.sub(r"_int\.h$", ".c", file)
    return os.path.splitext(of if os.path.exists(os.path.join(top, of)) else file)[0]


def is_test(file):
    return file.startswith("tests/") or os.path.basename(file).startswith("test_")


def includes():
    units, folders = collections.defaultdict(dict), collections.defaultdict(dict)
    files = subprocess.run([top + "/tests/lint/files.sh", "c", "h", "def", "cc"],
                           capture_output=True, text=True, check=True).stdout.split()
    for file in files:
        with open(os.path.join(top, file)) as f:
            names = re.findall(r'^\s*#\s*include\s*"([^"]+)"', f.read(), re.M)
        for name in names:
            units[unit(file)][unit(name)] = f"{file} includes {name}"
            if not is_test(file):
                folders[os.path.dirname(file)][os.path.dirname(name)] = f"{file} includes {name}"
    return units, folders


def symbols(command):
    """What an object of the tree defines and needs; None: its source is generated, or a test."""
    source = os.path.relpath(os.path.join(command["directory"], command["file"]), top)
    if source.startswith("..") or source.startswith("build") or os.path.basename(source).startswith("test_"):
        return None
    out = re.search(r" -o (\S+)", command["command"]).group(1)
    path = os.path.join(command["directory"], out)
    if not os.path.exists(path):  # of a target that is not built by default
        return None
    lines = subprocess.run([nm, "-g", path], capture_output=True, text=True, check=True).stdout.splitlines()
    kinds = [line.split()[-2:] for line in lines]
    return source, {n for k, n in kinds if k in "TDBRVC"}, {n for k, n in kinds if k == "U"}


def calls():
    with open(build + "/compile_commands.json") as f:
        objects = [o for o in map(symbols, json.load(f)) if o]
    owners = collections.defaultdict(set)
    for source, defined, _ in objects:
        for name in defined - {"main"}:
            owners[name].add(source)
    graph = collections.defaultdict(dict)
    for source, _, needed in objects:
        for name in needed:
            near = owners[name]
            if len(near) > 1:  # each program has an app_run()
                near = {o for o in near if o.split("/")[0] == source.split("/")[0]}
            for owner in near if len(near) == 1 else ():
                graph[source][owner] = f"{source} calls {name}() of {owner}"
    return graph


def cycle(graph):
    """The nodes of one cycle, in order; none: an empty list."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):]
        if node in done:
            return []
        path.append(node)
        for to in sorted(graph.get(node, ())):
            if to != node and (found := visit(to)):
                return found
        path.pop()
        done.add(node)
        return []

    for node in sorted(graph):
        if found := visit(node):
            return found
    return []


status = 0
units, folders = includes()
called = calls()
if len(called) < 100:
    sys.exit(f"check_cycles.py: calls of only {len(called)} files seen in {build}")
for graph in units, folders, called:
    while found := cycle(graph):
        status = 1
        print("a cycle:")
        for a, b in zip(found, found[1:] + found[:1]):
            print("   ", graph[a][b])
        del graph[found[-1]][found[0]]
sys.exit(status)
