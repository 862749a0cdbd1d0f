#!/usr/bin/env python3
"""A certificate that lives for a minute, while 1000 phones are registered over TLS and a call with audio is up: it
renews itself, twice. Nobody is disconnected, no packet is lost, who comes anew sees the new one, who comes back resumes.
IPC-29, IPC-31."""
# sanitizers: none
# takes long
import hashlib
import os
import selectors
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import pebble
import sip
import tap
from calls import PlainCall
from daemon import DOMAIN, Daemon, config

LIFE_S = 60        # renewed when half of it is left
PHONES = 1000
NAME = "pbx.example.test"
CALLERS = {"203": "salt-river-08", "204": "moss-wheel-55"}
PING_S = 5

web, tls = pebble.free_port(), pebble.free_port()


class Phones:
    """Registered phones on connections that stay; a thread pings them (RFC 5626 3.5.1) and sees which end."""

    def __init__(self, daemon, context):
        self.phones, self.sessions, self.registered = [], [], 0
        for i in range(PHONES):
            e = sip.Endpoint("tls", daemon.ports["tls"], context=context, name=NAME, timeout=20)
            reply = e.register(f"u{i}", "a-phone-of-many", DOMAIN)
            self.registered += reply is not None and reply.status == 200
            self.phones.append(e)
            self.sessions.append(e.socket.session)
        self.gone, self.pings, self.pongs = set(), 0, [0] * PHONES
        self.running, self.wants_pings = True, True
        self.look = selectors.DefaultSelector()
        for i, e in enumerate(self.phones):
            e.socket.setblocking(False)
            self.look.register(e.socket, selectors.EVENT_READ, i)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _lost(self, i):
        self.gone.add(i)
        self.look.unregister(self.phones[i].socket)

    def _ping(self):
        self.pings += 1
        for i, e in enumerate(self.phones):
            if i not in self.gone:
                try:
                    e.socket.send(b"\r\n\r\n")
                except OSError:
                    self._lost(i)

    def _read(self, i):
        s = self.phones[i].socket
        try:
            while True:
                octets = s.recv(4096)
                if not octets:
                    self._lost(i)
                    return
                self.pongs[i] += octets.count(b"\r\n")
        except ssl.SSLWantReadError:
            pass
        except OSError:
            self._lost(i)

    def _run(self):
        due = time.monotonic()
        while self.running:
            if self.wants_pings and time.monotonic() >= due:
                self._ping()
                due = time.monotonic() + PING_S
            for key, _ in self.look.select(0.2):
                self._read(key.data)

    def unanswered(self):
        """How many did not get an answer to every ping, once the last answers had time to come."""
        self.wants_pings = False
        pebble.wait_for(lambda: all(n >= self.pings for n in self.pongs), 5)
        self.running = False
        self.thread.join(5)
        return sum(n < self.pings for n in self.pongs)

    def close(self):
        self.running = False
        self.thread.join(5)
        for e in self.phones:
            e.close()


def come_anew(context, at, session=None):
    """(certificate shown, was the session resumed); the context verifies the chain, the name and the dates."""
    with socket.create_connection(at, 10) as plain:
        with context.wrap_socket(plain, server_hostname=NAME, session=session) as s:
            return hashlib.sha256(s.getpeercert(True)).hexdigest()[:12], s.session_reused


def watch(daemon, context, until):
    """Handshakes, ten a second, until so many certificates have come: [(time, certificate or error)]."""
    seen, deadline = [], time.time() + 1.6 * LIFE_S
    while time.time() < deadline and len(pebble.renewals(daemon)) < until:
        for _ in range(10):
            try:
                seen.append((time.time(), come_anew(context, daemon.ports["tls"])[0]))
            except OSError as e:
                seen.append((time.time(), f"failed: {e}"))
            time.sleep(0.1)
    return seen


def stragglers(seen):
    """Handshakes that showed an older certificate more than a second after the first one that showed the newer."""
    order, first, late = [], {}, 0
    for at, what in seen:
        if what not in first:
            first[what] = at
            order.append(what)
        newest = order[-1]
        late += what != newest and at > first[newest] + 1
    return late


def main():
    users = {f"u{i}": "a-phone-of-many" for i in range(PHONES)} | CALLERS
    with pebble.Pebble(web, tls, life_s=LIFE_S) as ca:
        text = config(listen="tls:127.0.0.1:0", users=users, srtp={u: "optional" for u in CALLERS}, workers=2,
                      sip="certificate pub", more=pebble.settings(ca, web, tls) +
                      "security {\n    requests-per-source 20000\n    handshakes-per-source 20000\n}\n")
        with Daemon(text) as d:
            first = d.wait_event("acme.issued", 40)
            tap.ok(first is not None and pebble.wait_serial(d.ports["tls"][1], first["serial"]) is not None,
                   f"a certificate of {LIFE_S} seconds is issued and shown", d.log_text()[-2000:])
            context = ssl.create_default_context(cafile=ca.root())
            phones = Phones(d, context)
            tap.equal(phones.registered, PHONES, f"{PHONES} phones register over TLS and verify it")
            call = PlainCall(d, "tls", passwords=CALLERS)
            call.establish()
            had = len(pebble.renewals(d))  # on a machine that is busy one may have come already
            seen = watch(d, context, had + 2)
            shown = list(dict.fromkeys(what for _, what in seen))
            bad = [what for what in shown if what.startswith("failed")]
            events = pebble.renewals(d)
            tap.ok(len(events) >= had + 2 and len({e["serial"] for e in events}) == len(events),
                   f"IPC-31 it renews by itself: {len(events) - had} times under the eyes of all",
                   d.log_text()[-2000:])
            tap.ok(not bad and len(seen) > 100,
                   f"IPC-29 each of {len(seen)} handshakes meanwhile was shown one that verifies", "\n".join(bad))
            last = pebble.wait_serial(d.ports["tls"][1], events[-1]["serial"])
            tap.ok(len(shown) >= 2 and stragglers(seen) == 0 and last is not None,
                   f"new handshakes get the new one: {len(shown)} were shown, none came back", f"{shown}")
            again = [come_anew(context, d.ports["tls"], s) for s in phones.sessions[:200]]
            resumed = sum(r for _, r in again)
            tap.ok(resumed >= 198, f"sessions of before the renewals resume: {resumed} of 200")
            unanswered = phones.unanswered()
            tap.ok(not phones.gone and phones.pings >= 5 and unanswered == 0,
                   f"IPC-31 none of the {PHONES} phones was disconnected; each answered {phones.pings} pings",
                   f"{len(phones.gone)} gone, {unanswered} without an answer")
            tap.equal(len(d.cli("registrations", json_out=True)), PHONES + 2, "and all are registered")
            time.sleep(0.5)
            for m in (call.media_a, call.media_b):
                m.stop()
            for m, other in ((call.media_a, call.media_b), (call.media_b, call.media_a)):
                tap.ok(m.lost() == 0 and len(m.received) >= other.sent - 5 and other.sent > 1000,
                       f"IPC-31 audio: {len(m.received)} of {other.sent} packets, none lost in between",
                       f"{m.lost()} lost")
            call.close()
            phones.close()
            tap.ok(not d.sanitizer_reports(), "the sandbox has refused nothing")
    tap.done()


if __name__ == "__main__":
    sys.exit(main())
