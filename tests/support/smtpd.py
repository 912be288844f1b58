#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""smtpd.py PORT FOLDER CERTIFICATE KEY [tls]: an SMTP server for a test, with STARTTLS and AUTH, or TLS from the start.

The user is mews, the password the first line of FOLDER/password. It checks each mail as a mail program reads it,
and appends a JSON line of it to FOLDER/mails, or the reason to FOLDER/wrong. The file FOLDER/fault, while it
exists, decides the answer to DATA: a line such as "451 later"; "hang" does not answer as long
as the file exists, and then not to DATA.
"""
import asyncio, email, email.policy, json, os, re, ssl, sys
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

port, folder, certificate, key = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
implicit = sys.argv[5:] == ["tls"]


def append(name, text):
    with open(os.path.join(folder, name), "a") as f:
        f.write(text + "\n")


def authenticate(server, session, envelope, mechanism, data):
    right = open(os.path.join(folder, "password")).readline().strip()
    return AuthResult(handled=False, success=data.login == b"mews" and data.password.decode() == right)


HEADERS = {"date", "from", "to", "subject", "message-id", "auto-submitted", "mime-version", "content-type"}


def read(data, recipients):
    m = email.message_from_bytes(data, policy=email.policy.default)
    names = [k.lower() for k in m.keys()]
    assert sorted(names) == sorted(HEADERS), f"headers {names}"
    assert not m.defects, m.defects
    assert max(len(line) for line in data.split(b"\r\n")) <= 998 and b"\n" not in data.replace(b"\r\n", b""), "lines"
    assert m["date"].datetime is not None and re.fullmatch(r"<[0-9a-f-]{36}\.\d+@mews\.example>", m["message-id"]), m["message-id"]
    plain, html = m.get_body(("plain",)).get_content(), m.get_body(("html",)).get_content()
    assert [p.get_content_type() for p in m.iter_parts()] == ["text/plain", "text/html"], "parts"
    assert not re.search(r"<(script|img|b|a)\b", html), "markup of an event"
    assert re.search(r'<meta name="viewport"', html), "not for a telephone"
    count = int(re.match(r"(\d+) alerts?, ", plain)[1])
    assert sum(int(n) for n in re.findall(r"^(\d+) x ", plain, re.M)) == count, "the counts do not add up"
    return {"subject": m["subject"], "to": [a.addr_spec for a in m["to"].addresses], "recipients": recipients, "count": count,
            "id": m["message-id"], "plain": plain, "html": html}


class Handler:
    async def handle_DATA(self, server, session, envelope):
        fault = os.path.join(folder, "fault")
        if os.path.exists(fault):
            answer = open(fault).readline().strip()
            if answer == "hang":
                append("hanging", "")
                while os.path.exists(fault):
                    await asyncio.sleep(0.1)
            return answer
        try:
            append("mails", json.dumps(read(envelope.content, envelope.rcpt_tos)))
        except Exception as e:
            append("wrong", f"{e!r}: {envelope.content!r}")
        return "250 taken as 4711"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)


class Server(Controller):
    def factory(self):
        return SMTP(self.handler, hostname="localhost", tls_context=None if implicit else context, require_starttls=not implicit,
                    auth_required=True, auth_require_tls=not implicit, authenticator=authenticate)


Server(Handler(), hostname="127.0.0.1", port=port, ssl_context=context if implicit else None).start()
asyncio.new_event_loop().run_forever()
