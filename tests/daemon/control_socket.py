#!/usr/bin/env python3
"""The control socket against what no client of ours sends: garbage, half requests, many at once, wrong types in every field.
Nothing of it may cost the daemon its signal process, and each whole line gets one answer.

# sanitizers: address thread
"""
import json
import os
import socket

import tap
from daemon import Daemon

COMMANDS = """
    acme.list acme.account-key ban.lift ban.list call.hangup call.show calls cert.add cert.export cert.list cert.pin
    cert.refused cert.renew cert.show cert.trust cert.untrust config.export config.get config.history config.load
    config.rollback config.set config.show connection.list connection.show ladder registrations reload route.test
    status tls.devices user.add user.list user.password user.remove user.set user.show
""".split()
VALUES = [None, True, -1, 10**18, 1e300, "", "x" * 100000, "\u0000", "a\nb", "../../etc/passwd", "%n%s%n", [], [[]],
          {}, {"a": {"b": [1]}}, ["sip.ring-time", 5], "user.201.srtp"]
FIELDS = """
    anchor authority chain event fingerprint for from id interface key level name number password pem root settings
    source text user value version who
""".split()


class Client:
    def __init__(self, daemon):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(os.path.join(daemon.state, "control.sock"))
        self.rest = b""

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self):
        """One answer; None: the connection ended."""
        while b"\n" not in self.rest:
            try:
                k = self.socket.recv(65536)
            except (ConnectionError, socket.timeout):
                return None
            if not k:
                return None
            self.rest += k
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def ask(self, octets):
        self.send(octets)
        return self.line()

    def close(self):
        self.socket.close()


def lines(daemon):
    c = Client(daemon)
    for what, octets in (("no JSON", b"hello\n"), ("NUL octets", b"\0" * 64 + b"\n"), ("an empty line", b"\n"),
                         ("no object", b"[1,2]\n"), ("no command", b'{"user":"201"}\n'),
                         ("a command of another type", b'{"command":["status"]}\n'),
                         ("a name twice", b'{"command":"status","command":"stop"}\n'),
                         ("2000 brackets", b"[" * 2000 + b"\n"), ("200,000 brackets", b"[" * 200000 + b"\n"),
                         ("broken UTF-8", b'{"command":"\xff\xfe"}\n')):
        got = c.ask(octets)
        tap.ok(got is not None and got["ok"] is False and got["exit"] == 2, f"{what}: refused with exit 2", got)
    got = c.ask(b'{"command":"no-such-thing"}\n')
    tap.ok(got is not None and got["ok"] is False and got["exit"] == 2, "a command that there is not: exit 2", got)
    got = c.ask(b'{"command":"status"}\n')
    tap.ok(got is not None and got["ok"] is True, "the same connection is still served", got)
    c.close()


def streams(daemon):
    c = Client(daemon)
    c.send(b'{"command":"status"}\n' * 50)
    got = [c.line() for _ in range(50)]
    tap.ok(all(g is not None and g["ok"] for g in got), "50 requests in one write: 50 answers, in order",
           sum(g is not None for g in got))
    c.close()
    c = Client(daemon)
    c.send(b'{"command":"user.list"}\n{"command":"nothing"}\n{"command":"status"}\n')
    c.socket.shutdown(socket.SHUT_WR)
    got = [c.line() for _ in range(4)]
    tap.ok([g and g["ok"] for g in got] == [True, False, True, None],
           "who ends his side after asking is still answered, then the connection ends", [g and g["ok"] for g in got])
    c.close()
    c = Client(daemon)
    for octet in b'{"command":"status"}\n':
        c.send(bytes([octet]))
    got = c.line()
    tap.ok(got is not None and got["ok"], "a request octet by octet is answered", got)
    c.close()
    c = Client(daemon)
    try:
        for _ in range(100):
            c.send(b" " * 65536)
        ended = c.line() is None
    except OSError:
        ended = True
    tap.ok(ended, "a line without an end: the connection is ended at 5 MB")
    c.close()
    c = Client(daemon)
    c.send(b'{"command":"status"')
    many = [Client(daemon) for _ in range(30)]
    for m in many:
        m.send(b'{"command":"status"}\n{"comm')
    tap.ok(all(m.line()["ok"] for m in many), "31 connections with half a request each: the whole ones are answered")
    for m in [c, *many]:
        m.close()


def wrong_types(daemon):
    """Every command with every odd value in every field that commands have: an answer, and the daemon lives on."""
    c = Client(daemon)
    asked = answered = 0
    for command in COMMANDS:
        for value in VALUES:
            request = {field: value for field in FIELDS}
            request["command"] = command
            asked += 1
            got = c.ask(json.dumps(request).encode() + b"\n")
            if got is None:
                tap.note(f"no answer to {command} with {str(value)[:40]!r}")
                c = Client(daemon)
            else:
                answered += 1
    c.close()
    tap.equal(answered, asked, "each command with fields of wrong types gets an answer")


with Daemon(workers=2) as daemon:
    signal = daemon.children()["signal"]
    lines(daemon)
    streams(daemon)
    wrong_types(daemon)
    tap.equal(daemon.children()["signal"], signal, "signal was not started anew")
    code, out, err = daemon.cli("status")
    tap.equal(code, 0, "and serves as before")
    tap.ok(daemon.stop(), "the daemon stops by itself", daemon.log_text()[-2000:])
tap.done()
