#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""proxy.py PORT LOG [USER:PASSWORD] - an HTTP proxy with CONNECT, and names of its own: *.example is this machine.
One line of LOG for each request: method, target, status. With a user, others get 407."""
import base64
import http.server
import select
import socket
import sys
import urllib.parse

PORT, LOG = int(sys.argv[1]), sys.argv[2]
WANTED = "Basic " + base64.b64encode(sys.argv[3].encode()).decode() if len(sys.argv) > 3 else None


def dial(host, port):
    return socket.create_connection(("127.0.0.1" if host.endswith(".example") else host, port), timeout=20)


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def note(self, status):
        with open(LOG, "a", encoding="utf-8") as f:
            f.write(f"{self.command} {self.path} {status}\n")

    def refused(self, status):
        self.note(status)
        self.close_connection = True
        self.send_response(status)
        if status == 407:
            self.send_header("Proxy-Authenticate", 'Basic realm="lab"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def welcome(self):
        return WANTED is None or self.headers.get("Proxy-Authorization") == WANTED

    def do_CONNECT(self):
        if not self.welcome():
            return self.refused(407)
        host, port = self.path.rsplit(":", 1)
        try:
            there = dial(host, int(port))
        except OSError:
            return self.refused(502)
        self.note(200)
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        here = self.connection
        with there:
            while True:
                for s in select.select([here, there], [], [], 60)[0]:
                    data = s.recv(65536)
                    if not data:
                        return None
                    (there if s is here else here).sendall(data)

    def do_POST(self):
        if not self.welcome():
            return self.refused(407)
        u = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        head = f"{self.command} {u.path or '/'} HTTP/1.0\r\nHost: {u.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
        with dial(u.hostname, u.port or 80) as there:
            there.sendall(head.encode() + body)
            answer = b""
            while data := there.recv(65536):
                answer += data
        self.note(int(answer.split(b" ", 2)[1]))
        self.close_connection = True
        self.wfile.write(answer)
        return None

    do_GET = do_POST

    def log_message(self, format, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Proxy).serve_forever()
