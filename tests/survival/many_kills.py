#!/usr/bin/env python3
"""Signal and media are killed in turn, 20 times, under REGISTERs and calls: each time both serve again, nothing that
got 200 is lost, and the parent keeps neither descriptors nor dead children.

# sanitizers: none
# runs beside few
"""
import os
import signal
import threading
import time

import sip
import tap
from calls import PlainCall
from daemon import DOMAIN, Daemon

USERS = {str(n): f"word-{n}-pass" for n in range(203, 213)}


def zombies(pid):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = open(f"/proc/{entry}/stat").read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] == "Z" and int(fields[1]) == pid:
                found.append(entry)
    return found


class Registering(threading.Thread):
    """REGISTERs new contacts all the time; remembers those that were acknowledged."""

    def __init__(self, daemon, user):
        super().__init__(daemon=True)
        self.server, self.user = daemon.ports["udp"], user
        self.acknowledged, self.port, self.stops = {}, 0, False

    def run(self):
        n = 0
        while not self.stops:
            end = sip.Endpoint("udp", self.server, timeout=1.5)
            # One place: the last acknowledged state of it is known whatever is under way.
            contact = f"<sip:{self.user}@127.0.0.1:{41000 + int(self.user)};x={n}>"
            reply = end.register(self.user, USERS[self.user], DOMAIN, contact=contact, expires=900)
            if reply is not None and reply.status == 200:
                self.acknowledged[n] = contact
            n += 1
            end.close()
            time.sleep(0.01)


def serves(daemon, seconds=20):
    deadline = time.time() + seconds
    while time.time() < deadline:
        e = sip.Endpoint("udp", daemon.ports["udp"], timeout=0.7)
        reply = e.register("212", USERS["212"], DOMAIN, timeout=0.7)
        e.close()
        if reply is not None and reply.status == 200 and len(daemon.children()) == 2:
            return True
    return False


with Daemon(users=USERS, srtp=dict.fromkeys(USERS, "off"), workers=2, threads=2,
            more="registrar {\n    bindings-max 100\n}\n") as daemon:
    call = PlainCall(daemon, "udp", passwords=USERS)
    call.establish()
    threads = [Registering(daemon, str(n)) for n in range(205, 210)]
    for t in threads:
        t.start()
    time.sleep(1)
    before = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
    served = 0
    for n in range(20):
        child = daemon.children().get("signal" if n % 2 == 0 else "media")
        if child is not None:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.15)
        served += serves(daemon)
    tap.equal(served, 20, "after each of 20 kills both serve again")
    for t in threads:
        t.stops = True
    for t in threads:
        t.join(5)
    time.sleep(1)
    after = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
    tap.ok(after <= before, "the parent holds no more descriptors than before", f"{before} -> {after}")
    tap.equal(zombies(daemon.process.pid), [], "and no dead child")
    have = {(r["user"], r["contact"]) for r in daemon.cli("registrations", json_out=True)}
    total = sum(len(t.acknowledged) for t in threads)
    # A contact's parameter x does not name another place (RFC 3261 19.1.4), so the last one that got 200 counts,
    # or one sent after it whose answer was lost.
    lost = []
    for t in threads:
        now = [c for u, c in have if u == t.user]
        if t.acknowledged and not any(int(c.rsplit("x=", 1)[1].rstrip(">")) >= max(t.acknowledged) for c in now if "x=" in c):
            lost.append((t.user, max(t.acknowledged), now))
    tap.ok(total > 50 and not lost, f"none of {total} acknowledged REGISTERs is lost", lost)
    tap.equal([c["state"] for c in daemon.cli("calls", json_out=True)], ["up"], "the call is still up")
    call.media_a.received.clear()
    call.media_b.received.clear()
    time.sleep(1)
    tap.ok(len(call.media_a.received) > 40 and len(call.media_b.received) > 40, "and its audio flows both ways",
           (len(call.media_a.received), len(call.media_b.received)))
    call.a_dialog.request("BYE")
    bye = call.b.wait(lambda m: m.method == "BYE", 5)
    reply = call.a.wait(lambda m: m.status and "BYE" in m.get("cseq"), 5)
    tap.ok(bye is not None and reply is not None and reply.status == 200, "a BYE ends it for both", (bye, reply))
    if bye is not None:
        call.b.reply(bye, 200, "OK")
    call.close()
tap.done()
