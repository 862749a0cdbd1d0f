#!/usr/bin/env python3
"""Text messages through the whole daemon: to several phones, over TLS and UDP, over a connection between two systems,
limits with their codes, and a baresip that takes one.

# sanitizers: address thread
"""
import os
import threading
import time

import sip
import tap
from baresip import Baresip
from daemon import DOMAIN, Daemon, config, free_ports
from watch import ask

USERS = {"201": "tidal-copper-41", "202": "birch-lamp-73", "203": "salt-river-08"}


class Phone:
    """A registered endpoint that answers each MESSAGE with `status` and remembers it."""

    def __init__(self, daemon, transport, user, status=200, passwords=USERS):
        self.end = sip.Endpoint(transport, daemon.ports[transport])
        self.user, self.status, self.got, self.passwords = user, status, [], passwords
        reply = self.end.register(user, passwords[user], DOMAIN)
        assert reply is not None and reply.status == 200, f"{user} could not register"
        self.runs = True
        self.thread = None

    def listen(self):
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()
        return self

    def _loop(self):
        while self.runs:
            m = self.end.receive(0.2)
            if m is not None and m.method == "MESSAGE":
                if m.get("call-id") not in [g.get("call-id") for g in self.got]:
                    self.got.append(m)
                self.end.reply(m, self.status, "x", sip.token(4))

    def sends(self, to, body, headers=(), kind="text/plain"):
        return ask(self.end, self.user, "MESSAGE", to, headers, body, kind, self.passwords)[0]

    def close(self):
        self.runs = False
        if self.thread:
            self.thread.join(2)
        self.end.close()


def inside(daemon):
    a = Phone(daemon, "tls", "201")
    b, c = Phone(daemon, "tls", "202").listen(), Phone(daemon, "udp", "202").listen()
    for i in range(6):  # each has its own Call-ID: both workers have some
        reply = a.sends("202", f"Watson, come here. {i}", ["Subject: now"])
        tap.equal(reply and reply.status, 200, "a message arrives")
    for _ in range(100):  # the first phone that has it answers for both
        if len(c.got) + len(b.got) >= 12:
            break
        time.sleep(0.05)
    tap.equal((len(b.got), len(c.got)), (6, 6), "at both phones of the user, once")
    tap.ok(b.got and b.got[0].body.decode().startswith("Watson") and b.got[0].get("subject") == "now"
           and b.got[0].get("contact") == "" and "201@" in b.got[0].get("from"), "with its text, and no more of it")
    reply = a.sends("202", "the last hop", ["Max-Forwards: 1"])
    for _ in range(100):
        if len(c.got) + len(b.got) >= 14:
            break
        time.sleep(0.05)
    tap.equal((reply and reply.status, [g[-1].get("max-forwards") for g in (b.got, c.got)]), (200, ["0", "0"]),
              "the last hop is handed on as none (RFC 3261 16.6)")
    reply = a.sends("202", "x" * 8193)
    tap.equal(reply and reply.status, 513, "too long")
    tap.ok(reply is not None and "RF-531" in reply.get("warning"), "with its code")
    reply = a.sends("202", "y" * 8000)
    tap.equal(reply and reply.status, 200, "a long one goes to the phone with TLS")
    tap.equal((len(b.got), len(c.got)), (8, 7), "and not by UDP, where nothing slows it down (RFC 3428 8)")
    reply = ask(a.end, "201", "MESSAGE", "202", [], "no sign-in", passwords=USERS, sign_in=False)[0]
    tap.equal(reply and reply.status, 407, "nobody sends without signing in")
    reply = a.sends("299", "nobody")
    tap.equal(reply and reply.status, 404, "to nobody")
    reply = a.sends("203", "not there")
    tap.equal(reply and reply.status, 480, "to a user without a phone")
    tap.equal(len([e for e in daemon.events() if e.get("event") == "message.done" and e.get("status") == 200]), 8,
              "the log has a line for each, without its text")
    tap.ok("Watson" not in daemon.log_text(), "and never what it says")
    for p in (a, b, c):
        p.close()


def with_baresip(daemon):
    folder = os.path.join(daemon.folder, "baresip")
    host, port = daemon.ports["tls"]
    outbound = f"sip:{host}:{port};transport=tls"
    phone = Baresip(folder, "203", USERS["203"], DOMAIN, outbound)
    other = Phone(daemon, "tls", "201")
    try:
        tap.ok(daemon.wait_registered("203"), "baresip is registered")
        reply = other.sends("203", "hello baresip")
        tap.equal(reply and reply.status, 200, "baresip takes a message")
        tap.ok(any("hello baresip" in str(e) for e in [phone.wait_event("message", 5) or {}]) or
               "hello baresip" in phone.text(), "and shows it", phone.text()[-800:])
    finally:
        phone.close()
        other.close()


def between_systems():
    """An office and its carrier, both ringfence, by a connection of type ip over TCP."""
    ports = [free_ports(3), free_ports(3)]

    def text(own, far, user, number, far_number, messages):
        return config(listen=f"udp:127.0.0.1:{own} tcp:127.0.0.1:{own} tls:127.0.0.1:{own + 1}",
                      users={user: USERS[user]}, workers=2, more=f"""
sip-connection far {{
    type ip
    server 127.0.0.1:{far};transport=tcp
    allow 127.0.0.1
    messages {messages}
    require-tls off
    oos-check 0
    caller-id {number}
}}
number {number} {{
    connection far
    to {user}
}}
route out {{
    match {far_number}
    use far
}}
""")

    with Daemon(text=text(ports[0], ports[1], "201", "+4930100", "+4930200", "on")) as one, \
            Daemon(text=text(ports[1], ports[0], "202", "+4930200", "+4930100", "on")) as two:
        a, b = Phone(one, "tls", "201").listen(), Phone(two, "tls", "202").listen()
        sender = Phone(one, "tls", "201")
        reply = sender.sends("+4930200", "over there")
        tap.ok(reply is not None and reply.status == 200, "over a connection to another system",
               (reply.text if reply else "") + two.log_text()[-1500:])
        tap.ok(b.got and b.got[0].body == b"over there" and "+4930100@" in b.got[0].get("from"),
               "from the number that the connection shows", b.got and b.got[0].text)
        code, _, err = two.cli("config", "check", two.file)
        tap.equal(code, 0, "the file is as `config check` wants it")
        with open(two.file) as f:
            changed = f.read().replace("messages on", "messages off")
        with open(two.file, "w") as f:
            f.write(changed)
        two.cli("reload")
        reply = sender.sends("+4930200", "not wanted")
        tap.equal(reply and reply.status, 403, "refused where messages is off")
        for p in (a, b, sender):
            p.close()


def main():
    with Daemon(text=config(users=USERS, workers=2, sip="digest-algorithms MD5")) as daemon:
        inside(daemon)
        with_baresip(daemon)
    between_systems()
    tap.done()


if __name__ == "__main__":
    main()
