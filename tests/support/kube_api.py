#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kube_api.py PORT - a stand-in for the API server of Kubernetes, for tests: lists in pages, watches with
bookmarks, versions that expire, and failures on demand. Shapes as kube-apiserver's answers.

  POST /control/put      an object as JSON, with its kind: made, or changed
  POST /control/delete   the same: deleted
  POST /control/set      {"token": T, "denied": [...], "mode": M, "compact": true, "bookmark": true, "page": N}
  GET  /control/seen     requests so far: "list pods", "watch pods FROM", "401 pods" ...

Modes: "ok"; "hang": accepts and never answers; "error": status 500; "busy": 429 with Retry-After; "garbage":
200 and no JSON; "cut": ends in the middle; "slow": a byte at a time; "huge": a line without end in watches;
"ends": ends each watch at once; "status": ends watches with a Status of code 500.
"""
import http.server
import json
import sys
import threading
import time
import urllib.parse

KINDS = {"pods": "Pod", "namespaces": "Namespace", "services": "Service", "replicasets": "ReplicaSet",
         "deployments": "Deployment", "replicationcontrollers": "ReplicationController", "jobs": "Job"}
RESOURCE = {kind: resource for resource, kind in KINDS.items()}

lock = threading.Condition()
state = {"token": "", "denied": [], "mode": "ok", "page": 0}
version = 100  # of the newest change
oldest = 100  # watches from before are gone
objects = {}  # (resource, uid): object
history = []  # (version, type, resource, object)
seen = []


def change(kind, obj):
    global version
    version += 1
    resource = RESOURCE[obj["kind"]]
    obj["metadata"]["resourceVersion"] = str(version)
    key = (resource, obj["metadata"]["uid"])
    if kind == "DELETED":
        objects.pop(key, None)
    else:
        kind = "MODIFIED" if key in objects else "ADDED"
        objects[key] = obj
    history.append((version, kind, resource, obj))
    lock.notify_all()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def status(self, code, reason, headers=()):
        self.reply(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason,
                          "reason": reason, "code": code}, headers)

    def do_POST(self):
        global oldest
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        with lock:
            if self.path == "/control/put":
                for obj in body if isinstance(body, list) else [body]:
                    change("ADDED", obj)
            elif self.path == "/control/delete":
                change("DELETED", body)
            else:
                if body.pop("compact", False):
                    oldest = version + 1
                    del history[:]
                if body.pop("bookmark", False):
                    for resource in KINDS:
                        history.append((version, "BOOKMARK", resource, {
                            "kind": KINDS[resource], "metadata": {"resourceVersion": str(version)}}))
                state.update(body)
                lock.notify_all()
        self.reply(200, {})

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/control/seen":
            with lock:
                self.reply(200, seen)
            return
        resource = url.path.rsplit("/", 1)[1]
        watch = query.get("watch") == "true"
        with lock:
            mode, token, denied = state["mode"], state["token"], resource in state["denied"]
        why = ""
        if token and self.headers.get("Authorization") != "Bearer " + token:
            why = "401 "
        elif denied:
            why = "403 "
        elif mode == "busy":
            why = "429 "
        with lock:
            seen.append(why + ("watch %s %s" % (resource, query.get("resourceVersion")) if watch else "list " + resource))
        if mode == "hang":
            time.sleep(3600)
        if mode == "error":
            self.status(500, "InternalError")
        elif why:
            self.status(int(why), why, [("Retry-After", "1")] if mode == "busy" else ())
        elif watch:
            self.watch(resource, int(query["resourceVersion"]), int(query["timeoutSeconds"]))
        else:
            self.list(resource, int(query["limit"]), query.get("continue"), mode)

    def list(self, resource, limit, more, mode):
        with lock:
            all_of = sorted(k[1] for k in objects if k[0] == resource)
            limit = min(limit, state["page"] or limit)
            at, of = (int(n) for n in more.split(".")) if more else (0, version)
            if of < oldest - 1 and more:
                items = None
            else:
                items = [objects[(resource, uid)] for uid in all_of[at:at + limit]]
        if items is None:
            self.status(410, "Expired")
            return
        meta = {"resourceVersion": str(of)}
        if at + limit < len(all_of):
            meta["continue"] = "%d.%d" % (at + limit, of)
        body = json.dumps({"kind": KINDS[resource] + "List", "apiVersion": "v1", "metadata": meta, "items": items}).encode()
        if mode == "garbage":
            body = b"<html>not this</html>"
        if mode in ("cut", "slow"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for i in range(len(body) // 2 if mode == "cut" else len(body)):
                self.wfile.write(body[i:i + 1])
            self.close_connection = True
            return
        self.reply(200, body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, kind, obj):
        self.chunk(json.dumps({"type": kind, "object": obj}).encode() + b"\n")

    def watch(self, resource, since, seconds):
        with lock:
            gone, mode = since < oldest - 1, state["mode"]
        if gone:
            self.status(410, "Expired")
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        until = time.monotonic() + (0 if mode == "ends" else seconds)
        sent = None
        scanned = since  # all changes up to here were looked at
        try:
            while mode != "ends":
                with lock:
                    mode = state["mode"]
                    if sent is None:
                        sent = next((i for i, h in enumerate(history) if h[0] > since), len(history))
                    sent = min(sent, len(history))
                    news = [h for h in history[sent:] if h[2] == resource]
                    sent = len(history)
                    gone = scanned < oldest - 1
                    scanned = version
                for _, kind, _, obj in news:
                    self.event(kind, obj)
                    since = int(obj["metadata"]["resourceVersion"])
                if mode == "huge":
                    self.chunk(b"x" * (1 << 20))
                    continue
                if mode == "garbage":
                    self.chunk(b"not this\n")
                if mode == "cut":
                    self.close_connection = True
                    return
                if gone or mode in ("status", "expire"):
                    code = 500 if mode == "status" else 410
                    self.event("ERROR", {"kind": "Status", "code": code, "message": "too old resource version",
                                         "reason": "Expired" if code == 410 else "InternalError"})
                    break
                with lock:
                    left = until - time.monotonic()
                    if left <= 0:
                        break
                    if sent == len(history):
                        lock.wait(min(left, 0.2))
            self.chunk(b"")
        except OSError:
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
