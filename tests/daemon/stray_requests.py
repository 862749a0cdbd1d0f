#!/usr/bin/env python3
"""Requests that name a dialog or a transaction which does not exist count against their source's share: beyond it 503, and
a ban of a proven source. Those of a call that is up do not count, also after kill -9 of signal.

# sanitizers: address
"""
import os
import signal
import socket
import time

import sip
import tap
from daemon import DOMAIN, Daemon
from phones import AutoPhone

USERS = {"203": "salt-river-08", "204": "moss-wheel-55"}
LIMITS = """security {
    exempt-loopback off
    requests-per-source 20
    handshakes-per-source 20
    ban-time 3s
}
"""
MANY = 400  # a share is 20 a second after 100 at once


def stray(end, method, n, to_tag=";tag=x"):
    return end.request(method, f"sip:rf@{DOMAIN}", [f"From: <sip:x@{DOMAIN}>;tag=1", f"To: <sip:203@{DOMAIN}>{to_tag}",
                                                   f"Call-ID: {sip.token()}", f"CSeq: {n} {method}"])


def banned(daemon):
    return daemon.cli("status", json_out=True)[0]["shares"]["guard"]["banned"]


def answers_in_call(phone, count):
    """INFO in its call, one after the other: what the answers say."""
    dialog, said = next(iter(phone.dialogs.values())), []
    for _ in range(count):
        seen = len(phone.messages)
        with phone.lock:
            dialog.request("INFO", extra=["Info-Package: x"])
        reply = phone.wait(lambda m: m.status and "INFO" in m.get("cseq"), since=seen)
        said.append(reply and reply.status)
    return said


def restart(daemon, phones):
    before = daemon.children()
    os.kill(before["signal"], signal.SIGKILL)
    deadline = time.time() + 15
    while time.time() < deadline and daemon.children().get("signal") in (None, before["signal"]):
        time.sleep(0.05)
    time.sleep(1)
    new = []
    for old in phones:
        old.close()
        phone = AutoPhone(daemon, old.user, old.password, DOMAIN, old.ssrc)
        phone.dialogs = old.dialogs
        for dialog in phone.dialogs.values():
            dialog.endpoint = phone.end
        new.append(phone)
    return new


with Daemon(users=USERS, srtp={"203": "off", "204": "off"}, more=LIMITS, workers=2) as daemon:
    a, b = (AutoPhone(daemon, user, USERS[user], DOMAIN, 0x200 + n) for n, user in enumerate(USERS))
    a.call("204")
    said = answers_in_call(a, 300)
    tap.ok(said.count(200) == 300, "300 requests of a call that is up: none counts", sorted(set(map(str, said))))

    for n, (method, to_tag) in enumerate((("BYE", ";tag=x"), ("SUBSCRIBE", ";tag=x"), ("INVITE", ";tag=x"), ("CANCEL", ""))):
        flood = sip.Endpoint("udp", daemon.ports["udp"], (f"127.0.3.{n + 1}", 0))
        flood.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        for k in range(MANY):
            flood.send(stray(flood, method, k + 1, to_tag))
        answers = []
        while (m := flood.receive(0.5)) is not None:
            answers.append(m)
        busy = [m for m in answers if m.status == 503 and m.get("retry-after").isdigit()]
        tap.ok(len(busy) > 100 and any(m.status == 481 for m in answers),
               f"{method} of nothing of ours: 481, and 503 with Retry-After beyond the share", f"{len(busy)} of {len(answers)}")
        flood.close()
    tap.equal(banned(daemon), 0, "datagrams ban nobody")

    end, closed = sip.Endpoint("tcp", daemon.ports["tcp"], ("127.0.3.9", 0)), False
    try:
        for n in range(3000):
            end.send(stray(end, "BYE", n + 1))
    except OSError:
        closed = True
    while not closed and (octets := end.receive_octets(2)) is not None:
        closed = octets == b""
    event = daemon.wait_event("refused", 5, code="RF-511")
    tap.ok(closed and event is not None and event.get("addr") == "127.0.3.9", "who goes on by TCP is banned: RF-511", event)

    said = answers_in_call(a, 50)
    a, b = restart(daemon, (a, b))
    said += answers_in_call(a, 300) + answers_in_call(b, 50)
    tap.ok(said.count(200) == 400, "the call's requests never count, also after kill -9 of signal", sorted(set(map(str, said))))
    a.close()
    b.close()
tap.done()
